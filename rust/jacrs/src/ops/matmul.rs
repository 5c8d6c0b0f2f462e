//! Matrix products.

use super::tile::{Cut, Known, Needs, Tile};
use super::{Apart, Call, Cotangent, Flow, Lanes, Operation, Rule, build};
use crate::array::{DType, Dims, Layout, Out, View, walk};
use crate::error::{Error, Result};
use crate::interrupt::{STRETCH, elements, stretches};
use crate::ir::{Graph, Guard, NodeId, Op, Type};
use crate::simd::Number;
use smallvec::smallvec;

/// `[..., m, k] @ [..., k, n]` with equal leading axes.
pub struct MatMul;

impl Operation for MatMul {
    fn name(&self, op: Op) -> String {
        if matches!(op, Op::MatMul(Guard::On)) {
            "matmul0"
        } else {
            "matmul"
        }
        .into()
    }

    fn infer(&self, g: &Graph, _: Op, operands: &[NodeId], _: &Type) -> Result<Type> {
        let [a, b] = *operands else {
            return Err(Error::internal("matmul takes two operands"));
        };
        let (sa, sb) = (g.shape(a), g.shape(b));
        let lead = sa.len().wrapping_sub(2);
        let fits = sa.len() >= 2 && sa.len() == sb.len() && sa[..lead] == sb[..lead];
        if !fits || sa[lead + 1] != sb[lead] || g.dtype(a) != g.dtype(b) {
            return Err(Error::internal(format!("matmul of {sa:?} and {sb:?}")));
        }
        let mut shape: Dims = sa.into();
        shape[lead + 1] = sb[lead + 1];
        Ok(Type {
            dtype: g.dtype(a),
            shape,
        })
    }

    fn rule(&self, _: Op) -> Rule {
        Rule::Bilinear
    }

    fn flow(&self, _: &Graph, _: NodeId) -> Flow {
        Flow::Contracts
    }

    /// Each task packs the second factor anew, which few rows would not be worth.
    fn apart(&self, call: &Call) -> Option<Apart> {
        (call.shape.len() == 2).then_some(Apart {
            operand: 0,
            rows: 256,
            work: 1 << 21,
        })
    }

    fn eval(&self, call: &Call, operands: &[View], out: &Out) -> Result<()> {
        let (a, b) = (&operands[0], &operands[1]);
        let lead = out.shape.len() - 2;
        let layouts = [&a.layout, &b.layout, &Layout::contiguous(&out.shape)];
        let strides = layouts.map(|l| l.strides[..lead].to_vec());
        let problem = Problem {
            m: out.shape[lead],
            n: out.shape[lead + 1],
            k: a.shape()[lead + 1],
            a: [a.strides()[lead], a.strides()[lead + 1]],
            b: [b.strides()[lead], b.strides()[lead + 1]],
            guarded: call.exact && call.op == Op::MatMul(Guard::On),
        };
        walk(
            &out.shape[..lead],
            [&strides[0], &strides[1], &strides[2]],
            |[i, j, k]| {
                match out.dtype {
                    // SAFETY: the offsets stay inside the three shapes.
                    DType::F64 => unsafe { problem.run::<f64>(a, i, b, j, out, k) },
                    // SAFETY: as above.
                    DType::F32 => unsafe { problem.run::<f32>(a, i, b, j, out, k) },
                    // SAFETY: as above.
                    DType::I64 => unsafe { problem.naive::<i64>(a, i, b, j, out, k) },
                    other => unreachable!("matmul of {other} is recorded in another type"),
                }
            },
        );
        Ok(())
    }

    fn transpose(
        &self,
        g: &mut Graph,
        y: NodeId,
        ct: NodeId,
        wanted: &[bool],
    ) -> Vec<Option<Cotangent>> {
        let (a, b) = (g.operand(y, 0), g.operand(y, 1));
        let left = wanted[0].then(|| {
            let bt = build::swap_last(g, b);
            Cotangent::Whole(build::matmul(g, ct, bt, Guard::On))
        });
        let right = wanted[1].then(|| {
            let at = build::swap_last(g, a);
            Cotangent::Whole(build::matmul(g, at, ct, Guard::On))
        });
        vec![left, right]
    }

    /// One product over all lanes: they join the rows of `a`, or the columns of `b`.
    fn batch(&self, g: &mut Graph, y: NodeId, lanes: &Lanes<'_>) -> Result<NodeId> {
        let Op::MatMul(guard) = g.op(y) else {
            unreachable!()
        };
        let (a, b) = (lanes.operands[0], lanes.operands[1]);
        let width = lanes.width;
        let mut shape = lanes.shape(g, y);
        let r = shape.len() - 1;
        let (m, n) = (shape[r - 2], shape[r - 1]);
        if lanes.batched[0] && lanes.batched[1] {
            // Lanes become leading axes.
            let (a, b) = (build::move_axis(g, a, r, 0), build::move_axis(g, b, r, 0));
            let product = build::matmul(g, a, b, guard);
            return Ok(build::move_axis(g, product, 0, r));
        }
        if lanes.batched[1] {
            let mut merged = g.dims(b);
            merged.pop();
            merged[r - 1] = n * width;
            let b = build::reshape(g, b, &merged);
            let product = build::matmul(g, a, b, guard);
            return Ok(build::reshape(g, product, &shape));
        }
        let moved = build::move_axis(g, a, r, r - 1);
        let mut merged = g.dims(moved);
        let k = merged.pop().expect("a matrix axis");
        merged.pop();
        merged[r - 2] = m * width;
        merged.push(k);
        let rows = build::reshape(g, moved, &merged);
        let product = build::matmul(g, rows, b, guard);
        shape[r - 1] = width;
        shape[r] = n;
        let split = build::reshape(g, product, &shape);
        Ok(build::move_axis(g, split, r, r - 1))
    }

    /// Rows of the one, columns of the other.
    fn needs(&self, g: &Graph, y: NodeId, tile: &Tile, _: Known<'_>) -> Needs {
        let (rows, columns) = (tile.shape.len() - 2, tile.shape.len() - 1);
        let inner = g.shape(g.operand(y, 0))[columns];
        smallvec![
            (0, tile.clone().with(columns, 0, inner)),
            (1, tile.clone().with(rows, 0, inner)),
        ]
    }

    fn restrict(&self, target: &mut Graph, cut: &Cut<'_>) -> NodeId {
        cut.as_tile(target)
    }
}

/// The sizes and strides of one product.
struct Problem {
    m: usize,
    n: usize,
    k: usize,
    a: [isize; 2],
    b: [isize; 2],
    guarded: bool,
}

/// Products of numbers in one call of the library, about: some 30 ms.
const MOST_PRODUCTS: usize = 1 << 29;
/// Rows and columns that it is given at least, to be at its best.
const LEAST_SIDE: usize = 64;

impl Problem {
    /// # Safety
    /// The offsets must name matrices of these sizes inside the three arrays.
    unsafe fn run<T: Number + 'static>(
        &self,
        a: &View,
        i: isize,
        b: &View,
        j: isize,
        out: &Out,
        o: isize,
    ) {
        if self.guarded || self.k == 0 || self.m * self.n * self.k <= 64 {
            // SAFETY: passed on.
            return unsafe { self.naive::<T>(a, i, b, j, out, o) };
        }
        // Large products in tiles, nearly square, so that there is somebody to look for interrupts.
        let width = self.n.min((MOST_PRODUCTS / self.k).isqrt().max(LEAST_SIDE));
        let height = (MOST_PRODUCTS / (width * self.k)).max(LEAST_SIDE);
        for columns in stretches(self.n, width) {
            for rows in stretches(self.m, height) {
                let (row, column) = (rows.start as isize, columns.start as isize);
                let (i, j) = (i + row * self.a[0], j + column * self.b[1]);
                let o = o + row * self.n as isize + column;
                // SAFETY: the caller's contract, for some of the rows and columns.
                unsafe { self.tile::<T>((rows.len(), columns.len()), (a, i), (b, j), (out, o)) }
            }
            elements(STRETCH);
        }
    }

    /// # Safety
    /// As [`Problem::run`], for so many rows and columns.
    unsafe fn tile<T: Number + 'static>(
        &self,
        (rows, columns): (usize, usize),
        (a, i): (&View, isize),
        (b, j): (&View, isize),
        (out, o): (&Out, isize),
    ) {
        // SAFETY: the caller's contract; `out` is contiguous, row by row.
        unsafe {
            gemm::gemm(
                rows,
                columns,
                self.k,
                out.ptr.cast::<T>().offset(o),
                1,
                self.n as isize,
                false,
                a.ptr.cast::<T>().offset(i),
                self.a[1],
                self.a[0],
                b.ptr.cast::<T>().offset(j),
                self.b[1],
                self.b[0],
                T::ZERO,
                T::ONE,
                false,
                false,
                false,
                gemm::Parallelism::None,
            );
        }
    }

    /// Term by term; where guarded, products with a zero are zero.
    ///
    /// # Safety
    /// As [`Problem::run`].
    unsafe fn naive<T: Number>(&self, a: &View, i: isize, b: &View, j: isize, out: &Out, o: isize) {
        for row in 0..self.m as isize {
            for column in 0..self.n as isize {
                elements(self.k);
                let mut total = T::ZERO;
                for k in 0..self.k as isize {
                    // SAFETY: the caller's contract.
                    let (x, z) = unsafe {
                        (
                            a.ptr
                                .cast::<T>()
                                .offset(i + row * self.a[0] + k * self.a[1])
                                .read(),
                            b.ptr
                                .cast::<T>()
                                .offset(j + k * self.b[0] + column * self.b[1])
                                .read(),
                        )
                    };
                    let term = if self.guarded { x.mul0(z) } else { x.mul(z) };
                    total = total.add(term);
                }
                // SAFETY: the caller's contract.
                unsafe {
                    out.ptr
                        .cast::<T>()
                        .offset(o + row * self.n as isize + column)
                        .write(total);
                }
            }
        }
    }
}
