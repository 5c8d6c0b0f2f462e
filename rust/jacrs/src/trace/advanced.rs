//! Indexing by arrays: picked rows are a gather, written ones a scatter, masked ones a selection.

use super::index::wrap;
use super::leaf::{broadcasts, common_shape};
use super::storage::Span;
use super::write::Update;
use super::{Demand, Handle, Need, Recording, order};
use crate::array::{Array, DType, Dims, Layout, product};
use crate::error::{Error, Result, text};
use crate::ir::{Graph, NodeId, Op, Type};
use crate::ops::{Fun, build};

/// Elements picked from a window by arrays.
pub(super) struct Pick {
    pub offset: isize,
    /// The array with all other entries of the index applied, the picked axes whole.
    pub window: Layout,
    pub groups: Vec<Group>,
    /// The number of axes that come before those of the index arrays in the result.
    pub place: usize,
}

/// Neighbouring axes of the window that one array picks from.
pub(super) struct Group {
    pub first: usize,
    pub count: usize,
    /// The first of them in the user's array, for errors.
    pub axis: usize,
    pub source: Source,
}

#[derive(Clone, Copy)]
pub(super) enum Source {
    Integers(NodeId),
    Mask(NodeId),
}

/// The places that one array picks: as data where they are known, as a node where there is one.
struct Places {
    shape: Dims,
    size: usize,
    data: Option<Vec<i64>>,
    node: Option<NodeId>,
    /// The node may hold negative indices.
    wraps: bool,
}

/// How content is rearranged for picking: the picked axes merged in front.
struct Rows {
    perm: Dims,
    count: usize,
    rest: Dims,
}

impl Pick {
    pub(super) fn is_picked(&self, axis: usize) -> bool {
        self.groups
            .iter()
            .any(|g| (g.first..g.first + g.count).contains(&axis))
    }

    fn rows(&self) -> Rows {
        let axes = self.groups.iter().flat_map(|g| g.first..g.first + g.count);
        let others: Dims = (0..self.window.shape.len())
            .filter(|&a| !self.is_picked(a))
            .collect();
        let perm: Dims = axes.chain(others.iter().copied()).collect();
        let picked = perm.len() - others.len();
        Rows {
            count: perm[..picked]
                .iter()
                .map(|&a| self.window.shape[a])
                .product(),
            rest: others.iter().map(|&a| self.window.shape[a]).collect(),
            perm,
        }
    }

    /// The axes of a result `[index.., rest..]` in NumPy's order.
    fn order(&self, index: usize, rest: usize) -> Dims {
        let (front, back) = (index..index + self.place, index + self.place..index + rest);
        front.chain(0..index).chain(back).collect()
    }

    /// Whether NumPy is known to give the result in C order.
    fn gives_c_order(&self, index: usize) -> bool {
        let rest = self.rest();
        let sorted = order::keep_copy(&rest).is_contiguous();
        self.place == 0 && index < 2 && (sorted || order::long_axes(&rest.shape) < 2)
    }
}

fn inverse(perm: &[usize]) -> Dims {
    let mut inverse = Dims::from_elem(0, perm.len());
    for (k, &p) in perm.iter().enumerate() {
        inverse[p] = k;
    }
    inverse
}

impl Recording {
    /// Whether an integer node cannot be out of bounds, by what computes it.
    fn is_order(&self, node: NodeId, size: usize) -> bool {
        match self.graph.op(node) {
            Op::Argsort(axis) => self.graph.shape(node)[axis as usize] <= size,
            Op::Iota => self.graph.size(node) <= size,
            _ => false,
        }
    }

    fn places(&mut self, pick: &Pick, group: &Group) -> Result<Places> {
        let lengths = &pick.window.shape[group.first..group.first + group.count];
        let size = product(lengths);
        match group.source {
            Source::Integers(node) => self.integer_places(node, group.axis, size),
            Source::Mask(mask) => self.mask_places(mask, size),
        }
    }

    fn integer_places(&mut self, node: NodeId, axis: usize, size: usize) -> Result<Places> {
        let shape: Dims = self.graph.shape(node).into();
        if self.is_order(node, size) {
            return Ok(Places {
                shape,
                size,
                data: None,
                node: Some(node),
                wraps: false,
            });
        }
        let captured = self.captured_data(node).map(Array::to_vec::<i64>);
        let known = captured.is_some();
        let values = match captured {
            Some(values) => values,
            None => self.lane_values(node)?.to_vec::<i64>(),
        };
        let wraps = values.iter().any(|&i| i < 0);
        let data = values
            .into_iter()
            .map(|i| wrap(i, axis, size).map(|p| p as i64))
            .collect::<Result<Vec<_>>>()?;
        if !known {
            let whole = self.in_all_lanes(node)?;
            self.demand(Demand::Bounds(whole, size));
        }
        // Computed indices may be negative another time.
        Ok(Places {
            shape,
            size,
            data: known.then_some(data),
            node: Some(node),
            wraps: wraps || !known,
        })
    }

    fn mask_places(&mut self, mask: NodeId, size: usize) -> Result<Places> {
        if let Some(flags) = self.captured_data(mask).map(Array::to_vec::<bool>) {
            let data: Vec<i64> = (0..flags.len())
                .filter(|&i| flags[i])
                .map(|i| i as i64)
                .collect();
            return Ok(Places {
                shape: [data.len()].as_slice().into(),
                size,
                data: Some(data),
                node: None,
                wraps: false,
            });
        }
        let node = self.nonzero(mask)?;
        Ok(Places {
            shape: self.graph.dims(node),
            size,
            data: None,
            node: Some(node),
            wraps: false,
        })
    }

    /// The flat places of the true elements of a mask, whose number is asked for now.
    pub fn nonzero(&mut self, mask: NodeId) -> Result<NodeId> {
        let count = if self.is_lane(mask) {
            let g = &mut self.graph;
            let ones = build::cast(g, mask, DType::I64);
            let count = build::sum(g, ones, &build::all_axes(g, ones));
            self.value_for(count, Need::Count)?.to_vec::<i64>()[0] as usize
        } else {
            let flags = self.lane_values(mask)?.to_vec::<bool>();
            flags.into_iter().filter(|&flag| flag).count()
        };
        let whole = self.in_all_lanes(mask)?;
        self.demand(Demand::Count(whole));
        let declared = Type::new(DType::I64, &[count]);
        build::emit_typed(&mut self.graph, Op::Nonzero, &declared, &[mask])
    }

    /// The index of the rows that all arrays pick together.
    pub(super) fn row_index(&mut self, pick: &Pick) -> Result<NodeId> {
        let shape = self.index_shape(pick)?;
        let mut all = vec![];
        for group in &pick.groups {
            all.push(self.places(pick, group)?);
        }
        if let [
            Places {
                node: Some(node), ..
            },
        ] = all.as_slice()
        {
            return Ok(*node);
        }
        if all.iter().all(|p| p.data.is_some()) {
            let data = merge_data(&all, &shape);
            return Ok(self.index_input(&shape, &data));
        }
        let mut index = None;
        for places in &all {
            let here = self.wrapped(places, &shape);
            let g = &mut self.graph;
            index = Some(match index {
                None => here,
                Some(sum) => {
                    let size = build::constant_like(g, sum, places.size as f64);
                    let scaled = build::mul(g, sum, size);
                    build::add(g, scaled, here)
                }
            });
        }
        index.ok_or_else(|| Error::internal("nothing picks"))
    }

    /// The shape that the arrays have together. NumPy looks at it before it looks at bounds.
    fn index_shape(&mut self, pick: &Pick) -> Result<Dims> {
        let mut shapes: Vec<Dims> = vec![];
        for group in &pick.groups {
            match group.source {
                Source::Integers(node) => shapes.push(self.graph.dims(node)),
                // In NumPy a mask is one array for each of its axes, and is listed as such.
                Source::Mask(mask) => {
                    let size = self.graph.size(mask);
                    let shape = self.mask_places(mask, size)?.shape;
                    shapes.extend(std::iter::repeat_n(shape, group.count));
                }
            }
        }
        common_shape(shapes.iter().map(Dims::as_slice))
            .ok_or_else(|| text::no_index_broadcast(shapes.iter().map(Dims::as_slice)))
    }

    /// Places as a node without negative indices, repeated to a shape.
    fn wrapped(&mut self, places: &Places, shape: &[usize]) -> NodeId {
        let mut node = match (places.node, &places.data) {
            (Some(node), None) => node,
            (_, data) => self.index_input(&places.shape, data.as_deref().unwrap_or(&[])),
        };
        let g = &mut self.graph;
        if places.wraps && places.data.is_none() {
            let zero = build::zeros_like(g, node);
            let negative = build::map(g, Fun::Less, &[node, zero]);
            let size = build::constant_like(g, node, places.size as f64);
            let moved = build::add(g, node, size);
            node = build::select(g, negative, moved, node);
        }
        build::broadcast(g, node, shape)
    }

    /// The part of a handle that a pick is made from, whole.
    fn pick_base(&mut self, h: Handle, pick: &Pick) -> NodeId {
        match h {
            Handle::View(id) => {
                let mut span = self.span(id);
                span.offset = pick.offset;
                span.layout = pick.window.clone();
                self.read_span(&span)
            }
            Handle::Value(node) => {
                // The window of a value in C order is a box in its own shape.
                let frame = Layout::contiguous(self.graph.shape(node));
                if product(&pick.window.shape) == 0 {
                    let dtype = self.graph.dtype(node);
                    return build::constant(&mut self.graph, dtype, &pick.window.shape, 0.0);
                }
                let region = super::region::Region::find(&frame, pick.offset, &pick.window);
                region
                    .expect("indexing keeps axes apart")
                    .read(&mut self.graph, node, &pick.window)
            }
        }
    }

    /// `y[index]` with arrays in the index.
    pub(super) fn picked(&mut self, h: Handle, pick: &Pick) -> Result<Handle> {
        let index = self.row_index(pick)?;
        let node = self.gather_rows(h, pick, index);
        let depth = self.graph.shape(index).len();
        let unordered = self.is_unordered(h) || !pick.gives_c_order(depth);
        Ok(if unordered {
            self.fresh_unordered(node)
        } else {
            Handle::Value(node)
        })
    }

    pub(super) fn gather_rows(&mut self, h: Handle, pick: &Pick, index: NodeId) -> NodeId {
        let base = self.pick_base(h, pick);
        let rows = pick.rows();
        let merged = merge_rows(&mut self.graph, base, &rows);
        let depth = self.graph.shape(index).len();
        let g = &mut self.graph;
        let node = build::gather(g, merged, index);
        build::transpose(g, node, &pick.order(depth, rows.rest.len()))
    }

    /// `y[mask] = value` where the value does not depend on how many elements are picked: a
    /// selection, for which nothing need be known. `false` if this is no such case.
    pub(super) fn select_masked(&mut self, span: &Span, pick: &Pick, value: NodeId) -> bool {
        let [
            Group {
                first,
                count,
                source: Source::Mask(mask),
                ..
            },
        ] = *pick.groups.as_slice()
        else {
            return false;
        };
        if pick.place != first {
            return false;
        }
        let window = &pick.window.shape;
        let after = window.len() - first - count;
        // The value's axes are those of the result: before, the picked one, after.
        let mut shape: Dims = self.graph.shape(value).into();
        while shape.len() > first + 1 + after && shape[0] == 1 {
            shape.remove(0);
        }
        if shape.len() > after {
            let picked = shape.len() - after - 1;
            if shape[picked] != 1 {
                return false;
            }
            shape.insert_many(picked, std::iter::repeat_n(1, count - 1));
        }
        if !broadcasts(&shape, window) {
            return false;
        }
        let value = build::reshape(&mut self.graph, value, &shape);
        let Some(value) = self.fit(value, span.storage, window) else {
            return false;
        };
        let aligned: Dims = (self.graph.shape(mask).iter().copied())
            .chain(std::iter::repeat_n(1, after))
            .collect();
        let old = self.read_span(span);
        let g = &mut self.graph;
        let mask = build::reshape(g, mask, &aligned);
        let mask = build::broadcast(g, mask, window);
        let new = build::select(g, mask, value, old);
        self.write_span(span, new);
        true
    }

    pub(super) fn scatter(
        &mut self,
        span: &Span,
        pick: &Pick,
        value: NodeId,
        update: Update,
    ) -> Result<()> {
        let index = self.row_index(pick)?;
        let rows = pick.rows();
        let depth = self.graph.shape(index).len();
        let order = pick.order(depth, rows.rest.len());
        let full: Dims = self
            .graph
            .shape(index)
            .iter()
            .chain(&rows.rest)
            .copied()
            .collect();
        let result: Dims = order.iter().map(|&axis| full[axis]).collect();
        let Some(value) = self.fit(value, span.storage, &result) else {
            return Err(self.no_scatter(pick, value, &result));
        };
        let old = self.read_span(span);
        let g = &mut self.graph;
        let value = build::transpose(g, value, &inverse(&order));
        let merged = merge_rows(g, old, &rows);
        let op = if update == Update::Add {
            Op::ScatterAdd
        } else {
            Op::ScatterSet
        };
        let merged = build::emit(g, op, &[merged, index, value])?;
        let shape: Dims = rows
            .perm
            .iter()
            .map(|&axis| pick.window.shape[axis])
            .collect();
        let parted = build::reshape(g, merged, &shape);
        let new = build::transpose(g, parted, &inverse(&rows.perm));
        self.write_span(span, new);
        Ok(())
    }

    fn no_scatter(&self, pick: &Pick, value: NodeId, result: &[usize]) -> Error {
        let given = self.graph.shape(value);
        let mask_alone = pick.groups.len() == 1
            && matches!(pick.groups[0].source, Source::Mask(_))
            && pick.groups[0].count == pick.window.shape.len();
        match given {
            &[n] if mask_alone => text::wrong_mask_count(n, result[0]),
            _ => text::no_scatter(given, result),
        }
    }
}

/// Content with the picked axes merged in front.
fn merge_rows(g: &mut Graph, base: NodeId, rows: &Rows) -> NodeId {
    let moved = build::transpose(g, base, &rows.perm);
    let shape: Dims = std::iter::once(rows.count)
        .chain(rows.rest.iter().copied())
        .collect();
    build::reshape(g, moved, &shape)
}

/// The rows that known arrays pick together.
fn merge_data(all: &[Places], shape: &[usize]) -> Vec<i64> {
    let mut merged = vec![0i64; product(shape)];
    for places in all {
        let data = places.data.as_deref().unwrap_or(&[]);
        let layout = Layout::contiguous(&places.shape).broadcast(shape);
        let mut k = 0;
        crate::array::walk(shape, [&layout.strides], |[at]| {
            merged[k] = merged[k] * places.size as i64 + data[at as usize];
            k += 1;
        });
    }
    merged
}
