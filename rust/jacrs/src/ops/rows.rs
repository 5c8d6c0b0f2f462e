//! Rows of the first axis chosen by an integer operand: gather, and its two inverses.

use super::elementwise::Reader;
use super::tile::{self, Cut, Known, Needs, Tile};
use super::{Apart, Call, Cotangent, Flow, Lanes, Operation, Rule, build};
use crate::array::{DType, Dims, Layout, Out, View, copy, product};
use crate::error::{Error, Result, text};
use crate::interrupt::{STRETCH, elements, stretches};
use crate::ir::{Graph, NodeId, Op, Type};
use crate::memory::list_for;
use crate::simd::{Work, vectorised};
use crate::with_type;

/// The row an index names, NumPy's negative ones included.
///
/// # Errors
/// If there is no such row.
pub fn row(index: i64, rows: usize) -> Result<usize> {
    let n = rows as i64;
    let i = if index < 0 { index + n } else { index };
    if (0..n).contains(&i) {
        Ok(i as usize)
    } else {
        Err(text::out_of_bounds(index, 0, rows))
    }
}

/// The indices of a view, in C order.
fn indices(view: &View) -> Vec<i64> {
    let mut dense: Vec<i64> = list_for(view.len());
    dense.resize(view.len(), 0);
    copy(
        view,
        dense.as_mut_ptr().cast(),
        &Layout::contiguous(view.shape()),
    );
    dense
}

/// The rows of a view, one after another: `(offset of row i) = i * stride`, and the layout of a row.
fn row_layout(layout: &Layout) -> (isize, Layout) {
    let rest = Layout {
        shape: layout.shape[1..].into(),
        strides: layout.strides[1..].into(),
    };
    (layout.strides[0], rest)
}

fn check_update(g: &Graph, operands: &[NodeId]) -> Result<Type> {
    let [x, idx, v] = *operands else {
        return Err(Error::internal("a scatter takes three operands"));
    };
    let expected: Dims = g
        .shape(idx)
        .iter()
        .chain(&g.shape(x)[1..])
        .copied()
        .collect();
    if g.dtype(idx) != DType::I64 || g.shape(v) != expected.as_slice() || g.dtype(v) != g.dtype(x) {
        return Err(Error::internal(format!(
            "rows of {:?} cannot take {:?} at {:?}",
            g.shape(x),
            g.shape(v),
            g.shape(idx)
        )));
    }
    Ok(g.type_of(x))
}

/// Runs a row operation whose index differs from lane to lane: lanes become rows of their own.
fn batch_rows(g: &mut Graph, op: Op, lanes: &Lanes<'_>) -> Result<NodeId> {
    if !lanes.batched[1] {
        let mut operands = lanes.all(g);
        operands[1] = lanes.operands[1];
        return build::emit(g, op, &operands);
    }
    let width = lanes.width;
    let x = lanes.full(g, 0);
    let shape = g.dims(x);
    let last = shape.len() - 1;
    let moved = build::move_axis(g, x, last, 1);
    let merged: Dims = std::iter::once(shape[0] * width)
        .chain(shape[1..last].iter().copied())
        .collect();
    let flat = build::reshape(g, moved, &merged);
    let index = spread_index(g, lanes.operands[1], shape[0], width);
    let mut operands = vec![flat, index];
    if lanes.operands.len() == 3 {
        // Values [index.., row.., lane] -> [index.., lane, row..].
        let v = lanes.full(g, 2);
        let at = g.shape(index).len() - 1;
        let end = g.shape(v).len() - 1;
        operands.push(build::move_axis(g, v, end, at));
    }
    let result = build::emit(g, op, &operands)?;
    if op == Op::Gather {
        let (from, to) = (g.shape(index).len() - 1, g.shape(result).len() - 1);
        return Ok(build::move_axis(g, result, from, to));
    }
    let split: Dims = [shape[0], width]
        .into_iter()
        .chain(shape[1..last].iter().copied())
        .collect();
    let result = build::reshape(g, result, &split);
    Ok(build::move_axis(g, result, 1, last))
}

/// Row `i` of lane `k` is row `i * width + k` of the merged array. Negative indices are wrapped
/// first, so that they stay in their own lane; those out of bounds go past the last row of all.
fn spread_index(g: &mut Graph, index: NodeId, rows: usize, width: usize) -> NodeId {
    use super::Fun;
    let shape = g.dims(index);
    let n = build::constant_like(g, index, rows as f64);
    let least = build::neg(g, n);
    let below = build::map(g, Fun::Less, &[index, least]);
    let index = build::select(g, below, n, index);
    let index = build::map(g, Fun::Minimum, &[index, n]);
    let zero = build::zeros_like(g, index);
    let negative = build::map(g, Fun::Less, &[index, zero]);
    let wrapped = build::add(g, index, n);
    let index = build::select(g, negative, wrapped, index);
    let factor = build::constant_like(g, index, width as f64);
    let scaled = build::mul(g, index, factor);
    let lane = build::iota(g, width);
    let lane = build::broadcast(g, lane, &shape);
    build::add(g, scaled, lane)
}

/// `x[idx]`.
pub struct Gather;

impl Operation for Gather {
    fn name(&self, _: Op) -> String {
        "gather".into()
    }
    fn infer(&self, g: &Graph, _: Op, operands: &[NodeId], _: &Type) -> Result<Type> {
        let [x, idx] = *operands else {
            return Err(Error::internal("gather takes two operands"));
        };
        if g.shape(x).is_empty() || g.dtype(idx) != DType::I64 {
            return Err(Error::internal("gather takes rows and int64 indices"));
        }
        let shape = g
            .shape(idx)
            .iter()
            .chain(&g.shape(x)[1..])
            .copied()
            .collect();
        Ok(Type {
            dtype: g.dtype(x),
            shape,
        })
    }
    fn rule(&self, _: Op) -> Rule {
        Rule::Linear
    }
    fn flow(&self, _: &Graph, _: NodeId) -> Flow {
        Flow::Moves
    }
    fn linear_in(&self, _: Op, k: usize) -> bool {
        k == 0
    }
    fn apart(&self, _: &Call) -> Option<Apart> {
        Some(Apart {
            operand: 1,
            rows: 1,
            work: 1 << 15,
        })
    }
    fn eval(&self, _: &Call, operands: &[View], out: &Out) -> Result<()> {
        let (step, rest) = row_layout(&operands[0].layout);
        let rows = operands[0].shape()[0];
        let length = product(&rest.shape);
        let target = Layout::contiguous(&rest.shape);
        let size = out.dtype.size();
        if length == 1 {
            return gather_elements(&operands[0], step, rows, &operands[1], out);
        }
        let index = indices(&operands[1]);
        for (k, &i) in index.iter().enumerate() {
            elements(length);
            let source = operands[0].relaid(row(i, rows)? as isize * step, rest.clone());
            copy(&source, out.ptr.wrapping_add(k * length * size), &target);
        }
        Ok(())
    }
    fn transpose(
        &self,
        g: &mut Graph,
        y: NodeId,
        ct: NodeId,
        _: &[bool],
    ) -> Vec<Option<Cotangent>> {
        vec![
            Some(Cotangent::Rows {
                index: g.operand(y, 1),
                value: ct,
            }),
            None,
        ]
    }
    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        batch_rows(g, g.op(y), lanes)
    }
    fn needs(&self, g: &Graph, y: NodeId, tile: &Tile, known: Known<'_>) -> Needs {
        tile::gathered(g, y, tile, known)
    }
    fn restrict(&self, target: &mut Graph, cut: &Cut<'_>) -> NodeId {
        let index = tile::counted_from(target, cut.operands[1], &cut.needs[0].1);
        build::gather(target, cut.operands[0], index)
    }
}

/// Indices that are looked at before any of them is followed.
const BLOCK: usize = 1 << 10;

fn gather_elements(x: &View, step: isize, rows: usize, index: &View, out: &Out) -> Result<()> {
    let mut reader = Reader::new(index);
    let mut places = [0i64; BLOCK];
    for part in stretches(index.len(), BLOCK) {
        let places = &mut places[..part.len()];
        let from = reader.next(part.len(), places.as_mut_ptr().cast());
        if !std::ptr::addr_eq(from, places.as_ptr()) {
            // Somebody may write to an index array while it is read: what is followed is a copy.
            // SAFETY: the reader gives so many indices, elsewhere.
            unsafe {
                std::ptr::copy_nonoverlapping(from.cast(), places.as_mut_ptr(), part.len());
            }
        }
        if !vectorised(AllBelow(places, rows)) {
            for place in &mut *places {
                *place = row(*place, rows)? as i64;
            }
        }
        with_type!(x.dtype, T => vectorised(Pick::<T> {
            from: x.ptr.cast(),
            step,
            places,
            to: out.ptr.cast::<T>().wrapping_add(part.start),
        }));
    }
    Ok(())
}

/// Whether all indices are those of rows, none of them counted from the end.
struct AllBelow<'a>(&'a [i64], usize);

impl Work for AllBelow<'_> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        let rows = self.1 as u64;
        let beyond = |i: &i64| u64::from(i.cast_unsigned() >= rows);
        self.0.iter().map(beyond).fold(0, |any, one| any | one) == 0
    }
}

/// Elements at places that are known to be there.
struct Pick<'a, T> {
    from: *const T,
    step: isize,
    places: &'a [i64],
    to: *mut T,
}

impl<T: Copy> Work for Pick<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        // SAFETY: the places were looked at; there is room for as many elements.
        let pick = |k: usize, from: isize| unsafe {
            self.to.add(k).write(self.from.offset(from).read());
        };
        let places = self.places.iter().enumerate();
        if self.step == 1 {
            places.for_each(|(k, &place)| pick(k, place as isize));
        } else {
            places.for_each(|(k, &place)| pick(k, place as isize * self.step));
        }
    }
}

/// `z = x; z[idx] += v`.
pub struct ScatterAdd;

impl Operation for ScatterAdd {
    fn name(&self, _: Op) -> String {
        "scatter_add".into()
    }
    fn infer(&self, g: &Graph, _: Op, operands: &[NodeId], _: &Type) -> Result<Type> {
        check_update(g, operands)
    }
    fn rule(&self, _: Op) -> Rule {
        Rule::Linear
    }
    fn flow(&self, _: &Graph, _: NodeId) -> Flow {
        Flow::AddsRows
    }
    fn linear_in(&self, _: Op, k: usize) -> bool {
        k != 1
    }
    fn updates_first(&self) -> bool {
        true
    }
    fn eval(&self, _: &Call, operands: &[View], out: &Out) -> Result<()> {
        let length = product(&out.shape[1..]);
        let values = Dense::of(&operands[2]);
        let index = indices(&operands[1]);
        let rows = (STRETCH / length.max(1)).max(1);
        with_type!(out.dtype, T => for (c, chunk) in index.chunks(rows).enumerate() {
            elements(chunk.len() * length);
            for (k, &i) in (c * rows..).zip(chunk) {
                let at = row(i, out.shape[0])? * length;
                for j in 0..length {
                    // SAFETY: the row was checked; both rows hold `length` elements.
                    unsafe {
                        let target = out.ptr.cast::<T>().add(at + j);
                        let value = values.ptr().cast::<T>().add(k * length + j).read();
                        target.write(super::pairwise::plus(target.read(), value));
                    }
                }
            }
        });
        Ok(())
    }
    fn transpose(
        &self,
        g: &mut Graph,
        y: NodeId,
        ct: NodeId,
        wanted: &[bool],
    ) -> Vec<Option<Cotangent>> {
        let index = g.operand(y, 1);
        let value = wanted[2].then(|| Cotangent::Whole(build::gather(g, ct, index)));
        vec![Some(Cotangent::Whole(ct)), None, value]
    }
    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        batch_rows(g, g.op(y), lanes)
    }
    fn needs(&self, g: &Graph, y: NodeId, tile: &Tile, known: Known<'_>) -> Needs {
        tile::scattered(g, y, tile, known)
    }
    fn restrict(&self, target: &mut Graph, cut: &Cut<'_>) -> NodeId {
        tile::restrict_scatter(target, cut)
    }
}

/// A contiguous copy of a view, or the view itself where it is contiguous already.
struct Dense {
    copy: Vec<u64>,
    view: View,
}

impl Dense {
    fn of(view: &View) -> Self {
        let mut dense = Vec::new();
        if !view.is_contiguous() {
            let words = (view.len() * view.dtype.size()).div_ceil(8);
            dense = list_for(words);
            dense.resize(words, 0u64);
            copy(
                view,
                dense.as_mut_ptr().cast(),
                &Layout::contiguous(view.shape()),
            );
        }
        Self {
            copy: dense,
            view: view.clone(),
        }
    }

    fn ptr(&self) -> *const u8 {
        if self.copy.is_empty() {
            self.view.ptr
        } else {
            self.copy.as_ptr().cast()
        }
    }
}

/// `z = x; z[idx] = v`, later indices winning over earlier ones.
pub struct ScatterSet;

impl Operation for ScatterSet {
    fn name(&self, _: Op) -> String {
        "scatter_set".into()
    }
    fn infer(&self, g: &Graph, _: Op, operands: &[NodeId], _: &Type) -> Result<Type> {
        check_update(g, operands)
    }
    fn rule(&self, _: Op) -> Rule {
        Rule::Linear
    }
    fn flow(&self, _: &Graph, _: NodeId) -> Flow {
        Flow::Moves
    }
    fn linear_in(&self, _: Op, k: usize) -> bool {
        k != 1
    }
    fn updates_first(&self) -> bool {
        true
    }
    fn eval(&self, _: &Call, operands: &[View], out: &Out) -> Result<()> {
        let length = product(&out.shape[1..]);
        let bytes = length * out.dtype.size();
        let values = Dense::of(&operands[2]);
        for (k, &i) in indices(&operands[1]).iter().enumerate() {
            elements(length);
            let at = row(i, out.shape[0])?;
            // SAFETY: the row was checked; both rows hold `bytes` bytes.
            unsafe {
                std::ptr::copy_nonoverlapping(
                    values.ptr().add(k * bytes),
                    out.ptr.add(at * bytes),
                    bytes,
                );
            }
        }
        Ok(())
    }
    fn transpose(
        &self,
        g: &mut Graph,
        y: NodeId,
        ct: NodeId,
        wanted: &[bool],
    ) -> Vec<Option<Cotangent>> {
        let (index, v) = (g.operand(y, 1), g.operand(y, 2));
        let base = wanted[0].then(|| {
            let zeros = build::zeros_like(g, v);
            Cotangent::Whole(
                build::emit(g, Op::ScatterSet, &[ct, index, zeros]).expect("the types of y"),
            )
        });
        let value = wanted[2].then(|| {
            let mask = winners(g, g.operand(y, 0), index, v);
            let rows = build::gather(g, ct, index);
            let zero = build::zeros_like(g, rows);
            Cotangent::Whole(build::select(g, mask, rows, zero))
        });
        vec![base, None, value]
    }
    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        batch_rows(g, g.op(y), lanes)
    }
    fn needs(&self, g: &Graph, y: NodeId, tile: &Tile, known: Known<'_>) -> Needs {
        tile::scattered(g, y, tile, known)
    }
    fn restrict(&self, target: &mut Graph, cut: &Cut<'_>) -> NodeId {
        tile::restrict_scatter(target, cut)
    }
}

/// Which values are still there after all were written: found by writing their numbers instead.
fn winners(g: &mut Graph, x: NodeId, index: NodeId, v: NodeId) -> NodeId {
    let (rows, shape) = (g.shape(x)[0], g.dims(index));
    let numbers = build::iota(g, product(&shape));
    let numbers = build::reshape(g, numbers, &shape);
    let blank = build::constant(g, DType::I64, &[rows], -1.0);
    let written = build::emit(g, Op::ScatterSet, &[blank, index, numbers]).expect("int64 rows");
    let last = build::gather(g, written, index);
    let mask = build::map(g, super::Fun::Equal, &[last, numbers]);
    let full = g.dims(v);
    let aligned: Dims = (0..full.len())
        .map(|i| if i < shape.len() { shape[i] } else { 1 })
        .collect();
    let mask = build::reshape(g, mask, &aligned);
    build::broadcast(g, mask, &full)
}
