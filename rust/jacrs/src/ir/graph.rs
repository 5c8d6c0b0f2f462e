//! The arena of nodes, and its hash-consing: the same operation on the same operands is one node.

use hashbrown::HashTable;
use std::hash::{BuildHasher, Hash, Hasher};

use super::hash::FastState;
use super::{Fingerprint, Interner, ListId, Op, ShapeId};
use crate::array::{DType, Dims};
use crate::error::{text, throw};
use crate::interrupt::{pause, piece};

/// Nodes between two looks for an interrupt.
const PATIENT_NODES: u32 = 256;

/// A node of one graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

impl NodeId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The type of a value: dtype and shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    pub dtype: DType,
    pub shape: Dims,
}

impl Type {
    pub fn new(dtype: DType, shape: &[usize]) -> Self {
        Self {
            dtype,
            shape: Dims::from_slice(shape),
        }
    }
}

/// An operation with its type and its operands (which live in the graph's pool).
#[derive(Clone, Copy, Debug)]
pub struct Node {
    pub op: Op,
    pub shape: ShapeId,
    first: u32,
    count: u32,
    /// Where in the user's source it was recorded; 0 is nowhere.
    pub location: u32,
    pub dtype: DType,
    /// It depends, through operations that have a derivative, on an active input.
    pub active: bool,
}

/// What the table of equal nodes holds: part of the hash beside the id, so that neither a miss nor
/// the growth of the table touches the nodes themselves, which are far away in a large graph.
#[derive(Clone, Copy)]
struct Entry {
    hash: u32,
    id: u32,
}

/// A graph. Ids grow along dependencies: every operand has a smaller id than its user.
#[derive(Clone, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    pool: Vec<NodeId>,
    shapes: Interner<usize>,
    lists: Interner<i64>,
    index: HashTable<Entry>,
    inputs: Vec<NodeId>,
    opaques: u32,
    /// What the graph computes.
    pub outputs: Vec<NodeId>,
    /// The source location given to new nodes.
    pub location: u32,
}

impl Graph {
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty graph with room for so many nodes.
    pub fn with_capacity(nodes: usize) -> Self {
        Self {
            nodes: Vec::with_capacity(nodes),
            pool: Vec::with_capacity(2 * nodes),
            index: HashTable::with_capacity(nodes),
            ..Self::default()
        }
    }

    /// Makes room for so many more nodes.
    pub fn reserve(&mut self, nodes: usize) {
        // In powers of two, as by growth: memory of a few sizes is found again, while an allocator
        // that sees a size for each graph may give all of it back to the system in between.
        let rounded = |len: usize, more: usize| (len + more).next_power_of_two() - len;
        self.nodes.reserve_exact(rounded(self.nodes.len(), nodes));
        self.pool.reserve_exact(rounded(self.pool.len(), 2 * nodes));
        self.index.reserve(nodes, |entry| spread(entry.hash));
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    pub fn op(&self, id: NodeId) -> Op {
        self.nodes[id.index()].op
    }

    pub fn dtype(&self, id: NodeId) -> DType {
        self.nodes[id.index()].dtype
    }

    pub fn shape(&self, id: NodeId) -> &[usize] {
        self.shapes.get(self.nodes[id.index()].shape.0)
    }

    pub fn shape_of(&self, id: ShapeId) -> &[usize] {
        self.shapes.get(id.0)
    }

    /// Equal shapes have equal ids.
    pub fn shape_id(&self, id: NodeId) -> ShapeId {
        self.nodes[id.index()].shape
    }

    /// The shape as a value of its own, for building more nodes from it.
    pub fn dims(&self, id: NodeId) -> Dims {
        Dims::from_slice(self.shape(id))
    }

    pub fn type_of(&self, id: NodeId) -> Type {
        Type::new(self.dtype(id), self.shape(id))
    }

    pub fn size(&self, id: NodeId) -> usize {
        self.shape(id).iter().product()
    }

    pub fn operands(&self, id: NodeId) -> &[NodeId] {
        let node = &self.nodes[id.index()];
        &self.pool[node.first as usize..(node.first + node.count) as usize]
    }

    pub fn operand(&self, id: NodeId, k: usize) -> NodeId {
        self.operands(id)[k]
    }

    /// The inputs in the order of their numbers.
    pub fn inputs(&self) -> &[NodeId] {
        &self.inputs
    }

    pub fn list(&self, id: ListId) -> &[i64] {
        self.lists.get(id.0)
    }

    pub fn intern_list(&mut self, list: &[i64]) -> ListId {
        ListId(self.lists.id(list))
    }

    pub fn intern_shape(&mut self, shape: &[usize]) -> ShapeId {
        if shape.is_empty() {
            return ShapeId::SCALAR;
        }
        if !is_addressable(shape) {
            throw(text::unaddressable(shape));
        }
        ShapeId(self.shapes.id(shape))
    }

    /// A new input; inputs are never merged with each other.
    pub fn input(&mut self, dtype: DType, shape: &[usize], active: bool) -> NodeId {
        let op = Op::Input(self.inputs.len() as u32);
        let shape = self.intern_shape(shape);
        let id = self.push(op, dtype, shape, &[]);
        self.nodes[id.index()].active = active;
        self.inputs.push(id);
        id
    }

    /// A fresh name for `x`, equal in value and never merged with it or with another name.
    pub fn opaque(&mut self, x: NodeId) -> NodeId {
        self.opaques += 1;
        let Node { dtype, shape, .. } = *self.node(x);
        let id = self.push(Op::Opaque(self.opaques), dtype, shape, &[x]);
        self.nodes[id.index()].active = true;
        id
    }

    /// A fresh stand-in for a node that is put in its place later, by [`crate::differentiate::batch`].
    pub fn placeholder(&mut self, dtype: DType, shape: &[usize], active: bool) -> NodeId {
        self.opaques += 1;
        let shape = self.intern_shape(shape);
        let id = self.push(Op::Placeholder(self.opaques), dtype, shape, &[]);
        self.nodes[id.index()].active = active;
        id
    }

    /// The node for this operation: an existing equal one, or a new one. The type is taken as
    /// given; [`crate::ops::infer`] says what it must be.
    pub fn push(&mut self, op: Op, dtype: DType, shape: ShapeId, operands: &[NodeId]) -> NodeId {
        let hash = hash_of(op, dtype, shape, operands);
        let same = |entry: &Entry| {
            let id = NodeId(entry.id);
            let node = &self.nodes[id.index()];
            entry.hash == hash
                && node.op == op
                && node.dtype == dtype
                && node.shape == shape
                && self.operands(id) == operands
        };
        if let Some(entry) = self.index.find(spread(hash), same) {
            return NodeId(entry.id);
        }
        let k = u32::try_from(self.nodes.len()).expect("fewer than 2^32 nodes");
        if k.is_multiple_of(PATIENT_NODES) {
            pause();
        }
        let active = !crate::ops::blocks_derivative(op, dtype)
            && operands.iter().any(|&x| self.nodes[x.index()].active);
        let (first, count) = (self.pool.len() as u32, operands.len() as u32);
        self.pool.extend_from_slice(operands);
        let location = self.location;
        self.nodes.push(Node {
            op,
            shape,
            first,
            count,
            location,
            dtype,
            active,
        });
        self.index
            .insert_unique(spread(hash), Entry { hash, id: k }, |entry| {
                spread(entry.hash)
            });
        NodeId(k)
    }

    /// A 128-bit hash of everything that decides what the graph computes, source locations aside.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut print = Fingerprint::default();
        for shape in self.shapes.iter() {
            print.word(shape.len() as u64);
            print.words(shape.iter().map(|&n| n as u64));
        }
        for list in self.lists.iter() {
            print.word(list.len() as u64);
            print.words(list.iter().map(|&n| n as u64));
        }
        let hasher = FastState;
        for node in &self.nodes {
            print.word(hasher.hash_one(node.op));
            print.word(u64::from(node.shape.0) << 32 | node.dtype as u64);
            print.word(u64::from(node.count) << 1 | u64::from(node.active));
        }
        print.words(self.pool.iter().map(|id| u64::from(id.0)));
        print.words(self.outputs.iter().map(|id| u64::from(id.0)));
        print
    }

    /// Approximate bytes held, for the bounds of caches.
    pub fn bytes(&self) -> usize {
        self.nodes.len() * (size_of::<Node>() + 9)
            + self.pool.len() * 4
            + self.shapes.bytes()
            + self.lists.bytes()
    }

    /// Which nodes the given ones depend on, themselves included.
    pub fn reachable(&self, from: &[NodeId]) -> Vec<bool> {
        let mut seen = vec![false; self.nodes.len()];
        for &id in from {
            seen[id.index()] = true;
        }
        for id in self.ids().rev() {
            piece();
            if seen[id.index()] {
                for &x in self.operands(id) {
                    seen[x.index()] = true;
                }
            }
        }
        seen
    }

    /// Which nodes depend on one of the given ones, themselves included; of any kind of dependence.
    pub fn dependents(&self, of: &[NodeId]) -> Vec<bool> {
        let mut seen = vec![false; self.nodes.len()];
        for &id in of {
            seen[id.index()] = true;
        }
        for id in self.ids() {
            piece();
            seen[id.index()] |= self.operands(id).iter().any(|x| seen[x.index()]);
        }
        seen
    }
}

/// Whether the bytes of an array of this shape can be counted, whatever its dtype.
pub fn is_addressable(shape: &[usize]) -> bool {
    const WIDEST: usize = 16;
    shape
        .iter()
        .try_fold(WIDEST, |bytes, &n| bytes.checked_mul(n.max(1)))
        .is_some_and(|bytes| isize::try_from(bytes).is_ok())
}

#[inline]
fn hash_of(op: Op, dtype: DType, shape: ShapeId, operands: &[NodeId]) -> u32 {
    let mut h = FastState.build_hasher();
    op.hash(&mut h);
    h.write_u64(u64::from(shape.0) << 8 | dtype as u64);
    for pair in operands.chunks(2) {
        h.write_u64(
            u64::from(pair[0].0) << 32
                | pair.get(1).map_or(u64::from(u32::MAX), |x| u64::from(x.0)),
        );
    }
    (h.finish() >> 32) as u32
}

/// A 64-bit hash for the table, which takes its lowest and its highest bits.
#[inline]
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

/// Copies between graphs.
impl Graph {
    /// An empty graph in which the shapes and lists of `from` have the numbers they have there, so
    /// that [`Graph::adopt`] may copy its nodes; with room for as many.
    pub fn sharing(from: &Graph) -> Self {
        Self {
            nodes: Vec::with_capacity(from.nodes.len()),
            pool: Vec::with_capacity(from.pool.len()),
            shapes: from.shapes.clone(),
            lists: from.lists.clone(),
            index: HashTable::with_capacity(from.nodes.len()),
            ..Self::default()
        }
    }

    /// Node `id` of the graph that this one was made [`Graph::sharing`] with, on operands of this
    /// one.
    pub fn adopt(&mut self, from: &Graph, id: NodeId, operands: &[NodeId]) -> NodeId {
        let Node {
            op, dtype, shape, ..
        } = *from.node(id);
        debug_assert_eq!(self.shape_of(shape), from.shape_of(shape));
        self.push(op, dtype, shape, operands)
    }

    /// Drops what the outputs do not depend on, apart from inputs. Equal nodes are not found any
    /// more by what is pushed afterwards: this is for graphs that are done.
    pub fn compact(&mut self) {
        let live = self.reachable(&self.outputs);
        let mut place: Vec<NodeId> = Vec::with_capacity(self.nodes.len());
        let (mut kept, mut end) = (0, 0);
        for (k, &lives) in live.iter().enumerate() {
            place.push(NodeId(kept as u32));
            let mut node = self.nodes[k];
            if !lives && !matches!(node.op, Op::Input(_)) {
                continue;
            }
            let first = end as u32;
            for i in node.first..node.first + node.count {
                self.pool[end] = place[self.pool[i as usize].index()];
                end += 1;
            }
            node.first = first;
            self.nodes[kept] = node;
            kept += 1;
        }
        self.nodes.truncate(kept);
        self.pool.truncate(end);
        self.index = HashTable::new();
        for id in self.inputs.iter_mut().chain(&mut self.outputs) {
            *id = place[id.index()];
        }
    }

    /// Node `id` of another graph, on operands of this one; leaves other than inputs included.
    pub fn import(&mut self, from: &Graph, id: NodeId, operands: &[NodeId]) -> NodeId {
        self.import_shaped(from, id, operands, from.shape(id))
    }

    /// The same on operands that give it another shape.
    pub fn import_shaped(
        &mut self,
        from: &Graph,
        id: NodeId,
        operands: &[NodeId],
        shape: &[usize],
    ) -> NodeId {
        let node = from.node(id);
        let op = self.import_op(from, node.op);
        let shape = self.intern_shape(shape);
        self.location = node.location;
        match op {
            Op::Opaque(_) => self.opaque(operands[0]),
            Op::Placeholder(_) => self.placeholder(node.dtype, from.shape(id), node.active),
            _ => self.push(op, node.dtype, shape, operands),
        }
    }

    /// The outputs of another graph, made here, where `inputs` stand for its inputs.
    pub fn splice(&mut self, from: &Graph, inputs: &[NodeId]) -> Vec<NodeId> {
        self.graft(from, 0, inputs)
    }

    /// The same of a graph that was grown from a copy of this one: its first `shared` nodes are ours,
    /// names included.
    pub fn graft(&mut self, from: &Graph, shared: usize, inputs: &[NodeId]) -> Vec<NodeId> {
        let live = from.reachable(&from.outputs);
        let mut place: Vec<NodeId> = (0..shared as u32).map(NodeId).collect();
        place.resize(from.len(), NodeId(u32::MAX));
        let added = from.ids().skip(shared);
        for id in added.filter(|id| live[id.index()]) {
            let operands: Vec<NodeId> = (from.operands(id).iter())
                .map(|x| place[x.index()])
                .collect();
            place[id.index()] = match from.op(id) {
                Op::Input(k) => inputs[k as usize],
                Op::Opaque(_) => self.opaque(operands[0]),
                op => {
                    let op = self.import_op(from, op);
                    let shape = self.intern_shape(from.shape(id));
                    self.push(op, from.dtype(id), shape, &operands)
                }
            };
        }
        from.outputs.iter().map(|y| place[y.index()]).collect()
    }

    /// The same operation with its list interned here.
    fn import_op(&mut self, from: &Graph, mut op: Op) -> Op {
        if let Some(list) = op.list_mut() {
            *list = self.intern_list(from.list(*list));
        }
        op
    }

    /// The reachable part of the graph without some inputs, which nothing that is left may use.
    #[must_use]
    pub fn without_inputs(&self, dropped: &[NodeId]) -> Graph {
        let mut target = Graph::new();
        let live = self.reachable(&self.outputs);
        let mut place: Vec<Option<NodeId>> = vec![None; self.len()];
        let mut kept = vec![true; self.len()];
        for x in dropped {
            kept[x.index()] = false;
        }
        for &x in self.inputs().iter().filter(|x| kept[x.index()]) {
            let id = target.input(self.dtype(x), self.shape(x), self.node(x).active);
            place[x.index()] = Some(id);
        }
        for id in self.ids().filter(|id| live[id.index()]) {
            if place[id.index()].is_none() {
                let operands: Vec<NodeId> = self
                    .operands(id)
                    .iter()
                    .map(|x| place[x.index()].expect("operands are live"))
                    .collect();
                place[id.index()] = Some(target.import(self, id, &operands));
            }
        }
        target.outputs = self
            .outputs
            .iter()
            .map(|x| place[x.index()].expect("outputs are live"))
            .collect();
        target
    }
}
