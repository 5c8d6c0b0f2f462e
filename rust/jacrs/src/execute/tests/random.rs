//! Random graphs over every family of operations.

use crate::array::{Array, DType, Dims, Element, product};
use crate::ir::{Cumulation, Factorisation, Graph, Guard, NodeId, Op, Part, Pick, Reduction, Type};
use crate::ops::elementwise::{Class, ROWS};
use crate::ops::{Fun, build, factor};

const SHAPES: &[&[usize]] = &[
    &[],
    &[],
    &[],
    &[1],
    &[3],
    &[4],
    &[2, 3],
    &[3, 2],
    &[6],
    &[0],
    &[2, 1],
    &[1300],
    &[26, 50],
];
const DTYPES: [DType; 6] = [
    DType::F64,
    DType::F64,
    DType::F64,
    DType::F32,
    DType::I64,
    DType::Bool,
];

/// Numbers that decide everything.
struct Dice<'a> {
    numbers: std::slice::Iter<'a, u16>,
}

impl Dice<'_> {
    fn below(&mut self, n: usize) -> usize {
        self.numbers.next().map_or(0, |&k| k as usize) % n.max(1)
    }
    fn done(&self) -> bool {
        self.numbers.len() == 0
    }
}

struct Maker<'a> {
    g: Graph,
    dice: Dice<'a>,
    made: Vec<NodeId>,
}

/// A graph decided by these numbers.
pub fn random_graph(choices: &[u16]) -> Graph {
    let mut maker = Maker {
        g: Graph::new(),
        dice: Dice {
            numbers: choices.iter(),
        },
        made: vec![],
    };
    for _ in 0..4 {
        let node = maker.input();
        maker.made.push(node);
    }
    while !maker.dice.done() {
        if let Some(node) = maker.node() {
            maker.made.push(node);
        }
    }
    // The last nodes, and some others: made from the numbers so far, so that shrinking is stable.
    let n = maker.made.len();
    let picks = choices.iter().take(4).map(|&k| maker.made[k as usize % n]);
    let outputs: Vec<NodeId> = maker
        .made
        .iter()
        .rev()
        .take(3)
        .copied()
        .chain(picks)
        .collect();
    maker.g.outputs = outputs;
    crate::ops::verify(&maker.g).unwrap();
    maker.g
}

impl Maker<'_> {
    fn input(&mut self) -> NodeId {
        let dtype = DTYPES[self.dice.below(DTYPES.len())];
        let shape = SHAPES[self.dice.below(SHAPES.len())];
        self.g.input(dtype, shape, false)
    }

    fn any(&mut self) -> NodeId {
        // Recent nodes more often than old ones.
        let n = self.made.len();
        let k = self.dice.below(2 * n);
        self.made[if k < n { k } else { n - 1 - (k - n) % 5.min(n) }]
    }

    /// A node of this type: an existing one, or the given one.
    fn like(&mut self, dtype: DType, shape: &[usize], other: NodeId) -> NodeId {
        let fits: Vec<NodeId> = self
            .made
            .iter()
            .copied()
            .filter(|&x| self.g.dtype(x) == dtype && self.g.shape(x) == shape)
            .collect();
        if fits.is_empty() {
            other
        } else {
            fits[self.dice.below(fits.len())]
        }
    }

    fn emit(&mut self, op: Op, operands: &[NodeId]) -> Option<NodeId> {
        build::emit(&mut self.g, op, operands).ok()
    }

    fn typed(
        &mut self,
        op: Op,
        dtype: DType,
        shape: &[usize],
        operands: &[NodeId],
    ) -> Option<NodeId> {
        build::emit_typed(&mut self.g, op, &Type::new(dtype, shape), operands).ok()
    }

    fn node(&mut self) -> Option<NodeId> {
        match self.dice.below(30) {
            0..9 => self.map(),
            9 => self.reshape(),
            10 => Some(self.transpose()),
            11 => self.broadcast(),
            12 => self.slice(),
            13 => self.item(),
            14 | 15 => self.update(),
            16 => self.pack(),
            17 => self.concat(),
            18 => self.rows(),
            19 => self.reduce(),
            20 => self.cumulate(),
            21 => self.matmul(),
            22 => self.order(),
            26 => self.factored(),
            23 => {
                let x = self.any();
                if self.dice.below(2) == 0 {
                    Some(self.g.opaque(x))
                } else {
                    self.emit(Op::StopGradient, &[x])
                }
            }
            24 => {
                let dtype = DTYPES[self.dice.below(DTYPES.len())];
                let shape = SHAPES[self.dice.below(SHAPES.len())];
                let value = [0.0, 1.0, -2.5, 3.0][self.dice.below(4)];
                Some(build::constant(&mut self.g, dtype, shape, value))
            }
            25 => Some(self.input()),
            _ => self.turn(),
        }
    }

    /// The cosine of a number whose sine is there or the sine to a cosine, else a sine.
    fn turn(&mut self) -> Option<NodeId> {
        let turned = |&x: &NodeId| match self.g.op(x) {
            Op::Map(Fun::Sin) => Some((Fun::Cos, self.g.operand(x, 0))),
            Op::Map(Fun::Cos) => Some((Fun::Sin, self.g.operand(x, 0))),
            _ => None,
        };
        let others: Vec<(Fun, NodeId)> = self.made.iter().filter_map(turned).collect();
        let k = self.dice.below(others.len() + 1);
        let (fun, x) = match others.get(k) {
            Some(&other) => other,
            None => (Fun::Sin, self.any()),
        };
        self.emit(Op::Map(fun), &[x])
    }

    fn map(&mut self) -> Option<NodeId> {
        let x = self.any();
        let (dtype, shape) = (self.g.dtype(x), self.g.dims(x));
        let rows: Vec<Fun> = ROWS
            .iter()
            .filter(|r| r.fun.result_dtype(&vec![dtype; r.arity], dtype).is_ok())
            .map(|r| r.fun)
            .collect();
        let fun = match self.dice.below(10) {
            0 => Fun::Cast,
            1 => Fun::Where,
            2 => Fun::Mul0,
            3..6 => [Fun::Add, Fun::Mul, Fun::Sub][self.dice.below(3)],
            _ => rows[self.dice.below(rows.len())],
        };
        match fun.class() {
            Class::Cast => {
                let target = DTYPES[self.dice.below(DTYPES.len())];
                self.typed(Op::Map(fun), target, &shape, &[x])
            }
            Class::Select => {
                let z = self.like(dtype, &shape, x);
                let fallback = self.emit(Op::Map(Fun::Less), &[x, z])?;
                let c = self.like(DType::Bool, &shape, fallback);
                self.emit(Op::Map(fun), &[c, x, z])
            }
            _ => {
                let mut operands = vec![x];
                for _ in 1..fun.arity() {
                    operands.push(self.like(dtype, &shape, x));
                }
                self.emit(Op::Map(fun), &operands)
            }
        }
    }

    fn reshape(&mut self) -> Option<NodeId> {
        let x = self.any();
        let n = self.g.size(x);
        let mut shapes: Vec<Dims> = vec![
            [n].as_slice().into(),
            [1, n].as_slice().into(),
            [n, 1].as_slice().into(),
        ];
        if n == 1 {
            shapes.push(Dims::new());
        }
        for k in 2..8.min(n) {
            if n.is_multiple_of(k) {
                shapes.push([k, n / k].as_slice().into());
            }
        }
        let shape = shapes[self.dice.below(shapes.len())].clone();
        self.typed(Op::Reshape, self.g.dtype(x), &shape, &[x])
    }

    fn transpose(&mut self) -> NodeId {
        let x = self.any();
        let n = self.g.shape(x).len();
        let mut perm: Dims = (0..n).collect();
        perm.rotate_left(self.dice.below(n.max(1)));
        build::transpose(&mut self.g, x, &perm)
    }

    fn broadcast(&mut self) -> Option<NodeId> {
        let x = self.any();
        let mut shape = self.g.dims(x);
        if product(&shape) > 2000 || shape.len() > 4 {
            return None;
        }
        for n in &mut shape {
            if *n == 1 {
                *n = 3;
            }
        }
        if self.dice.below(2) == 0 {
            shape.insert(0, 1 + self.dice.below(3));
        }
        self.typed(Op::Broadcast, self.g.dtype(x), &shape, &[x])
    }

    /// A slice of a shape: the list and the shape of the part.
    fn part(&mut self, shape: &[usize]) -> (Vec<i64>, Dims) {
        let (mut list, mut part) = (vec![], Dims::new());
        for &n in shape {
            if n == 0 {
                list.extend([0, 1]);
                part.push(0);
                continue;
            }
            let start = self.dice.below(n);
            let step = [1i64, 2, -1, -2][self.dice.below(4)];
            let room = if step > 0 {
                (n - 1 - start) / step as usize
            } else {
                start / step.unsigned_abs() as usize
            } + 1;
            list.extend([start as i64, step]);
            part.push(self.dice.below(room + 1));
        }
        (list, part)
    }

    fn slice(&mut self) -> Option<NodeId> {
        let x = self.any();
        let shape = self.g.dims(x);
        let (list, part) = self.part(&shape);
        let list = self.g.intern_list(&list);
        self.typed(Op::Slice(list), self.g.dtype(x), &part, &[x])
    }

    fn item(&mut self) -> Option<NodeId> {
        let x = self.any();
        let shape = self.g.dims(x);
        let lead = if self.dice.below(3) == 0 {
            self.dice.below(shape.len() + 1)
        } else {
            shape.len()
        };
        let room = product(&shape[..lead]);
        if room == 0 {
            return None;
        }
        let place = self.dice.below(room);
        let list = self.g.intern_list(&[place as i64, lead as i64]);
        self.emit(Op::Item(list), &[x])
    }

    fn update(&mut self) -> Option<NodeId> {
        let x = self.any();
        let (dtype, shape) = (self.g.dtype(x), self.g.dims(x));
        let (list, part) = self.part(&shape);
        let interned = self.g.intern_list(&list);
        let fallback = if self.dice.below(2) == 0 {
            self.typed(Op::Slice(interned), dtype, &part, &[x])?
        } else {
            build::constant(&mut self.g, dtype, &part, 2.0)
        };
        let value = self.like(dtype, &part, fallback);
        let op = if self.dice.below(2) == 0 {
            Op::Assign(interned)
        } else {
            Op::AddAt(interned)
        };
        self.emit(op, &[x, value])
    }

    fn pack(&mut self) -> Option<NodeId> {
        let x = self.any();
        let (dtype, item) = (self.g.dtype(x), self.g.dims(x));
        if product(&item) > 2000 || item.len() > 4 {
            return None;
        }
        let n = 1 + self.dice.below(5);
        let count = 1 + self.dice.below(n);
        let mut places: Vec<i64> = (0..n as i64).collect();
        places.rotate_left(self.dice.below(n));
        places.truncate(count);
        let items: Vec<NodeId> = (0..count).map(|_| self.like(dtype, &item, x)).collect();
        let shape: Dims = std::iter::once(n).chain(item).collect();
        let list = self.g.intern_list(&places);
        self.typed(Op::Pack(list), dtype, &shape, &items)
    }

    fn concat(&mut self) -> Option<NodeId> {
        let x = self.any();
        let (dtype, shape) = (self.g.dtype(x), self.g.dims(x));
        if shape.is_empty() || product(&shape) > 2000 {
            return None;
        }
        let axis = self.dice.below(shape.len());
        let z = self.like(dtype, &shape, x);
        self.emit(Op::Concat(axis as u8), &[x, z, x])
    }

    /// Indices that fit `rows`, repeated ones among them.
    fn index(&mut self, rows: usize) -> Option<NodeId> {
        let n = 1 + self.dice.below(6);
        let places = self.typed(Op::Iota, DType::I64, &[n], &[])?;
        let shift = build::constant(&mut self.g, DType::I64, &[n], self.dice.below(9) as f64);
        let moved = self.emit(Op::Map(Fun::Add), &[places, shift])?;
        let divisor = build::constant(&mut self.g, DType::I64, &[n], rows as f64);
        self.emit(Op::Map(Fun::Remainder), &[moved, divisor])
    }

    fn rows(&mut self) -> Option<NodeId> {
        let x = self.any();
        let shape = self.g.dims(x);
        if shape.is_empty() || shape[0] == 0 || product(&shape) > 2000 {
            return None;
        }
        let index = self.index(shape[0])?;
        let rows = self.emit(Op::Gather, &[x, index])?;
        match self.dice.below(3) {
            0 => Some(rows),
            1 => self.emit(Op::ScatterAdd, &[x, index, rows]),
            _ => self.emit(Op::ScatterSet, &[x, index, rows]),
        }
    }

    fn reduce(&mut self) -> Option<NodeId> {
        let x = self.any();
        let n = self.g.shape(x).len();
        let mut axes: Vec<i64> = (0..n as i64).collect();
        if self.dice.below(2) == 0 && n > 0 {
            axes = vec![self.dice.below(n) as i64];
        }
        let kind = [
            Reduction::Sum,
            Reduction::Prod,
            Reduction::Max,
            Reduction::Min,
        ][self.dice.below(4)];
        let list = self.g.intern_list(&axes);
        self.emit(Op::Reduce(kind, list), &[x])
    }

    fn cumulate(&mut self) -> Option<NodeId> {
        let x = self.any();
        let (dtype, shape) = (self.g.dtype(x), self.g.dims(x));
        if shape.is_empty() || !dtype.is_float() {
            return None;
        }
        let axis = self.dice.below(shape.len()) as u8;
        let a = self.like(dtype, &shape, x);
        match self.dice.below(4) {
            0 => self.emit(Op::Cumulate(Cumulation::Sum, axis, Guard::Off), &[x]),
            1 => self.emit(Op::Cumulate(Cumulation::SumBack, axis, Guard::Off), &[x]),
            2 => self.emit(
                Op::Cumulate(Cumulation::Recurrence, axis, Guard::On),
                &[a, x],
            ),
            _ => self.emit(
                Op::Cumulate(Cumulation::RecurrenceBack, axis, Guard::Off),
                &[a, x],
            ),
        }
    }

    fn matmul(&mut self) -> Option<NodeId> {
        let x = self.any();
        let (dtype, shape) = (self.g.dtype(x), self.g.dims(x));
        if shape.len() != 2 || !dtype.is_float() || product(&shape) > 100 {
            return None;
        }
        let flipped: Dims = [shape[1], shape[0]].as_slice().into();
        let transposed = build::swap_last(&mut self.g, x);
        let z = self.like(dtype, &flipped, transposed);
        let guard = if self.dice.below(2) == 0 {
            Guard::On
        } else {
            Guard::Off
        };
        self.emit(Op::MatMul(guard), &[x, z])
    }

    /// A square matrix, and what its factorisations give.
    fn factored(&mut self) -> Option<NodeId> {
        let x = self.any();
        let (dtype, shape) = (self.g.dtype(x), self.g.dims(x));
        if shape.len() != 2 || !dtype.is_float() || product(&shape) > 100 {
            return None;
        }
        let turned = build::swap_last(&mut self.g, x);
        let a = self.emit(Op::MatMul(Guard::Off), &[turned, x])?;
        let (factors, part) = [
            (Factorisation::Lu, Part::Det),
            (Factorisation::Lu, Part::Sign),
            (Factorisation::Lu, Part::LogDet),
            (Factorisation::Qr, Part::R),
            (Factorisation::Eigh, Part::Values),
            (Factorisation::Eigh, Part::Ties),
        ][self.dice.below(6)];
        match self.dice.below(3) {
            0 => factor::part_of(&mut self.g, factors, part, a).ok(),
            1 => factor::inverse(&mut self.g, a, false).ok(),
            _ => self.emit(Op::Cofactors, &[a, a]),
        }
    }

    fn order(&mut self) -> Option<NodeId> {
        let x = self.any();
        let n = self.g.shape(x).len();
        if n == 0 {
            return None;
        }
        let axis = self.dice.below(n) as u8;
        match self.dice.below(3) {
            0 => self.emit(Op::Argsort(axis), &[x]),
            1 => self.emit(Op::ArgPick(Pick::Max, axis), &[x]),
            _ => self.emit(Op::ArgPick(Pick::Min, axis), &[x]),
        }
    }
}

/// Values for the inputs of a graph, special ones among them.
pub fn inputs_for(g: &Graph, choices: &[u16]) -> Vec<Array> {
    let mut seed = choices
        .iter()
        .fold(1u64, |s, &k| s.wrapping_mul(31).wrapping_add(u64::from(k)));
    let mut number = move || {
        seed = seed
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        match seed >> 59 {
            0 => 0.0,
            1 => -0.0,
            2 => f64::INFINITY,
            _ => ((seed >> 33) as f64 / f64::from(1u32 << 29)) - 2.0,
        }
    };
    let value = |&id: &NodeId| {
        let shape = g.shape(id);
        let values: Vec<f64> = (0..product(shape)).map(|_| number()).collect();
        match g.dtype(id) {
            DType::F64 => Array::from_slice(shape, &values),
            DType::F32 => converted(shape, &values, |v| v as f32),
            DType::I64 => converted(shape, &values, |v| {
                if v.is_finite() { (v * 3.0) as i64 } else { 0 }
            }),
            _ => converted(shape, &values, |v| v > 0.0),
        }
    };
    g.inputs().iter().map(value).collect()
}

fn converted<T: Element>(shape: &[usize], values: &[f64], convert: impl Fn(f64) -> T) -> Array {
    let values: Vec<T> = values.iter().map(|&v| convert(v)).collect();
    Array::from_slice(shape, &values)
}
