//! Elementwise operations: the table, its kernels and its expressions.

mod expr;
mod kernel;
mod table;
mod turns;

use std::cell::RefCell;
use std::sync::LazyLock;

pub use expr::{Expr, select};
#[cfg(target_arch = "x86_64")]
pub use kernel::Entry;
pub use kernel::{Kernel, Outlined};
#[cfg(target_arch = "x86_64")]
pub use table::entry;
pub use table::{Class, Fun, ROWS, Row, kernel_at, scalar_in};
pub use turns::sin_cos_at;
#[cfg(target_arch = "x86_64")]
pub use turns::sin_cos_entry;

use smallvec::SmallVec;

use super::flow::{Alike, vanishes_with};
use super::{Call, Cotangent, Flow, Lanes, Operation, Rule, build};
use crate::array::{DType, Dims, Layout, Out, View, coalesce};
use crate::error::{Error, Result, text};
use crate::interrupt::{STRETCH, stretches};
use crate::ir::{Graph, NodeId, Op, ShapeId, Type};
use crate::ops::tile::{self, Cut, Known, Needs, Tile};
use crate::simd::math::{Fused, Portable};
use crate::simd::{Level, level};

impl Fun {
    pub fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    pub fn name(self) -> &'static str {
        self.row().name
    }

    pub fn arity(self) -> usize {
        self.row().arity
    }

    pub fn class(self) -> Class {
        self.row().class
    }

    /// The function with this name in the text form.
    pub fn from_name(name: &str) -> Option<Self> {
        ROWS.iter().find(|row| row.name == name).map(|row| row.fun)
    }

    /// The function that NumPy (or `scipy.special`) calls by this name.
    pub fn from_numpy(name: &str) -> Option<Self> {
        ROWS.iter()
            .find(|row| row.numpy.contains(&name))
            .map(|row| row.fun)
    }

    /// The dtype of the result for operands of these dtypes, which must already agree.
    pub fn result_dtype(self, operands: &[DType], declared: DType) -> Result<DType> {
        let wrong = || {
            let names: Vec<_> = operands.iter().map(|d| d.name()).collect();
            text::wrong_operand_dtypes(self.name(), &names)
        };
        let first = *operands.last().ok_or_else(wrong)?;
        let equal = match self.class() {
            Class::Select => operands[0] == DType::Bool && operands[1] == operands[2],
            _ => operands.iter().all(|&d| d == first),
        };
        let result = match self.class() {
            Class::Float | Class::Arith | Class::Bits | Class::Select => first,
            Class::Compare | Class::Test | Class::Logic => DType::Bool,
            Class::Cast => declared,
        };
        if equal && kernel(self, first, result).is_some() {
            Ok(result)
        } else {
            Err(wrong())
        }
    }
}

/// The block kernel for operands of `dtype` (of a selection: of its two values) with a result of
/// `out`; `None` where the class has no such loop.
pub fn kernel(fun: Fun, dtype: DType, out: DType) -> Option<Kernel> {
    kernel_at(level(), fun, dtype, out)
}

/// The block kernel for the sine and the cosine of `dtype`, the place of the cosine coming after the
/// operand.
pub fn sin_cos_kernel(dtype: DType) -> Option<Kernel> {
    sin_cos_at(level(), dtype)
}

/// The value for float64 operands held as bits; bools are 0 or 1. It has the bits of the block
/// kernel of this machine.
pub fn scalar(fun: Fun, a: u64, b: u64, c: u64) -> u64 {
    // SAFETY: the level was detected.
    unsafe {
        match level() {
            Level::Baseline => scalar_in::<Portable>(fun, a, b, c),
            Level::Avx2 | Level::Avx512 => scalar_in::<Fused>(fun, a, b, c),
        }
    }
}

/// The partial derivative of an elementwise node with respect to operand `k`, as new nodes.
pub fn partial(graph: &mut Graph, fun: Fun, y: NodeId, k: usize) -> NodeId {
    let arity = fun.arity();
    let operands: [NodeId; 3] =
        std::array::from_fn(|k| if k < arity { graph.operand(y, k) } else { y });
    let cell = RefCell::new(graph);
    let x = operands.map(|id| Expr::new(&cell, id));
    table::partial(fun, &x[..arity], Expr::new(&cell, y), k).id
}

/// The derivative rule of a row.
pub fn rule(fun: Fun) -> Rule {
    match fun {
        Fun::Where | Fun::Cast => Rule::Linear,
        _ if fun.row().flat => Rule::Zero,
        _ => Rule::Pointwise,
    }
}

/// How the operands of a row matter, from its partials and its value at zero.
pub fn alike(fun: Fun) -> Alike {
    static ALL: LazyLock<Vec<Alike>> =
        LazyLock::new(|| ROWS.iter().map(|row| found_alike(row.fun)).collect());
    ALL[fun as usize]
}

fn found_alike(fun: Fun) -> Alike {
    let mut found = Alike::default();
    match rule(fun) {
        Rule::Pointwise => {
            let mut g = Graph::new();
            let operands: Vec<NodeId> = (0..fun.arity())
                .map(|_| g.input(DType::F64, &[], true))
                .collect();
            let y = build::map(&mut g, fun, &operands);
            for k in 0..fun.arity() {
                let slope = partial(&mut g, fun, y, k);
                found.slopes[k] = !build::is_zero(&g, slope);
                found.vanishes[k] = vanishes_with(fun, k);
            }
            let value = f64::from_bits(scalar(fun, 0, 0, 0));
            found.settles = value == 0.0 && found.slopes[..fun.arity()] == [true; 3][..fun.arity()];
        }
        Rule::Linear => {
            for k in 0..fun.arity() {
                found.slopes[k] = Map.linear_in(Op::Map(fun), k);
            }
            found.settles = true;
            found.chooses = fun == Fun::Where;
        }
        _ => {}
    }
    found
}

/// The type of an elementwise result, checked; the path that recording takes.
pub fn signature(
    g: &Graph,
    fun: Fun,
    operands: &[NodeId],
    declared: DType,
) -> Result<(DType, ShapeId)> {
    let shape = g.shape_id(operands[0]);
    if operands.len() != fun.arity() || operands.iter().any(|&x| g.shape_id(x) != shape) {
        let shapes: Vec<_> = operands.iter().map(|&x| g.shape(x)).collect();
        return Err(text::wrong_operand_shapes(fun.name(), fun.arity(), &shapes));
    }
    let mut dtypes = [declared; 3];
    for (dtype, &x) in dtypes.iter_mut().zip(operands) {
        *dtype = g.dtype(x);
    }
    Ok((
        fun.result_dtype(&dtypes[..operands.len()], declared)?,
        shape,
    ))
}

/// The operation of every row.
pub struct Map;

impl Operation for Map {
    fn name(&self, op: Op) -> String {
        fun_of(op).name().into()
    }

    fn infer(&self, g: &Graph, op: Op, operands: &[NodeId], declared: &Type) -> Result<Type> {
        let (dtype, shape) = signature(g, fun_of(op), operands, declared.dtype)?;
        Ok(Type::new(dtype, g.shape_of(shape)))
    }

    fn rule(&self, op: Op) -> Rule {
        rule(fun_of(op))
    }

    fn flow(&self, g: &Graph, y: NodeId) -> Flow {
        Flow::Alike(alike(fun_of(g.op(y))))
    }

    fn linear_in(&self, op: Op, k: usize) -> bool {
        fun_of(op) != Fun::Where || k > 0
    }

    fn eval(&self, call: &Call, operands: &[View], out: &Out) -> Result<()> {
        let fun = fun_of(call.op);
        let fun = if fun == Fun::Mul0 && !call.exact {
            Fun::Mul
        } else {
            fun
        };
        let dtype = operands[operands.len() - 1].dtype;
        let run = kernel(fun, dtype, out.dtype)
            .ok_or_else(|| Error::internal(format!("no {} kernel for {dtype}", fun.name())))?;
        apply(run, operands, out);
        Ok(())
    }

    fn transpose(
        &self,
        g: &mut Graph,
        y: NodeId,
        ct: NodeId,
        wanted: &[bool],
    ) -> Vec<Option<Cotangent>> {
        let operands = g.operands(y).to_vec();
        match fun_of(g.op(y)) {
            Fun::Cast => {
                let dtype = g.dtype(operands[0]);
                vec![Some(Cotangent::Whole(build::cast(g, ct, dtype)))]
            }
            Fun::Where => {
                let zero = build::zeros_like(g, ct);
                let mut side = |k: usize, a, b| {
                    wanted[k].then(|| Cotangent::Whole(build::select(g, operands[0], a, b)))
                };
                vec![None, side(1, ct, zero), side(2, zero, ct)]
            }
            fun => unreachable!("{} is pointwise", fun.name()),
        }
    }

    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        let operands = lanes.all(g);
        let fun = fun_of(g.op(y));
        if fun == Fun::Cast {
            Ok(build::cast(g, operands[0], g.dtype(y)))
        } else {
            Ok(build::map(g, fun, &operands))
        }
    }

    fn needs(&self, g: &Graph, y: NodeId, tile: &Tile, _: Known<'_>) -> Needs {
        tile::alike(g, y, tile)
    }

    fn restrict(&self, target: &mut Graph, cut: &Cut<'_>) -> NodeId {
        cut.as_tile(target)
    }
}

fn fun_of(op: Op) -> Fun {
    match op {
        Op::Map(fun) => fun,
        other => unreachable!("{other:?} is not elementwise"),
    }
}

/// Runs a block kernel over strided operands: contiguous ones are read in place, others are
/// gathered into a block first.
pub fn apply(run: Kernel, operands: &[View], out: &Out) {
    const BLOCK: usize = 512;
    let n = out.len();
    if operands.iter().all(View::is_contiguous) {
        let pointers: SmallVec<[*const u8; 3]> = operands.iter().map(|v| v.ptr).collect();
        for part in stretches(n, STRETCH) {
            let at = |k: usize| pointers[k].wrapping_add(part.start * operands[k].dtype.size());
            let parts: SmallVec<[*const u8; 3]> = (0..operands.len()).map(at).collect();
            let target = out.ptr.wrapping_add(part.start * out.dtype.size());
            // SAFETY: every operand has `n` elements, contiguous; `out` has room for as many.
            unsafe { run(&parts, target, part.len()) };
        }
        return;
    }
    let width = out.dtype.size();
    let mut blocks: SmallVec<[Vec<u64>; 3]> = operands.iter().map(|_| vec![0; BLOCK]).collect();
    let mut readers: SmallVec<[Reader; 3]> = operands.iter().map(Reader::new).collect();
    for part in stretches(n, BLOCK) {
        let (start, count) = (part.start, part.len());
        let pointers: SmallVec<[*const u8; 3]> = (readers.iter_mut().zip(&mut blocks))
            .map(|(reader, block)| reader.next(count, block.as_mut_ptr().cast()))
            .collect();
        // SAFETY: each pointer is good for `count` elements, and so is `out` from `start`.
        unsafe { run(&pointers, out.ptr.add(start * width), count) };
    }
}

/// Reads a strided view in C order, a block at a time.
pub struct Reader {
    view: View,
    contiguous: bool,
    index: Dims,
    offset: isize,
}

impl Reader {
    pub fn new(view: &View) -> Self {
        let (shape, [strides]) = coalesce(view.shape(), [view.strides()]);
        let index = SmallVec::from_elem(0, shape.len());
        let contiguous = view.is_contiguous();
        Self {
            view: view.relaid(0, Layout { shape, strides }),
            contiguous,
            index,
            offset: 0,
        }
    }

    /// A reader that goes on from element `start`, counted in C order.
    pub fn starting_at(view: &View, start: usize) -> Self {
        let mut reader = Self::new(view);
        if reader.contiguous {
            reader.offset = start as isize;
            return reader;
        }
        let Layout { shape, strides } = &reader.view.layout;
        let mut rest = start;
        for axis in (0..shape.len()).rev() {
            // Past the end of the first axis only if past the end of all.
            reader.index[axis] = rest % shape[axis].max(1);
            reader.offset += reader.index[axis] as isize * strides[axis];
            rest /= shape[axis].max(1);
        }
        reader
    }

    /// The next `count` elements: where they lie, or `block` after filling it.
    pub fn next(&mut self, count: usize, block: *mut u8) -> *const u8 {
        let size = self.view.dtype.size();
        if self.contiguous {
            let at = self.view.ptr.wrapping_offset(self.offset * size as isize);
            self.offset += count as isize;
            return at;
        }
        match size {
            1 => self.gather::<u8>(count, block),
            4 => self.gather::<u32>(count, block),
            8 => self.gather::<u64>(count, block),
            _ => self.gather::<u128>(count, block),
        }
        block
    }

    fn gather<T: Copy>(&mut self, count: usize, block: *mut u8) {
        let (from, to) = (self.view.ptr.cast::<T>(), block.cast::<T>());
        let Some((&length, &step)) = self.view.shape().last().zip(self.view.strides().last())
        else {
            // SAFETY: a 0-d view has one element.
            unsafe { to.write(from.read()) };
            return;
        };
        let last = self.index.len() - 1;
        let mut done = 0;
        while done < count {
            let run = (length - self.index[last]).min(count - done);
            for i in 0..run {
                // SAFETY: `index` stays inside the shape; `block` holds `count` elements.
                unsafe {
                    to.add(done + i)
                        .write(from.offset(self.offset + i as isize * step).read());
                };
            }
            done += run;
            self.index[last] += run;
            self.offset += run as isize * step;
            self.carry(last);
        }
    }

    /// Moves on to the next row when the last axis is exhausted.
    fn carry(&mut self, last: usize) {
        let Layout { shape, strides } = &self.view.layout;
        let mut axis = last;
        while self.index[axis] == shape[axis] {
            self.offset -= strides[axis] * shape[axis] as isize;
            self.index[axis] = 0;
            if axis == 0 {
                return;
            }
            axis -= 1;
            self.index[axis] += 1;
            self.offset += strides[axis];
        }
    }
}
