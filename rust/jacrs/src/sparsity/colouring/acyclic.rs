//! Acyclic colouring: the columns of a symmetric matrix, whose entries are then solved one after the
//! other.

use super::edges::{Edges, twins};
use super::{Colouring, Forbidden, NONE, Order};
use crate::interrupt::elements;
use crate::sparsity::Pattern;

/// Colours for the columns of a symmetric pattern: neighbours have different ones, and every cycle
/// has three. So the edges between two colours make trees, and from its leaves on each entry of a
/// tree follows from a product and the entries before it ([`super::Substitution`]). There are at
/// most as many colours as a star colouring needs.
///
/// Gebremedhin, Tarafdar, Manne and Pothen, "New acyclic and star coloring algorithms with
/// application to computing Hessians", SIAM J. Sci. Comput. 29, 2007, Algorithm 3.1. Time is that of
/// the paths of length two, but for a logarithm.
///
/// ```
/// use jacrs::sparsity::{Order, Pattern, acyclic};
/// let tridiagonal = Pattern::new((3, 3), vec![0, 2, 5, 7], vec![0, 1, 0, 1, 2, 1, 2])?;
/// assert_eq!(acyclic(&tridiagonal, Order::Natural).colours, [0, 1, 0]);
/// # Ok::<(), jacrs::error::Error>(())
/// ```
pub fn acyclic(pattern: &Pattern, order: Order) -> Colouring {
    let mut graph = Edges { pattern };
    let vertices = order.of(&mut graph);
    let mut search = Search {
        graph,
        colours: vec![NONE; vertices.len()],
        forbidden: Forbidden::new(),
        forest: Forest::new(pattern),
        reached: vec![(NONE, NONE); pattern.nnz()],
        first: vec![],
    };
    for v in vertices {
        search.forbid(v);
        search.colours[v as usize] = search.forbidden.smallest(v);
        search.grow(v);
    }
    Colouring {
        colours: search.colours,
        count: search.forbidden.count(),
    }
}

struct Search<'p> {
    graph: Edges<'p>,
    colours: Vec<u32>,
    forbidden: Forbidden,
    forest: Forest,
    /// For each tree the vertex that last reached it, and through which neighbour it did first.
    reached: Vec<(u32, u32)>,
    /// For each colour the vertex that last met it, and its edge to the first neighbour of the colour.
    first: Vec<(u32, usize)>,
}

impl Search<'_> {
    fn is_coloured(&self, vertex: u32) -> bool {
        self.colours[vertex as usize] != NONE
    }

    /// Forbids the colours of neighbours, and those that would close a cycle of two colours: a tree is
    /// reached through two neighbours.
    fn forbid(&mut self, v: u32) {
        for w in self.graph.of(v) {
            self.forbidden.forbid(self.colours[w as usize], v);
        }
        for w in self.graph.of(v) {
            if !self.is_coloured(w) {
                continue;
            }
            for (x, place) in self.graph.at(w) {
                let colour = self.colours[x as usize];
                if x == v || colour == NONE || self.forbidden.is_forbidden(colour, v) {
                    continue;
                }
                let tree = self.forest.tree(place);
                let (by, through) = self.reached[tree];
                if by != v {
                    self.reached[tree] = (v, w);
                } else if through != w {
                    self.forbidden.forbid(colour, v);
                }
            }
        }
    }

    /// Brings the edges of a vertex, which now has a colour, into their trees.
    fn grow(&mut self, v: u32) {
        self.first.resize(self.forbidden.count(), (NONE, 0));
        for (w, edge) in self.graph.at(v) {
            if !self.is_coloured(w) {
                continue;
            }
            let first = &mut self.first[self.colours[w as usize] as usize];
            if first.0 == v {
                self.forest.unite(first.1, edge);
            } else {
                *first = (v, edge);
            }
            for (x, next) in self.graph.at(w) {
                if x != v && self.colours[x as usize] == self.colours[v as usize] {
                    self.forest.unite(edge, next);
                }
            }
        }
    }
}

/// Edges in trees of two colours: disjoint sets with paths halved (Tarjan and van Leeuwen,
/// "Worst-case analysis of set union algorithms", J. ACM 31, 1984).
struct Forest {
    /// For each entry one that is nearer to the one that stands for its tree.
    parents: Vec<usize>,
}

impl Forest {
    /// Each edge for itself, an entry together with its twin.
    fn new(pattern: &Pattern) -> Self {
        let mut parents = twins(pattern);
        for (k, twin) in parents.iter_mut().enumerate() {
            *twin = k.min(*twin);
        }
        elements(parents.len());
        Self { parents }
    }

    fn tree(&mut self, mut place: usize) -> usize {
        while self.parents[place] != place {
            let above = self.parents[place];
            self.parents[place] = self.parents[above];
            place = above;
        }
        place
    }

    fn unite(&mut self, a: usize, b: usize) {
        let (a, b) = (self.tree(a), self.tree(b));
        self.parents[a.max(b)] = a.min(b);
    }
}
