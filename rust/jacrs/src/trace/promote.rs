//! Elementwise operations as NumPy applies them: broadcasting, promotion (NEP 50), and the dtypes
//! for which a function means something else.

use smallvec::SmallVec;

use super::leaf::common_shape;
use super::{Demand, Recording};
use crate::array::DType;
use crate::error::{Error, Result, text};
use crate::ir::NodeId;
use crate::ops::build::{self, constant_value};
use crate::ops::{Fun, elementwise::Class};

/// Whether an operand is a Python number, which takes the dtype of the arrays it meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weak {
    /// An array, a NumPy scalar, or a tracer of one.
    None,
    Bool,
    Int,
    Float,
}

impl Weak {
    /// The weakest dtype that holds this number beside `strong`.
    fn meet(self, strong: DType, own: DType) -> DType {
        match self {
            Weak::None | Weak::Bool => strong.promote(own),
            Weak::Int => {
                if strong == DType::Bool {
                    DType::I64
                } else {
                    strong
                }
            }
            Weak::Float => strong.to_float(),
        }
    }
}

impl Recording {
    /// The dtype in which operands meet: `np.result_type`.
    pub fn result_type(&self, operands: &[(NodeId, Weak)]) -> DType {
        let strong = |weak: Weak| matches!(weak, Weak::None | Weak::Bool);
        let mut dtype: Option<DType> = None;
        for &(x, weak) in operands.iter().filter(|o| strong(o.1)) {
            let own = self.graph.dtype(x);
            dtype = Some(dtype.map_or(own, |d| weak.meet(d, own)));
        }
        for &(x, weak) in operands.iter().filter(|o| !strong(o.1)) {
            let own = self.graph.dtype(x);
            dtype = Some(match dtype {
                None => own,
                Some(d) if operands.iter().any(|o| strong(o.1)) => weak.meet(d, own),
                Some(d) => d.promote(own),
            });
        }
        dtype.unwrap_or(DType::F64)
    }

    /// Operands repeated to their common shape.
    pub fn broadcast_together(&mut self, operands: &[NodeId]) -> Result<SmallVec<[NodeId; 3]>> {
        let first = self.graph.node(operands[0]).shape;
        if operands.iter().all(|&x| self.graph.node(x).shape == first) {
            return Ok(operands.into());
        }
        let shapes = || operands.iter().map(|&x| self.graph.shape(x));
        let Some(shape) = common_shape(shapes()) else {
            return Err(text::no_broadcast(shapes()));
        };
        Ok(operands
            .iter()
            .map(|&x| build::broadcast(&mut self.graph, x, &shape))
            .collect())
    }

    /// An elementwise function of operands as NumPy takes them.
    ///
    /// ```
    /// use jacrs::array::{Array, DType};
    /// use jacrs::ops::Fun;
    /// use jacrs::trace::{Recording, Weak};
    /// let mut r = Recording::new();
    /// let x = r.argument(Array::from_slice(&[2, 1], &[1.0f32, 2.0]), true);
    /// let x = r.node(x);
    /// let half = r.literal_f64(0.5, DType::F64, (0, 0));
    /// let y = r.map(Fun::Mul, &[(x, Weak::None), (half, Weak::Float)]).unwrap();
    /// assert_eq!(r.graph.dtype(y), DType::F32);
    /// let error = r.map(Fun::Power, &[(x, Weak::None)]).unwrap_err();
    /// assert_eq!(error.message, "power takes 2 operands, not 1");
    /// ```
    pub fn map(&mut self, fun: Fun, operands: &[(NodeId, Weak)]) -> Result<NodeId> {
        if operands.len() != fun.arity() {
            let (name, n) = (fun.name(), fun.arity());
            return Err(text::wrong_operand_count(name, n, operands.len()));
        }
        if fun.class() == Class::Select {
            return self.select(operands[0].0, operands[1], operands[2]);
        }
        if fun.class() == Class::Cast {
            return Err(Error::internal("a cast has a target: use Recording::cast"));
        }
        if let Some(nodes) = self.plain_floats(fun, operands) {
            return Ok(build::map(&mut self.graph, fun, &nodes));
        }
        let common = self.result_type(operands);
        let (fun, dtype) = match lower(fun, common)? {
            Lowered::Same => return Ok(operands[0].0),
            Lowered::Reciprocal => return Ok(self.integer_reciprocal(operands[0].0)),
            Lowered::Apply(fun, dtype) => (fun, dtype),
        };
        let nodes: SmallVec<[NodeId; 3]> = operands.iter().map(|o| self.cast(o.0, dtype)).collect();
        if fun == Fun::Power && dtype == DType::I64 {
            self.check_exponent(nodes[1])?;
        }
        let nodes = self.broadcast_together(&nodes)?;
        Ok(build::map(&mut self.graph, fun, &nodes))
    }

    /// The operands as they are, where that is what they become: float64 of one shape.
    fn plain_floats(&self, fun: Fun, operands: &[(NodeId, Weak)]) -> Option<SmallVec<[NodeId; 3]>> {
        let keeps = matches!(
            fun.class(),
            Class::Float | Class::Arith | Class::Compare | Class::Test
        );
        let shape = self.graph.node(operands[0].0).shape;
        let plain = |x: NodeId| {
            let node = self.graph.node(x);
            node.dtype == DType::F64 && node.shape == shape
        };
        let all = keeps && operands.iter().all(|o| plain(o.0));
        all.then(|| operands.iter().map(|o| o.0).collect())
    }

    fn check_exponent(&mut self, exponent: NodeId) -> Result<()> {
        let constant = constant_value(&self.graph, exponent);
        let negative = match constant {
            Some(value) => value < 0.0,
            None => (self.lane_values(exponent)?.to_vec::<i64>().iter()).any(|&i| i < 0),
        };
        if constant.is_none() {
            let whole = self.in_all_lanes(exponent)?;
            self.demand(Demand::NotNegative(whole));
        }
        if negative {
            Err(text::negative_power())
        } else {
            Ok(())
        }
    }

    /// `np.reciprocal` of integers: 1/x rounded towards zero.
    fn integer_reciprocal(&mut self, x: NodeId) -> NodeId {
        let g = &mut self.graph;
        let one = build::constant_like(g, x, 1.0);
        let size = build::map(g, Fun::Abs, &[x]);
        let unit = build::map(g, Fun::Equal, &[size, one]);
        let none = build::zeros_like(g, x);
        let zero = build::map(g, Fun::Equal, &[x, none]);
        // What the processors that NumPy runs on give for 1/0.
        let least = {
            let shape = g.dims(x);
            build::constant_from_bits(g, DType::I64, &shape, i64::MIN)
        };
        let rest = build::select(g, zero, least, none);
        build::select(g, unit, x, rest)
    }

    /// `np.where(condition, x, z)`.
    pub fn select(
        &mut self,
        condition: NodeId,
        x: (NodeId, Weak),
        z: (NodeId, Weak),
    ) -> Result<NodeId> {
        let dtype = self.result_type(&[x, z]);
        let condition = self.cast(condition, DType::Bool);
        let (x, z) = (self.cast(x.0, dtype), self.cast(z.0, dtype));
        let nodes = self.broadcast_together(&[condition, x, z])?;
        Ok(build::map(&mut self.graph, Fun::Where, &nodes))
    }

    /// `x ** exponent` with a number of the source (`integer`: of type `int`): NumPy's short cuts
    /// for 2, 1, 0, -1 and 0.5, else a power with a constant exponent.
    pub fn pow_const(&mut self, x: NodeId, exponent: f64, integer: bool) -> Result<NodeId> {
        let weak = if integer { Weak::Int } else { Weak::Float };
        let own = if integer { DType::I64 } else { DType::F64 };
        let mut dtype = weak.meet(self.graph.dtype(x), own);
        if dtype == DType::Bool {
            dtype = DType::I64;
        }
        if !dtype.is_float() && exponent < 0.0 {
            return Err(text::negative_power());
        }
        let x = self.cast(x, dtype);
        let g = &mut self.graph;
        if exponent == 2.0 {
            return Ok(build::map(g, Fun::Square, &[x]));
        } else if exponent == 1.0 {
            return Ok(x);
        } else if exponent == 0.0 {
            return Ok(build::constant_like(g, x, 1.0));
        } else if exponent == -1.0 {
            return Ok(build::map(g, Fun::Reciprocal, &[x]));
        } else if exponent == 0.5 {
            return Ok(build::map(g, Fun::Sqrt, &[x]));
        }
        let exponent = build::constant_like(g, x, exponent);
        Ok(build::map(g, Fun::Power, &[x, exponent]))
    }
}

/// What a function of operands of one dtype means.
enum Lowered {
    /// The function, after the operands were cast.
    Apply(Fun, DType),
    /// The operand itself.
    Same,
    Reciprocal,
}

fn lower(fun: Fun, common: DType) -> Result<Lowered> {
    use Lowered::{Apply, Reciprocal, Same};
    if matches!(common, DType::C64 | DType::C128) {
        return Err(text::complex_operand(fun.name(), common));
    }
    let whole = !common.is_float();
    Ok(match fun {
        Fun::Floor | Fun::Ceil | Fun::Trunc if whole => Same,
        Fun::Reciprocal if common == DType::I64 => Reciprocal,
        _ => match fun.class() {
            Class::Float | Class::Test => Apply(fun, common.to_float()),
            Class::Arith if common == DType::Bool => return lower_bool(fun),
            Class::Arith | Class::Compare => Apply(fun, common),
            Class::Logic => Apply(fun, DType::Bool),
            Class::Bits if whole => Apply(fun, common),
            Class::Bits => {
                return Err(text::no_loop(fun.name()));
            }
            Class::Select | Class::Cast => Apply(fun, common),
        },
    })
}

/// Arithmetic of truth values.
fn lower_bool(fun: Fun) -> Result<Lowered> {
    use Lowered::{Apply, Same};
    Ok(match fun {
        Fun::Add | Fun::Maximum | Fun::Fmax => Apply(Fun::Or, DType::Bool),
        Fun::Mul | Fun::Mul0 | Fun::Minimum | Fun::Fmin => Apply(Fun::And, DType::Bool),
        Fun::Abs => Same,
        Fun::Sub => return Err(text::bool_subtract()),
        Fun::Neg => return Err(text::bool_negative()),
        Fun::Sign => {
            return Err(text::bool_sign());
        }
        _ => Apply(fun, DType::I64),
    })
}
