//! Coefficients put where they belong.
//!
//! Which coefficient stands where is known when the graph is made. So all that views, repetitions
//! and other operations that move elements do to a coefficient on its way is done to *addresses*,
//! once; what is left at run time is one gather from the numbers that were computed.

use hashbrown::HashMap;

use super::Context;
use super::term::Term;
use crate::array::{Array, DType, product};
use crate::error::Result;
use crate::interrupt::elements;
use crate::ir::{Graph, NodeId, Op};
use crate::memory::list_for;
use crate::ops::{Call, Flow, build, evaluate, operation};
use crate::sparsity::indices::index_of;
use crate::sparsity::rows::EMPTY;
use crate::sparsity::sets::{Dense, check_layer};

/// The address of a zero.
const ZERO: i64 = 0;

/// Numbers of the graph, one after the other: each element has an address.
#[derive(Default)]
struct Pool {
    /// Each with the address of its first element. The first is the zero.
    roots: Vec<(NodeId, usize)>,
    cells: HashMap<i64, i64>,
    end: usize,
    known: HashMap<NodeId, Array>,
}

impl Pool {
    /// The addresses of all elements of these nodes.
    fn look_up(
        &mut self,
        g: &Graph,
        contents: &HashMap<NodeId, Array>,
        wanted: impl Iterator<Item = NodeId>,
    ) -> Result<()> {
        let mut needed: Vec<NodeId> = wanted.filter(|x| !self.known.contains_key(x)).collect();
        let mut queued: hashbrown::HashSet<NodeId> = needed.iter().copied().collect();
        let mut next = 0;
        while next < needed.len() {
            let id = needed[next];
            next += 1;
            if !is_moving(g, id, contents) {
                continue;
            }
            let index = index_of(g, id);
            for &x in g.operands(id).iter().filter(|&&x| Some(x) != index) {
                if !self.known.contains_key(&x) && queued.insert(x) {
                    needed.push(x);
                }
            }
        }
        // Ids grow along dependencies.
        needed.sort_unstable();
        needed.dedup();
        for id in needed {
            let addresses = self.addresses(g, contents, id)?;
            self.known.insert(id, addresses);
        }
        Ok(())
    }

    fn addresses(
        &mut self,
        g: &Graph,
        contents: &HashMap<NodeId, Array>,
        id: NodeId,
    ) -> Result<Array> {
        if is_moving(g, id, contents) {
            let index = index_of(g, id);
            let operand = |x: &NodeId| match index {
                Some(index) if *x == index => contents[x].clone(),
                _ => self.known[x].clone(),
            };
            let operands: Vec<Array> = g.operands(id).iter().map(operand).collect();
            if let Op::Opaque(_) = g.op(id) {
                return Ok(operands[0].clone());
            }
            let mut call = Call::of(g, id, false);
            call.dtype = DType::I64;
            check_layer(product(&call.shape))?;
            return evaluate(&call, &operands);
        }
        let n = g.size(id);
        if let Op::Const(list) = g.op(id) {
            let address = self.cell(g, id, g.list(list)[0]);
            let cell = Array::scalar(address);
            let layout = cell.view().layout.broadcast(g.shape(id));
            return Ok(cell.relaid(0, layout));
        }
        check_layer(n)?;
        let start = self.end;
        self.roots.push((id, start));
        self.end += n;
        let addresses: Vec<i64> = (start as i64..(start + n) as i64).collect();
        elements(n);
        Ok(Array::from_slice(g.shape(id), &addresses))
    }

    /// The address of a constant.
    fn cell(&mut self, g: &Graph, id: NodeId, bits: i64) -> i64 {
        if build::is_zero(g, id) {
            return ZERO;
        }
        *self.cells.entry(bits).or_insert_with(|| {
            self.roots.push((id, self.end));
            self.end += 1;
            self.end as i64 - 1
        })
    }
}

/// Whether the elements of a node are elements of its operands, and which ones is known.
fn is_moving(g: &Graph, id: NodeId, contents: &HashMap<NodeId, Array>) -> bool {
    let op = g.op(id);
    if matches!(op, Op::Map(_) | Op::Input(_) | Op::Const(_)) {
        return false;
    }
    operation(op).flow(g, id) == Flow::Moves
        && index_of(g, id).is_none_or(|index| contents.contains_key(&index))
}

/// An array that is put together from coefficients.
pub struct Puzzle {
    dtype: DType,
    pool: Pool,
    /// The first address for each place, or none.
    table: Vec<i64>,
    /// Places that have one more, with its address.
    more: Vec<(usize, i64)>,
}

impl Puzzle {
    /// An array of zeros.
    pub fn new(dtype: DType, count: usize) -> Self {
        let mut table = list_for(count);
        table.resize(count, -1);
        Self {
            dtype,
            pool: Pool {
                end: 1,
                ..Pool::default()
            },
            table,
            more: vec![],
        }
    }

    /// Adds the coefficients of the terms of a node of `count` elements. `place` says where the entry
    /// of an element and a column belongs, given a guess where in its row, which it betters. What has
    /// no place is zero by construction.
    pub fn put(
        &mut self,
        g: &Graph,
        contents: &HashMap<NodeId, Array>,
        count: usize,
        terms: &[Term],
        place: impl Fn(usize, u32, &mut usize) -> Option<usize>,
    ) -> Result<()> {
        if count == 0 {
            return Ok(());
        }
        self.pool
            .look_up(g, contents, terms.iter().map(|t| t.coefficient))?;
        let lists: Vec<(Dense, Dense)> = (terms.iter())
            .map(|t| {
                let addresses = &self.pool.known[&t.coefficient];
                (Dense::of(&t.columns.codes), Dense::of(addresses))
            })
            .collect();
        let lists: Vec<(&[i64], &[i64], usize)> = (lists.iter())
            .map(|(codes, at)| (codes.codes(), at.codes(), codes.codes().len() / count))
            .collect();
        for k in 0..count {
            for &(codes, addresses, n) in &lists {
                let range = k * n..(k + 1) * n;
                let mut hint = 0;
                for (&code, &address) in codes[range.clone()].iter().zip(&addresses[range]) {
                    if code == EMPTY {
                        continue;
                    }
                    let Some(at) = place(k, (code - 1) as u32, &mut hint) else {
                        continue;
                    };
                    match &mut self.table[at] {
                        first @ -1 => *first = address,
                        _ => self.more.push((at, address)),
                    }
                }
                elements(n);
            }
        }
        Ok(())
    }

    /// The array, 1-D, as a node.
    pub fn finish(mut self, context: &mut Context) -> NodeId {
        for place in self.table.iter_mut().filter(|place| **place < 0) {
            *place = ZERO;
        }
        let count = self.table.len();
        let most = self.most();
        // Several side by side where that leaves little room empty; else those that are few apart.
        let mut shape = vec![count];
        if most > 1 && 2 * count.saturating_mul(most) <= 3 * (count + self.more.len()) {
            self.table = self.side_by_side(most);
            self.more = vec![];
            shape.push(most);
        }
        let Some(numbers) = self.numbers(&mut context.g) else {
            return build::constant(&mut context.g, self.dtype, &[count], 0.0);
        };
        let first = numbers.at(context, &shape, &self.table);
        if shape.len() > 1 {
            return build::sum(&mut context.g, first, &[1]);
        }
        if self.more.is_empty() {
            return first;
        }
        let (places, addresses): (Vec<i64>, Vec<i64>) = (self.more.iter())
            .map(|&(place, at)| (place as i64, at))
            .unzip();
        let n = [places.len()];
        let rest = numbers.at(context, &n, &addresses);
        let places = context.table(Array::from_slice(&n, &places));
        build::scatter_add(&mut context.g, first, places, rest)
    }

    /// How many coefficients there are at the place that has most.
    fn most(&self) -> usize {
        if self.more.is_empty() {
            return 1;
        }
        let mut multiplicity = vec![1usize; self.table.len()];
        for &(place, _) in &self.more {
            multiplicity[place] += 1;
        }
        multiplicity.into_iter().max().unwrap_or(1)
    }

    /// All addresses of each place.
    fn side_by_side(&self, most: usize) -> Vec<i64> {
        let mut table: Vec<i64> = list_for(self.table.len() * most);
        table.resize(self.table.len() * most, ZERO);
        let mut next = vec![1u32; self.table.len()];
        for (place, &address) in self.table.iter().enumerate() {
            table[place * most] = address;
        }
        for &(place, address) in &self.more {
            table[place * most + next[place] as usize] = address;
            next[place] += 1;
        }
        table
    }

    /// All numbers that are used, side by side; addresses become places among them. Nothing if
    /// nothing but zeros is used.
    fn numbers(&mut self, g: &mut Graph) -> Option<Numbers> {
        let mut used = vec![false; self.pool.end];
        let addresses = || self.table.iter().chain(self.more.iter().map(|(_, at)| at));
        for &address in addresses() {
            used[address as usize] = true;
        }
        elements(self.table.len());
        let zero = build::constant(g, self.dtype, &[], 0.0);
        let (cells, others): (Vec<_>, Vec<_>) = std::iter::once((zero, 0))
            .chain(self.pool.roots.iter().copied())
            .filter(|&(x, start)| used[start..start + root_size(g, x)].contains(&true))
            .partition(|&(x, _)| matches!(g.op(x), Op::Const(_)));
        if others.is_empty() && cells.iter().all(|&(x, _)| x == zero) {
            return None;
        }
        let mut moved = vec![-1i64; self.pool.end];
        let mut end = 0;
        let mut parts = vec![];
        for &(x, start) in cells.iter().chain(&others) {
            let n = root_size(g, x);
            for (to, k) in moved[start..start + n].iter_mut().zip(end..) {
                *to = k;
            }
            end += n as i64;
            parts.push(match g.op(x) {
                Op::Const(list) => {
                    let bits = g.list(list)[0];
                    build::constant_from_bits(g, self.dtype, &[1], bits)
                }
                _ => build::reshape(g, x, &[n]),
            });
        }
        let more = self.more.iter_mut().map(|(_, at)| at);
        for address in self.table.iter_mut().chain(more) {
            *address = moved[*address as usize];
        }
        Some(if others.is_empty() {
            Numbers::Constant(values_of_cells(g, self.dtype, &parts))
        } else {
            Numbers::Computed(build::concat(g, &parts, 0))
        })
    }
}

/// Numbers side by side.
enum Numbers {
    Constant(Array),
    Computed(NodeId),
}

impl Numbers {
    /// Those at these places. Constants become a table.
    fn at(&self, context: &mut Context, shape: &[usize], places: &[i64]) -> NodeId {
        let index = Array::from_slice(shape, places);
        match self {
            Self::Constant(numbers) => {
                let call = Call {
                    op: Op::Gather,
                    dtype: numbers.dtype(),
                    shape: shape.into(),
                    list: smallvec::SmallVec::new(),
                    exact: false,
                };
                let values = evaluate(&call, &[numbers.clone(), index]);
                context.table(values.expect("places among the numbers"))
            }
            Self::Computed(numbers) => {
                let n = context.g.size(*numbers);
                let in_order = places.iter().enumerate().all(|(k, &at)| k as i64 == at);
                if n == places.len() && in_order {
                    return build::reshape(&mut context.g, *numbers, shape);
                }
                let index = context.table(index);
                build::gather(&mut context.g, *numbers, index)
            }
        }
    }
}

/// How many addresses a root has.
fn root_size(g: &Graph, x: NodeId) -> usize {
    match g.op(x) {
        Op::Const(_) => 1,
        _ => g.size(x),
    }
}

fn values_of_cells(g: &Graph, dtype: DType, cells: &[NodeId]) -> Array {
    let values: Vec<f64> = (cells.iter())
        .map(|&x| build::constant_value(g, x).expect("a constant"))
        .collect();
    match dtype {
        DType::F32 => {
            let values: Vec<f32> = values.iter().map(|&v| v as f32).collect();
            Array::from_slice(&[values.len()], &values)
        }
        _ => Array::from_slice(&[values.len()], &values),
    }
}
