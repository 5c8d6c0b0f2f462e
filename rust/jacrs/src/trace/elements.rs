//! Single elements of a storage: reads and writes that cost the same whatever its size.
//!
//! A scalar write is noted in a table and becomes a node only when more than that element is read:
//! one [`crate::ir::Op::Pack`] for a loop of writes, instead of a copy for each.

use super::Recording;
use super::region::Region;
use super::storage::{Span, number_of};
use crate::array::{Layout, product};
use crate::ir::{NodeId, Op};
use crate::ops::build::{self, constant_value};

/// What single elements hold, by their place in memory.
pub(super) struct Elements {
    /// The node of an element plus one; zero where the base has to be asked.
    nodes: Vec<u32>,
    /// Places written since the base was last brought up to date, each once.
    pending: Vec<u32>,
    is_pending: Vec<bool>,
    /// Every element outside `known` is a structural zero: a pack of `known` is the whole content.
    zero_elsewhere: bool,
    /// The places with a node; kept only while `zero_elsewhere`.
    known: Vec<u32>,
}

impl Elements {
    fn new(size: usize, zero_elsewhere: bool) -> Self {
        // Zeroed memory: the pages of a large table are only touched where something is written.
        let (nodes, is_pending) = (vec![0; size], vec![false; size]);
        Self {
            nodes,
            pending: vec![],
            is_pending,
            zero_elsewhere,
            known: vec![],
        }
    }

    fn get(&self, place: usize) -> Option<NodeId> {
        self.nodes[place].checked_sub(1).map(NodeId)
    }

    fn set(&mut self, place: usize, node: NodeId) {
        if self.zero_elsewhere && self.nodes[place] == 0 {
            self.known.push(place as u32);
        }
        self.nodes[place] = node.0 + 1;
        if !self.is_pending[place] {
            self.is_pending[place] = true;
            self.pending.push(place as u32);
        }
    }

    /// Forgets elements that something else overwrites.
    pub fn forget(&mut self, places: &[usize]) {
        self.zero_elsewhere = false;
        self.known = vec![];
        for &place in places {
            self.nodes[place] = 0;
        }
    }

    fn take_pending(&mut self) -> Vec<usize> {
        let mut places: Vec<usize> = self.pending.drain(..).map(|p| p as usize).collect();
        for &place in &places {
            self.is_pending[place] = false;
        }
        places.sort_unstable();
        places
    }
}

/// Arrays up to this size are packed whole once any element was written.
const SMALL: usize = 16;

impl Recording {
    fn elements(&self, storage: u32) -> Option<&Elements> {
        self.storages[storage as usize].elements.as_deref()
    }

    /// Whether single elements were written that the base does not hold yet.
    fn has_pending(&self, storage: u32) -> bool {
        self.elements(storage)
            .is_some_and(|e| !e.pending.is_empty())
    }

    /// The element at a place in memory.
    pub(super) fn element(&mut self, storage: u32, place: usize) -> NodeId {
        if let Some(node) = self.elements(storage).and_then(|e| e.get(place)) {
            return node;
        }
        let s = &self.storages[storage as usize];
        let (base, number) = (s.base, number_of(&s.frame, place));
        self.item(base, number)
    }

    /// The element with a number in C order of a node; looks through nodes that only hold elements.
    pub(super) fn item(&mut self, node: NodeId, number: usize) -> NodeId {
        let g = &mut self.graph;
        let mut x = node;
        loop {
            match g.op(x) {
                Op::Reshape => x = g.operand(x, 0),
                Op::Pack(list) if g.shape(g.operand(x, 0)).is_empty() => {
                    let places = g.list(list);
                    let dense = places.get(number).is_some_and(|&p| p == number as i64);
                    let found = if dense {
                        Ok(number)
                    } else {
                        places.binary_search(&(number as i64))
                    };
                    match found {
                        Ok(k) => return g.operand(x, k),
                        Err(_) => break,
                    }
                }
                _ => break,
            }
        }
        let lead = g.shape(x).len();
        build::item(g, x, number, lead)
    }

    /// Writes one element; the cost does not depend on the size of the storage.
    pub(super) fn set_element(&mut self, storage: u32, place: usize, node: NodeId) {
        let s = &mut self.storages[storage as usize];
        s.version += 1;
        let base = s.base;
        let zero = || {
            let value = constant_value(&self.graph, base);
            value.is_some_and(|v| v == 0.0 && v.is_sign_positive())
        };
        let elements = s
            .elements
            .get_or_insert_with(|| Box::new(Elements::new(product(&s.frame.shape), zero())));
        elements.set(place, node);
    }

    /// Reads a small part without bringing the whole up to date: as a pack of its elements, if one
    /// of them was written. Otherwise the base can be read, and is up to date where it has to be.
    pub(super) fn read_pending(&mut self, span: &Span) -> Option<NodeId> {
        if !self.has_pending(span.storage) {
            return None;
        }
        let total = product(&self.storages[span.storage as usize].frame.shape);
        if span.size() * 4 > total {
            self.settle(span.storage);
            return None;
        }
        let places = span.places();
        let written = self
            .elements(span.storage)
            .is_some_and(|e| places.iter().any(|&p| e.is_pending[p]));
        if !written {
            return None;
        }
        let nodes: Vec<NodeId> = places
            .into_iter()
            .map(|p| self.element(span.storage, p))
            .collect();
        Some(self.pack(&nodes, &span.layout.shape))
    }

    /// Scalars as an array.
    pub(super) fn pack(&mut self, nodes: &[NodeId], shape: &[usize]) -> NodeId {
        let places: Vec<i64> = (0..nodes.len() as i64).collect();
        build::pack(&mut self.graph, nodes, &places, shape)
    }

    /// Brings the base up to date with the elements that were written.
    pub(super) fn settle(&mut self, storage: u32) {
        let s = &mut self.storages[storage as usize];
        let frame = s.frame.clone();
        let total = product(&frame.shape);
        let Some(elements) = &mut s.elements else {
            return;
        };
        let pending = elements.take_pending();
        if pending.is_empty() {
            return;
        }
        let base = if elements.zero_elsewhere {
            let known: Vec<usize> = elements.known.iter().map(|&p| p as usize).collect();
            self.pack_into_zeros(storage, &frame, &known)
        } else if pending.len() * 4 >= total || total <= SMALL {
            let all: Vec<usize> = (0..total).collect();
            self.pack_into_zeros(storage, &frame, &all)
        } else {
            self.put_few(storage, &frame, &pending)
        };
        self.storages[storage as usize].base = base;
    }

    /// A pack of the elements at some places, everything else being zero.
    fn pack_into_zeros(&mut self, storage: u32, frame: &Layout, places: &[usize]) -> NodeId {
        let mut numbered: Vec<(i64, NodeId)> = (places.iter())
            .map(|&p| (number_of(frame, p) as i64, self.element(storage, p)))
            .collect();
        numbered.sort_unstable_by_key(|&(number, _)| number);
        let (numbers, nodes): (Vec<i64>, Vec<NodeId>) = numbered.into_iter().unzip();
        build::pack(&mut self.graph, &nodes, &numbers, &frame.shape)
    }

    /// The base with a few elements replaced: a slice where they are evenly spaced, else a scatter.
    fn put_few(&mut self, storage: u32, frame: &Layout, places: &[usize]) -> NodeId {
        let nodes: Vec<NodeId> = places.iter().map(|&p| self.element(storage, p)).collect();
        let value = self.pack(&nodes, &[nodes.len()]);
        let base = self.storages[storage as usize].base;
        let step = if places.len() > 1 {
            places[1] - places[0]
        } else {
            1
        };
        if places.windows(2).all(|w| w[1] - w[0] == step) {
            let layout = Layout {
                shape: [places.len()].as_slice().into(),
                strides: [step as isize].as_slice().into(),
            };
            if let Some(region) = Region::find(frame, places[0] as isize, &layout) {
                return region.write(&mut self.graph, base, value, &layout);
            }
        }
        let numbers: Vec<i64> = places.iter().map(|&p| number_of(frame, p) as i64).collect();
        let index = self.index_input(&[numbers.len()], &numbers);
        let g = &mut self.graph;
        let flat = build::reshape(g, base, &[product(&frame.shape)]);
        let flat =
            build::emit(g, Op::ScatterSet, &[flat, index, value]).expect("elements of one type");
        build::reshape(g, flat, &frame.shape)
    }
}
