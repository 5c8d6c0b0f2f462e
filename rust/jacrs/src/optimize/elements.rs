//! Small arrays as their elements.
//!
//! An operation on two numbers in an array costs a step of its own and breaks the tape of the numbers
//! around it. As two operations on single numbers it costs next to nothing, views cost nothing at
//! all, and the code stays one tape.

use smallvec::SmallVec;

use super::mapped;
use crate::array::{DType, Layout, View, walk};
use crate::ir::{Graph, NodeId, Op, Reduction};
use crate::ops::{self, Call, Fun, build, list_of, slice_layout};

/// Arrays of at most so many elements are taken apart: from here on vectors are as good.
pub const FEW: usize = 4;

type Elements = SmallVec<[NodeId; FEW]>;

/// The graph with its small arrays of float64 and bool taken apart wherever an operation is one on
/// their elements, bit for bit; and where nodes of the old graph are in the new one. Names of values
/// ([`Op::Opaque`]) go, but for those that are `named`: who still has to differentiate by a name
/// would else mistake it for what it names.
pub fn by_elements(g: &Graph, wanted: &[NodeId], named: &[NodeId]) -> (Graph, Vec<NodeId>) {
    let mut kept = vec![false; g.len()];
    for name in named {
        kept[name.index()] = true;
    }
    let mut splitter = Splitter {
        g,
        named: kept,
        target: Graph::sharing(g),
        whole: vec![None; g.len()],
        parts: vec![None; g.len()],
    };
    for &x in g.inputs() {
        let node = (splitter.target).input(g.dtype(x), g.shape(x), g.node(x).active);
        splitter.whole[x.index()] = Some(node);
    }
    let live = g.reachable(wanted);
    for id in g.ids().filter(|id| live[id.index()]) {
        splitter.target.location = g.node(id).location;
        splitter.node(id);
    }
    let places = wanted.iter().map(|&id| splitter.whole(id)).collect();
    (splitter.target, places)
}

/// Some operation of the graph is on a small array.
pub fn has_small_arrays(g: &Graph) -> bool {
    let small = |id: NodeId| !g.shape(id).is_empty() && (1..=FEW).contains(&g.size(id));
    (g.ids()).any(|id| small(id) && matches!(g.op(id), Op::Map(_)) && is_plain(g, id))
}

/// Of a dtype that the tape computes with.
fn is_plain(g: &Graph, id: NodeId) -> bool {
    matches!(g.dtype(id), DType::F64 | DType::Bool)
}

struct Splitter<'g> {
    g: &'g Graph,
    /// The names that stay names.
    named: Vec<bool>,
    target: Graph,
    whole: Vec<Option<NodeId>>,
    parts: Vec<Option<Elements>>,
}

impl Splitter<'_> {
    fn node(&mut self, id: NodeId) {
        let g = self.g;
        if self.whole[id.index()].is_some() {
            return;
        }
        let operands = g.operands(id);
        let plain = is_plain(g, id) && operands.iter().all(|&x| is_plain(g, x));
        if plain && (1..=FEW).contains(&g.size(id)) {
            self.parts[id.index()] = self.elements(id);
            if self.parts[id.index()].is_some() {
                return;
            }
        }
        let operands: SmallVec<[NodeId; 4]> = match g.op(id) {
            Op::Concat(axis) => self.side_by_side(operands, axis.into()),
            _ => operands.iter().map(|&x| self.whole(x)).collect(),
        };
        self.whole[id.index()] = Some(match g.op(id) {
            Op::Opaque(_) if self.named[id.index()] => self.target.opaque(operands[0]),
            Op::Opaque(_) => operands[0],
            _ => self.target.adopt(g, id, &operands),
        });
    }

    /// What is put together along an axis: of short lines their elements.
    fn side_by_side(&mut self, operands: &[NodeId], axis: usize) -> SmallVec<[NodeId; 4]> {
        let mut all = SmallVec::new();
        for &x in operands {
            let mut shape = self.g.dims(x);
            match self.parts[x.index()].clone() {
                Some(parts) if shape[axis] == parts.len() => {
                    shape[axis] = 1;
                    all.extend(
                        parts
                            .iter()
                            .map(|&one| build::reshape(&mut self.target, one, &shape)),
                    );
                }
                _ => all.push(self.whole(x)),
            }
        }
        all
    }

    /// A node of the old graph as one of the new.
    fn whole(&mut self, id: NodeId) -> NodeId {
        if let Some(node) = self.whole[id.index()] {
            return node;
        }
        let parts = self.parts[id.index()].clone().expect("operands come first");
        let shape = self.g.shape(id);
        let t = &mut self.target;
        let node = match *parts {
            [one] => build::reshape(t, one, shape),
            _ if parts.iter().all(|part| *part == parts[0]) => build::broadcast(t, parts[0], shape),
            _ => {
                let places: SmallVec<[i64; FEW]> = (0..parts.len() as i64).collect();
                build::pack(t, &parts, &places, shape)
            }
        };
        self.whole[id.index()] = Some(node);
        node
    }

    /// Element `k`, in C order.
    fn element(&mut self, id: NodeId, k: usize) -> NodeId {
        if let Some(parts) = &self.parts[id.index()] {
            return parts[k];
        }
        let axes = self.g.shape(id).len();
        let whole = self.whole(id);
        build::item(&mut self.target, whole, k, axes)
    }

    /// The elements of a node whose operation is one on the elements of its operands.
    fn elements(&mut self, id: NodeId) -> Option<Elements> {
        let g = self.g;
        let (op, n) = (g.op(id), g.size(id));
        let operands = g.operands(id);
        Some(match op {
            Op::Const(list) => {
                let bits = g.list(list)[0];
                let one = build::constant_from_bits(&mut self.target, g.dtype(id), &[], bits);
                SmallVec::from_elem(one, n)
            }
            Op::Map(fun) => (0..n).map(|k| self.mapped(id, fun, k)).collect(),
            Op::Opaque(_) if self.named[id.index()] => return None,
            Op::Opaque(_) => (0..n).map(|k| self.element(operands[0], k)).collect(),
            Op::StopGradient => (0..n)
                .map(|k| {
                    let x = self.element(operands[0], k);
                    let scalar = self.target.intern_shape(&[]);
                    self.target.push(op, g.dtype(id), scalar, &[x])
                })
                .collect(),
            Op::Reshape | Op::Broadcast | Op::Transpose(_) | Op::Slice(_) | Op::Item(_) => {
                let places = viewed(g, id)?;
                (places.iter())
                    .map(|&k| self.element(operands[0], k))
                    .collect()
            }
            Op::Pack(_) => self.packed(id),
            Op::Concat(axis) => self.joined(id, usize::from(axis)),
            // A sum of bools is another operation.
            Op::AddAt(_) if g.dtype(id) != DType::F64 => return None,
            Op::Assign(list) | Op::AddAt(list) => {
                let (base, value) = (operands[0], operands[1]);
                let mut parts: Elements = (0..n).map(|k| self.element(base, k)).collect();
                let places = sliced(g.shape(base), g.list(list), g.shape(value));
                for (k, place) in places.into_iter().enumerate() {
                    let new = self.element(value, k);
                    parts[place] = match op {
                        Op::AddAt(_) => build::add(&mut self.target, parts[place], new),
                        _ => new,
                    };
                }
                parts
            }
            Op::Reduce(Reduction::Sum, _) if n == 1 && self.is_short(operands[0]) => {
                let x = operands[0];
                let first = self.element(x, 0);
                let sum = (1..g.size(x)).fold(first, |sum, k| {
                    let term = self.element(x, k);
                    build::add(&mut self.target, sum, term)
                });
                SmallVec::from_elem(sum, 1)
            }
            _ => return None,
        })
    }

    /// A sum of these is taken one term after the other.
    fn is_short(&self, x: NodeId) -> bool {
        (1..=FEW).contains(&self.g.size(x)) && self.g.dtype(x) == DType::F64
    }

    fn mapped(&mut self, id: NodeId, fun: Fun, k: usize) -> NodeId {
        let operands: SmallVec<[NodeId; 3]> = (self.g.operands(id).iter())
            .map(|&x| self.element(x, k))
            .collect();
        mapped(&mut self.target, fun, self.g.dtype(id), &operands)
    }

    fn joined(&mut self, id: NodeId, axis: usize) -> Elements {
        let g = self.g;
        let mut parts: Elements = SmallVec::from_elem(NodeId(u32::MAX), g.size(id));
        let mut slice: SmallVec<[i64; 8]> = [0, 1].repeat(g.shape(id).len()).into();
        for &x in g.operands(id) {
            let places = sliced(g.shape(id), &slice, g.shape(x));
            for (k, place) in places.into_iter().enumerate() {
                parts[place] = self.element(x, k);
            }
            slice[2 * axis] += g.shape(x)[axis] as i64;
        }
        parts
    }

    fn packed(&mut self, id: NodeId) -> Elements {
        let g = self.g;
        let zero = build::constant(&mut self.target, g.dtype(id), &[], 0.0);
        let mut parts: Elements = SmallVec::from_elem(zero, g.size(id));
        for (&x, &place) in g.operands(id).iter().zip(list_of(g, g.op(id))) {
            let size = g.size(x);
            for k in 0..size {
                parts[place as usize * size + k] = self.element(x, k);
            }
        }
        parts
    }
}

/// The elements of an array that a slice of it names.
fn sliced(whole: &[usize], list: &[i64], part: &[usize]) -> SmallVec<[usize; FEW]> {
    let (first, layout) = slice_layout(&Layout::contiguous(whole), list, part);
    places(first, &layout)
}

fn places(first: isize, layout: &Layout) -> SmallVec<[usize; FEW]> {
    let mut places = SmallVec::new();
    walk(&layout.shape, [&layout.strides], |[offset]| {
        places.push((first + offset) as usize);
    });
    places
}

/// The elements of the operand that a view shows.
fn viewed(g: &Graph, id: NodeId) -> Option<SmallVec<[usize; FEW]>> {
    let x = g.operand(id, 0);
    let whole = View {
        // Places stand in for addresses: nothing is read.
        ptr: std::ptr::null(),
        dtype: DType::Bool,
        layout: Layout::contiguous(g.shape(x)),
    };
    let view = ops::operation(g.op(id)).alias(&Call::of(g, id, false), &[whole])?;
    Some(places(view.ptr.addr() as isize, &view.layout))
}
