//! What decided the course of a recording, as nodes: whoever runs the recording again computes them
//! and sees whether it holds for the inputs of that run.

use hashbrown::HashSet;

use super::leaf::Slot;
use super::{Demand, Recording};
use crate::array::{Array, DType};
use crate::error::Result;
use crate::ir::NodeId;
use crate::ops::{Fun, build};

/// Nodes and what they were: a recording holds where they are the same again, bit for bit.
#[derive(Default)]
pub struct Answers {
    /// Single values as float64, in the order in which they were asked for.
    pub decisions: Vec<(NodeId, f64)>,
    /// All others.
    pub arrays: Vec<(NodeId, Array)>,
}

/// Integers below are float64 numbers.
const EXACT: u64 = 1 << 53;

impl Recording {
    /// All demands as nodes. Those that depend on no argument are left out: they cannot change.
    ///
    /// ```
    /// use jacrs::array::Array;
    /// use jacrs::ops::Fun;
    /// use jacrs::trace::{Recording, Scalar, Weak};
    /// let mut r = Recording::new();
    /// let x = r.argument(Array::scalar(3.0), true);
    /// let x = r.node(x);
    /// let zero = r.literal_f64(0.0, jacrs::array::DType::F64, (0, 0));
    /// let positive = r.map(Fun::Greater, &[(x, Weak::None), (zero, Weak::Float)]).unwrap();
    /// assert_eq!(r.scalar(positive).unwrap(), Scalar::Bool(true));
    /// assert_eq!(r.answers().unwrap().decisions[0].1, 1.0);
    /// ```
    ///
    /// # Errors
    /// Those of evaluation.
    pub fn answers(&mut self) -> Result<Answers> {
        let inputs = self.graph.inputs().iter().zip(&self.slots);
        let given = inputs.filter(|(_, slot)| matches!(slot, Slot::Argument(_)));
        let given: Vec<NodeId> = given.map(|(&x, _)| x).collect();
        let varying = self.graph.dependents(&given);
        let mut seen = HashSet::new();
        let mut answers = Answers::default();
        for demand in self.demands.clone() {
            if !varying[demand.about().index()] || !seen.insert(demand) {
                continue;
            }
            let node = self.answer(demand);
            if let Some(cell) = self.as_float(node)? {
                self.compute(cell)?;
                let value = self.known(cell).to_vec::<f64>()[0];
                answers.decisions.push((cell, value));
            } else {
                self.compute(node)?;
                answers.arrays.push((node, self.known(node)));
            }
        }
        Ok(answers)
    }

    fn answer(&mut self, demand: Demand) -> NodeId {
        let g = &mut self.graph;
        match demand {
            Demand::Value(node) => node,
            Demand::Count(mask) => self.count(&[mask]),
            Demand::Bounds(index, size) => {
                let low = build::constant_like(g, index, -(size as f64));
                let high = build::constant_like(g, index, size as f64);
                let below = build::map(g, Fun::Less, &[index, low]);
                let above = build::map(g, Fun::GreaterEqual, &[index, high]);
                self.count(&[below, above])
            }
            Demand::NotNegative(integers) => {
                let zero = build::zeros_like(g, integers);
                let negative = build::map(g, Fun::Less, &[integers, zero]);
                self.count(&[negative])
            }
        }
    }

    /// How many elements of all conditions are true.
    fn count(&mut self, conditions: &[NodeId]) -> NodeId {
        let g = &mut self.graph;
        let mut total = build::constant_from_bits(g, DType::I64, &[], 0);
        for &condition in conditions {
            let ones = build::cast(g, condition, DType::I64);
            let count = build::sum(g, ones, &build::all_axes(g, ones));
            total = build::add(g, total, count);
        }
        total
    }

    /// A single value as float64, where no other value is the same float64.
    fn as_float(&mut self, node: NodeId) -> Result<Option<NodeId>> {
        if !self.graph.shape(node).is_empty() {
            return Ok(None);
        }
        self.compute(node)?;
        if self.graph.dtype(node) == DType::I64 {
            let value = self.known(node).to_vec::<i64>()[0];
            if value.unsigned_abs() >= EXACT {
                return Ok(None);
            }
        }
        Ok(Some(build::cast(&mut self.graph, node, DType::F64)))
    }
}

impl Demand {
    fn about(self) -> NodeId {
        match self {
            Demand::Value(node)
            | Demand::Count(node)
            | Demand::Bounds(node, _)
            | Demand::NotNegative(node) => node,
        }
    }
}
