//! Random programs over all functions: the graph engine, dual numbers and tapes give one answer.

use jacrs::Dual;
use jacrs::array::DType;
use jacrs::ir::{Graph, NodeId, Op, print};
use jacrs::ops::elementwise::{Class, ROWS};
use jacrs::ops::{Fun, build};
use proptest::prelude::*;

use crate::engine::{Derivatives, WAYS, derivatives};
use crate::scalars::{N, Slot, evaluate, interpret, ways};

/// Takes its decisions from a list of numbers, zeros after its end.
struct Choices<'a>(std::slice::Iter<'a, u16>);

impl Choices<'_> {
    fn below(&mut self, n: usize) -> usize {
        self.0.next().map_or(0, |&c| c as usize) % n
    }

    fn left(&self) -> bool {
        self.0.len() > 0
    }

    /// A number as programs have them, a special one now and then.
    fn number(&mut self) -> f64 {
        const SPECIAL: [f64; 9] = [
            0.0,
            -0.0,
            1.0,
            -1.0,
            2.0,
            0.5,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
        ];
        match self.below(4) {
            0 => SPECIAL[self.below(SPECIAL.len())],
            _ => (self.below(4001) as f64 - 2000.0) / 1000.0,
        }
    }
}

/// A program with shared values, several outputs, branches and constants.
fn program(choices: &[u16]) -> (Graph, Vec<f64>) {
    let mut choices = Choices(choices.iter());
    let mut g = Graph::new();
    let x: Vec<f64> = (0..N).map(|_| choices.number()).collect();
    let mut numbers: Vec<NodeId> = (0..N).map(|_| g.input(DType::F64, &[], true)).collect();
    let mut flags = vec![build::emit(&mut g, Op::Map(Fun::Less), &numbers[..2]).unwrap()];
    let rows: Vec<_> = (ROWS.iter())
        .filter(|row| !matches!(row.class, Class::Bits | Class::Cast))
        .collect();
    while choices.left() {
        if choices.below(8) == 0 {
            let value = choices.number();
            numbers.push(build::constant(&mut g, DType::F64, &[], value));
            continue;
        }
        let row = rows[choices.below(rows.len())];
        let operands: Vec<NodeId> = (0..row.arity)
            .map(|k| match row.class {
                Class::Logic => recent(&flags, &mut choices),
                Class::Select if k == 0 => recent(&flags, &mut choices),
                _ => recent(&numbers, &mut choices),
            })
            .collect();
        let y = match row.fun {
            // As derivatives make it: a constant zero wins, and its product has no sign.
            Fun::Mul0 => build::mul0(&mut g, operands[0], operands[1]),
            fun => build::emit(&mut g, Op::Map(fun), &operands).unwrap(),
        };
        if g.dtype(y) == DType::Bool {
            flags.push(y);
        } else {
            numbers.push(y);
        }
    }
    g.outputs = numbers[numbers.len().saturating_sub(2)..].to_vec();
    (g, x)
}

/// Mostly one of the last few, so that programs grow deep, and share.
fn recent(from: &[NodeId], choices: &mut Choices) -> NodeId {
    from[from.len() - 1 - choices.below(from.len().min(5))]
}

/// How large rounding errors of a derivative may be. Each slope may be wrong by some units in the
/// last place of one plus its size; this bounds the effect on first and second derivatives.
#[derive(Clone, Copy, Debug)]
struct Bound {
    first: f64,
    second: f64,
}

fn bounds(g: &Graph, x: &[f64]) -> Vec<Bound> {
    let slots = interpret(g, x);
    let none = Bound {
        first: 0.0,
        second: 0.0,
    };
    let mut bounds: Vec<Bound> = vec![];
    for id in g.ids() {
        bounds.push(match g.op(id) {
            Op::Input(_) => Bound { first: 1.0, ..none },
            Op::Map(fun) if g.dtype(id) == DType::F64 => {
                let operands = g.operands(id).iter().map(|x| x.index());
                let (numbers, below): (Vec<_>, Vec<Bound>) =
                    operands.map(|k| (slots[k], bounds[k])).unzip();
                bound(fun, &numbers, &below)
            }
            _ => none,
        });
    }
    bounds
}

fn bound(fun: Fun, operands: &[Slot<f64>], below: &[Bound]) -> Bound {
    type Second = Dual<Dual<f64, 3>, 3>;
    let seeded: Vec<Slot<Second>> = (operands.iter().enumerate())
        .map(|(k, slot)| match *slot {
            Slot::Number(x) => Slot::Number(Dual::seeded(Dual::seeded(x, k), k)),
            Slot::Flag(flag) => Slot::Flag(flag),
        })
        .collect();
    let y = evaluate(fun, &seeded).unwrap().number();
    let mut total = Bound {
        first: 0.0,
        second: 0.0,
    };
    for (i, b) in below.iter().enumerate().filter(|(_, b)| b.first != 0.0) {
        let slope = 1.0 + y.value.partials[i].abs();
        total.first += slope * b.first;
        total.second += slope * b.second;
        for (j, c) in below.iter().enumerate() {
            total.second += (1.0 + y.partials[i].partials[j].abs()) * b.first * c.first;
        }
    }
    total
}

/// Why two sides differ at an output, if they do.
///
/// Where a slope on the way is infinite or NaN the order of products and sums matters: then first
/// derivatives by the same mode must agree, and nothing is said about the others.
fn difference(
    program: &Program,
    one_mode: bool,
    got: &Derivatives,
    wanted: &Derivatives,
) -> Option<String> {
    for i in 0..got.values.len() {
        let (a, b) = (got.values[i], wanted.values[i]);
        if a.is_nan() && b.is_nan() {
            continue; // no value, no derivative
        }
        if a != b {
            return Some(format!("the value of output {i}: {a}, not {b}"));
        }
        let bound = program.bounds[i];
        let first = got.first[i].iter().zip(&wanted.first[i]);
        for (&a, &b) in first.filter(|_| bound.first.is_finite() || one_mode) {
            if apart(a, b, bound.first) {
                return Some(format!("a slope of output {i}: {a}, not {b}"));
            }
        }
        let second = got
            .second
            .get(i)
            .map(|rows| rows.concat())
            .unwrap_or_default();
        let second = second.iter().zip(wanted.second[i].concat());
        for (&a, b) in second.filter(|_| bound.second.is_finite()) {
            if apart(a, b, bound.second) {
                return Some(format!("a second derivative of output {i}: {a}, not {b}"));
            }
        }
    }
    None
}

fn apart(a: f64, b: f64, bound: f64) -> bool {
    let close = if bound.is_finite() {
        (a - b).abs() <= 1e-13 * bound
    } else {
        a.is_finite() && b.is_finite()
    };
    !(a == b || (a.is_nan() && b.is_nan()) || close)
}

struct Program {
    graph: Graph,
    x: Vec<f64>,
    /// Of the outputs.
    bounds: Vec<Bound>,
}

impl Program {
    fn new(choices: &[u16]) -> Self {
        let (graph, x) = program(choices);
        let all = bounds(&graph, &x);
        let bounds = graph.outputs.iter().map(|y| all[y.index()]).collect();
        Self { graph, x, bounds }
    }
}

/// The sign of a NaN means nothing and is not the same everywhere; some functions show it.
fn shows_sign_of_nan(g: &Graph, x: &[f64]) -> bool {
    let slots = interpret(g, x);
    g.ids().any(|id| match g.op(id) {
        Op::Map(Fun::Copysign | Fun::Signbit) => {
            let last = g.operands(id).last().expect("they have operands");
            slots[last.index()].number().is_nan()
        }
        _ => false,
    })
}

fn check(choices: &[u16]) {
    let program = Program::new(choices);
    let Program { graph, x, .. } = &program;
    if shows_sign_of_nan(graph, x) {
        return;
    }
    let [forward, reverse, rest @ ..] = WAYS.map(|way| (way, derivatives(graph, x, way)));
    let wanted = |is_forward| if is_forward { &forward.1 } else { &reverse.1 };
    let mut sides: Vec<(String, bool, &Derivatives)> = vec![("forward".into(), false, &forward.1)];
    for (way, got) in &rest {
        sides.push((format!("{way:?}"), way.is_forward(), got));
    }
    let scalars = ways(graph, x);
    for (way, is_forward, got) in &scalars {
        sides.push(((*way).into(), *is_forward, got));
    }
    for (way, is_forward, got) in sides {
        for mode in [true, false] {
            let one_mode = mode == is_forward && way != "forward";
            if let Some(what) = difference(&program, one_mode, got, wanted(mode)) {
                panic!("{way} at {x:?}: {what}\n{}", print(graph));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]
    #[test]
    fn all_sides_agree(choices in prop::collection::vec(any::<u16>(), 0..60)) {
        check(&choices);
    }
}
