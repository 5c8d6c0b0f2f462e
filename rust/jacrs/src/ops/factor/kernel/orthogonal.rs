//! QR by Householder reflections, with LAPACK's signs.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::householder::{
    apply_block_householder_sequence_on_the_left_in_place_scratch as apply_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj as apply,
};
use faer::linalg::qr::no_pivoting::factor::{
    qr_in_place, qr_in_place_scratch, recommended_block_size,
};
use faer::{Conj, Mat, Par, Spec};

use super::{Entry, columns};

/// Factors `a` of shape `[m, n]`, which is overwritten, into `q` of shape `[m, width]` and `r` of
/// shape `[width, n]`. The diagonal of `r` has the signs that reflections give it: minus that of
/// the leading entry of the column, unless nothing is below it.
pub fn qr<T: Entry>(a: &mut [T], m: usize, n: usize, q: &mut [T], r: &mut [T]) {
    if m == 0 {
        return;
    }
    let width = q.len() / m;
    identity(q, m);
    if n == 0 {
        return;
    }
    let block = recommended_block_size::<T>(m, n);
    let mut coefficients = Mat::<T>::zeros(block, m.min(n));
    let mut buffer = MemBuffer::new(faer::dyn_stack::StackReq::any_of(&[
        qr_in_place_scratch::<T>(m, n, block, Par::Seq, Spec::default()),
        apply_scratch::<T>(m, block, width),
    ]));
    let original = a.to_vec();
    let info = qr_in_place(
        columns(a, m, n),
        coefficients.as_mut(),
        Par::Seq,
        MemStack::new(&mut buffer),
        Spec::default(),
    );
    if info.rank < m.min(n) {
        // A column that vanishes gets no reflection in LAPACK, and keeps its place.
        a.copy_from_slice(&original);
        let reflections = reflect(a, m, n);
        for (k, v) in reflections.iter().enumerate().rev() {
            for column in q.chunks_exact_mut(m) {
                v.apply(&mut column[k..]);
            }
        }
    } else {
        let basis = faer::MatRef::from_column_major_slice(a, m, n);
        apply(
            basis,
            coefficients.as_ref(),
            Conj::No,
            columns(q, m, width),
            Par::Seq,
            MemStack::new(&mut buffer),
        );
    }
    for (j, (column, target)) in a.chunks_exact(m).zip(r.chunks_exact_mut(width)).enumerate() {
        for (i, slot) in target.iter_mut().enumerate() {
            *slot = if i <= j { column[i] } else { T::ZERO };
        }
    }
}

fn identity<T: Entry>(x: &mut [T], m: usize) {
    x.fill(T::ZERO);
    for (k, column) in x.chunks_exact_mut(m).enumerate() {
        column[k] = T::ONE;
    }
}

/// `x - tau v (v . x)`, where `v` starts with one.
struct Reflection<T> {
    v: Vec<T>,
    tau: T,
}

impl<T: Entry> Reflection<T> {
    fn apply(&self, x: &mut [T]) {
        let dot = (self.v.iter().zip(&*x)).fold(T::ZERO, |sum, (&v, &x)| sum + v * x);
        let step = dot * self.tau;
        for (x, &v) in x.iter_mut().zip(&self.v) {
            *x -= step * v;
        }
    }
}

/// Makes the matrix upper triangular, column by column (Golub & Van Loan, "Matrix Computations",
/// 4th ed., algorithm 5.2.1, with the signs of LAPACK's `dlarfg`).
fn reflect<T: Entry>(a: &mut [T], m: usize, n: usize) -> Vec<Reflection<T>> {
    let mut reflections = vec![];
    for k in 0..m.min(n) {
        let column = &mut a[k * m + k..(k + 1) * m];
        let head = column[0].to_f64();
        let tail = column[1..]
            .iter()
            .fold(0.0, |norm: f64, x| norm.hypot(x.to_f64()));
        let mut v = vec![T::ZERO; column.len()];
        v[0] = T::ONE;
        let mut tau = T::ZERO;
        if tail != 0.0 {
            let beta = -head.hypot(tail).copysign(head);
            for (slot, x) in v[1..].iter_mut().zip(&column[1..]) {
                *slot = T::from_f64(x.to_f64() / (head - beta));
            }
            tau = T::from_f64((beta - head) / beta);
        }
        let reflection = Reflection { v, tau };
        for later in a[k * m..].chunks_exact_mut(m) {
            reflection.apply(&mut later[k..]);
        }
        reflections.push(reflection);
    }
    reflections
}
