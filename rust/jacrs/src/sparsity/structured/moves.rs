//! Terms through operations that move elements, or add them where they move them.

use smallvec::SmallVec;

use super::Context;
use super::bound::{Halt, Outcome};
use super::term::{Term, Terms, nothing, reshaped};
use crate::array::{Array, DType, Dims, product};
use crate::interrupt::elements;
use crate::ir::{Graph, NodeId, Op};
use crate::ops::{Call, Lanes, build, evaluate, list_of, operation};
use crate::sparsity::flows::by_target;
use crate::sparsity::indices::{index_of, values_of};
use crate::sparsity::rows::{Code, EMPTY};
use crate::sparsity::sets::{Dense, Layer, check_layer};

impl Context {
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
                    None => return Err(unknown_index()),
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
        let layer = if view {
            Layer::known(codes, true)
        } else {
            Layer::new(codes)
        };
        Ok(Some(layer)
            .filter(|l| l.full || Dense::of(&l.codes).codes().iter().any(|&c| c != EMPTY)))
    }

    /// The first operand, and the second where it is added.
    pub(super) fn added(&mut self, y: NodeId, mut operands: Vec<Terms>) -> Outcome<Terms> {
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
    pub(super) fn rows_added(&mut self, y: NodeId, mut operands: Vec<Terms>) -> Outcome<Terms> {
        let (value, _, mut terms) = (operands.remove(2), operands.remove(1), operands.remove(0));
        let index = self.g.operand(y, 1);
        let Some(content) = self.contents.get(&index) else {
            if value.is_empty() {
                return Ok(terms);
            }
            return Err(unknown_index());
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
        elements(codes.len());
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
}

fn unknown_index() -> Halt {
    Halt::Dear("which elements are moved is not known beforehand".into())
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
        .map(|((array, &batched), &bare)| {
            if batched {
                return own.input(DType::I64, array.shape(), false);
            }
            bare
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
