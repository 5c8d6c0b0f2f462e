//! Derivatives of cofactors at one matrix.
//!
//! With `a = l m r` and `m` diagonal, cofactors of `a + e` are those of `l`, of `m + l^-1 e r^-1` and
//! of `r`, multiplied. At a diagonal matrix they are sums over principal minors: products of the
//! diagonal entries *not* in a minor, taken without division, times determinants of the directions.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use crate::ops::factor::kernel::{Pivots, Scaled, lu, svd};

/// A matrix as a product around a diagonal one.
pub struct Expansion {
    n: usize,
    form: Form,
}

enum Form {
    /// `a`, the identity, the identity: for matrices that are far from singular.
    Regular {
        inverse: Vec<f64>,
        det: Scaled,
    },
    /// Singular vectors and values; the sign is the product of the determinants of `u` and `v`.
    Singular {
        u: Vec<f64>,
        s: Vec<f64>,
        v: Vec<f64>,
        sign: f64,
    },
    NotFinite,
}

/// Beyond this condition number the inverse is less accurate than singular values are.
const ILL_CONDITIONED: f64 = 8192.0;

impl Expansion {
    /// Of a matrix given by its columns.
    pub fn new(a: Vec<f64>, n: usize) -> Self {
        let form = if a.iter().any(|x| !x.is_finite()) {
            Form::NotFinite
        } else {
            regular(&a, n)
                .or_else(|| singular(a, n))
                .unwrap_or(Form::NotFinite)
        };
        Self { n, form }
    }

    /// The derivative of the cofactors along each of these matrices.
    pub fn along(&self, directions: &[Vec<f64>]) -> Vec<f64> {
        let n = self.n;
        match &self.form {
            Form::NotFinite => vec![f64::NAN; n * n],
            Form::Regular { inverse, det } => {
                let inner: Vec<Vec<f64>> = (directions.iter())
                    .map(|e| product(inverse, false, e, false, n))
                    .collect();
                let middle = at_identity(&inner, n);
                let mut result = product(inverse, true, &middle, false, n);
                for x in &mut result {
                    *x = det.times(*x).value();
                }
                result
            }
            Form::Singular { u, s, v, sign } => {
                let inner: Vec<Vec<f64>> = (directions.iter())
                    .map(|e| {
                        let right = product(e, false, v, false, n);
                        product(u, true, &right, false, n)
                    })
                    .collect();
                let middle = at_diagonal(s, &inner);
                let left = product(u, false, &middle, false, n);
                let mut result = product(&left, false, v, true, n);
                for x in &mut result {
                    *x *= sign;
                }
                result
            }
        }
    }
}

fn regular(a: &[f64], n: usize) -> Option<Form> {
    let mut factors = a.to_vec();
    let mut rows = vec![0.0; n];
    lu(&mut factors, n, &mut rows);
    let pivots = Pivots {
        factors: &factors,
        rows: &rows,
        n,
    };
    if pivots.is_singular() {
        return None;
    }
    let mut inverse = identity(n);
    pivots.solve(
        MatMut::from_column_major_slice_mut(&mut inverse, n, n),
        false,
    );
    let condition = norm(a, n) * norm(&inverse, n);
    let det = pivots.scaled_det();
    // Not a number compares with nothing.
    (condition < ILL_CONDITIONED).then_some(Form::Regular { inverse, det })
}

/// The largest sum of a column.
fn norm(a: &[f64], n: usize) -> f64 {
    a.chunks_exact(n)
        .map(|column| column.iter().map(|x| x.abs()).sum::<f64>())
        .fold(0.0, f64::max)
}

fn singular(mut a: Vec<f64>, n: usize) -> Option<Form> {
    let (mut u, mut s, mut v) = (vec![0.0; n * n], vec![0.0; n], vec![0.0; n * n]);
    svd(&mut a, (n, n), &mut u, &mut s, &mut v).ok()?;
    let sign = orientation(&u, n) * orientation(&v, n);
    Some(Form::Singular { u, s, v, sign })
}

/// The determinant of an orthogonal matrix.
fn orientation(q: &[f64], n: usize) -> f64 {
    let mut factors = q.to_vec();
    let mut rows = vec![0.0; n];
    lu(&mut factors, n, &mut rows);
    Pivots {
        factors: &factors,
        rows: &rows,
        n,
    }
    .sign()
}

fn identity(n: usize) -> Vec<f64> {
    let mut eye = vec![0.0; n * n];
    for i in 0..n {
        eye[i * n + i] = 1.0;
    }
    eye
}

/// `a b`, either transposed where it says so.
fn product(a: &[f64], a_transposed: bool, b: &[f64], b_transposed: bool, n: usize) -> Vec<f64> {
    let view = |x, transposed| {
        let x = MatRef::from_column_major_slice(x, n, n);
        if transposed { x.transpose() } else { x }
    };
    let mut result = vec![0.0; n * n];
    matmul(
        MatMut::from_column_major_slice_mut(&mut result, n, n),
        Accum::Replace,
        view(a, a_transposed).as_dyn_stride(),
        view(b, b_transposed).as_dyn_stride(),
        1.0,
        Par::Seq,
    );
    result
}

/// All permutations of `0..count` with their signs (Heap's algorithm swaps one pair at a time).
fn permutations(count: usize) -> Vec<(Vec<usize>, f64)> {
    let mut items: Vec<usize> = (0..count).collect();
    let mut all = vec![(items.clone(), 1.0)];
    let mut counters = vec![0; count];
    let (mut i, mut sign) = (0, 1.0);
    while i < count {
        if counters[i] < i {
            items.swap(if i % 2 == 0 { 0 } else { counters[i] }, i);
            sign = -sign;
            all.push((items.clone(), sign));
            counters[i] += 1;
            i = 0;
        } else {
            counters[i] = 0;
            i += 1;
        }
    }
    all
}

/// At the identity every minor has the same weight, and sums over minors are traces: a permutation
/// is a product of its cycles, the one through 0 a matrix, each other one a number.
fn at_identity(directions: &[Vec<f64>], n: usize) -> Vec<f64> {
    let mut total = vec![0.0; n * n];
    for (permutation, sign) in permutations(directions.len() + 1) {
        let mut seen = vec![false; permutation.len()];
        let mut cycle = |start: usize| {
            let mut chain: Option<Vec<f64>> = None;
            let mut k = start;
            while !seen[k] {
                seen[k] = true;
                if k > 0 {
                    let e = &directions[k - 1];
                    chain = Some(match chain {
                        Some(chain) => product(&chain, false, e, false, n),
                        None => e.clone(),
                    });
                }
                k = permutation[k];
            }
            chain
        };
        let own = cycle(0);
        let mut weight = sign;
        for k in 1..permutation.len() {
            if let Some(chain) = cycle(k) {
                weight *= (0..n).map(|i| chain[i * n + i]).sum::<f64>();
            }
        }
        for i in 0..n {
            match &own {
                Some(chain) => {
                    for j in 0..n {
                        total[j * n + i] += weight * chain[i * n + j];
                    }
                }
                None => total[i * n + i] += weight,
            }
        }
    }
    total
}

/// The sum over tuples of distinct indices and permutations of them.
fn at_diagonal(s: &[f64], directions: &[Vec<f64>]) -> Vec<f64> {
    let n = s.len();
    let mut sum = MinorSum {
        s,
        directions,
        permutations: permutations(directions.len() + 1),
        tuple: vec![],
        total: vec![0.0; n * n],
    };
    sum.extend();
    sum.total
}

struct MinorSum<'a> {
    s: &'a [f64],
    directions: &'a [Vec<f64>],
    permutations: Vec<(Vec<usize>, f64)>,
    tuple: Vec<usize>,
    total: Vec<f64>,
}

impl MinorSum<'_> {
    /// Adds up all tuples that start as this one does.
    fn extend(&mut self) {
        let free: Vec<usize> = (0..self.s.len())
            .filter(|i| !self.tuple.contains(i))
            .collect();
        if self.tuple.len() < self.directions.len() {
            for i in free {
                self.tuple.push(i);
                self.extend();
                self.tuple.pop();
            }
            return;
        }
        for (i, weight) in exclusive_products(self.s, &free) {
            if weight != 0.0 {
                self.tuple.push(i);
                self.add(weight);
                self.tuple.pop();
            }
        }
    }

    fn add(&mut self, weight: f64) {
        let n = self.s.len();
        for (permutation, sign) in &self.permutations {
            let mut term = weight * sign;
            for (k, e) in self.directions.iter().enumerate() {
                let (row, column) = (self.tuple[k + 1], self.tuple[permutation[k + 1]]);
                term *= e[column * n + row];
            }
            self.total[self.tuple[permutation[0]] * n + self.tuple[0]] += term;
        }
    }
}

/// For each of some indices the product over all others of them.
fn exclusive_products(s: &[f64], free: &[usize]) -> Vec<(usize, f64)> {
    let mut before = Scaled::ONE;
    let mut products: Vec<(usize, Scaled)> = vec![];
    for &i in free {
        products.push((i, before));
        before = before.times(s[i]);
    }
    let mut after = Scaled::ONE;
    for (i, product) in products.iter_mut().rev() {
        *product = product.joined(after);
        after = after.times(s[*i]);
    }
    products.into_iter().map(|(i, p)| (i, p.value())).collect()
}
