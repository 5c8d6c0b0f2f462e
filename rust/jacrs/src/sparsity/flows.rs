//! The sets of a node from those of its operands, by the way its operation lets elements flow.

use hashbrown::HashMap;

use super::indices::index_of;
use super::rows::{Code, EMPTY, Store};
use super::sets::{Dense, Layer, Sets, check_layer};
use crate::array::{Array, DType, Dims, View, product};
use crate::error::Result;
use crate::interrupt::elements;
use crate::ir::{Graph, NodeId, Op};
use crate::ops::{Alike, Call, Flow, evaluate, list_of, operation, row};

/// What the sets of a node are found from.
pub struct Context<'a> {
    pub g: &'a Graph,
    pub store: Store,
    /// The contents of index arrays and masks.
    pub contents: HashMap<NodeId, Array>,
    /// Those that were looked at.
    pub used: Vec<NodeId>,
}

impl Context<'_> {
    /// The sets of a node. The empty set means that an element is zero whatever the inputs are.
    ///
    /// # Errors
    /// If they do not fit into memory, or an index is out of bounds.
    pub fn sets_of(&mut self, y: NodeId, operands: Vec<Sets>) -> Result<Sets> {
        let g = self.g;
        if g.size(y) == 0 {
            return Ok(Sets::default());
        }
        if let Op::Const(list) = g.op(y) {
            let zero = g.list(list)[0] << 1 == 0; // of a float: of either sign
            return Ok(if zero {
                Sets::default()
            } else {
                self.constant(y)
            });
        }
        if !g.dtype(y).is_differentiable() {
            return Ok(self.constant(y));
        }
        let made = match operation(g.op(y)).flow(g, y) {
            Flow::Nothing => self.constant(y),
            Flow::Alike(alike) => self.alike(y, alike, operands)?,
            Flow::Moves => self.moved(y, &operands)?,
            Flow::Adds(op) => self.added(y, op, operands)?,
            Flow::AddsRows => self.rows_added(y, operands)?,
            // A product of nothing is one.
            Flow::Folds(_) if g.size(g.operand(y, 0)) == 0 => self.constant(y),
            Flow::Folds(axes) => {
                let x = first(operands);
                x.folded(&mut self.store, g.shape(g.operand(y, 0)), &axes)?
            }
            Flow::Scans {
                axis,
                forwards,
                factors,
            } => self.scanned(y, (axis, forwards), factors, operands)?,
            Flow::Contracts => self.contracted(y, operands)?,
            Flow::Mixes {
                lead,
                reads,
                by_columns,
            } => self.mixed(y, (lead, reads, by_columns), operands)?,
        };
        made.settled(&mut self.store)
    }

    /// Values that depend on nothing.
    fn constant(&self, y: NodeId) -> Sets {
        Sets::of_layer(self.something(self.g.shape(y)))
    }

    pub fn something(&self, shape: &[usize]) -> Layer {
        Layer::repeated(self.store.something(), shape)
    }

    fn alike(&mut self, y: NodeId, alike: Alike, operands: Vec<Sets>) -> Result<Sets> {
        if alike.chooses && self.contents.contains_key(&self.g.operand(y, 0)) {
            return self.chosen(y, &operands);
        }
        let mut made = Sets::default();
        let mut masks = vec![];
        for (k, sets) in operands.into_iter().enumerate() {
            if alike.vanishes[k] {
                if sets.is_empty() {
                    return Ok(Sets::default());
                }
                masks.extend(sets.support(self.g.size(y)));
            }
            if alike.slopes[k] {
                made = made.union(sets);
            }
        }
        if !alike.settles && made.support(self.g.size(y)).is_some() {
            made.push(self.something(self.g.shape(y)));
        }
        for mask in masks {
            made = made.masked(&mask)?;
        }
        Ok(made)
    }

    /// A choice by a mask that is known.
    fn chosen(&mut self, y: NodeId, operands: &[Sets]) -> Result<Sets> {
        let mask = self.g.operand(y, 0);
        self.used.push(mask);
        let mask = self.contents[&mask].to_vec::<bool>();
        let other: Vec<bool> = mask.iter().map(|&there| !there).collect();
        let mut made = operands[1]
            .masked(&mask)?
            .union(operands[2].masked(&other)?);
        made.drop_redundant(&self.store);
        Ok(made)
    }

    /// The operation on codes instead of elements, layer by layer.
    fn moved(&mut self, y: NodeId, operands: &[Sets]) -> Result<Sets> {
        let g = self.g;
        let mut call = Call::of(g, y, false);
        call.dtype = DType::I64;
        let index = index_of(g, y);
        // Of the operands whose elements are moved.
        let moving: Vec<usize> = (0..operands.len())
            .filter(|&k| Some(g.operand(y, k)) != index)
            .collect();
        let mut made = Sets::default();
        for sets in operands {
            made.keep(sets.blocks.iter().cloned());
        }
        let layer_of = |k: usize, l: usize| match operands[k].layers.get(l) {
            Some(layer) => layer.clone(),
            None => Layer::repeated(EMPTY, g.shape(g.operand(y, k))),
        };
        let count = moving.iter().map(|&k| operands[k].layers.len()).max();
        for l in 0..count.unwrap_or(0) {
            let layers: Vec<Layer> = moving.iter().map(|&k| layer_of(k, l)).collect();
            if let (Some(_), Some(code)) = (index, layers[0].uniform)
                && layers.iter().all(|layer| layer.uniform == Some(code))
            {
                // Whichever elements the index picks.
                made.push(Layer::repeated(code, &call.shape));
                continue;
            }
            let mut arrays: Vec<Array> = layers.iter().map(|l| l.codes.clone()).collect();
            if let Some(index) = index {
                let place = g.operands(y).iter().position(|&x| x == index);
                arrays.insert(place.unwrap_or(0), self.contents[&index].clone());
                self.used.push(index);
            }
            if let Some(layer) = run(&call, &arrays, layers[0].full)? {
                made.push(layer);
            }
        }
        made.drop_redundant(&self.store);
        Ok(made)
    }

    fn added(&mut self, y: NodeId, op: Op, operands: Vec<Sets>) -> Result<Sets> {
        let mut call = Call::of(self.g, y, false);
        call.dtype = DType::I64;
        call.list = list_of(self.g, op).into();
        call.op = op;
        let [base, value] = operands
            .try_into()
            .unwrap_or_else(|_| unreachable!("two operands"));
        let mut put = Sets::default();
        for layer in &value.layers {
            let zeros = Layer::repeated(EMPTY, &call.shape);
            put.layers
                .extend(run(&call, &[zeros.codes, layer.codes.clone()], false)?);
        }
        put.blocks = value.blocks;
        let mut made = base.union(put);
        made.drop_redundant(&self.store);
        Ok(made)
    }

    fn rows_added(&mut self, y: NodeId, operands: Vec<Sets>) -> Result<Sets> {
        let g = self.g;
        let [base, _, value] = operands
            .try_into()
            .unwrap_or_else(|_| unreachable!("three operands"));
        if value.is_empty() {
            return Ok(base);
        }
        let index = g.operand(y, 1);
        self.used.push(index);
        let index = self.contents[&index].to_vec::<i64>();
        let rows = g.shape(y)[0];
        let length = product(&g.shape(y)[1..]);
        let (starts, order) = by_target(&index, rows)?;
        check_layer(rows * length)?;
        let layers: Vec<Dense> = value.layers.iter().map(|l| Dense::of(&l.codes)).collect();
        let mut unions = self.store.unions();
        let (mut codes, mut members) = (Vec::with_capacity(rows * length), vec![]);
        for row in 0..rows {
            let run = &order[starts[row]..starts[row + 1]];
            for j in 0..length {
                members.clear();
                for layer in &layers {
                    members.extend(run.iter().map(|&k| layer.codes()[k * length + j]));
                }
                elements(members.len());
                codes.push(unions.of(&mut members)?);
            }
        }
        let mut put = Sets::of_layer(Layer::new(Array::from_slice(g.shape(y), &codes)));
        put.keep(unions.finish());
        put.keep(value.blocks);
        let mut made = base.union(put);
        made.drop_redundant(&self.store);
        Ok(made)
    }

    /// `y[i]` from `b[i]` and, where the factor `a[i]` is not zero, from `a[i]` and `y[i - 1]`.
    fn scanned(
        &mut self,
        y: NodeId,
        (axis, forwards): (usize, bool),
        factors: bool,
        mut operands: Vec<Sets>,
    ) -> Result<Sets> {
        let shape = self.g.dims(y);
        let terms = operands.pop().unwrap_or_default();
        let still = |layer: &Layer| layer.codes.view().strides()[axis] == 0 || shape[axis] == 1;
        if !factors && terms.layers.iter().all(still) {
            return Ok(terms);
        }
        let factors = factors.then(|| first(operands));
        check_layer(product(&shape))?;
        // Lines along the axis, one after the other.
        let mut order: Dims = (0..shape.len()).filter(|&a| a != axis).collect();
        order.push(axis);
        let lines = |sets: &Sets| -> Vec<Dense> {
            let turned = |l: &Layer| l.relaid(l.codes.view().layout.transpose(&order)).codes;
            sets.layers.iter().map(|l| Dense::of(&turned(l))).collect()
        };
        let (term_lines, factor_lines) = (lines(&terms), factors.as_ref().map(lines));
        let mut codes = vec![EMPTY; product(&shape)];
        let mut unions = self.store.unions();
        let mut members: Vec<Code> = vec![];
        let n = shape[axis];
        for line in 0..product(&shape) / n {
            let mut before = EMPTY;
            for step in 0..n {
                let k = line * n + if forwards { step } else { n - 1 - step };
                members.clear();
                if let (Some(factors), true) = (&factor_lines, before != EMPTY) {
                    members.extend(at(factors, k));
                    if members.is_empty() {
                        before = EMPTY;
                    }
                }
                members.push(before);
                members.extend(at(&term_lines, k));
                before = unions.of(&mut members)?;
                codes[k] = before;
            }
            elements(n);
        }
        let turned: Dims = order.iter().map(|&a| shape[a]).collect();
        let mut back: Dims = order.clone();
        for (place, &a) in order.iter().enumerate() {
            back[a] = place;
        }
        let layer = Layer::new(Array::from_slice(&turned, &codes));
        let mut made = Sets::of_layer(layer.relaid(layer.codes.view().layout.transpose(&back)));
        made.keep(unions.finish());
        made.keep(terms.blocks);
        made.keep(factors.into_iter().flat_map(|sets| sets.blocks));
        Ok(made)
    }
}

fn first(operands: Vec<Sets>) -> Sets {
    operands.into_iter().next().unwrap_or_default()
}

/// The operation on codes; `None` if nothing but empty sets comes of it. A view of what is `full` is.
fn run(call: &Call, arrays: &[Array], full: bool) -> Result<Option<Layer>> {
    let views: Vec<View> = arrays.iter().map(|x| x.view().clone()).collect();
    if operation(call.op).alias(call, &views).is_some() {
        return Ok(Some(Layer::known(evaluate(call, arrays)?, full)));
    }
    check_layer(product(&call.shape))?;
    let codes = evaluate(call, arrays)?;
    let there = Dense::of(&codes).codes().iter().any(|&code| code != EMPTY);
    Ok(there.then(|| Layer::new(codes)))
}

/// The codes at one place, without empty sets.
fn at(layers: &[Dense], k: usize) -> impl Iterator<Item = Code> {
    let codes = layers.iter().map(move |layer| layer.codes()[k]);
    codes.filter(|&code| code != EMPTY)
}

/// The places of indices by the row they name: row `r` is named at `order[starts[r]..starts[r + 1]]`.
pub fn by_target(index: &[i64], rows: usize) -> Result<(Vec<usize>, Vec<usize>)> {
    let mut targets = Vec::with_capacity(index.len());
    let mut starts = vec![0; rows + 1];
    for &i in index {
        let target = row(i, rows)?;
        targets.push(target);
        starts[target + 1] += 1;
    }
    for r in 0..rows {
        starts[r + 1] += starts[r];
    }
    let mut next = starts.clone();
    let mut order = vec![0; index.len()];
    for (k, &target) in targets.iter().enumerate() {
        order[next[target]] = k;
        next[target] += 1;
    }
    elements(index.len());
    Ok((starts, order))
}
