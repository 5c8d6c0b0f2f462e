//! Terms through linear operations.

use smallvec::SmallVec;

use super::Context;
use super::bound::Outcome;
use super::term::{Term, Terms, alike, reshaped};
use crate::array::Dims;
use crate::ir::{NodeId, Op, Reduction};
use crate::ops::{self, Flow, Fun, build, operation};
use crate::optimize::repeated;
use crate::sparsity::sets::Layer;

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

    /// Finds what is computed from repeated values alone: a slope may be a number, for all elements.
    pub(super) fn find_repeated(&mut self, nodes: impl Iterator<Item = NodeId>) {
        for x in nodes {
            let Op::Map(fun) = self.g.op(x) else { continue };
            let once = |x: &NodeId| self.once.get(x).copied().unwrap_or(*x);
            let operands: SmallVec<[NodeId; 3]> = self.g.operands(x).iter().map(once).collect();
            if let Some(found) = repeated(&mut self.g, fun, &operands) {
                self.once.insert(x, found);
            }
        }
    }

    /// Asks for the work that a term of `y` takes, unless it is a constant.
    pub(super) fn pay(&mut self, y: NodeId, term: &Term) -> Outcome<()> {
        match self.g.op(term.coefficient) {
            Op::Const(_) | Op::Broadcast => Ok(()),
            _ => self.budget.spend(&self.g, y, term.size()),
        }
    }

    /// An operand that does not depend on tangents, beside coefficients of this width.
    pub(super) fn beside(&mut self, x: NodeId, width: Option<usize>) -> NodeId {
        let x = self.once.get(&x).copied().unwrap_or(x);
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
            .map(|(j, &x)| {
                if j == k {
                    return term.coefficient;
                }
                self.beside(x, width)
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
