//! From nodes to steps: which nodes run together, and in which order.
//!
//! One pass over the graph. A node joins the latest step of its kind unless one of its operands is
//! made later: an operand is never made in a later step than its user, so steps in order are a
//! schedule and groups cannot wait for each other.

mod parts;
mod scalars;
mod strips;

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::draft::{
    Draft, DraftStep, END, GroupDraft, KernelDraft, LAST, MapDraft, NONE, Root, Source, Spec, Value,
};
use super::guards::is_guarded;
use crate::array::{DType, Layout, Out, View, product};
use crate::error::Result;
use crate::interrupt::piece;
use crate::ir::{Graph, NodeId, Op};
use crate::ops::{self, Call, Fun};

/// Below this many nodes a group takes in what shares no operand with it.
const SMALL_GROUP: usize = 16;
/// A group takes no more nodes than this: its blocks would not stay in cache.
const LARGE_GROUP: usize = 1024;
/// How many steps back a node may join: what is computed early is kept long.
const WINDOW: usize = 64;

/// The schedule that computes `outputs`.
pub fn schedule(graph: &Graph, outputs: &[NodeId]) -> Result<Draft> {
    let mut scheduler = Scheduler {
        graph,
        draft: Draft::default(),
        values: vec![Value::Absent; graph.len()],
        cells: HashMap::new(),
        turns: vec![],
        tape: None,
        groups: HashMap::new(),
        strips: HashMap::new(),
    };
    let reachable = graph.reachable(outputs);
    for id in graph.ids().filter(|id| reachable[id.index()]) {
        piece();
        scheduler.node(id)?;
    }
    for (k, &id) in outputs.iter().enumerate() {
        scheduler.output(id, k as u32);
    }
    scheduler.unwrap_single_strips();
    Ok(scheduler.draft)
}

struct Scheduler<'g> {
    graph: &'g Graph,
    draft: Draft,
    values: Vec<Value>,
    /// Cells of constants by dtype and bits.
    cells: HashMap<(DType, i64), u32>,
    /// For each number, once one is met, its sine or cosine that is on a tape without the other: step
    /// and instruction.
    turns: Vec<Option<(u32, u32)>>,
    /// The latest tape.
    tape: Option<u32>,
    /// The latest group for each number of elements.
    groups: HashMap<usize, u32>,
    /// The latest strips for each number of rows.
    strips: HashMap<usize, u32>,
}

impl Scheduler<'_> {
    fn node(&mut self, id: NodeId) -> Result<()> {
        let g = self.graph;
        let value = match g.op(id) {
            Op::Input(k) => self.input(id, k),
            Op::Const(_) => self.constant(id)?,
            Op::Opaque(_) | Op::StopGradient => self.values[g.operand(id, 0).index()],
            Op::Map(fun) if g.size(id) == 1 => self.scalar(id, fun),
            Op::Map(fun) => match self.map_in_strips(id, fun) {
                Some(value) => value,
                None => self.elementwise(id, fun),
            },
            Op::Pack(_) if g.size(g.operand(id, 0)) == 1 => self.pack(id),
            op => (self.alias(id))
                .or_else(|| self.joined(id, op))
                .or_else(|| self.kernel_in_strips(id, op))
                .unwrap_or_else(|| self.kernel(id, op)),
        };
        self.values[id.index()] = value;
        Ok(())
    }

    fn step(&self) -> u32 {
        self.draft.steps.len() as u32
    }

    fn new_root(&mut self, id: NodeId, source: Source, step: u32) -> u32 {
        let (dtype, len) = (self.graph.dtype(id), self.graph.size(id));
        self.push_root(source, step, dtype, len)
    }

    fn push_root(&mut self, source: Source, step: u32, dtype: DType, len: usize) -> u32 {
        let stored = !matches!(source, Source::Group { .. });
        let root = Root {
            source,
            first: step,
            step,
            within: None,
            last_read: step,
            dtype,
            len,
            stored,
            output: NONE,
            buffer: NONE,
            touched: 0,
            inner: None,
            outside: false,
        };
        self.draft.roots.push(root);
        self.draft.roots.len() as u32 - 1
    }

    /// All of a root as the value of a node.
    fn whole(&mut self, id: NodeId, root: u32) -> Value {
        if self.graph.size(id) == 1 {
            return Value::Element { root, offset: 0 };
        }
        self.view(Spec {
            root,
            offset: 0,
            layout: Layout::contiguous(self.graph.shape(id)),
            whole: true,
        })
    }

    fn view(&mut self, spec: Spec) -> Value {
        self.draft.specs.push(spec);
        Value::View(self.draft.specs.len() as u32 - 1)
    }

    fn input(&mut self, id: NodeId, k: u32) -> Value {
        let root = self.new_root(id, Source::Input(k), 0);
        self.whole(id, root)
    }

    /// One cell, whatever the shape.
    fn constant(&mut self, id: NodeId) -> Result<Value> {
        let call = Call::of(self.graph, id, false);
        let cell = if let Some(&cell) = self.cells.get(&(call.dtype, call.list[0])) {
            cell
        } else {
            let mut bits = 0u64;
            let out = Out {
                ptr: (&raw mut bits).cast(),
                dtype: call.dtype,
                shape: [].as_slice().into(),
            };
            ops::operation(call.op).eval(&call, &[], &out)?;
            self.draft.constants.push(bits);
            let cell = self.draft.constants.len() as u32 - 1;
            self.cells.insert((call.dtype, call.list[0]), cell);
            cell
        };
        if self.graph.size(id) == 1 {
            return Ok(Value::Constant(cell));
        }
        let root = self.push_root(Source::Constant(cell), 0, call.dtype, 1);
        let layout = Layout::contiguous(&[]).broadcast(&call.shape);
        Ok(self.view(Spec {
            root,
            offset: 0,
            layout,
            whole: false,
        }))
    }

    /// The root, offset and layout of a value; scalars get a root of their own.
    fn spec_of(&mut self, id: NodeId) -> Spec {
        let layout = Layout::contiguous(self.graph.shape(id));
        let scalar = |root, offset| Spec {
            root,
            offset,
            layout,
            whole: false,
        };
        let dtype = self.graph.dtype(id);
        match self.values[id.index()] {
            Value::View(k) => self.draft.specs[k as usize].clone(),
            Value::Element { root, offset } => scalar(root, offset),
            Value::Scalar(s) => {
                let step = self.draft.scalars[s as usize].step;
                scalar(self.push_root(Source::Scalar(s), step, dtype, 1), 0)
            }
            Value::Constant(cell) => scalar(self.push_root(Source::Constant(cell), 0, dtype, 1), 0),
            Value::Absent => unreachable!("operands come first"),
        }
    }

    /// A node that is a view of its only operand.
    fn alias(&mut self, id: NodeId) -> Option<Value> {
        let &[x] = self.graph.operands(id) else {
            return None;
        };
        let from = self.spec_of(x);
        let call = Call::of(self.graph, id, false);
        // Offsets stand in for pointers: nothing is read.
        let ptr = std::ptr::without_provenance(from.offset as usize);
        let view = View {
            ptr,
            dtype: self.graph.dtype(x),
            layout: from.layout,
        };
        let view = ops::operation(call.op).alias(&call, &[view])?;
        let offset = view.ptr.addr() as isize;
        let root = &self.draft.roots[from.root as usize];
        if self.graph.size(id) == 1 {
            return Some(match root.source {
                Source::Scalar(s) => Value::Scalar(s),
                Source::Constant(cell) => Value::Constant(cell),
                _ => Value::Element {
                    root: from.root,
                    offset,
                },
            });
        }
        let whole = offset == 0 && view.is_contiguous() && view.len() == root.len;
        Some(self.view(Spec {
            root: from.root,
            offset,
            layout: view.layout,
            whole,
        }))
    }

    /// The first step, not being a tape, that may use a value; a group may use its own nodes.
    fn available(&self, value: Value, in_group: bool) -> u32 {
        match value {
            Value::Absent | Value::Constant(_) => 0,
            Value::Scalar(s) => self.draft.scalars[s as usize].step + 1,
            Value::Element { root, .. } => self.root_available(root, false),
            Value::View(k) => {
                let spec = &self.draft.specs[k as usize];
                self.root_available(spec.root, spec.whole && in_group)
            }
        }
    }

    fn root_available(&self, root: u32, within: bool) -> u32 {
        let root = &self.draft.roots[root as usize];
        match root.source {
            Source::Input(_) | Source::Constant(_) => 0,
            Source::Group { .. } if within && root.inner.is_none() => root.step,
            _ => root.step + 1,
        }
    }

    /// Notes that a step other than a tape reads a value.
    fn read(&mut self, value: Value, step: u32) {
        match value {
            Value::Absent | Value::Constant(_) => {}
            Value::Scalar(s) => self.read_scalar(s, (step, LAST)),
            Value::Element { root, .. } => self.read_root(root, step, false),
            Value::View(k) => {
                let Spec { root, whole, .. } = self.draft.specs[k as usize];
                self.read_root(root, step, whole);
            }
        }
    }

    fn read_scalar(&mut self, s: u32, at: (u32, u32)) {
        let scalar = &mut self.draft.scalars[s as usize];
        scalar.last = scalar.last.max(at);
    }

    fn read_root(&mut self, root: u32, step: u32, whole: bool) {
        let root = &mut self.draft.roots[root as usize];
        root.last_read = root.last_read.max(step);
        let inside = whole && root.step == step;
        root.stored |= !inside;
        root.outside = true;
        match (root.source, root.within) {
            (_, Some((all, _))) => self.read_root(all, step, false),
            (Source::Scalar(s), _) => self.read_scalar(s, (step, LAST)),
            _ => {}
        }
    }

    /// An elementwise node over an array.
    fn elementwise(&mut self, id: NodeId, fun: Fun) -> Value {
        self.draft.guarded |= fun == Fun::Mul0;
        let g = self.graph;
        let operands: SmallVec<[(Value, DType); 3]> = g
            .operands(id)
            .iter()
            .map(|&x| (self.values[x.index()], g.dtype(x)))
            .collect();
        let len = g.size(id);
        let step = self.group_for(&operands, len);
        let DraftStep::Group(group) = &self.draft.steps[step as usize] else {
            unreachable!("found by its length")
        };
        let source = Source::Group {
            local: group.nodes.len() as u32,
        };
        let root = self.new_root(id, source, step);
        for &(value, _) in &operands {
            self.read(value, step);
            if let Value::View(k) = value {
                let base = self.draft.specs[k as usize].root;
                self.draft.roots[base as usize].touched = step + 1;
            }
        }
        let dtype = operands[operands.len() - 1].1;
        let node = MapDraft {
            fun,
            dtype,
            result: g.dtype(id),
            operands,
            root,
        };
        if let DraftStep::Group(group) = &mut self.draft.steps[step as usize] {
            group.nodes.push(node);
        }
        self.whole(id, root)
    }

    /// The latest group of this length if it may and should take the node, else a new one.
    fn group_for(&mut self, operands: &[(Value, DType)], len: usize) -> u32 {
        let earliest = operands
            .iter()
            .map(|&(v, _)| self.available(v, true))
            .max()
            .unwrap_or(0);
        if let Some(&step) = self.groups.get(&len) {
            let DraftStep::Group(group) = &self.draft.steps[step as usize] else {
                unreachable!("a group")
            };
            let size = group.nodes.len();
            let near = self.draft.steps.len() - (step as usize) <= WINDOW;
            let related = || operands.iter().any(|&(v, _)| self.shares(v, step));
            if earliest <= step && near && size < LARGE_GROUP && (size < SMALL_GROUP || related()) {
                return step;
            }
        }
        let step = self.step();
        self.draft
            .steps
            .push(DraftStep::Group(GroupDraft { len, nodes: vec![] }));
        self.groups.insert(len, step);
        step
    }

    /// A group made or already reads this array.
    fn shares(&self, value: Value, step: u32) -> bool {
        let Value::View(k) = value else { return false };
        let root = &self.draft.roots[self.draft.specs[k as usize].root as usize];
        match root.source {
            Source::Group { .. } if root.step == step => true,
            Source::Constant(_) | Source::Scalar(_) => false,
            _ => root.touched == step + 1,
        }
    }

    fn kernel(&mut self, id: NodeId, op: Op) -> Value {
        self.draft.guarded |= is_guarded(op);
        let operands: SmallVec<[Value; 3]> = self
            .graph
            .operands(id)
            .iter()
            .map(|x| self.values[x.index()])
            .collect();
        let step = self.step();
        for &value in &operands {
            self.read(value, step);
        }
        let root = self.new_root(id, Source::Kernel, step);
        self.draft.steps.push(DraftStep::Kernel(KernelDraft {
            node: id,
            operands,
            root,
            in_place: false,
            total: false,
        }));
        self.whole(id, root)
    }

    /// An output is written where it is made, if that is an array of its own; else copied at the end.
    fn output(&mut self, id: NodeId, k: u32) {
        let value = self.values[id.index()];
        if let Value::Scalar(s) = value {
            return self.store_output(id, s, k);
        }
        self.read(value, END);
        let root = match value {
            Value::View(v) if self.draft.specs[v as usize].whole => {
                Some(self.draft.specs[v as usize].root)
            }
            Value::Element { root, offset: 0 } if self.draft.roots[root as usize].len == 1 => {
                Some(root)
            }
            _ => None,
        };
        if let Some(root) = root {
            let root = &mut self.draft.roots[root as usize];
            let own = root.source.is_made() && root.within.is_none();
            if own && root.output == NONE && product(self.graph.shape(id)) == root.len {
                root.output = k;
                return;
            }
        }
        self.draft.copies.push((value, k));
    }
}
