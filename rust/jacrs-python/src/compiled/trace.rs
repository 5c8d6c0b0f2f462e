//! One recorded course of a function, ready to run again.

use std::sync::Arc;

use jacrs::array::{Array, Layout, Out, View, product};
use jacrs::execute::uninterrupted;
use jacrs::ir::Type;
use numpy::{PyUntypedArray, PyUntypedArrayMethods, npyffi};
use pyo3::prelude::*;
use smallvec::SmallVec;

use super::built::{Built, Computed};
use super::form::{Arguments, Frame, Leaf, Leaves};
use super::guard::{Guard, Reached};
use super::saved::Source;
use crate::arrays::{new_numpy, numpy_dtype};
use crate::error::OrRaise;
use crate::given::span;
use crate::programs::{Program, check_result};
use crate::signals::detached;
use crate::targets::Targets;

/// Element operations above which the interpreter is released: some 50 microseconds.
const LONG: u64 = 1 << 16;
/// Bytes of results that are always there.
const SMALL: usize = 1 << 20;

pub struct Trace {
    pub arguments: Arguments,
    pub guards: Vec<Guard>,
    pub program: Arc<Program>,
    pub source: Source,
    /// The inputs of the program; those that vary without their addresses.
    views: Vec<View>,
    /// What the other inputs are read from.
    pub constants: Vec<Array>,
    /// Inputs that are arguments come first; these are reached otherwise, in the order of the guards.
    leaves: usize,
    pub reached: Vec<usize>,
    /// Outputs that are handed out, then answers.
    results: usize,
    pub answers: Vec<Array>,
    /// Whether the first answers are numbers, in the order in which they were asked for.
    pub ordered: bool,
    pub built: Built,
    /// Which outputs are handed out as numbers; those that stay inside are None.
    kinds: Vec<Kind>,
    /// Result `k` of what `built` is made of is value or block `places[k]`.
    pub places: Vec<usize>,
    pub directions: usize,
    /// What is not looked at again.
    pub unfollowed: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Array,
    Scalar,
    Inside,
}

/// What a trace is made of.
pub struct Parts {
    pub arguments: Arguments,
    pub guards: Vec<Guard>,
    pub program: Arc<Program>,
    pub source: Source,
    pub inputs: Vec<Array>,
    pub reached: Vec<usize>,
    pub answers: Vec<Array>,
    pub ordered: bool,
    pub built: Built,
    pub places: Vec<usize>,
    pub directions: usize,
    pub unfollowed: Vec<String>,
}

/// How a run ended.
pub enum Ran<'py> {
    Result(Bound<'py, PyAny>),
    /// The function takes another course for these inputs: what was answered.
    Other(Vec<Array>),
}

impl Trace {
    pub fn new(parts: Parts) -> Self {
        let frames = parts.arguments.frames();
        let leaves = frames.len();
        let mut views: Vec<View> = parts.inputs.iter().map(|x| x.view().clone()).collect();
        for (view, frame) in views.iter_mut().zip(&frames) {
            // The layout that is read is that of the argument; what was recorded may be a copy.
            if let Some(frame) = frame {
                view.layout = frame.layout.clone();
            }
        }
        let found = parts.guards.iter().filter_map(Guard::frame);
        for (&k, Frame { layout, .. }) in parts.reached.iter().zip(found) {
            views[k].layout = layout.clone();
        }
        let (values, blocks) = parts.program.results();
        let results = values.len() - parts.answers.len();
        let mut scalars = vec![];
        parts.built.scalars(&mut scalars);
        let mut kinds = vec![Kind::Inside; values.len() + blocks.len()];
        for (k, &place) in parts.places.iter().enumerate() {
            kinds[place] = if scalars.contains(&k) {
                Kind::Scalar
            } else {
                Kind::Array
            };
        }
        let varies = |k: &usize| *k < leaves || parts.reached.contains(k);
        let constants = (0..parts.inputs.len()).filter(|k| !varies(k));
        let constants = constants.map(|k| parts.inputs[k].clone()).collect();
        Self {
            arguments: parts.arguments,
            guards: parts.guards,
            program: parts.program,
            source: parts.source,
            views,
            constants,
            leaves,
            reached: parts.reached,
            results,
            answers: parts.answers,
            ordered: parts.ordered,
            built: parts.built,
            kinds,
            places: parts.places,
            directions: parts.directions,
            unfollowed: parts.unfollowed,
        }
    }

    /// Whether what the function reached is as it was; inputs go to `reached`.
    pub fn holds<'py>(&self, py: Python<'py>, reached: &mut Reached<'py>) -> PyResult<bool> {
        for guard in &self.guards {
            if !guard.holds(py, reached)? {
                return Ok(false);
            }
        }
        // Two that were told apart by `is` must not be one now.
        let mut objects: SmallVec<[_; 8]> = reached.iter().map(|(_, x)| x.as_ptr()).collect();
        objects.sort_unstable();
        Ok(objects.windows(2).all(|pair| pair[0] != pair[1]))
    }

    /// Whether results of this trace can be written to these arrays, which are for the last ones.
    pub fn fits(&self, py: Python<'_>, given: &[Bound<'_, PyUntypedArray>]) -> PyResult<bool> {
        let Some(first) = self.places.len().checked_sub(given.len()) else {
            return Ok(false);
        };
        let (values, blocks) = self.program.results();
        for (array, &place) in given.iter().zip(&self.places[first..]) {
            let kind = values
                .get(place)
                .or_else(|| blocks.get(place - values.len()));
            let Some(kind) = kind else { return Ok(false) };
            // SAFETY: a live array object.
            let flags = unsafe { (*array.as_array_ptr()).fields.flags };
            if flags & npyffi::NPY_ARRAY_WRITEABLE == 0
                || array.shape() != &kind.shape[..]
                || !numpy_dtype(py, kind.dtype)?.eq(array.dtype())?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub fn visit(&self, visit: &pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        self.arguments.visit(visit)?;
        self.guards
            .iter()
            .try_for_each(|guard| guard.visit(visit))?;
        self.built.visit(visit)
    }

    /// The single values that decided the course, in the order in which they were asked for.
    pub fn decisions(&self) -> Option<&Array> {
        self.ordered.then(|| &self.answers[0])
    }

    /// Memory that is kept for this trace alone.
    pub fn bytes(&self) -> usize {
        let constants = self.constants.iter().chain(&self.answers);
        constants
            .map(|x| x.view().len() * x.dtype().size())
            .sum::<usize>()
            + self.views.len() * size_of::<View>()
            + self.source.bytes()
    }

    /// One run. The memory of `leaves` and `reached` must fit, as their conditions say.
    pub fn run<'py>(
        &self,
        py: Python<'py>,
        leaves: &Leaves,
        reached: &Reached<'py>,
        given: &[Bound<'py, PyUntypedArray>],
    ) -> PyResult<Ran<'py>> {
        let numbers: SmallVec<[f64; 8]> = leaves.iter().map(Leaf::number).collect();
        let mut inputs: SmallVec<[View; 8]> = self.views.iter().cloned().collect();
        for (k, leaf) in leaves.iter().enumerate().take(self.leaves) {
            inputs[k].ptr = match leaf {
                Leaf::At(data) => *data,
                Leaf::Number(_) => std::ptr::from_ref(&numbers[k]).cast(),
            };
        }
        for (&k, (data, _)) in self.reached.iter().zip(reached) {
            inputs[k].ptr = *data;
        }
        let mut outputs = Outputs::default();
        let mut targets = Targets::default();
        let (values, blocks) = self.program.results();
        self.check_memory(py, values, blocks)?;
        for (k, kind) in values.iter().chain(blocks).enumerate() {
            let target = match self.places.iter().position(|&place| place == k) {
                // Values are there before it is known that they are wanted.
                Some(at) if k >= values.len() => {
                    // Targets are for the last results.
                    let first = self.places.len().saturating_sub(given.len());
                    let target = at.checked_sub(first).and_then(|at| given.get(at));
                    // What is still to be read must not be written over.
                    target.filter(|target| !inputs.iter().any(|x| overlap(x, target)))
                }
                _ => None,
            };
            outputs.add(py, kind, self.kinds[k], target, &mut targets)?;
        }
        let (value_outs, block_outs) = outputs.outs.split_at(values.len());
        let answers = &value_outs[self.results..];
        let proceed = || self.agrees(answers);
        let run = |check: &dyn Fn() -> jacrs::error::Result<()>| {
            let program = &self.program;
            program.run_whole(
                &inputs,
                value_outs,
                block_outs,
                self.directions,
                &proceed,
                check,
            )
        };
        let agreed = if self.program.work() > LONG {
            detached(py, |check| run(check))?
        } else {
            run(&uninterrupted).or_raise(py)?
        };
        if !agreed {
            let answers = outputs.inside.iter();
            let answers = answers.filter(|(k, _)| (self.results..values.len()).contains(k));
            return Ok(Ran::Other(
                answers.map(|(_, array)| array.clone()).collect(),
            ));
        }
        let computed: SmallVec<[Computed<'py>; 4]> = (self.places.iter())
            .map(|&place| outputs.computed(place))
            .collect();
        self.built.build(py, &computed).map(Ran::Result)
    }

    fn agrees(&self, answers: &[Out]) -> bool {
        (self.answers.iter().zip(answers)).all(|(expected, out)| {
            let size = out.len() * out.dtype.size();
            // SAFETY: both are whole arrays of one type, without gaps; the output was written.
            let (x, y) = unsafe {
                (
                    std::slice::from_raw_parts(expected.view().ptr, size),
                    std::slice::from_raw_parts(out.ptr.cast_const(), size),
                )
            };
            x == y
        })
    }

    fn check_memory(&self, py: Python<'_>, values: &[Type], blocks: &[Type]) -> PyResult<()> {
        let all = values.iter().chain(blocks);
        let size = |t: &Type| product(&t.shape).saturating_mul(t.dtype.size());
        if all.clone().map(size).fold(0, usize::saturating_add) <= SMALL {
            return Ok(());
        }
        check_result(all, "a result").or_raise(py)
    }
}

/// Whether an input may share memory with an array without gaps, which results are written to.
fn overlap(input: &View, target: &Bound<'_, PyUntypedArray>) -> bool {
    let Layout { shape, strides } = &input.layout;
    if shape.contains(&0) {
        return false;
    }
    let size = input.dtype.size();
    let (mut low, mut high) = (input.ptr.addr(), input.ptr.addr() + size);
    for (&length, &stride) in shape.iter().zip(strides) {
        let reach = (length - 1) * stride.unsigned_abs() * size;
        if stride < 0 {
            low -= reach;
        } else {
            high += reach;
        }
    }
    let (start, end) = span(target);
    start < high && low < end
}

impl Leaf {
    fn number(&self) -> f64 {
        match self {
            Leaf::Number(value) => *value,
            Leaf::At(_) => 0.0,
        }
    }
}

/// Where a run writes.
#[derive(Default)]
struct Outputs<'py> {
    outs: SmallVec<[Out; 4]>,
    arrays: SmallVec<[(usize, Bound<'py, PyAny>); 4]>,
    /// Numbers, and what is not handed out.
    inside: SmallVec<[(usize, Array); 4]>,
}

impl<'py> Outputs<'py> {
    fn add(
        &mut self,
        py: Python<'py>,
        kind: &Type,
        how: Kind,
        target: Option<&Bound<'py, PyUntypedArray>>,
        targets: &mut Targets,
    ) -> PyResult<()> {
        let k = self.outs.len();
        if how == Kind::Array {
            if let Some(target) = target
                && let Some(out) = targets.claim(py, kind, target)?
            {
                self.outs.push(out);
                self.arrays.push((k, target.clone().into_any()));
                return Ok(());
            }
            let (array, out) = new_numpy(py, kind.dtype, &kind.shape)?;
            self.outs.push(out);
            self.arrays.push((k, array));
        } else {
            let (array, out) = Array::uninit(kind.dtype, &kind.shape);
            self.outs.push(out);
            self.inside.push((k, array));
        }
        Ok(())
    }

    fn computed(&self, place: usize) -> Computed<'py> {
        if let Some((_, array)) = self.arrays.iter().find(|(k, _)| *k == place) {
            return Computed::Array(array.clone());
        }
        let out = &self.outs[place];
        Computed::Number(out.dtype, out.ptr.cast_const())
    }
}

/// How far two lists of decisions agree.
pub fn agreement(a: &Array, b: &Array) -> usize {
    let (x, y) = (a.to_vec::<f64>(), b.to_vec::<f64>());
    let differ = |(p, q): (&f64, &f64)| p.to_bits() != q.to_bits();
    let length = x.len().min(y.len());
    x.iter().zip(&y).position(differ).unwrap_or(length)
}

/// Whether a trace with the decisions `b` may be the course of a run that answered `observed` to
/// the questions of a trace with the decisions `a`: it took the same way up to where those part.
pub fn may_follow(a: &Array, observed: &Array, b: &Array) -> bool {
    let parting = agreement(a, observed);
    agreement(observed, b) > parting
}
