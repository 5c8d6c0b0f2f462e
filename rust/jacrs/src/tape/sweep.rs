//! Sweeping back over a tape.

use super::{Tape, Var};
use crate::scalar::{Basic, Float, Matrix, by_width, scaled};

/// What a sweep gives: for every variable and intermediate result the derivatives of `K` weighted
/// sums of outputs by it.
pub struct Cotangents<'t, T, const K: usize> {
    tape: &'t Tape<T>,
    /// By place; what comes after the last output is left out.
    lanes: Vec<[T; K]>,
}

impl<'t, T: Float, const K: usize> Cotangents<'t, T, K> {
    /// Sweeps from the last seed to the first node, in memory that another sweep may have used.
    pub(super) fn sweep<'s>(
        tape: &'t Tape<T>,
        mut lanes: Vec<[T; K]>,
        seeds: impl Iterator<Item = (Var<'s, T>, [T; K])> + Clone,
    ) -> Self
    where
        T: 's,
    {
        let zeros = [T::from_f64(0.0); K];
        let on_tape = seeds.inspect(|(y, _)| tape.assert_owns(y));
        let on_tape = on_tape.filter(|(y, _)| !y.is_constant());
        let end = on_tape.clone().map(|(y, _)| y.place as usize + 1).max();
        lanes.clear();
        lanes.resize(end.unwrap_or(0), zeros);
        for (y, weights) in on_tape {
            add(&mut lanes[y.place as usize], &weights);
        }
        let nodes = tape.nodes.borrow();
        for (place, node) in nodes[..lanes.len()].iter().enumerate().rev() {
            let cotangent = lanes[place];
            if cotangent.into_iter().all(Basic::vanishes) {
                continue;
            }
            for (&operand, &slope) in node.operands.iter().zip(&node.slopes) {
                let operand = operand as usize;
                if operand != place {
                    add(&mut lanes[operand], &scaled(slope, cotangent));
                }
            }
        }
        drop(nodes);
        Self { tape, lanes }
    }

    /// The derivatives by one variable or intermediate result; zeros where nothing depends on it.
    ///
    /// # Panics
    /// It belongs to another tape.
    pub fn of(&self, x: Var<'_, T>) -> [T; K] {
        self.tape.assert_owns(&x);
        let found = (!x.is_constant()).then(|| self.lanes.get(x.place as usize).copied());
        found.flatten().unwrap_or([T::from_f64(0.0); K])
    }
}

fn add<T: Float, const K: usize>(sum: &mut [T; K], part: &[T; K]) {
    for (sum, &part) in sum.iter_mut().zip(part) {
        *sum = sum.gather(part);
    }
}

/// Several outputs in each sweep.
pub(super) fn jacobian<T: Float>(
    tape: &Tape<T>,
    ys: &[Var<'_, T>],
    xs: &[Var<'_, T>],
) -> Matrix<T> {
    by_width!(ys.len(), K => rows_at_once::<T, K>(tape, ys, xs))
}

fn rows_at_once<T: Float, const K: usize>(
    tape: &Tape<T>,
    ys: &[Var<'_, T>],
    xs: &[Var<'_, T>],
) -> Matrix<T> {
    let mut jacobian = Matrix::filled(ys.len(), xs.len(), T::from_f64(0.0));
    let mut memory = vec![];
    for (chunk, ys) in ys.chunks(K).enumerate() {
        let seeds = ys.iter().enumerate().map(|(k, &y)| {
            let one_hot = std::array::from_fn(|i| T::from_f64(f64::from(u8::from(i == k))));
            (y, one_hot)
        });
        let swept: Cotangents<'_, T, K> = Cotangents::sweep(tape, memory, seeds);
        for (j, &x) in xs.iter().enumerate() {
            let column = swept.of(x);
            for k in 0..ys.len() {
                jacobian[(chunk * K + k, j)] = column[k];
            }
        }
        memory = swept.lanes;
    }
    jacobian
}
