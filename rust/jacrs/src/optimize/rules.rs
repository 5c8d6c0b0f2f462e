//! The rewrite rules. Each keeps every value, bit for bit.

use crate::ir::{Graph, NodeId, Op};
use crate::ops::{Fun, build, list_of};

/// A named rewrite: the replacement, in `target`, of node `id` of the source graph whose operands
/// have become `operands`; `None` where it does not apply.
pub struct Rule {
    pub name: &'static str,
    pub apply:
        fn(target: &mut Graph, source: &Graph, id: NodeId, operands: &[NodeId]) -> Option<NodeId>,
}

/// In the order in which they are tried.
pub static RULES: &[Rule] = &[
    Rule {
        name: "elementwise identities",
        apply: elementwise,
    },
    Rule {
        name: "views of views",
        apply: views,
    },
    Rule {
        name: "transpose of transpose",
        apply: transposes,
    },
    Rule {
        name: "items of what was packed or repeated",
        apply: items,
    },
    Rule {
        name: "scalars before broadcast",
        apply: map_of_broadcasts,
    },
    Rule {
        name: "adding to zeros",
        apply: add_at_zeros,
    },
];

fn elementwise(t: &mut Graph, g: &Graph, id: NodeId, operands: &[NodeId]) -> Option<NodeId> {
    match g.op(id) {
        Op::Map(Fun::Cast) => Some(build::cast(t, operands[0], g.dtype(id))),
        Op::Map(fun) => crate::ops::fold(t, fun, operands),
        _ => None,
    }
}

/// Through the constructors, which drop what changes nothing and merge reshapes.
fn views(t: &mut Graph, g: &Graph, id: NodeId, operands: &[NodeId]) -> Option<NodeId> {
    let x = *operands.first()?;
    let shape = g.dims(id);
    match g.op(id) {
        Op::Reshape => Some(build::reshape(t, x, &shape)),
        Op::Broadcast if t.op(x) == Op::Broadcast => {
            let inner = t.operand(x, 0);
            Some(build::broadcast(t, inner, &shape))
        }
        Op::Broadcast => Some(build::broadcast(t, x, &shape)),
        Op::Slice(_) => Some(build::slice(t, x, list_of(g, g.op(id)), &shape)),
        _ => None,
    }
}

fn transposes(t: &mut Graph, g: &Graph, id: NodeId, operands: &[NodeId]) -> Option<NodeId> {
    let Op::Transpose(list) = g.op(id) else {
        return None;
    };
    let outer: Vec<usize> = g.list(list).iter().map(|&p| p as usize).collect();
    let x = operands[0];
    let Op::Transpose(inner) = t.op(x) else {
        return Some(build::transpose(t, x, &outer));
    };
    let perm: Vec<usize> = outer.iter().map(|&p| t.list(inner)[p] as usize).collect();
    let x = t.operand(x, 0);
    Some(build::transpose(t, x, &perm))
}

/// Through the constructor, which finds what was packed or repeated.
fn items(t: &mut Graph, g: &Graph, id: NodeId, operands: &[NodeId]) -> Option<NodeId> {
    let Op::Item(list) = g.op(id) else {
        return None;
    };
    let (place, lead) = (g.list(list)[0] as usize, g.list(list)[1] as usize);
    Some(build::item(t, operands[0], place, lead))
}

/// An operation on values that are each one scalar repeated is done once on the scalars.
fn map_of_broadcasts(t: &mut Graph, g: &Graph, id: NodeId, operands: &[NodeId]) -> Option<NodeId> {
    let Op::Map(fun) = g.op(id) else { return None };
    if g.shape(id).is_empty() || !operands.iter().any(|&x| t.op(x) == Op::Broadcast) {
        return None;
    }
    let mut scalars = Vec::with_capacity(operands.len());
    for &x in operands {
        scalars.push(match t.op(x) {
            Op::Broadcast if t.shape(t.operand(x, 0)).is_empty() => t.operand(x, 0),
            Op::Const(list) => {
                let bits = t.list(list)[0];
                build::constant_from_bits(t, t.dtype(x), &[], bits)
            }
            _ => return None,
        });
    }
    let once = build::map(t, fun, &scalars);
    Some(build::broadcast(t, once, g.shape(id)))
}

/// `0 + v` at a slice that is everything is `v`.
fn add_at_zeros(t: &mut Graph, g: &Graph, id: NodeId, operands: &[NodeId]) -> Option<NodeId> {
    let (Op::AddAt(list) | Op::Assign(list)) = g.op(id) else {
        return None;
    };
    let (base, value) = (operands[0], operands[1]);
    let whole =
        g.list(list).chunks(2).all(|pair| pair == [0, 1]) && t.shape(base) == t.shape(value);
    (whole && (build::is_zero(t, base) || matches!(g.op(id), Op::Assign(_)))).then_some(value)
}
