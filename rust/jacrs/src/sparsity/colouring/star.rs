//! Star colouring: the columns of a symmetric matrix, of which one triangle is enough.

use super::edges::{Edges, alone};
use super::order::Adjacency;
use super::{Colouring, Forbidden, NONE, Order};
use crate::interrupt::elements;
use crate::sparsity::Pattern;

/// Colours for the columns of a symmetric pattern: neighbours have different ones, and every path of
/// four vertices has three. So the entry of each edge stands alone in the product with the colour of
/// one of its ends: two colours make stars, whose hub is the other end (Coleman and Moré 1984;
/// Gebremedhin, Tarafdar, Manne and Pothen, "New acyclic and star coloring algorithms with
/// application to computing Hessians", SIAM J. Sci. Comput. 29, 2007).
///
/// ```
/// use jacrs::sparsity::{Order, Pattern, star};
/// // The first variable with all others: an arrow.
/// let arrow = Pattern::new((4, 4), vec![0, 4, 6, 8, 10], vec![0, 1, 2, 3, 0, 1, 0, 2, 0, 3])?;
/// assert_eq!(star(&arrow, Order::Natural).count, 2);
/// # Ok::<(), jacrs::error::Error>(())
/// ```
pub fn star(pattern: &Pattern, order: Order) -> Colouring {
    let mut graph = Edges { pattern };
    let mut colours = vec![NONE; graph.vertices()];
    let mut forbidden = Forbidden::new();
    // For each colour: the vertex at hand, and how many of its neighbours have the colour.
    let mut met: Vec<(u32, u32)> = vec![];
    for v in order.of(&mut graph) {
        met.resize(forbidden.count(), (NONE, 0));
        for w in graph.of(v) {
            if let Some(entry) = met.get_mut(colours[w as usize] as usize) {
                *entry = (v, if entry.0 == v { entry.1 + 1 } else { 1 });
            }
        }
        for w in graph.of(v) {
            let colour = colours[w as usize];
            if colour == NONE {
                continue;
            }
            forbidden.forbid(colour, v);
            // Paths with `v` inside: two neighbours of one colour are spokes of a star with hub `v`.
            let spoke = met[colour as usize].1 > 1;
            for x in graph
                .of(w)
                .filter(|&x| x != v && colours[x as usize] != NONE)
            {
                // Paths with `v` at an end.
                if spoke || graph.of(x).any(|y| y != w && colours[y as usize] == colour) {
                    forbidden.forbid(colours[x as usize], v);
                }
            }
        }
        colours[v as usize] = forbidden.smallest(v);
    }
    Colouring {
        colours,
        count: forbidden.count(),
    }
}

/// Paths of four vertices that [`star`] looks at, at most.
pub fn paths(pattern: &Pattern) -> u64 {
    let mut ends = vec![1u64; pattern.shape().0];
    for _ in 0..3 {
        ends = (pattern.rows())
            .map(|row| {
                let next = row.iter().map(|&j| ends[j as usize]);
                next.fold(0, u64::saturating_add)
            })
            .collect();
        elements(pattern.nnz());
    }
    ends.into_iter().fold(0, u64::saturating_add)
}

/// For each entry of a symmetric pattern, row by row, whether it stands in the row of its column and
/// the colour of its row, and not in its row and the colour of its column: because it is not alone
/// there, or because that colour is neutral ([`super::postprocessed`]).
///
/// ```
/// use jacrs::sparsity::{Order, Pattern, mirrored, star};
/// let pair = Pattern::new((2, 2), vec![0, 1, 2], vec![1, 0])?;
/// assert_eq!(mirrored(&pair, &star(&pair, Order::Natural)), [false, false]);
/// # Ok::<(), jacrs::error::Error>(())
/// ```
pub fn mirrored(pattern: &Pattern, colouring: &Colouring) -> Vec<bool> {
    let alone = alone(pattern, colouring).into_iter();
    alone.map(|alone| !alone).collect()
}
