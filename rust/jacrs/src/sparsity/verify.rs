//! Whether a pattern that was given, not found, holds all of a Jacobian at a point.
//!
//! Entries by seeds are right if there is no element outside of the pattern: else it is added to
//! one that shares its lane. So what the entries make of a vector is compared with the product that
//! the function itself gives, `J v`, for two fixed vectors that look random; where a row differs it
//! is computed alone, in reverse, and its elements outside of the pattern are there to be named.

use super::Pattern;
use super::entries::Entries;
use crate::array::{Array, DType};
use crate::differentiate::{jvp, vjp};
use crate::interrupt::elements;
use crate::ir::{Graph, NodeId, Op};
use crate::ops::{Fun, build};

/// Vectors that are multiplied.
const VECTORS: u64 = 2;
/// Rows that are computed alone, at most: the worst ones.
pub const MOST_ROWS: usize = 64;

/// A pattern that is to be verified for some outputs and inputs.
pub struct Check<'a> {
    pub pattern: &'a Pattern,
    pub outputs: &'a [NodeId],
    pub inputs: &'a [NodeId],
    /// What is more than rounding, of the largest element: `eps^(3/4)` of the narrowest dtype.
    tolerance: f64,
}

/// What the products say.
#[derive(Debug, PartialEq)]
pub struct Verdict {
    /// Rows that differ, the worst first; no more than [`MOST_ROWS`].
    pub rows: Vec<usize>,
    /// Whether all rows could be compared: else some numbers are not finite.
    pub complete: bool,
}

impl<'a> Check<'a> {
    /// A check of a pattern with a row for each element of the outputs and a column for each of the
    /// inputs.
    pub fn new(
        recorded: &Graph,
        pattern: &'a Pattern,
        outputs: &'a [NodeId],
        inputs: &'a [NodeId],
    ) -> Self {
        let mut ids = recorded.ids();
        let epsilon = if ids.any(|id| recorded.dtype(id) == DType::F32) {
            f64::from(f32::EPSILON)
        } else {
            f64::EPSILON
        };
        Self {
            pattern,
            outputs,
            inputs,
            tolerance: epsilon.powf(0.75),
        }
    }

    /// Whether there is nothing that could be outside, or nothing is there yet to be multiplied.
    pub fn is_idle(&self, recorded: &Graph) -> bool {
        let (rows, columns) = self.pattern.shape();
        let needed = recorded.reachable(self.outputs);
        let absent = |id: NodeId| matches!(recorded.op(id), Op::Placeholder(_));
        self.pattern.nnz() == rows * columns
            || recorded.ids().any(|id| needed[id.index()] && absent(id))
    }

    /// The graph of the entries with other outputs: the entries, the products, and whether all of
    /// them are finite. Its inputs are those of the entries' graph, their tables, then the vectors.
    pub fn products(&self, entries: &Entries) -> (Graph, Vec<Array>) {
        let mut g = entries.graph.clone();
        let last = g.outputs[g.outputs.len() - 1];
        let mut made = vec![build::cast(&mut g, last, DType::F64)];
        let mut vectors = vec![];
        for k in 0..VECTORS {
            let vector = Array::from_slice(&[self.pattern.shape().1], &self.vector(k));
            let along = stand_in(&mut g, &vector, self.inputs);
            let products = jvp(&mut g, self.outputs, self.inputs, &along);
            made.push(end_to_end(&mut g, &products, self.outputs));
            vectors.push(vector);
        }
        let all = build::concat(&mut g, &made, 0);
        let difference = build::sub(&mut g, all, all);
        let sum = build::sum(&mut g, difference, &[0]);
        made.push(build::map(&mut g, Fun::IsFinite, &[sum]));
        g.outputs = made;
        (g, vectors)
    }

    /// What the values of the first outputs of [`Check::products`] say.
    pub fn judged(&self, entries: &[f64], products: &[Vec<f64>]) -> Verdict {
        let mut worst: Vec<(f64, usize)> = vec![];
        let mut complete = true;
        let vectors: Vec<Vec<f64>> = (0..VECTORS).map(|k| self.vector(k)).collect();
        for (i, columns) in self.pattern.rows().enumerate() {
            let own = &entries[self.pattern.starts()[i]..self.pattern.starts()[i + 1]];
            let mut differs: f64 = 0.0;
            for (vector, product) in vectors.iter().zip(products) {
                let terms = || {
                    own.iter()
                        .zip(columns)
                        .map(|(a, &j)| a * vector[j as usize])
                };
                let (sum, size) = terms().fold((0.0, 0.0), |(s, t), x| (s + x, t + x.abs()));
                let size: f64 = size + product[i].abs();
                complete &= size.is_finite();
                if size.is_finite() && size > 0.0 {
                    differs = differs.max((sum - product[i]).abs() / size);
                }
            }
            if differs > self.tolerance {
                worst.push((differs, i));
            }
            elements(columns.len() + 1);
        }
        worst.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        worst.truncate(MOST_ROWS);
        let rows = worst.into_iter().map(|(_, i)| i).collect();
        Verdict { rows, complete }
    }

    /// The recorded graph with a row of the Jacobian as its output: the cotangent, over the elements
    /// of all outputs, is the last input.
    pub fn row(&self, recorded: &Graph) -> Graph {
        let mut g = recorded.clone();
        let whole = g.input(DType::F64, &[self.pattern.shape().0], false);
        let along = parts_of(&mut g, whole, self.outputs);
        let row = vjp(&mut g, self.outputs, self.inputs, &along);
        let row = end_to_end(&mut g, &row, self.inputs);
        g.outputs = vec![row];
        g
    }

    /// The cotangent that gives a row.
    pub fn cotangent(&self, row: usize) -> Array {
        let count = self.pattern.shape().0;
        let mut one = vec![0.0; count];
        one[row] = 1.0;
        Array::from_slice(&[count], &one)
    }

    /// The largest element of a row outside of the pattern, with its column, if it is more than
    /// rounding.
    pub fn outside(&self, row: usize, values: &[f64]) -> Option<(usize, f64)> {
        let finite = || {
            values
                .iter()
                .copied()
                .enumerate()
                .filter(|v| v.1.is_finite())
        };
        let largest = finite().fold(0.0_f64, |most, (_, value)| most.max(value.abs()));
        finite()
            .filter(|&(j, value)| {
                value.abs() > self.tolerance * largest && !self.pattern.contains(row, j)
            })
            .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))
    }

    /// The numbers of a vector: of absolute value from 0.5 to 1.5, and exact in float32.
    fn vector(&self, k: u64) -> Vec<f64> {
        let columns = self.pattern.shape().1 as u64;
        elements(columns as usize);
        let number = |j: u64| {
            let bits = mixed(j * VECTORS + k + 1);
            let size = 0.5 + (bits >> 42) as f64 / f64::from(1 << 22);
            if bits & 1 == 0 { size } else { -size }
        };
        (0..columns).map(number).collect()
    }
}

/// The finalizer of `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014).
fn mixed(n: u64) -> u64 {
    let mut z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A vector as an input, in parts shaped as these nodes are.
fn stand_in(g: &mut Graph, vector: &Array, like: &[NodeId]) -> Vec<Option<NodeId>> {
    let whole = g.input(DType::F64, vector.shape(), false);
    parts_of(g, whole, like)
}

fn parts_of(g: &mut Graph, whole: NodeId, like: &[NodeId]) -> Vec<Option<NodeId>> {
    let mut start = 0;
    let parts = like.iter().map(|&x| {
        let (dtype, shape, size) = (g.dtype(x), g.dims(x), g.size(x));
        let part = build::slice_axis(g, whole, 0, start, start + size);
        start += size;
        let part = build::cast(g, part, dtype);
        Some(build::reshape(g, part, &shape))
    });
    parts.collect()
}

/// Derivatives like these nodes, end to end, as float64; zero where there is none.
fn end_to_end(g: &mut Graph, derivatives: &[Option<NodeId>], like: &[NodeId]) -> NodeId {
    let mut parts = vec![];
    for (derivative, &x) in derivatives.iter().zip(like) {
        let size = g.size(x);
        parts.push(match *derivative {
            Some(d) => {
                let d = build::reshape(g, d, &[size]);
                build::cast(g, d, DType::F64)
            }
            None => build::constant(g, DType::F64, &[size], 0.0),
        });
    }
    build::concat(g, &parts, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::differentiate::Mode;
    use crate::ir::parse;
    use crate::sparsity::{Way, prepare_given};

    /// What is found of `y = x[1:] x[:-1]` at 1, 2, 3 with a pattern.
    fn found(rows: &[&[u32]]) -> (Verdict, Vec<Option<(usize, f64)>>) {
        let g = parse(
            "%0 = input! : float64[3]
             %1 = slice(%0, [1 1]) : float64[2]
             %2 = slice(%0, [0 1]) : float64[2]
             %3 = mul(%1, %2) : float64[2]
             return %3",
        )
        .unwrap();
        let ends = rows.iter().scan(0, |end, row| {
            *end += row.len();
            Some(*end)
        });
        let starts = std::iter::once(0).chain(ends).collect();
        let pattern = Pattern::new((2, 3), starts, rows.concat()).unwrap();
        let way = Some(Way::Seeds(Mode::Forward));
        let (entries, _) =
            prepare_given(&g, &[], &g.outputs, g.inputs(), &pattern, way, false).unwrap();
        let check = Check::new(&g, &pattern, &g.outputs, g.inputs());
        assert!(!check.is_idle(&g));
        let x = Array::from_slice(&[3], &[1.0, 2.0, 3.0]);
        let (graph, vectors) = check.products(&entries);
        let inputs = [vec![x.clone()], entries.tables, vectors].concat();
        let values: Vec<Vec<f64>> =
            crate::sparsity::indices::values_of(&graph, &graph.outputs, &inputs)
                .map(|known| {
                    let numbers = &graph.outputs[..3];
                    numbers.iter().map(|y| known[y].to_vec()).collect()
                })
                .unwrap();
        let verdict = check.judged(&values[0], &values[1..]);
        let alone = check.row(&g);
        let outside = verdict.rows.iter().map(|&i| {
            let inputs = [x.clone(), check.cotangent(i)];
            let wanted = &alone.outputs;
            let known = crate::sparsity::indices::values_of(&alone, wanted, &inputs).unwrap();
            check.outside(i, &known[&wanted[0]].to_vec::<f64>())
        });
        let outside = outside.collect();
        (verdict, outside)
    }

    #[test]
    fn a_pattern_with_all_entries_passes() {
        for rows in [[&[0, 1][..], &[1, 2]], [&[0, 1], &[0, 1, 2]]] {
            let (verdict, _) = found(&rows);
            assert_eq!(
                verdict,
                Verdict {
                    rows: vec![],
                    complete: true
                }
            );
        }
    }

    #[test]
    fn what_is_outside_is_found() {
        assert_eq!(found(&[&[0, 1], &[2]]).1, [Some((1, 3.0))]);
        assert_eq!(found(&[&[0, 1], &[1]]).1, [Some((2, 2.0))]);
        let (verdict, outside) = found(&[&[0], &[]]);
        assert_eq!(verdict.rows.len(), 2);
        assert!(outside.iter().all(Option::is_some));
    }
}
