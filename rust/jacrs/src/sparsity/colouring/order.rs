//! Orders in which vertices are coloured.

use crate::interrupt::elements;

/// Which vertex is coloured next (Gebremedhin, Nguyen, Patwary and Pothen, "`ColPack`: software
/// for graph coloring and related problems in scientific computing", ACM TOMS 40, 2013, section 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// As they are.
    Natural,
    /// Those with most neighbours first (Welsh and Powell 1967).
    #[default]
    LargestFirst,
    /// Last the one with fewest neighbours, and so on among those that are left (Matula and Beck
    /// 1983).
    SmallestLast,
    /// Next the one with most neighbours before it (Coleman and Moré 1983).
    IncidenceDegree,
    /// Next the one with most neighbours among those that are left.
    DynamicLargestFirst,
}

/// What is coloured: vertices with their neighbours.
pub trait Adjacency {
    fn vertices(&self) -> usize;
    /// Calls `visit` with each neighbour once.
    fn neighbours(&mut self, vertex: u32, visit: &mut dyn FnMut(u32));

    fn degrees(&mut self) -> Vec<u32> {
        let n = self.vertices() as u32;
        let degree = |v| {
            let mut count = 0;
            self.neighbours(v, &mut |_| count += 1);
            count
        };
        (0..n).map(degree).collect()
    }
}

impl Order {
    /// The vertices, the first one first.
    pub fn of(self, graph: &mut impl Adjacency) -> Vec<u32> {
        let n = graph.vertices();
        let natural = 0..n as u32;
        match self {
            Order::Natural => natural.collect(),
            Order::LargestFirst => {
                let degrees = graph.degrees();
                let mut order: Vec<u32> = natural.collect();
                order.sort_by_key(|&v| std::cmp::Reverse(degrees[v as usize]));
                order
            }
            Order::SmallestLast => {
                let degrees = graph.degrees();
                let mut order = Buckets::new(degrees).emptied(graph, Pick::Least, -1);
                order.reverse();
                order
            }
            Order::IncidenceDegree => Buckets::new(vec![0; n]).emptied(graph, Pick::Most, 1),
            Order::DynamicLargestFirst => {
                let degrees = graph.degrees();
                Buckets::new(degrees).emptied(graph, Pick::Most, -1)
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pick {
    Least,
    Most,
}

/// Vertices by a key that changes by one at a time.
struct Buckets {
    keys: Vec<u32>,
    /// The vertices with each key, those whose key has changed since among them.
    lists: Vec<Vec<u32>>,
    taken: Vec<bool>,
}

impl Buckets {
    fn new(keys: Vec<u32>) -> Self {
        let mut lists = vec![];
        // Backwards, so that of equal ones the first is taken first.
        for (v, &key) in keys.iter().enumerate().rev() {
            put(&mut lists, key, v as u32);
        }
        Self {
            taken: vec![false; keys.len()],
            keys,
            lists,
        }
    }

    /// Takes out all vertices; the keys of the neighbours that are left change each time.
    fn emptied(mut self, graph: &mut impl Adjacency, pick: Pick, change: i32) -> Vec<u32> {
        let mut order = Vec::with_capacity(self.keys.len());
        let mut at = match pick {
            Pick::Least => 0,
            Pick::Most => self.lists.len().saturating_sub(1),
        };
        while order.len() < self.keys.len() {
            let Some(v) = self.lists[at].pop() else {
                at = match pick {
                    Pick::Least => at + 1,
                    Pick::Most => at - 1,
                };
                continue;
            };
            if self.taken[v as usize] || self.keys[v as usize] as usize != at {
                continue;
            }
            self.taken[v as usize] = true;
            order.push(v);
            elements(1);
            let Self { keys, lists, taken } = &mut self;
            graph.neighbours(v, &mut |w| {
                if !taken[w as usize] {
                    let key = &mut keys[w as usize];
                    *key = key.saturating_add_signed(change);
                    put(lists, *key, w);
                    let key = *key as usize;
                    at = match pick {
                        Pick::Least => at.min(key),
                        Pick::Most => at.max(key),
                    };
                }
            });
        }
        order
    }
}

fn put(lists: &mut Vec<Vec<u32>>, key: u32, v: u32) {
    let key = key as usize;
    if lists.len() <= key {
        lists.resize_with(key + 1, Vec::new);
    }
    lists[key].push(v);
}
