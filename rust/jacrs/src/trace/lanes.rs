//! Lanes of a `vmap`: the function is recorded once, on placeholders that stand for what one lane
//! is given, and what it computed is put in lanes afterwards, all at once.
//!
//! A value that is asked for in between is computed in all lanes; the recording can only go on if
//! they agree. Levels nest: the lanes of an inner one may hold placeholders of an outer one.

use super::order;
use super::{Demand, Handle, Recording};
use crate::array::{Array, DType, Dims, Layout, product};
use crate::error::{Error, Result, text};
use crate::ir::NodeId;
use crate::ops::batch::Batch;
use crate::ops::{Fun, build};

/// The levels that are open, and of which level each node is.
#[derive(Default)]
pub(super) struct Levels {
    /// Innermost last; numbered from 1 in the order of opening.
    open: Vec<(u32, Batch)>,
    opened: u32,
    /// The nodes from the first placeholder on: the innermost level that each depends on, 0 for none.
    first: usize,
    of: Vec<u32>,
}

/// What a value is needed for, in the words of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Which way a branch goes.
    Branch,
    /// The number of elements that a mask selects.
    Count,
    /// Anything else: a Python number, an index, a size.
    Value,
}

impl Recording {
    /// Opens a level of `width` lanes: each source, of which an axis is given, is seen as one lane
    /// along that axis. The level is open until [`Recording::close_lanes`].
    ///
    /// ```
    /// use jacrs::array::Array;
    /// use jacrs::ops::Fun;
    /// use jacrs::trace::{Recording, Weak};
    /// let mut r = Recording::new();
    /// let x = r.argument(Array::from_slice(&[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), true);
    /// let lane = r.open_lanes(3, &[(x, 0)]).unwrap()[0];
    /// assert_eq!(r.shape(lane), [2]);
    /// let lane = r.node(lane);
    /// let y = r.map(Fun::Square, &[(lane, Weak::None)]).unwrap();
    /// let y = r.stack_lanes(&[(y, Some(1))]).unwrap()[0].unwrap();
    /// r.close_lanes(0);
    /// assert_eq!(r.value(y).unwrap().to_vec::<f64>(), [1.0, 9.0, 25.0, 4.0, 16.0, 36.0]);
    /// ```
    pub fn open_lanes(&mut self, width: usize, sources: &[(Handle, usize)]) -> Result<Vec<Handle>> {
        let mut pairs = vec![];
        for &(source, axis) in sources {
            let node = self.node(source);
            self.check_lane(node)?;
            let g = &mut self.graph;
            let lanes = build::move_axis(g, node, axis, g.shape(node).len() - 1);
            let mut layout = self.layout(source);
            layout.shape.remove(axis);
            layout.strides.remove(axis);
            pairs.push((lanes, layout, self.is_unordered(source)));
        }
        // What is made here is the same in all lanes, so that nothing before counts as of a level.
        self.levels.opened += 1;
        let level = self.levels.opened;
        let (mut names, mut handles) = (vec![], vec![]);
        for (lanes, layout, in_doubt) in &pairs {
            let (dtype, active) = (self.graph.dtype(*lanes), self.graph.node(*lanes).active);
            let name = self.graph.placeholder(dtype, &layout.shape, active);
            self.levels.put(&self.graph, name, level);
            names.push(name);
            handles.push(if layout.shape.is_empty() {
                Handle::Value(name)
            } else {
                let (frame, unordered) = order::of_memory(layout);
                self.new_storage(name, frame, unordered || *in_doubt, Some(text::MAPPED))
            });
        }
        let lanes: Vec<NodeId> = pairs.iter().map(|pair| pair.0).collect();
        let batch = Batch::new(&names, &lanes, width);
        self.levels.open.push((level, batch));
        Ok(handles)
    }

    /// The number of levels that are open.
    pub fn open_levels(&self) -> usize {
        self.levels.open.len()
    }

    /// Closes the innermost levels until so many are open. Nodes of theirs cannot be used any more.
    pub fn close_lanes(&mut self, open: usize) {
        self.levels.open.truncate(open);
    }

    /// Nodes over all lanes of the innermost level, the lanes along the given axis of the result:
    /// those of one lane, stacked, and those that are the same in all, repeated. Without an axis a
    /// node stays as it is; `None` where it is not the same in all lanes.
    ///
    /// # Errors
    /// Where a node is of a level that was closed.
    pub fn stack_lanes(
        &mut self,
        nodes: &[(NodeId, Option<usize>)],
    ) -> Result<Vec<Option<NodeId>>> {
        for &(node, _) in nodes {
            self.check_lane(node)?;
        }
        let Some((_, batch)) = self.levels.open.last_mut() else {
            return Err(Error::internal("no lanes are open"));
        };
        let outputs: Vec<NodeId> = nodes.iter().map(|&(node, _)| node).collect();
        let batched = batch.of(&mut self.graph, &outputs)?;
        let (width, g) = (batch.width(), &mut self.graph);
        let stack = |(&(_, axis), (node, in_lanes)): (&(NodeId, Option<usize>), (NodeId, bool))| {
            let Some(axis) = axis else {
                return (!in_lanes).then_some(node);
            };
            let full = if in_lanes {
                node
            } else {
                build::with_lanes(g, node, width)
            };
            let last = g.shape(full).len() - 1;
            Some(build::move_axis(g, full, last, axis))
        };
        Ok(nodes.iter().zip(batched).map(stack).collect())
    }

    /// Refuses a node of one lane of a level that was closed.
    pub fn check_lane(&mut self, node: NodeId) -> Result<()> {
        let level = self.levels.of(&self.graph, node);
        if level == 0 || self.levels.open.iter().any(|(open, _)| *open == level) {
            Ok(())
        } else {
            Err(text::lane_ended())
        }
    }

    /// Whether the node is of one lane of a level.
    pub(super) fn is_lane(&mut self, node: NodeId) -> bool {
        self.levels.of(&self.graph, node) != 0
    }

    /// The node over all lanes of all levels that are open, which are its last axes; itself where
    /// it is of none.
    pub(super) fn in_all_lanes(&mut self, node: NodeId) -> Result<NodeId> {
        if !self.is_lane(node) {
            return Ok(node);
        }
        self.check_lane(node)?;
        let mut whole = node;
        for (_, batch) in self.levels.open.iter_mut().rev() {
            whole = batch.of(&mut self.graph, &[whole])?[0].0;
        }
        // A node of a level that is open may also be of one that was closed.
        self.check_lane(whole)?;
        Ok(whole)
    }

    /// The values of a node in all lanes, which are its last axes.
    pub(super) fn lane_values(&mut self, node: NodeId) -> Result<Array> {
        let whole = self.in_all_lanes(node)?;
        self.compute(whole)?;
        Ok(self.known(whole))
    }

    /// As [`Recording::lane_values`], for who goes on by what they are.
    fn asked(&mut self, node: NodeId) -> Result<Array> {
        let whole = self.in_all_lanes(node)?;
        self.compute(whole)?;
        self.demand(Demand::Value(whole));
        Ok(self.known(whole))
    }

    /// The value of a node that is needed now: in lanes, what all of them agree on.
    ///
    /// # Errors
    /// Where they do not agree.
    pub fn value_for(&mut self, node: NodeId, need: Need) -> Result<Array> {
        let values = self.asked(node)?;
        if !self.is_lane(node) {
            return Ok(values);
        }
        let (shape, size) = (self.graph.dims(node), self.graph.size(node));
        let lanes = product(&values.shape()[shape.len()..]);
        let bytes = dense_bytes(&values);
        let width = values.dtype().size();
        let cell = |k: usize| &bytes[k * width..(k + 1) * width];
        let differs = |&lane: &usize| (0..size).any(|k| cell(k * lanes + lane) != cell(k * lanes));
        let different = (0..lanes).filter(differs).count();
        if lanes > 0 && different == 0 {
            let layout = Layout {
                strides: values.view().strides()[..shape.len()].into(),
                shape,
            };
            return Ok(values.relaid(0, layout));
        }
        Err(disagreement(&values, need, lanes, different))
    }

    /// The values of a node in all lanes, these along its first axes, for who looks at them.
    /// `None` where it is the same in all lanes.
    pub fn shown_lanes(&mut self, node: NodeId) -> Result<Option<Array>> {
        if !self.is_lane(node) {
            return Ok(None);
        }
        let values = self.asked(node)?;
        let (own, all) = (self.graph.shape(node).len(), values.shape().len());
        let front: Dims = (own..all).chain(0..own).collect();
        Ok(Some(
            values.relaid(0, values.view().layout.transpose(&front)),
        ))
    }

    /// The node, or in lanes what a function makes of it: what is asked for there need not be more
    /// than what decides.
    pub fn decisive(&mut self, node: NodeId, fun: Fun) -> NodeId {
        if !self.is_lane(node) {
            return node;
        }
        let g = &mut self.graph;
        match fun {
            Fun::NotEqual if g.dtype(node) != DType::Bool => {
                let zero = build::zeros_like(g, node);
                build::map(g, fun, &[node, zero])
            }
            Fun::NotEqual => node,
            _ if g.dtype(node).is_float() => build::map(g, fun, &[node]),
            _ => node,
        }
    }

    /// Checks indices into an axis of this size, in lanes: elsewhere who runs them does.
    pub fn check_lane_index(&mut self, index: NodeId, size: usize) -> Result<()> {
        if !self.is_lane(index) {
            return Ok(());
        }
        for place in self.lane_values(index)?.to_vec::<i64>() {
            super::index::wrap(place, 0, size)?;
        }
        let whole = self.in_all_lanes(index)?;
        self.demand(Demand::Bounds(whole, size));
        Ok(())
    }
}

impl Levels {
    /// Makes a new node one of a level.
    fn put(&mut self, g: &crate::ir::Graph, name: NodeId, level: u32) {
        if self.of.is_empty() {
            self.first = name.index();
        }
        self.of(g, name);
        self.of[name.index() - self.first] = level;
    }

    /// The innermost level that a node depends on. Asking is linear in what was recorded since.
    fn of(&mut self, g: &crate::ir::Graph, node: NodeId) -> u32 {
        if self.opened == 0 || node.index() < self.first {
            return 0;
        }
        for k in self.first + self.of.len()..=node.index() {
            let place = |x: &NodeId| x.index().checked_sub(self.first).map(|at| self.of[at]);
            let operands = g.operands(NodeId(k as u32));
            let level = operands.iter().filter_map(place).max().unwrap_or(0);
            self.of.push(level);
        }
        self.of[node.index() - self.first]
    }
}

/// The elements of an array in C order, as bytes.
fn dense_bytes(array: &Array) -> Vec<u8> {
    let dense = array.to_contiguous();
    let mut bytes = vec![0u8; dense.view().len() * dense.dtype().size()];
    // SAFETY: `dense` holds these many bytes, without gaps.
    unsafe {
        std::ptr::copy_nonoverlapping(dense.view().ptr, bytes.as_mut_ptr(), bytes.len());
    }
    bytes
}

fn disagreement(values: &Array, need: Need, lanes: usize, different: usize) -> Error {
    if lanes == 0 {
        return text::no_lane();
    }
    match need {
        Need::Branch => {
            let truths = values.to_vec::<bool>().into_iter().filter(|&t| t).count();
            text::lanes_branch(truths, lanes)
        }
        Need::Count => {
            let counts = values.to_vec::<i64>();
            let least = counts.iter().min().copied().unwrap_or(0);
            let most = counts.iter().max().copied().unwrap_or(0);
            text::lanes_size(least, most, lanes)
        }
        Need::Value => text::lanes_value(different, lanes),
    }
}
