//! Values that are the same in every run.

use crate::interrupt::piece;
use crate::ir::{Graph, NodeId, Op};
use crate::ops::Fun;
use crate::ops::elementwise::Class;

/// What a program may keep of such values, in bytes.
const MOST: usize = 64 << 20;
/// Arrays of fewer elements stay in the cache: reading them costs nothing.
const FEW: usize = 1 << 12;
/// To read an element from memory takes as long as so many additions.
const READ: usize = 8;

/// The values worth keeping of those that depend on no input that `varies`: what they are computed
/// for, as far as computing it takes longer than reading it.
///
/// ```
/// use jacrs::{ir::{NodeId, parse}, optimize::worth_keeping};
/// let g = parse("
///     %0 = input : float64[3]
///     %1 = input : float64[3]
///     %2 = exp(%1) : float64[3]
///     %3 = sin(%2) : float64[3]
///     %4 = mul(%0, %3) : float64[3]
///     return %4").unwrap();
/// assert_eq!(worth_keeping(&g, |input| input == 0), [NodeId(3)]);
/// ```
pub fn worth_keeping(g: &Graph, varies: impl Fn(usize) -> bool) -> Vec<NodeId> {
    let costs = costs(g, varies);
    let mut wanted = vec![false; g.len()];
    for x in &g.outputs {
        wanted[x.index()] = true;
    }
    let (mut kept, mut bytes) = (vec![], 0usize);
    for id in g
        .ids()
        .rev()
        .filter(|id| !matches!(g.op(*id), Op::Input(_) | Op::Const(_)))
    {
        let cost = match costs[id.index()] {
            Some(cost) if wanted[id.index()] => cost,
            // What varies wants all of its operands; constants nobody wants need none.
            Some(_) => continue,
            None => 0,
        };
        let size = g.size(id).saturating_mul(g.dtype(id).size());
        let pays = g.size(id) <= FEW || cost >= READ.saturating_mul(g.size(id));
        if cost > 0 && !is_view(g.op(id)) && pays && bytes.saturating_add(size) <= MOST {
            bytes += size;
            kept.push(id);
            continue;
        }
        for x in g.operands(id) {
            wanted[x.index()] = true;
        }
    }
    kept.reverse();
    kept
}

/// Additions that it takes to compute each value from inputs that never vary; nothing for what varies.
fn costs(g: &Graph, varies: impl Fn(usize) -> bool) -> Vec<Option<usize>> {
    let mut costs: Vec<Option<usize>> = Vec::with_capacity(g.len());
    for id in g.ids() {
        piece();
        let each = match g.op(id) {
            Op::Input(k) if varies(k as usize) => None,
            // Somebody will differentiate by this name.
            Op::Opaque(_) => None,
            Op::Input(_) | Op::Const(_) | Op::Placeholder(_) => Some(0),
            op if is_view(op) => Some(0),
            Op::Map(fun) if !is_costly(fun) => Some(1),
            _ => Some(READ),
        };
        let read = |x: &NodeId| g.size(*x);
        let elements = match g.op(id) {
            Op::Map(_) => g.size(id),
            _ => g
                .operands(id)
                .iter()
                .map(read)
                .fold(g.size(id), usize::saturating_add),
        };
        let own = each.map(|each| each.saturating_mul(elements));
        let operands = g.operands(id).iter().map(|x| costs[x.index()]);
        costs.push(operands.fold(own, |sum, cost| Some(sum?.saturating_add(cost?))));
    }
    costs
}

fn is_costly(fun: Fun) -> bool {
    let divides = matches!(fun, Fun::Remainder | Fun::Fmod | Fun::FloorDivide);
    fun.class() == Class::Float || fun == Fun::Power || divides
}

/// It takes no time.
fn is_view(op: Op) -> bool {
    matches!(
        op,
        Op::StopGradient
            | Op::Reshape
            | Op::Transpose(_)
            | Op::Broadcast
            | Op::Slice(_)
            | Op::Item(_)
    )
}
