//! Values on demand: each node is evaluated at most once, from what is known already.

use hashbrown::HashMap;

use super::leaf::Slot;
use super::{Demand, Need, Recording};
use crate::array::{Array, DType, Layout, product};
use crate::error::{Error, Result, caught};
use crate::interrupt::{pause, piece};
use crate::ir::{NodeId, Op};
use crate::memory::check_memory;
use crate::ops::{self, Call, Fun, elementwise::Class};

/// An evaluation of so many bytes is long enough to look for interrupts after it.
const LONG: usize = 1 << 16;

/// What is known of the values of nodes.
#[derive(Default)]
pub(super) struct Values {
    state: Vec<State>,
    /// 0-d values, as bits of their dtype.
    cells: Vec<u64>,
    arrays: HashMap<NodeId, Array>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Unknown,
    Queued,
    Known,
}

/// A 0-d value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    Bool(bool),
    Int(i64),
    Float(f64),
}

fn array_of(dtype: DType, bits: u64) -> Array {
    match dtype {
        DType::Bool => Array::scalar(bits != 0),
        DType::I64 => Array::scalar(bits.cast_signed()),
        DType::F32 => Array::scalar(f32::from_bits(bits as u32)),
        _ => Array::scalar(f64::from_bits(bits)),
    }
}

fn bits_of(array: &Array) -> u64 {
    match array.dtype() {
        DType::Bool => u64::from(array.to_vec::<bool>()[0]),
        DType::I64 => array.to_vec::<i64>()[0].cast_unsigned(),
        DType::F32 => u64::from(array.to_vec::<f32>()[0].to_bits()),
        _ => array.to_vec::<f64>()[0].to_bits(),
    }
}

fn float_bits(dtype: DType, value: f64) -> u64 {
    if dtype == DType::F32 {
        u64::from((value as f32).to_bits())
    } else {
        value.to_bits()
    }
}

impl Recording {
    /// The value of a node for the data at hand. Asking is linear in what was recorded since.
    ///
    /// ```
    /// use jacrs::array::Array;
    /// use jacrs::ops::Fun;
    /// use jacrs::trace::{Recording, Weak};
    /// let mut r = Recording::new();
    /// let x = r.argument(Array::from_slice(&[2], &[3.0, 4.0]), true);
    /// let x = r.node(x);
    /// let y = r.map(Fun::Mul, &[(x, Weak::None), (x, Weak::None)]).unwrap();
    /// assert_eq!(r.value(y).unwrap().to_vec::<f64>(), [9.0, 16.0]);
    /// ```
    ///
    /// # Errors
    /// Where an operation has no value for its operands, or the lanes of a `vmap` do not agree.
    pub fn value(&mut self, node: NodeId) -> Result<Array> {
        self.value_for(node, Need::Value)
    }

    /// The value of a 0-d node, without making an array of it.
    pub fn scalar(&mut self, node: NodeId) -> Result<Scalar> {
        if !self.graph.shape(node).is_empty() {
            return Err(Error::internal("a scalar is 0-d"));
        }
        let bits = if self.is_lane(node) {
            bits_of(&self.value(node)?)
        } else {
            self.compute(node)?;
            self.demand(Demand::Value(node));
            self.values.cells[node.index()]
        };
        Ok(match self.graph.dtype(node) {
            DType::Bool => Scalar::Bool(bits != 0),
            DType::I64 => Scalar::Int(bits.cast_signed()),
            DType::F32 => Scalar::Float(f64::from(f32::from_bits(bits as u32))),
            _ => Scalar::Float(f64::from_bits(bits)),
        })
    }

    /// Evaluates what the node needs and is not known, operands before their users.
    pub(super) fn compute(&mut self, node: NodeId) -> Result<()> {
        if self.values.state.len() <= node.index() {
            self.values.state.resize(self.graph.len(), State::Unknown);
            self.values.cells.resize(self.graph.len(), 0);
        }
        if self.values.state[node.index()] == State::Known {
            return Ok(());
        }
        let mut needed = vec![node];
        self.values.state[node.index()] = State::Queued;
        let mut next = 0;
        while next < needed.len() {
            piece();
            for &x in self.graph.operands(needed[next]) {
                let state = &mut self.values.state[x.index()];
                if *state == State::Unknown {
                    *state = State::Queued;
                    needed.push(x);
                }
            }
            next += 1;
        }
        // Ids grow along dependencies.
        needed.sort_unstable();
        for (k, &x) in needed.iter().enumerate() {
            if let Err(e) = caught(|| self.evaluate(x)) {
                for &x in &needed[k..] {
                    self.values.state[x.index()] = State::Unknown;
                }
                return Err(e.at(self.graph.node(x).location));
            }
            self.values.state[x.index()] = State::Known;
        }
        Ok(())
    }

    /// The value of a node that was evaluated.
    pub(super) fn known(&self, node: NodeId) -> Array {
        if self.graph.shape(node).is_empty() {
            return array_of(self.graph.dtype(node), self.values.cells[node.index()]);
        }
        if let Op::Input(k) = self.graph.op(node) {
            match &self.slots[k as usize] {
                Slot::Argument(array) | Slot::Captured(array) => return (**array).clone(),
                Slot::Literal(..) => {}
            }
        }
        self.values.arrays[&node].clone()
    }

    /// One node whose operands are known.
    fn evaluate(&mut self, node: NodeId) -> Result<()> {
        piece();
        if let Some(bits) = self.evaluate_cell(node) {
            self.values.cells[node.index()] = bits;
            return Ok(());
        }
        if matches!(self.graph.op(node), Op::Input(_)) {
            return Ok(());
        }
        let operands: Vec<Array> = self
            .graph
            .operands(node)
            .iter()
            .map(|&x| self.known(x))
            .collect();
        let call = Call::of(&self.graph, node, true);
        let bytes = product(&call.shape) * call.dtype.size();
        check_memory(bytes, || {
            let shape = crate::error::text::tuple(&call.shape);
            format!("an array of shape {shape} that a branch or an index depends on")
        })?;
        let result = ops::evaluate(&call, &operands)?;
        if bytes >= LONG {
            pause();
        }
        if call.shape.is_empty() {
            self.values.cells[node.index()] = bits_of(&result);
        } else {
            self.values.arrays.insert(node, result);
        }
        Ok(())
    }

    /// The common 0-d operations, without an array.
    fn evaluate_cell(&self, node: NodeId) -> Option<u64> {
        let g = &self.graph;
        if !g.shape(node).is_empty() {
            return None;
        }
        let operands = g.operands(node);
        let cell = |k: usize| operands.get(k).map_or(0, |x| self.values.cells[x.index()]);
        match g.op(node) {
            Op::Input(k) => Some(match &self.slots[k as usize] {
                Slot::Literal(value, dtype) => float_bits(*dtype, *value),
                Slot::Argument(array) | Slot::Captured(array) => bits_of(array),
            }),
            Op::Const(_) => {
                let bits = ops::list_of(g, g.op(node))[0].cast_unsigned();
                Some(if g.dtype(node) == DType::F32 {
                    float_bits(DType::F32, f64::from_bits(bits))
                } else {
                    bits
                })
            }
            Op::Map(fun) if self.is_float_cell(fun, operands) => {
                Some(ops::scalar(fun, cell(0), cell(1), cell(2)))
            }
            Op::Opaque(_) | Op::StopGradient => Some(cell(0)),
            Op::Item(_) => Some(self.item_cell(node)),
            _ => None,
        }
    }

    /// Whether [`ops::scalar`] holds for these 0-d operands.
    fn is_float_cell(&self, fun: Fun, operands: &[NodeId]) -> bool {
        let all = |dtype: DType| operands.iter().all(|&x| self.graph.dtype(x) == dtype);
        match fun.class() {
            Class::Float | Class::Arith | Class::Compare | Class::Test => all(DType::F64),
            Class::Logic => all(DType::Bool),
            Class::Select => true,
            Class::Bits | Class::Cast => false,
        }
    }

    /// One element of an array whose value is known.
    fn item_cell(&self, node: NodeId) -> u64 {
        let g = &self.graph;
        let array = self.known(g.operand(node, 0));
        let mut place = ops::list_of(g, g.op(node))[0] as usize;
        let mut offset = 0;
        for (&n, &stride) in array.shape().iter().zip(array.view().strides()).rev() {
            offset += (place % n) as isize * stride;
            place /= n;
        }
        bits_of(&array.relaid(offset, Layout::contiguous(&[])))
    }
}
