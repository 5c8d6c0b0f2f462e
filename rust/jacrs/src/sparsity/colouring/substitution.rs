//! Entries of a symmetric matrix from products with the colours of an acyclic colouring.

use std::collections::VecDeque;

use super::Colouring;
use super::edges::twins;
use crate::error::{Result, text};
use crate::interrupt::elements;
use crate::memory::list_for;
use crate::sparsity::Pattern;

/// In which order the entries are solved from the products `B = H S`, in which column `c` is the sum
/// of the columns of colour `c`.
///
/// The edges between two colours make trees. Where a vertex `i` has one edge `(i, j)` left in a
/// tree, its entry is what is left of `B[i, c(j)]`; it is then taken from `B[j, c(i)]`, where it is
/// one of the summands (Gebremedhin, Pothen, Tarafdar and Walther, "Efficient computation of sparse
/// Hessians using coloring and automatic differentiation", INFORMS J. Comput. 21, 2009). Trees are
/// peeled from all leaves at once, so that few differences follow each other.
///
/// ```
/// use jacrs::sparsity::{Order, Pattern, Substitution, acyclic};
/// // [[1, 2, .], [2, 3, 4], [., 4, 5]] in two colours.
/// let pattern = Pattern::new((3, 3), vec![0, 2, 5, 7], vec![0, 1, 0, 1, 2, 1, 2])?;
/// let order = Substitution::new(&pattern, &acyclic(&pattern, Order::Natural))?;
/// let entries = order.decompressed(&[1.0, 2.0, 6.0, 3.0, 5.0, 4.0])?;
/// assert_eq!(entries, [1.0, 2.0, 2.0, 3.0, 4.0, 4.0, 5.0]);
/// # Ok::<(), jacrs::error::Error>(())
/// ```
pub struct Substitution {
    /// Of the products.
    shape: (usize, usize),
    entries: usize,
    /// Entries that stand in a product as they are, with their places there.
    diagonal: Vec<(usize, usize)>,
    steps: Vec<Step>,
}

/// An entry that is next, with its twin.
struct Step {
    entries: [usize; 2],
    /// Of the product that it is what is left of.
    read: usize,
    /// Of the product that it is taken from, if there is one.
    rest: Option<usize>,
}

impl Substitution {
    /// The order for a pattern and its colouring, which may have neutral vertices
    /// ([`super::postprocessed`]). Linear in the entries.
    ///
    /// # Errors
    /// If the pattern is not symmetric, or the colouring not an acyclic one of it.
    pub fn new(pattern: &Pattern, colouring: &Colouring) -> Result<Self> {
        let (n, count) = (pattern.shape().0, colouring.count);
        let fits = |&c: &u32| (c as usize) < count || c == Colouring::NEUTRAL;
        if colouring.colours.len() != n || !colouring.colours.iter().all(fits) {
            return Err(text::no_substitution());
        }
        if pattern.transposed()? != *pattern {
            return Err(text::no_substitution());
        }
        let fans = Fans::new(pattern, colouring)?;
        let (diagonal, steps) = (fans.diagonal(pattern, colouring)?, fans.peeled(pattern));
        if diagonal.len() + 2 * steps.len() < pattern.nnz() {
            return Err(text::no_substitution());
        }
        Ok(Self {
            shape: (n, count),
            entries: pattern.nnz(),
            diagonal,
            steps,
        })
    }

    /// The entries, in the order of the pattern, from products row by row: for each row a number for
    /// each colour.
    ///
    /// # Errors
    /// If there are not as many numbers.
    pub fn decompressed(&self, products: &[f64]) -> Result<Vec<f64>> {
        if products.len() != self.shape.0 * self.shape.1 {
            return Err(text::wrong_products(products.len(), self.shape));
        }
        let mut left = products.to_vec();
        let mut entries = list_for(self.entries);
        entries.resize(self.entries, 0.0);
        for &(entry, place) in &self.diagonal {
            entries[entry] = left[place];
        }
        for step in &self.steps {
            let value = left[step.read];
            for entry in step.entries {
                entries[entry] = value;
            }
            if let Some(rest) = step.rest {
                left[rest] -= value;
            }
        }
        elements(self.entries);
        Ok(entries)
    }
}

/// The edges of a vertex to neighbours of one colour.
struct Fan {
    /// Of their sum among the products, if the colour is not neutral.
    place: Option<usize>,
    /// How many are not known yet.
    unknown: usize,
    /// Their entries in the row of the vertex, by exclusive or: the last one is told by it.
    entries: usize,
}

struct Fans {
    fans: Vec<Fan>,
    /// The fan of each entry beside the diagonal.
    of: Vec<usize>,
}

impl Fans {
    fn new(pattern: &Pattern, colouring: &Colouring) -> Result<Self> {
        let (colours, count) = (&colouring.colours, colouring.count);
        let mut made = Self {
            fans: vec![],
            of: list_for(pattern.nnz()),
        };
        // For each colour, and at last for neutral: the row that met it, and the fan there.
        let mut met = vec![(usize::MAX, 0); count + 1];
        for (i, row) in pattern.rows().enumerate() {
            for (k, &j) in (pattern.starts()[i]..).zip(row) {
                if i == j as usize {
                    made.of.push(usize::MAX);
                    continue;
                }
                let colour = colours[j as usize];
                if colour == colours[i] && colour != Colouring::NEUTRAL {
                    return Err(text::no_substitution());
                }
                let colour = (colour as usize).min(count);
                if met[colour].0 != i {
                    met[colour] = (i, made.fans.len());
                    made.fans.push(Fan {
                        place: (colour < count).then_some(i * count + colour),
                        unknown: 0,
                        entries: 0,
                    });
                }
                made.of.push(met[colour].1);
                made.change(k, 1);
            }
            elements(row.len());
        }
        Ok(made)
    }

    /// The fan of an entry with it, or without.
    fn change(&mut self, entry: usize, by: isize) -> &Fan {
        let fan = &mut self.fans[self.of[entry]];
        fan.unknown = fan.unknown.saturating_add_signed(by);
        fan.entries ^= entry;
        fan
    }

    /// The entries of the diagonal and their places: neighbours have other colours.
    fn diagonal(&self, pattern: &Pattern, colouring: &Colouring) -> Result<Vec<(usize, usize)>> {
        let rows = (0..pattern.shape().0).filter_map(|i| {
            let k = pattern.row(i).binary_search(&(i as u32)).ok()?;
            let colour = colouring.colours[i] as usize;
            let place = (colour < colouring.count).then_some(i * colouring.count + colour);
            let place = place.ok_or_else(text::no_substitution);
            Some(place.map(|place| (pattern.starts()[i] + k, place)))
        });
        rows.collect()
    }

    /// The edges, the leaves first.
    fn peeled(mut self, pattern: &Pattern) -> Vec<Step> {
        let twins = twins(pattern);
        let last = |fan: &Fan| (fan.unknown == 1 && fan.place.is_some()).then_some(fan.entries);
        let mut leaves: VecDeque<usize> = self.fans.iter().filter_map(last).collect();
        let mut steps = list_for(pattern.nnz() / 2);
        while let Some(entry) = leaves.pop_front() {
            let fan = &self.fans[self.of[entry]];
            // From its other end it may be known since.
            let (Some(read), 1) = (fan.place, fan.unknown) else {
                continue;
            };
            let twin = twins[entry];
            self.change(entry, -1);
            let other = self.change(twin, -1);
            steps.push(Step {
                entries: [entry, twin],
                read,
                rest: other.place,
            });
            leaves.extend(last(other));
            elements(1);
        }
        steps
    }
}
