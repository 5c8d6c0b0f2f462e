//! Colours that no entry needs.

use super::edges::{alone, twins};
use super::{Colouring, NONE};
use crate::interrupt::elements;
use crate::sparsity::Pattern;

/// The same colouring of a symmetric pattern, star or acyclic, without the colours whose products
/// are never read: their vertices become neutral (Montoison, Dalle and Gebremedhin, "Revisiting
/// sparse matrix coloring and bicoloring", 2025, where this is post-processing).
///
/// An entry of the diagonal is read in its own colour. Of two colours that make a star, the spokes
/// are read in the colour of the hub; of two that make another tree, both are read. A single edge has
/// its hub where the colour is needed anyway, else where the colour has the smaller number.
///
/// ```
/// use jacrs::sparsity::{Colouring, Order, Pattern, postprocessed, star};
/// // An arrow without its diagonal: only the product with the first column is read.
/// let arrow = Pattern::new((4, 4), vec![0, 3, 4, 5, 6], vec![1, 2, 3, 0, 0, 0])?;
/// let found = postprocessed(&arrow, &star(&arrow, Order::Natural));
/// assert_eq!((found.count, found.colours[0], found.colours[1]), (1, 0, Colouring::NEUTRAL));
/// # Ok::<(), jacrs::error::Error>(())
/// ```
///
/// # Panics
/// If the pattern is not symmetric, or has not as many columns as there are colours given.
pub fn postprocessed(pattern: &Pattern, colouring: &Colouring) -> Colouring {
    let needed = needed(pattern, colouring);
    let mut count = 0;
    let number = |&needed: &bool| {
        count += u32::from(needed);
        if needed { count - 1 } else { NONE }
    };
    let numbers: Vec<u32> = needed.iter().map(number).collect();
    let renumber = |&colour: &u32| numbers.get(colour as usize).copied().unwrap_or(NONE);
    Colouring {
        colours: colouring.colours.iter().map(renumber).collect(),
        count: count as usize,
    }
}

/// Which colours are.
fn needed(pattern: &Pattern, colouring: &Colouring) -> Vec<bool> {
    let (twins, alone) = (twins(pattern), alone(pattern, colouring));
    let colour = |vertex: usize| colouring.colours[vertex] as usize;
    let mut needed = vec![false; colouring.count];
    let mut single = vec![];
    for (i, row) in pattern.rows().enumerate() {
        for (k, &j) in (pattern.starts()[i]..).zip(row) {
            let j = j as usize;
            // On the diagonal, or the hub of several spokes.
            if i == j || !alone[k] {
                if let Some(needed) = needed.get_mut(colour(i)) {
                    *needed = true;
                }
            } else if i < j && alone[twins[k]] {
                single.push((colour(i), colour(j)));
            }
        }
        elements(row.len());
    }
    for (a, b) in single {
        if !needed[a] && !needed[b] {
            needed[a.min(b)] = true;
        }
    }
    needed
}
