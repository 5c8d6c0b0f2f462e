//! The text form of a graph: one node a line, printed and parsed.
//!
//! ```text
//! %0 = input : float64[3]
//! %1 = const(2) : float64[3]
//! %2 = mul(%1, %0) : float64[3]
//! return %2
//! ```

use std::collections::HashMap;
use std::fmt::Write;

use super::{
    Cumulation, Factorisation, Graph, Guard, NodeId, Op, Part, Pick, Reduction, System, Type,
    is_addressable,
};
use crate::array::{DType, Dims};
use crate::error::{Error, Result, caught};
use crate::ops::{self, Fun, build};

/// The graph as text; [`parse`] reads it back.
///
/// ```
/// use jacrs::ir::{parse, print};
/// let text = "%0 = input : float64[3]\n%1 = sin(%0) : float64[3]\nreturn %1\n";
/// assert_eq!(print(&parse(text).unwrap()), text);
/// ```
pub fn print(g: &Graph) -> String {
    let mut text = String::new();
    for id in g.ids() {
        let op = g.op(id);
        let mut inside: Vec<String> = g.operands(id).iter().map(|x| format!("%{}", x.0)).collect();
        if let Some(parameter) = parameter(g, id) {
            inside.push(parameter);
        }
        let name = ops::operation(op).name(op);
        let active = matches!(op, Op::Input(_)) && g.node(id).active;
        let inside = if inside.is_empty() {
            String::new()
        } else {
            format!("({})", inside.join(", "))
        };
        let mark = if active { "!" } else { "" };
        let shape: Vec<_> = g.shape(id).iter().map(ToString::to_string).collect();
        let _ = writeln!(
            text,
            "%{} = {name}{mark}{inside} : {}[{}]",
            id.0,
            g.dtype(id),
            shape.join(",")
        );
    }
    let outputs: Vec<_> = g.outputs.iter().map(|x| format!("%{}", x.0)).collect();
    let _ = writeln!(text, "return {}", outputs.join(", "));
    text
}

/// What stands behind the operands: a constant's value, an axis, or a list.
fn parameter(g: &Graph, id: NodeId) -> Option<String> {
    match g.op(id) {
        Op::Const(_) => Some(match g.dtype(id) {
            DType::I64 | DType::Bool => g.list(const_list(g.op(id)))[0].to_string(),
            _ => format!("{:?}", build::constant_value(g, id).expect("a constant")),
        }),
        Op::Opaque(k) | Op::Placeholder(k) => Some(format!("#{k}")),
        op => parameters(g, op).map(|items| {
            let items: Vec<_> = items.iter().map(ToString::to_string).collect();
            format!("[{}]", items.join(" "))
        }),
    }
}

/// The list of an operation, or its axis.
pub(super) fn parameters(g: &Graph, mut op: Op) -> Option<Vec<i64>> {
    match op {
        Op::Concat(axis) | Op::ArgPick(_, axis) | Op::Cumulate(_, axis, _) | Op::Argsort(axis) => {
            Some(vec![i64::from(axis)])
        }
        _ => op.list_mut().map(|list| g.list(*list).to_vec()),
    }
}

fn const_list(op: Op) -> super::ListId {
    match op {
        Op::Const(list) => list,
        other => unreachable!("{other:?} is no constant"),
    }
}

/// The graph that a text describes, verified.
///
/// # Errors
/// With the number of the first line that is not one, or whose types do not fit.
pub fn parse(text: &str) -> Result<Graph> {
    caught(|| parsed(text))
}

fn parsed(text: &str) -> Result<Graph> {
    let mut parser = Parser {
        graph: Graph::new(),
        names: HashMap::new(),
    };
    for (number, line) in text.lines().enumerate() {
        let line = line
            .split('#')
            .next()
            .map_or(line, |head| {
                if NAMED.iter().any(|n| line.contains(n)) {
                    line
                } else {
                    head
                }
            })
            .trim();
        if line.is_empty() {
            continue;
        }
        parser
            .line(line)
            .map_err(|e| Error::value(format!("line {}: {e}", number + 1)))?;
    }
    ops::verify(&parser.graph)?;
    Ok(parser.graph)
}

/// What has a number of its own, written `#1`; elsewhere that starts a comment.
const NAMED: [&str; 2] = ["opaque", "placeholder"];
/// Axes have numbers of a byte; NumPy has 64 at most, and lanes are one more.
pub(super) const MOST_AXES: usize = 128;

struct Parser {
    graph: Graph,
    names: HashMap<String, NodeId>,
}

/// The two halves of a line around a separator.
fn halves<'a>(text: &'a str, separator: &str) -> Result<(&'a str, &'a str)> {
    let (a, b) = text
        .split_once(separator)
        .ok_or_else(|| Error::value(format!("`{separator}` is missing in `{text}`")))?;
    Ok((a.trim(), b.trim()))
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.trim()
        .parse()
        .map_err(|_| Error::value(format!("`{text}` is not a number")))
}

impl Parser {
    fn line(&mut self, line: &str) -> Result<()> {
        if let Some(rest) = line.strip_prefix("return") {
            let names = rest.split(',').map(str::trim).filter(|n| !n.is_empty());
            self.graph.outputs = names.map(|n| self.name(n)).collect::<Result<_>>()?;
            return Ok(());
        }
        let (target, rest) = halves(line, "=")?;
        let (call, declared) = rest
            .rsplit_once(" : ")
            .ok_or_else(|| Error::value("the type is missing"))?;
        let declared = Self::declared(declared.trim())?;
        let (name, inside) = match call.trim().split_once('(') {
            Some((name, inside)) => {
                let inside = inside
                    .strip_suffix(')')
                    .ok_or_else(|| Error::value("`)` is missing"))?;
                (name, inside)
            }
            None => (call.trim(), ""),
        };
        let id = self.node(name, inside, &declared)?;
        if self.names.insert(target.to_owned(), id).is_some() {
            return Err(Error::value(format!("{target} is defined twice")));
        }
        Ok(())
    }

    fn name(&self, name: &str) -> Result<NodeId> {
        self.names
            .get(name)
            .copied()
            .ok_or_else(|| Error::value(format!("{name} is not defined")))
    }

    fn declared(text: &str) -> Result<Type> {
        let (dtype, shape) = halves(text, "[")?;
        let dtype =
            DType::from_name(dtype).ok_or_else(|| Error::value(format!("no dtype {dtype}")))?;
        let shape = shape
            .strip_suffix(']')
            .ok_or_else(|| Error::value("`]` is missing"))?;
        let shape: Dims = shape
            .split(',')
            .filter(|n| !n.is_empty())
            .map(number)
            .collect::<Result<_>>()?;
        if !is_addressable(&shape) || shape.len() > MOST_AXES {
            return Err(Error::value("the shape is too large"));
        }
        Ok(Type { dtype, shape })
    }

    fn node(&mut self, name: &str, inside: &str, declared: &Type) -> Result<NodeId> {
        let mut operands = vec![];
        let mut list: Vec<i64> = vec![];
        let mut value = None;
        for part in inside.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            if part.starts_with('%') {
                operands.push(self.name(part)?);
            } else if let Some(items) = part.strip_prefix('[') {
                let items = items
                    .strip_suffix(']')
                    .ok_or_else(|| Error::value("`]` is missing"))?;
                list = items
                    .split_whitespace()
                    .map(number)
                    .collect::<Result<_>>()?;
            } else {
                value = Some(part);
            }
        }
        let g = &mut self.graph;
        match name {
            "input" => return Ok(g.input(declared.dtype, &declared.shape, false)),
            "input!" => return Ok(g.input(declared.dtype, &declared.shape, true)),
            "placeholder" => return Ok(g.placeholder(declared.dtype, &declared.shape, false)),
            "const" => {
                let text = value.ok_or_else(|| Error::value("the value is missing"))?;
                let bits = match declared.dtype {
                    DType::I64 | DType::Bool => number(text)?,
                    _ => number::<f64>(text)?.to_bits().cast_signed(),
                };
                return Ok(build::constant_from_bits(
                    g,
                    declared.dtype,
                    &declared.shape,
                    bits,
                ));
            }
            "opaque" => {
                let &[x] = operands.as_slice() else {
                    return Err(Error::value("opaque takes one operand"));
                };
                return Ok(g.opaque(x));
            }
            _ => {}
        }
        if operands.is_empty() && name != "iota" {
            return Err(Error::value(format!("{name} takes operands")));
        }
        let op = named(g, name, &list)?;
        build::emit_typed(g, op, declared, &operands)
    }
}

/// The operation of this name with these parameters: a list, or an axis alone.
pub(super) fn named(g: &mut Graph, name: &str, list: &[i64]) -> Result<Op> {
    if let Some(fun) = Fun::from_name(name) {
        return Ok(Op::Map(fun));
    }
    let axis = || {
        let first = list.first().and_then(|&a| u8::try_from(a).ok());
        first.ok_or_else(|| Error::value("an axis is missing"))
    };
    let id = g.intern_list(list);
    Ok(match name {
        "iota" => Op::Iota,
        "stop_gradient" => Op::StopGradient,
        "reshape" => Op::Reshape,
        "transpose" => Op::Transpose(id),
        "broadcast" => Op::Broadcast,
        "slice" => Op::Slice(id),
        "assign" => Op::Assign(id),
        "add_at" => Op::AddAt(id),
        "item" => Op::Item(id),
        "pack" => Op::Pack(id),
        "concat" => Op::Concat(axis()?),
        "gather" => Op::Gather,
        "scatter_add" => Op::ScatterAdd,
        "scatter_set" => Op::ScatterSet,
        "sum" => Op::Reduce(Reduction::Sum, id),
        "prod" => Op::Reduce(Reduction::Prod, id),
        "max" => Op::Reduce(Reduction::Max, id),
        "min" => Op::Reduce(Reduction::Min, id),
        "argmax" => Op::ArgPick(Pick::Max, axis()?),
        "argmin" => Op::ArgPick(Pick::Min, axis()?),
        "cumsum" => Op::Cumulate(Cumulation::Sum, axis()?, Guard::Off),
        "cumsum_back" => Op::Cumulate(Cumulation::SumBack, axis()?, Guard::Off),
        "recurrence" => Op::Cumulate(Cumulation::Recurrence, axis()?, Guard::Off),
        "recurrence0" => Op::Cumulate(Cumulation::Recurrence, axis()?, Guard::On),
        "recurrence_back" => Op::Cumulate(Cumulation::RecurrenceBack, axis()?, Guard::Off),
        "recurrence_back0" => Op::Cumulate(Cumulation::RecurrenceBack, axis()?, Guard::On),
        "argsort" => Op::Argsort(axis()?),
        "nonzero" => Op::Nonzero,
        "matmul" => Op::MatMul(Guard::Off),
        "matmul0" => Op::MatMul(Guard::On),
        "pinv" => Op::Pinv,
        "cofactors" => Op::Cofactors,
        "pole" => Op::Pole,
        _ => {
            return factored(name)
                .ok_or_else(|| Error::value(format!("there is no operation {name}")));
        }
    })
}

/// `svd`, `svd.s` or `solve.lower_t`.
fn factored(name: &str) -> Option<Op> {
    Some(match name.split_once('.') {
        None => Op::Factor(Factorisation::from_name(name)?),
        Some(("solve", system)) => Op::Solve(System::from_name(system)?),
        Some(("resolvent", factors)) => Op::Resolvent(Factorisation::from_name(factors)?),
        Some((factors, part)) => {
            Op::Part(Factorisation::from_name(factors)?, Part::from_name(part)?)
        }
    })
}
