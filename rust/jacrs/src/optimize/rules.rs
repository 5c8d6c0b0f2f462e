//! The rewrite rules. Each keeps every value, bit for bit; of zeros only the sign may change, where
//! something is added to zeros.

use smallvec::SmallVec;

use crate::array::product;
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
        name: "functions before broadcast",
        apply: map_of_broadcasts,
    },
    Rule {
        name: "function of a choice",
        apply: map_of_choice,
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
    let shape = g.shape(id);
    match g.op(id) {
        Op::Reshape => Some(build::reshape(t, x, shape)),
        Op::Broadcast if t.op(x) == Op::Broadcast => {
            let inner = t.operand(x, 0);
            Some(build::broadcast(t, inner, shape))
        }
        Op::Broadcast => Some(build::broadcast(t, x, shape)),
        Op::Slice(_) => Some(build::slice(t, x, list_of(g, g.op(id)), shape)),
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

/// An operation on values that are each repeated from one shape is done once, before that.
fn map_of_broadcasts(t: &mut Graph, g: &Graph, id: NodeId, operands: &[NodeId]) -> Option<NodeId> {
    let Op::Map(fun) = g.op(id) else { return None };
    repeated(t, fun, operands)
}

/// A function of operands that are broadcast from one shape, or constant; broadcast itself.
pub fn repeated(t: &mut Graph, fun: Fun, operands: &[NodeId]) -> Option<NodeId> {
    let origin = *(operands.iter()).find(|&&x| t.op(x) == Op::Broadcast && fun != Fun::Cast)?;
    let (shape, origin) = (t.dims(operands[0]), t.dims(t.operand(origin, 0)));
    let (single, size) = (product(&origin) == 1, product(&shape));
    if product(&origin) == size {
        return None;
    }
    let few: &[usize] = if single { &[] } else { &origin };
    let mut inner = Vec::with_capacity(operands.len());
    for &x in operands {
        inner.push(match t.op(x) {
            Op::Broadcast => {
                let from = t.operand(x, 0);
                let fits = if single {
                    t.size(from) == 1
                } else {
                    *t.shape(from) == *origin
                };
                if !fits {
                    return None;
                }
                build::reshape(t, from, few)
            }
            Op::Const(list) => {
                let bits = t.list(list)[0];
                build::constant_from_bits(t, t.dtype(x), few, bits)
            }
            _ => return None,
        });
    }
    let once = build::map(t, fun, &inner);
    Some(build::broadcast(t, once, &shape))
}

/// A function of a choice between two repeated values, and of repeated values, is a choice between
/// two values of the function.
fn map_of_choice(t: &mut Graph, g: &Graph, id: NodeId, operands: &[NodeId]) -> Option<NodeId> {
    let Op::Map(fun) = g.op(id) else { return None };
    let is_choice = |x: NodeId| t.op(x) == Op::Map(Fun::Where);
    let place = operands.iter().position(|&x| is_choice(x))?;
    let [mask, yes, no] = *t.operands(operands[place]) else {
        unreachable!("a choice has three operands")
    };
    let mut with = |value: NodeId| {
        let mut operands: SmallVec<[NodeId; 3]> = operands.into();
        operands[place] = value;
        crate::ops::fold(t, fun, &operands).or_else(|| repeated(t, fun, &operands))
    };
    let (yes, no) = (with(yes)?, with(no)?);
    Some(build::select(t, mask, yes, no))
}

/// `0 + v` at a slice is `v`, assigned to it; assigned to everything it is what is left.
fn add_at_zeros(t: &mut Graph, g: &Graph, id: NodeId, operands: &[NodeId]) -> Option<NodeId> {
    let (Op::AddAt(list) | Op::Assign(list)) = g.op(id) else {
        return None;
    };
    let (base, value) = (operands[0], operands[1]);
    let zeros = matches!(g.op(id), Op::AddAt(_)) && build::is_zero(t, base);
    let whole =
        g.list(list).chunks(2).all(|pair| pair == [0, 1]) && t.shape(base) == t.shape(value);
    match g.op(id) {
        Op::AddAt(_) if !zeros => None,
        _ if whole => Some(value),
        Op::AddAt(_) => Some(build::assign(t, base, list_of(g, g.op(id)), value)),
        _ => None,
    }
}
