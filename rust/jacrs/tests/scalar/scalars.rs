//! The same graphs over dual numbers and tapes.

use jacrs::array::Element;
use jacrs::ir::{Graph, Op};
use jacrs::ops::elementwise::Class;
use jacrs::ops::{Fun, build};
use jacrs::scalar::apply;
use jacrs::{Dual, Float, Tape, Var};

use crate::engine::Derivatives;

/// The value of a node.
#[derive(Clone, Copy, Debug)]
pub enum Slot<S> {
    Number(S),
    Flag(bool),
}

impl<S: Float> Slot<S> {
    pub fn number(self) -> S {
        match self {
            Slot::Number(x) => x,
            Slot::Flag(_) => panic!("a number is wanted"),
        }
    }

    fn flag(self) -> bool {
        match self {
            Slot::Flag(flag) => flag,
            Slot::Number(_) => panic!("a flag is wanted"),
        }
    }
}

/// A row of the engine's table over any scalar, or why there is no such thing.
pub fn evaluate<S: Float>(fun: Fun, operands: &[Slot<S>]) -> Result<Slot<S>, &'static str> {
    let number = |k: usize| operands[k].number();
    let flag = |k: usize| operands[k].flag();
    match fun.class() {
        Class::Float | Class::Arith => {
            let numbers: Vec<S> = operands.iter().map(|x| x.number()).collect();
            apply(fun.name(), &numbers)
                .map(Slot::Number)
                .ok_or("no function of this name")
        }
        Class::Select => Ok(if flag(0) { operands[1] } else { operands[2] }),
        Class::Compare | Class::Test | Class::Logic => Ok(Slot::Flag(match fun {
            Fun::Less => number(0) < number(1),
            Fun::LessEqual => number(0) <= number(1),
            Fun::Greater => number(0) > number(1),
            Fun::GreaterEqual => number(0) >= number(1),
            Fun::Equal => number(0) == number(1),
            Fun::NotEqual => number(0) != number(1),
            Fun::IsNan => number(0).is_nan(),
            Fun::IsInf => number(0).is_infinite(),
            Fun::IsFinite => number(0).is_finite(),
            Fun::Signbit => number(0).is_sign_negative(),
            Fun::And => flag(0) & flag(1),
            Fun::Or => flag(0) | flag(1),
            Fun::Xor => flag(0) ^ flag(1),
            Fun::Not => !flag(0),
            _ => return Err("no test of this name"),
        })),
        Class::Bits => Err("integers have Rust's own operators, and no derivative"),
        Class::Cast => Err("a scalar keeps its type"),
    }
}

/// All nodes of a graph of single numbers.
pub fn interpret<S: Float>(g: &Graph, x: &[S]) -> Vec<Slot<S>> {
    let mut slots: Vec<Slot<S>> = vec![];
    for id in g.ids() {
        slots.push(match g.op(id) {
            Op::Input(k) => Slot::Number(x[k as usize]),
            Op::Const(_) if g.dtype(id) == bool::DTYPE => {
                Slot::Flag(build::constant_value(g, id) != Some(0.0))
            }
            Op::Const(_) => Slot::Number(S::from_f64(build::constant_value(g, id).unwrap())),
            Op::Map(fun) => {
                let operands: Vec<_> = g.operands(id).iter().map(|x| slots[x.index()]).collect();
                evaluate(fun, &operands).unwrap_or_else(|why| panic!("{fun:?}: {why}"))
            }
            op => panic!("{op:?} is not elementwise"),
        });
    }
    slots
}

fn outputs<S: Float>(g: &Graph, x: &[S]) -> Vec<S> {
    let slots = interpret(g, x);
    g.outputs
        .iter()
        .map(|y| slots[y.index()].number())
        .collect()
}

/// Inputs of the graphs here.
pub const N: usize = 3;

fn seeded<T: Float>(x: &[T]) -> Vec<Dual<T, N>> {
    x.iter()
        .enumerate()
        .map(|(j, &x)| Dual::seeded(x, j))
        .collect()
}

/// Derivatives by each nesting of dual numbers and tapes, and whether the first are by forward mode.
pub fn ways(g: &Graph, x: &[f64]) -> Vec<(&'static str, bool, Derivatives)> {
    vec![
        ("Dual", true, dual(g, x)),
        ("Tape", false, tape(g, x)),
        ("Dual<Dual>", true, dual_of_dual(g, x)),
        ("Tape<Dual>", false, tape_of_dual(g, x)),
        ("Dual<Var>", true, dual_of_var(g, x)),
        ("Tape<Var>", false, tape_of_var(g, x)),
    ]
}

fn dual(g: &Graph, x: &[f64]) -> Derivatives {
    let ys = outputs(g, &seeded(x));
    let values = outputs(g, x);
    for (a, b) in values.iter().zip(&ys) {
        assert!(
            a.to_bits() == b.value.to_bits() || (a.is_nan() && b.is_nan()),
            "{a} and {b:?}"
        );
    }
    Derivatives {
        values,
        first: ys.iter().map(|y| y.partials.to_vec()).collect(),
        second: vec![],
    }
}

fn tape(g: &Graph, x: &[f64]) -> Derivatives {
    let tape = Tape::new();
    let xs = tape.vars(x);
    let ys = outputs(g, &xs);
    let swept = tape.jacobian(&ys, &xs);
    let first = (0..ys.len()).map(|i| swept.row(i).to_vec()).collect();
    Derivatives {
        values: ys.iter().map(|y| y.value()).collect(),
        first,
        second: vec![],
    }
}

fn dual_of_dual(g: &Graph, x: &[f64]) -> Derivatives {
    let mut all = Derivatives::default();
    for y in outputs(g, &seeded(&seeded(x))) {
        all.values.push(y.value.value);
        all.first.push(y.value.partials.to_vec());
        all.second
            .push(y.partials.iter().map(|d| d.partials.to_vec()).collect());
    }
    all
}

fn tape_of_dual(g: &Graph, x: &[f64]) -> Derivatives {
    let mut all = Derivatives::default();
    let tape = Tape::new();
    let xs = tape.vars(&seeded(x));
    for y in outputs(g, &xs) {
        let slopes = tape.gradient(y, &xs);
        all.values.push(y.value().value);
        all.first.push(slopes.iter().map(|d| d.value).collect());
        all.second
            .push(slopes.iter().map(|d| d.partials.to_vec()).collect());
    }
    all
}

fn dual_of_var(g: &Graph, x: &[f64]) -> Derivatives {
    let mut all = Derivatives::default();
    let tape = Tape::new();
    let xs = tape.vars(x);
    for y in outputs(g, &seeded(&xs)) {
        all.push(y.value, &y.partials, &tape, &xs);
    }
    all
}

fn tape_of_var(g: &Graph, x: &[f64]) -> Derivatives {
    let mut all = Derivatives::default();
    let outer = Tape::new();
    let xs = outer.vars(x);
    let inner = Tape::new();
    let moving = inner.vars(&xs);
    for y in outputs(g, &moving) {
        let slopes = inner.gradient(y, &moving);
        all.push(y.value(), &slopes, &outer, &xs);
    }
    all
}

impl Derivatives {
    /// One more output with its first derivatives, from the tape that they are on.
    fn push(&mut self, y: Var<'_>, slopes: &[Var<'_>], tape: &Tape, xs: &[Var<'_>]) {
        self.values.push(y.value());
        self.first.push(slopes.iter().map(|d| d.value()).collect());
        self.second
            .push(slopes.iter().map(|&d| tape.gradient(d, xs)).collect());
    }
}
