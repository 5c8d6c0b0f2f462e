//! Terms through linear operations.

use smallvec::SmallVec;

use super::Context;
use super::bound::{Halt, Outcome};
use super::term::{Term, Terms, alike, nothing, reshaped};
use crate::array::{Array, DType, Dims, product};
use crate::ir::{Graph, NodeId, Op, Reduction};
use crate::ops::{self, Call, Flow, Fun, Lanes, build, evaluate, list_of, operation};
use crate::optimize::repeated;
use crate::sparsity::flows::by_target;
use crate::sparsity::indices::{index_of, values_of};
use crate::sparsity::rows::{Code, EMPTY};
use crate::sparsity::sets::{Dense, Layer, check_layer};

impl Context {
    /// The terms of a node from those of its operands, in which it is linear.
    pub(super) fn terms_of(&mut self, y: NodeId, operands: Vec<Terms>) -> Outcome<Terms> {
        if operands.iter().all(Vec::is_empty) {
            return Ok(vec![]);
        }
        if let Op::Map(fun) = self.g.op(y) {
            return self.mapped(y, fun, operands);
        }
        match operation(self.g.op(y)).flow(&self.g, y) {
            Flow::Moves => self.moved(y, &operands),
            Flow::Adds(_) => self.added(y, operands),
            Flow::AddsRows => self.rows_added(y, operands),
            Flow::Folds(axes) if matches!(self.g.op(y), Op::Reduce(Reduction::Sum, _)) => {
                self.summed(y, &axes, operands)
            }
            Flow::Contracts => self.contracted(y, operands),
            Flow::Scans { axis, .. } => self.in_lanes(y, operands, |_, _| axis..axis + 1),
            Flow::Mixes {
                lead, by_columns, ..
            } => {
                let last = operands.len() - 1;
                self.in_lanes(y, operands, |k, rank| {
                    lead..if by_columns && k == last {
                        lead + 1
                    } else {
                        rank
                    }
                })
            }
            _ => Err(self.unknown(y)),
        }
    }

    /// A term more; where the same columns are selected already, their coefficients are added.
    pub(super) fn push(&mut self, terms: &mut Terms, term: Term) {
        match terms.iter_mut().find(|t| alike(&t.columns, &term.columns)) {
            Some(known) => {
                known.coefficient = self.computed(Fun::Add, &[known.coefficient, term.coefficient]);
            }
            None => terms.push(term),
        }
    }

    /// An elementwise operation on coefficients: once where they are repeated.
    fn computed(&mut self, fun: Fun, operands: &[NodeId]) -> NodeId {
        let g = &mut self.g;
        ops::fold(g, fun, operands)
            .or_else(|| repeated(g, fun, operands))
            .unwrap_or_else(|| build::map(g, fun, operands))
    }

    /// Asks for the work that a term of `y` takes, unless it is a constant.
    fn pay(&mut self, y: NodeId, term: &Term) -> Outcome<()> {
        match self.g.op(term.coefficient) {
            Op::Const(_) | Op::Broadcast => Ok(()),
            _ => self.budget.spend(&self.g, y, term.size()),
        }
    }

    /// An operand that does not depend on tangents, beside coefficients of this width.
    fn beside(&mut self, x: NodeId, width: Option<usize>) -> NodeId {
        match width {
            Some(width) => build::with_lanes(&mut self.g, x, width),
            None => x,
        }
    }

    fn mapped(&mut self, y: NodeId, fun: Fun, operands: Vec<Terms>) -> Outcome<Terms> {
        let mut operands: SmallVec<[Terms; 3]> = operands.into_iter().collect();
        match fun {
            Fun::Add | Fun::Sub => {
                let (more, mut terms) = (operands.remove(1), operands.remove(0));
                for mut term in more {
                    if fun == Fun::Sub {
                        term.coefficient = self.computed(Fun::Neg, &[term.coefficient]);
                    }
                    self.push(&mut terms, term);
                }
                for term in &terms {
                    self.pay(y, term)?;
                }
                Ok(terms)
            }
            Fun::Where => self.chosen(y, operands),
            _ => {
                let varying = |k: &usize| !operands[*k].is_empty();
                let k = (0..operands.len()).find(varying).unwrap_or(0);
                let alone = (0..operands.len()).filter(varying).count() == 1;
                let linear = match fun {
                    Fun::Mul | Fun::Mul0 | Fun::Neg | Fun::Cast => true,
                    Fun::Div => k == 0,
                    _ => false,
                };
                if !linear || !alone {
                    return Err(self.unknown(y));
                }
                let terms = operands.remove(k);
                terms
                    .into_iter()
                    .map(|t| self.scaled(y, fun, k, t))
                    .collect()
            }
        }
    }

    /// An elementwise operation that is linear in operand `k`.
    fn scaled(&mut self, y: NodeId, fun: Fun, k: usize, mut term: Term) -> Outcome<Term> {
        let width = term.width(self.g.shape(y).len());
        let operands: SmallVec<[NodeId; 3]> = self.g.operands(y).into();
        let operands: SmallVec<[NodeId; 3]> = (operands.iter().enumerate())
            .map(|(j, &x)| match j == k {
                true => term.coefficient,
                false => self.beside(x, width),
            })
            .collect();
        term.coefficient = match fun {
            Fun::Cast => {
                let dtype = self.g.dtype(y);
                build::cast(&mut self.g, term.coefficient, dtype)
            }
            _ => self.computed(fun, &operands),
        };
        self.pay(y, &term)?;
        Ok(term)
    }

    /// A choice: of two coefficients where the same columns are selected, else of one and zero.
    fn chosen(&mut self, y: NodeId, operands: SmallVec<[Terms; 3]>) -> Outcome<Terms> {
        let rank = self.g.shape(y).len();
        let mask = self.g.operand(y, 0);
        let [_, yes, mut no] = <[Terms; 3]>::try_from(operands.into_vec())
            .unwrap_or_else(|_| unreachable!("a choice has three operands"));
        let mut made = vec![];
        for term in yes {
            let same = no.iter().position(|t| alike(&t.columns, &term.columns));
            let other = match same {
                Some(at) => no.remove(at).coefficient,
                None => build::zeros_like(&mut self.g, term.coefficient),
            };
            let mask = self.beside(mask, term.width(rank));
            let coefficient = self.computed(Fun::Where, &[mask, term.coefficient, other]);
            made.push(Term {
                coefficient,
                ..term
            });
        }
        for term in no {
            let zeros = build::zeros_like(&mut self.g, term.coefficient);
            let mask = self.beside(mask, term.width(rank));
            let coefficient = self.computed(Fun::Where, &[mask, zeros, term.coefficient]);
            made.push(Term {
                coefficient,
                ..term
            });
        }
        for term in &made {
            self.pay(y, term)?;
        }
        Ok(made)
    }

    /// What moves elements moves coefficients and column numbers.
    pub(super) fn moved(&mut self, y: NodeId, operands: &[Terms]) -> Outcome<Terms> {
        let rank = |k: usize| self.g.shape(self.g.operand(y, k)).len();
        let mut widths: Vec<Option<usize>> = vec![];
        let mut by_width: Vec<Vec<Vec<&Term>>> = vec![];
        for (k, terms) in operands.iter().enumerate() {
            for term in terms {
                let width = term.width(rank(k));
                let at = widths.iter().position(|w| *w == width).unwrap_or_else(|| {
                    widths.push(width);
                    by_width.push(vec![vec![]; operands.len()]);
                    widths.len() - 1
                });
                by_width[at][k].push(term);
            }
        }
        let mut made = vec![];
        for (width, lists) in widths.into_iter().zip(by_width) {
            let count = lists.iter().map(Vec::len).max().unwrap_or(0);
            for l in 0..count {
                let row: Vec<Option<&Term>> = lists.iter().map(|t| t.get(l).copied()).collect();
                if let Some(term) = self.moved_row(y, &row, width)? {
                    self.push(&mut made, term);
                }
            }
        }
        Ok(made)
    }

    /// One term of each operand.
    fn moved_row(
        &mut self,
        y: NodeId,
        row: &[Option<&Term>],
        width: Option<usize>,
    ) -> Outcome<Option<Term>> {
        let Some(columns) = self.moved_columns(y, row, width)? else {
            return Ok(None);
        };
        let present = row.iter().flatten();
        let mut bits = present.map(|t| match self.g.op(t.coefficient) {
            Op::Const(list) => Some(self.g.list(list)[0]),
            _ => None,
        });
        let first = bits.next().flatten();
        let coefficient = if let Some(first) = first.filter(|_| bits.all(|b| b == first)) {
            let shape: Dims = columns.codes.shape().into();
            let dtype = self.g.dtype(y);
            build::constant_from_bits(&mut self.g, dtype, &shape, first)
        } else {
            self.moved_coefficient(y, row, width)?
        };
        Ok(Some(Term {
            coefficient,
            columns,
        }))
    }

    fn moved_coefficient(
        &mut self,
        y: NodeId,
        row: &[Option<&Term>],
        width: Option<usize>,
    ) -> Outcome<NodeId> {
        let index = index_of(&self.g, y);
        let xs: SmallVec<[NodeId; 4]> = self.g.operands(y).into();
        let operands: SmallVec<[NodeId; 4]> = (xs.iter().zip(row))
            .map(|(&x, term)| match term {
                _ if Some(x) == index => x,
                Some(term) => term.coefficient,
                None => {
                    let zeros = build::zeros_like(&mut self.g, x);
                    self.beside(zeros, width)
                }
            })
            .collect();
        Ok(self.again(y, &operands, width)?)
    }

    /// The operation of `y` on other operands, all but indices in lanes if there is a width.
    pub(super) fn again(
        &mut self,
        y: NodeId,
        operands: &[NodeId],
        width: Option<usize>,
    ) -> crate::error::Result<NodeId> {
        let op = self.g.op(y);
        if let Some(width) = width {
            let batched: SmallVec<[bool; 4]> = (self.g.operands(y).iter().zip(operands))
                .map(|(&x, &other)| self.g.shape(other).len() > self.g.shape(x).len())
                .collect();
            let lanes = Lanes {
                operands,
                batched: &batched,
                width,
            };
            return operation(op).batch(&mut self.g, y, &lanes);
        }
        let g = &mut self.g;
        let shape = g.dims(y);
        Ok(match op {
            Op::Opaque(_) => operands[0],
            Op::Reshape => build::reshape(g, operands[0], &shape),
            Op::Broadcast => build::broadcast(g, operands[0], &shape),
            Op::Slice(list) => {
                let list = g.list(list).to_vec();
                build::slice(g, operands[0], &list, &shape)
            }
            Op::Item(list) => {
                let (place, lead) = (g.list(list)[0] as usize, g.list(list)[1] as usize);
                build::item(g, operands[0], place, lead)
            }
            _ => {
                let (dtype, shape) = (g.dtype(y), g.shape_id(y));
                g.push(op, dtype, shape, operands)
            }
        })
    }

    /// The operation on column numbers instead of elements; nothing if nothing comes of it.
    fn moved_columns(
        &mut self,
        y: NodeId,
        row: &[Option<&Term>],
        width: Option<usize>,
    ) -> Outcome<Option<Layer>> {
        let index = index_of(&self.g, y);
        let mut shape = self.g.dims(y);
        shape.extend(width);
        let uniform = |term: &&Term| term.columns.uniform;
        let first = row.iter().flatten().next().and_then(uniform);
        let moving = row.len() - usize::from(index.is_some());
        if let Some(code) = first.filter(|_| index.is_some())
            && row
                .iter()
                .flatten()
                .filter(|t| uniform(t) == Some(code))
                .count()
                == moving
        {
            return Ok(Some(Layer::repeated(code, &shape)));
        }
        let mut arrays: Vec<Array> = vec![];
        for (k, term) in row.iter().enumerate() {
            let x = self.g.operand(y, k);
            arrays.push(match term {
                _ if Some(x) == index => match self.contents.get(&x) {
                    Some(content) => content.clone(),
                    None => return Err(Halt::Dear("an index is not known".into())),
                },
                Some(term) => term.columns.codes.clone(),
                None => {
                    let mut shape = self.g.dims(x);
                    shape.extend(width);
                    nothing(&shape).codes
                }
            });
        }
        check_layer(product(&shape))?;
        let codes = match width {
            None => {
                let mut call = Call::of(&self.g, y, false);
                call.dtype = DType::I64;
                evaluate(&call, &arrays)?
            }
            Some(width) => evaluate_in_lanes(&self.g, y, &arrays, index, width)?,
        };
        let view =
            arrays[0].view().ptr == codes.view().ptr && row[0].is_some_and(|t| t.columns.full);
        let layer = match view {
            true => Layer::known(codes, true),
            false => Layer::new(codes),
        };
        Ok(Some(layer)
            .filter(|l| l.full || Dense::of(&l.codes).codes().iter().any(|&c| c != EMPTY)))
    }

    /// The first operand, and the second where it is added.
    fn added(&mut self, y: NodeId, mut operands: Vec<Terms>) -> Outcome<Terms> {
        let (value, mut terms) = (operands.remove(1), operands.remove(0));
        let list = list_of(&self.g, self.g.op(y)).to_vec();
        let zeros = build::zeros_like(&mut self.g, y);
        let x = self.g.operand(y, 1);
        let put = build::assign(&mut self.g, zeros, &list, x);
        for term in self.moved(put, &[vec![], value])? {
            self.push(&mut terms, term);
        }
        for term in &terms {
            self.pay(y, term)?;
        }
        Ok(terms)
    }

    /// Each row of the result adds rows of the third operand: as many as the one that adds most.
    fn rows_added(&mut self, y: NodeId, mut operands: Vec<Terms>) -> Outcome<Terms> {
        let (value, _, mut terms) = (operands.remove(2), operands.remove(1), operands.remove(0));
        let index = self.g.operand(y, 1);
        let Some(content) = self.contents.get(&index) else {
            return match value.is_empty() {
                true => Ok(terms),
                false => Err(Halt::Dear("an index is not known".into())),
            };
        };
        let content = content.to_vec::<i64>();
        let shape = self.g.dims(y);
        let (starts, order) = by_target(&content, shape[0])?;
        let most = starts.windows(2).map(|w| w[1] - w[0]).max().unwrap_or(0);
        if most == 0 {
            return Ok(terms);
        }
        self.budget
            .spend(&self.g, y, product(&shape).saturating_mul(most))?;
        let mut sources = vec![-1i64; shape[0] * most];
        for (row, bounds) in starts.windows(2).enumerate() {
            for (place, &k) in order[bounds[0]..bounds[1]].iter().enumerate() {
                sources[row * most + place] = k as i64;
            }
        }
        for term in value {
            let term = self.rows_of(&term, &shape, &sources, content.len(), most)?;
            self.push(&mut terms, term);
        }
        Ok(terms)
    }

    /// A term of rows, gathered: several for each row of the result.
    fn rows_of(
        &mut self,
        term: &Term,
        shape: &[usize],
        sources: &[i64],
        count: usize,
        most: usize,
    ) -> Outcome<Term> {
        let extra = product(term.shape()) / count.max(1) / product(&shape[1..]).max(1);
        let length = product(&shape[1..]) * extra;
        let dense = Dense::of(&term.columns.codes);
        check_layer(sources.len() * length)?;
        // `[row, one of several, rest, width]` to `[row, rest, several * width]`.
        let before = [shape[0], most, product(&shape[1..]), extra];
        let mut codes: Vec<Code> = Vec::with_capacity(sources.len() * length);
        for &k in sources {
            match usize::try_from(k) {
                Ok(k) => codes.extend(&dense.codes()[k * length..(k + 1) * length]),
                Err(_) => codes.resize(codes.len() + length, EMPTY),
            }
        }
        crate::interrupt::elements(codes.len());
        let codes = Array::from_slice(&before, &codes);
        let turned = codes.relaid(0, codes.view().layout.transpose(&[0, 2, 1, 3]));
        let mut target: Dims = shape.into();
        if most * extra > 1 {
            target.push(most * extra);
        }
        let columns = Layer::new(reshaped(&turned, &target));
        let g = &mut self.g;
        if let Op::Const(list) = g.op(term.coefficient) {
            let (dtype, bits) = (g.dtype(term.coefficient), g.list(list)[0]);
            let coefficient = build::constant_from_bits(g, dtype, &target, bits);
            return Ok(Term {
                coefficient,
                columns,
            });
        }
        // Where there is none any will do.
        let table: Vec<i64> = sources.iter().map(|&k| k.max(0)).collect();
        let table = self.table(Array::from_slice(&[shape[0], most], &table));
        let g = &mut self.g;
        let rows = build::reshape(g, term.coefficient, &[count, before[2], extra]);
        let gathered = build::gather(g, rows, table);
        let turned = build::transpose(g, gathered, &[0, 2, 1, 3]);
        let coefficient = build::reshape(g, turned, &target);
        Ok(Term {
            coefficient,
            columns,
        })
    }

    /// Along an axis on which the same columns are selected everywhere coefficients are added; any
    /// other becomes several products for each place.
    fn summed(&mut self, y: NodeId, axes: &[usize], mut operands: Vec<Terms>) -> Outcome<Terms> {
        let x = self.g.operand(y, 0);
        let rank = self.g.shape(x).len();
        let mut made = vec![];
        for term in operands.remove(0) {
            let (moving, still): (Dims, Dims) = axes.iter().copied().partition(|&a| term.varies(a));
            let kept: Dims = (0..rank).filter(|a| !axes.contains(a)).collect();
            self.budget.spend(&self.g, y, term.size())?;
            let width = term.width(rank);
            let order: Dims = kept
                .iter()
                .chain(&moving)
                .copied()
                .chain(width.map(|_| rank))
                .collect();
            let mut target = self.g.dims(y);
            let several: usize = moving.iter().map(|&a| term.shape()[a]).product();
            target.extend(
                (!moving.is_empty() || width.is_some()).then(|| several * width.unwrap_or(1)),
            );
            let layout = term.columns.codes.view().layout.transpose(&order);
            let codes = reshaped(&term.columns.relaid(layout).codes, &target);
            let coefficient = self.summed_coefficient(&term, &still, &order, &target);
            let columns = Layer::known(codes, term.columns.full);
            self.push(
                &mut made,
                Term {
                    coefficient,
                    columns,
                },
            );
        }
        Ok(made)
    }

    fn summed_coefficient(
        &mut self,
        term: &Term,
        still: &[usize],
        order: &[usize],
        target: &[usize],
    ) -> NodeId {
        let g = &mut self.g;
        if let Some(value) = build::constant_value(g, term.coefficient) {
            let times = build::count_along(g, term.coefficient, still) as f64;
            return build::constant(g, g.dtype(term.coefficient), target, value * times);
        }
        let sum = build::sum(g, term.coefficient, still);
        // Axes that are gone have no number any more.
        let number = |a: &usize| a - still.iter().filter(|&s| s < a).count();
        let order: Dims = order.iter().map(number).collect();
        let turned = build::transpose(g, sum, &order);
        build::reshape(g, turned, target)
    }
}

/// An operation on integers in lanes: as the graph has it, in a graph of its own.
fn evaluate_in_lanes(
    g: &Graph,
    y: NodeId,
    arrays: &[Array],
    index: Option<NodeId>,
    width: usize,
) -> crate::error::Result<Array> {
    let mut own = Graph::new();
    let xs = g.operands(y);
    let bare: Vec<NodeId> = (xs.iter())
        .map(|&x| own.input(DType::I64, g.shape(x), false))
        .collect();
    let mut op = g.op(y);
    if let Some(list) = op.list_mut() {
        *list = own.intern_list(g.list(*list));
    }
    let shape = own.intern_shape(g.shape(y));
    let node = own.push(op, DType::I64, shape, &bare);
    let batched: Vec<bool> = xs.iter().map(|&x| Some(x) != index).collect();
    let operands: Vec<NodeId> = (arrays.iter().zip(&batched).zip(&bare))
        .map(|((array, &batched), &bare)| match batched {
            true => own.input(DType::I64, array.shape(), false),
            false => bare,
        })
        .collect();
    let lanes = Lanes {
        operands: &operands,
        batched: &batched,
        width,
    };
    let result = operation(op).batch(&mut own, node, &lanes)?;
    let in_lanes = arrays
        .iter()
        .zip(&batched)
        .filter(|(_, b)| **b)
        .map(|(a, _)| a);
    let data: Vec<Array> = arrays.iter().chain(in_lanes).cloned().collect();
    let mut values = values_of(&own, &[result], &data)?;
    Ok(values.remove(&result).expect("it was asked for"))
}
