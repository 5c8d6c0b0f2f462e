//! Arrays that are put together, as their parts.
//!
//! An elementwise operation on `concatenate([a, b])` is one on `a` beside one on `b`. Taken apart like
//! this, operations are fused with what makes the parts and with what uses them, and nothing is
//! copied: a plan makes the parts of an array where the array is.
//!
//! Arrays of one shape that elementwise operations connect are cut at the same places: where one of
//! them is put together, or where a slice of one of them is assigned or added to.

use std::ops::Range;

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::mapped;
use crate::array::product;
use crate::ir::{Graph, NodeId, Op};
use crate::ops::{Fun, build, list_of};

/// Shorter arrays are as good in one piece.
const SHORTEST: usize = if cfg!(test) { 3 } else { 32 };
/// Arrays are cut into no more parts than this.
const MOST: usize = 5;

/// The graph with elementwise operations on the parts of what is put together, bit for bit, and
/// where nodes of the old graph are in the new one; nothing if there is nothing to take apart.
pub fn by_parts(g: &Graph, wanted: &[NodeId]) -> Option<(Graph, Vec<NodeId>)> {
    if !g.ids().any(|id| seams(g, id).is_some()) {
        return None;
    }
    let live = g.reachable(wanted);
    let members: Vec<NodeId> = (g.ids())
        .filter(|id| live[id.index()] && is_member(g, *id))
        .collect();
    let mut splitter = Splitter {
        g,
        cuts: Families::of(g, &members).cuts(g, &members),
        target: Graph::sharing(g),
        whole: vec![None; g.len()],
        parts: vec![None; g.len()],
    };
    for &x in g.inputs() {
        let node = (splitter.target).input(g.dtype(x), g.shape(x), g.node(x).active);
        splitter.whole[x.index()] = Some(node);
    }
    for id in g.ids().filter(|id| live[id.index()]) {
        splitter.target.location = g.node(id).location;
        splitter.node(id);
    }
    let places = wanted.iter().map(|&id| splitter.whole(id)).collect();
    Some((splitter.target, places))
}

/// Where an array is put together: places along an axis before which all axes are of length 1.
#[derive(Clone, Debug)]
struct Cuts {
    axis: usize,
    places: SmallVec<[usize; 4]>,
}

/// What may be taken apart.
fn is_member(g: &Graph, id: NodeId) -> bool {
    matches!(g.op(id), Op::Map(_)) && g.size(id) >= SHORTEST || seams(g, id).is_some()
}

/// The places where a node puts parts side by side.
#[inline]
fn seams(g: &Graph, id: NodeId) -> Option<Cuts> {
    // Asked first: most nodes are neither.
    let joins = matches!(g.op(id), Op::Concat(_) | Op::Assign(_) | Op::AddAt(_));
    if joins { seams_of(g, id) } else { None }
}

fn seams_of(g: &Graph, id: NodeId) -> Option<Cuts> {
    if g.size(id) < SHORTEST {
        return None;
    }
    let shape = g.shape(id);
    let (axis, mut places): (usize, SmallVec<[usize; 4]>) = match g.op(id) {
        Op::Concat(axis) if g.operands(id).len() <= MOST => {
            let mut end = 0;
            let lengths = g
                .operands(id)
                .iter()
                .map(|&x| g.shape(x)[usize::from(axis)]);
            let ends = lengths.map(|n| {
                end += n;
                end
            });
            (axis.into(), ends.collect())
        }
        Op::Assign(_) | Op::AddAt(_) => {
            let (axis, at) = target(g, id)?;
            // What is added to a small stretch of a large array is added in place.
            let large = 2 * at.len() >= shape[axis] && is_member(g, g.operand(id, 0));
            // Of bools it is no sum.
            let fits = matches!(g.op(id), Op::Assign(_)) || large && g.dtype(id).is_float();
            (
                axis,
                fits.then_some([at.start, at.end])?.into_iter().collect(),
            )
        }
        _ => return None,
    };
    places.retain(|place| (1..shape[axis]).contains(place));
    places.dedup();
    let leads = product(&shape[..axis]) == 1;
    (leads && !places.is_empty()).then_some(Cuts { axis, places })
}

/// What an assignment is to.
fn target(g: &Graph, id: NodeId) -> Option<(usize, Range<usize>)> {
    let part = g.shape(g.operand(id, 1));
    stretch(list_of(g, g.op(id)), g.shape(id), part)
}

/// A slice of an array as a stretch of one axis, if it is all of the other axes.
fn stretch(list: &[i64], whole: &[usize], part: &[usize]) -> Option<(usize, Range<usize>)> {
    if part.len() != whole.len() || part.contains(&0) {
        return None;
    }
    let full = |axis: usize| list[2 * axis..][..2] == [0, 1] && part[axis] == whole[axis];
    let mut partial = (0..whole.len()).filter(|&axis| !full(axis));
    let axis = partial.next()?;
    let start = list[2 * axis] as usize;
    let straight = partial.next().is_none() && (list[2 * axis + 1] == 1 || part[axis] == 1);
    straight.then(|| (axis, start..start + part[axis]))
}

/// Nodes that are cut alike: a forest, whose roots stand for their trees.
struct Families {
    parent: Vec<u32>,
}

/// What is known of the cuts of a family.
#[derive(Default)]
struct Family {
    cuts: Option<Cuts>,
    /// There are too many cuts, or cuts along several axes.
    stays: bool,
    /// Something gains by them.
    worth: bool,
}

impl Families {
    /// An elementwise operation is of the family of its operands.
    fn of(g: &Graph, members: &[NodeId]) -> Self {
        let mut families = Self {
            parent: (0..g.len() as u32).collect(),
        };
        for &id in members {
            let like = match g.op(id) {
                Op::Map(_) => g.operands(id),
                Op::Assign(_) | Op::AddAt(_) => &g.operands(id)[..1],
                _ => &[],
            };
            for &x in like.iter().filter(|x| is_member(g, **x)) {
                let (a, b) = (families.find(id.0), families.find(x.0));
                families.parent[a as usize] = b;
            }
        }
        families
    }

    fn find(&mut self, mut k: u32) -> u32 {
        while self.parent[k as usize] != k {
            let above = self.parent[k as usize];
            self.parent[k as usize] = self.parent[above as usize];
            k = above;
        }
        k
    }

    /// Where each node is cut, if it is.
    fn cuts(mut self, g: &Graph, members: &[NodeId]) -> Vec<Option<Cuts>> {
        let mut known: HashMap<u32, Family> = HashMap::new();
        for &id in members {
            let family = known.entry(self.find(id.0)).or_default();
            let base = g.operands(id).first().map(|&x| g.op(x));
            family.worth |= match g.op(id) {
                Op::Map(_) => true,
                Op::Assign(_) => matches!(base, Some(Op::Const(_))),
                _ => false,
            };
            if let Some(own) = seams(g, id) {
                family.add(own);
            }
        }
        let mut cuts = vec![None; g.len()];
        for &id in members {
            let family = &known[&self.find(id.0)];
            if family.worth && !family.stays {
                cuts[id.index()].clone_from(&family.cuts);
            }
        }
        cuts
    }
}

impl Family {
    fn add(&mut self, own: Cuts) {
        let Some(all) = &mut self.cuts else {
            self.cuts = Some(own);
            return;
        };
        self.stays |= all.axis != own.axis;
        if self.stays {
            return;
        }
        all.places.extend(own.places);
        all.places.sort_unstable();
        all.places.dedup();
        self.stays = all.places.len() >= MOST;
    }
}

/// What a node has become, side by side along an axis.
#[derive(Clone)]
struct Parts {
    axis: usize,
    /// Each with the place where it starts.
    nodes: SmallVec<[(usize, NodeId); 3]>,
}

struct Splitter<'g> {
    g: &'g Graph,
    cuts: Vec<Option<Cuts>>,
    target: Graph,
    whole: Vec<Option<NodeId>>,
    parts: Vec<Option<Parts>>,
}

impl Splitter<'_> {
    fn node(&mut self, id: NodeId) {
        let g = self.g;
        if self.whole[id.index()].is_some() {
            return;
        }
        if let Some(Cuts { axis, places }) = self.cuts[id.index()].take() {
            let starts = [0].into_iter().chain(places.iter().copied());
            let stops = places.iter().copied().chain([g.shape(id)[axis]]);
            let nodes = (starts.zip(stops))
                .map(|(start, stop)| (start, self.part(id, axis, start..stop)))
                .collect();
            self.parts[id.index()] = Some(Parts { axis, nodes });
            return;
        }
        self.whole[id.index()] = self.sliced(id);
        if self.whole[id.index()].is_none() {
            let operands: SmallVec<[NodeId; 4]> =
                (g.operands(id).iter()).map(|&x| self.whole(x)).collect();
            self.whole[id.index()] = Some(self.target.adopt(g, id, &operands));
        }
    }

    /// A slice that is one of the parts.
    fn sliced(&self, id: NodeId) -> Option<NodeId> {
        let g = self.g;
        let Op::Slice(list) = g.op(id) else {
            return None;
        };
        let x = g.operand(id, 0);
        let (axis, at) = stretch(g.list(list), g.shape(x), g.shape(id))?;
        self.found(x, axis, &at)
    }

    /// A node of the old graph as one of the new.
    fn whole(&mut self, id: NodeId) -> NodeId {
        if let Some(node) = self.whole[id.index()] {
            return node;
        }
        let Parts { axis, mut nodes } =
            self.parts[id.index()].clone().expect("operands come first");
        let t = &mut self.target;
        let is_made = |t: &Graph, x: NodeId| matches!(t.op(x), Op::Map(_));
        // Beside what is made in place, copies are put in place.
        if nodes.iter().any(|&(_, x)| is_made(t, x) && t.size(x) > 1) {
            for (_, x) in &mut nodes {
                if !is_made(t, *x) && t.size(*x) > 1 {
                    *x = t.push(Op::Concat(axis as u8), t.dtype(*x), t.shape_id(*x), &[*x]);
                }
            }
        }
        let nodes: SmallVec<[NodeId; 3]> = nodes.iter().map(|&(_, x)| x).collect();
        let node = build::concat(&mut self.target, &nodes, axis);
        self.whole[id.index()] = Some(node);
        node
    }

    /// The part of a node that is this stretch of it.
    fn found(&self, id: NodeId, axis: usize, at: &Range<usize>) -> Option<NodeId> {
        let parts = self.parts[id.index()].as_ref()?;
        let part = (parts.nodes.iter()).find(|(start, _)| *start == at.start);
        let (_, part) = *part.filter(|_| parts.axis == axis)?;
        (self.target.shape(part)[axis] == at.len()).then_some(part)
    }

    /// A stretch of a node that is taken apart.
    fn part(&mut self, id: NodeId, axis: usize, at: Range<usize>) -> NodeId {
        let g = self.g;
        match g.op(id) {
            Op::Map(fun) => {
                let operands: SmallVec<[NodeId; 3]> = (g.operands(id).iter())
                    .map(|&x| self.stretch(x, axis, at.clone()))
                    .collect();
                mapped(&mut self.target, fun, g.dtype(id), &operands)
            }
            Op::Concat(_) => {
                let mut first = 0;
                let ends = g.operands(id).iter().map(|&x| {
                    let start = first;
                    first += g.shape(x)[axis];
                    (x, start..first)
                });
                let mut inside = ends.filter(|(_, own)| own.start <= at.start && at.end <= own.end);
                let (x, own) = inside
                    .next()
                    .expect("arrays are cut where they are put together");
                self.stretch(x, axis, at.start - own.start..at.end - own.start)
            }
            op => {
                let (base, value) = (g.operand(id, 0), g.operand(id, 1));
                let (_, own) = target(g, id).expect("only seams are taken apart");
                if at.start < own.start || own.end < at.end {
                    return self.stretch(base, axis, at);
                }
                let within = at.start - own.start..at.end - own.start;
                let value = self.stretch(value, axis, within);
                if matches!(op, Op::Assign(_)) {
                    return value;
                }
                let base = self.stretch(base, axis, at);
                mapped(&mut self.target, Fun::Add, g.dtype(id), &[base, value])
            }
        }
    }

    /// A stretch of any node.
    fn stretch(&mut self, x: NodeId, axis: usize, at: Range<usize>) -> NodeId {
        let g = self.g;
        if let Some(part) = self.found(x, axis, &at) {
            return part;
        }
        let mut shape = g.dims(x);
        shape[axis] = at.len();
        match g.op(x) {
            Op::Const(list) => {
                let bits = g.list(list)[0];
                build::constant_from_bits(&mut self.target, g.dtype(x), &shape, bits)
            }
            Op::Broadcast if g.size(g.operand(x, 0)) == 1 => {
                let one = self.whole(g.operand(x, 0));
                build::broadcast(&mut self.target, one, &shape)
            }
            _ => {
                let whole = self.whole(x);
                build::slice_axis(&mut self.target, whole, axis, at.start, at.end)
            }
        }
    }
}
