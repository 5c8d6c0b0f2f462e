//! One recorded course of a function, ready to run again.

use std::sync::Arc;

use jacrs::array::{Array, Buffer, DType, Layout, View, copy, product};
use jacrs::assemble::Places;
use jacrs::execute::check_memory;
use jacrs::ir::Type;
use numpy::{PyUntypedArray, PyUntypedArrayMethods, npyffi};
use pyo3::prelude::*;
use smallvec::SmallVec;

use super::built::{Built, Computed};
use super::form::{Arguments, Frame, Leaf, Leaves};
use super::guard::{Guard, Reached};
use super::maps::{Map, Taken};
use super::saved::Source;
use crate::arrays::{new_numpy, numpy_dtype};
use crate::error::OrRaise;
use crate::programs::{Program, check_result};
use crate::signals;
use crate::targets::Targets;

/// Bytes that are always there.
const SMALL: usize = 1 << 20;

pub struct Trace {
    pub arguments: Arguments,
    pub guards: Vec<Guard>,
    pub program: Arc<Program>,
    pub source: Source,
    /// The addresses of the inputs; those that vary are null.
    inputs: Vec<*const u8>,
    /// What the other inputs are read from.
    pub constants: Vec<Array>,
    /// Inputs that are to be copied, since their elements do not lie side by side.
    strided: Vec<(usize, Frame)>,
    /// Inputs that are reached outside the arguments, in the order of the guards. The first inputs
    /// are those of the arguments.
    pub reached: Vec<usize>,
    /// Values that are handed out; then come answers, then what the maps need.
    results: usize,
    pub answers: Vec<Array>,
    maps: Vec<Map>,
    /// Whether the first answers are numbers, in the order in which they were asked for.
    pub ordered: bool,
    pub built: Built,
    /// How values, then blocks, are handed out.
    kinds: Vec<Kind>,
    /// The dtypes of the blocks; some are swept in a narrower one.
    widths: Vec<DType>,
    /// Result `k` of what `built` is made of is value or block `places[k]`.
    pub places: Vec<usize>,
    pub directions: usize,
    is_small: bool,
    /// What is not looked at again.
    pub unfollowed: Vec<String>,
}

// SAFETY: the addresses are those of `constants`, which nobody writes to.
unsafe impl Send for Trace {}
// SAFETY: as above.
unsafe impl Sync for Trace {}

/// What becomes of a value or a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Array,
    Scalar,
    /// It is not handed out.
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
    /// How many values come before the answers.
    pub results: usize,
    pub answers: Vec<Array>,
    pub ordered: bool,
    pub maps: Vec<Map>,
    pub built: Built,
    pub places: Vec<usize>,
    pub widths: Vec<DType>,
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
        let mut inputs = vec![std::ptr::null(); parts.inputs.len()];
        let mut constants = vec![];
        for (k, array) in parts.inputs.iter().enumerate().skip(frames.len()) {
            if !parts.reached.contains(&k) {
                let dense = array.to_contiguous();
                inputs[k] = dense.view().ptr;
                constants.push(dense);
            }
        }
        let found = parts.guards.iter().filter_map(Guard::frame).cloned();
        let given = frames.into_iter().enumerate();
        let given = given.filter_map(|(k, frame)| Some((k, frame?)));
        let varying = given.chain(parts.reached.iter().copied().zip(found));
        let strided = varying.filter(|(_, frame)| !frame.layout.is_contiguous());
        let (values, blocks) = parts.program.results();
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
        let size = |t: &Type| product(&t.shape).saturating_mul(t.dtype.size());
        let bytes = (values.iter().chain(blocks).map(size))
            .fold(parts.program.scratch_bytes(), usize::saturating_add);
        Self {
            strided: strided.collect(),
            is_small: bytes <= SMALL,
            arguments: parts.arguments,
            guards: parts.guards,
            program: parts.program,
            source: parts.source,
            inputs,
            constants,
            reached: parts.reached,
            results: parts.results,
            answers: parts.answers,
            maps: parts.maps,
            ordered: parts.ordered,
            built: parts.built,
            kinds,
            places: parts.places,
            widths: parts.widths,
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

    /// Whether results can be written to these arrays, which are for the last ones.
    pub fn fits(&self, py: Python<'_>, given: &[Bound<'_, PyUntypedArray>]) -> PyResult<bool> {
        let Some(first) = self.places.len().checked_sub(given.len()) else {
            return Ok(false);
        };
        for (array, &place) in given.iter().zip(&self.places[first..]) {
            let (shape, dtype) = (&self.kind_of(place).shape, self.dtype_of(place));
            // SAFETY: a live array object.
            let flags = unsafe { (*array.as_array_ptr()).fields.flags };
            if flags & npyffi::NPY_ARRAY_WRITEABLE == 0
                || array.shape() != &shape[..]
                || !numpy_dtype(py, dtype)?.eq(array.dtype())?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn kind_of(&self, place: usize) -> &Type {
        let (values, blocks) = self.program.results();
        match place.checked_sub(values.len()) {
            Some(k) => &blocks[k],
            None => &values[place],
        }
    }

    /// The dtype in which a result is handed out.
    fn dtype_of(&self, place: usize) -> DType {
        match place.checked_sub(self.program.results().0.len()) {
            Some(k) => self.widths[k],
            None => self.kind_of(place).dtype,
        }
    }

    pub fn visit(&self, visit: &pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        self.arguments.visit(visit)?;
        (self.guards.iter()).try_for_each(|guard| guard.visit(visit))?;
        self.built.visit(visit)
    }

    /// The single values that decided the course, in the order in which they were asked for.
    pub fn decisions(&self) -> Option<&Array> {
        self.ordered.then(|| &self.answers[0])
    }

    /// What is run, in words.
    pub fn describe(&self) -> String {
        let mut text = crate::programs::describe(&self.program);
        for map in &self.maps {
            text = format!("{text}\n{}", map.describe());
        }
        text
    }

    /// Memory that is kept for this trace alone.
    pub fn bytes(&self) -> usize {
        let constants = self.constants.iter().chain(&self.answers);
        constants
            .map(|x| x.view().len() * x.dtype().size() + size_of::<Array>())
            .sum::<usize>()
            + self.source.bytes()
    }

    /// One run. The memory of `leaves` and `reached` must fit, as their conditions say. Results are
    /// written to `given`, which is for the last ones, where it can be seen that nothing else is
    /// there and that they are wanted.
    pub fn run<'py>(
        &self,
        py: Python<'py>,
        leaves: &Leaves,
        reached: &Reached<'py>,
        given: &[Bound<'py, PyUntypedArray>],
    ) -> PyResult<Ran<'py>> {
        if !self.is_small {
            self.check_memory(py)?;
        }
        let numbers: SmallVec<[f64; 8]> = leaves.iter().map(Leaf::number).collect();
        let inputs = self.gathered(&numbers, leaves, reached);
        let mut outputs = Outputs::default();
        let mut targets = Targets::default();
        let (values, blocks) = self.program.results();
        let own = self.results + self.answers.len();
        for (kind, how) in values[..own].iter().zip(&self.kinds) {
            outputs.add(py, kind, *how, None, &mut targets)?;
        }
        let mut taken: SmallVec<[Taken; 1]> = SmallVec::new();
        for map in &self.maps {
            let (room, outs) = map.room();
            outputs.places.extend(outs.iter().map(|out| out.ptr));
            taken.push(room);
        }
        for (k, kind) in (values.len()..).zip(blocks) {
            // Values are there before it is known that they are wanted: only blocks are written
            // where they belong.
            let target = if given.is_empty() || !self.program.asks_first() {
                None
            } else {
                self.target(k, given)
                    .filter(|array| self.is_apart(array, &inputs))
            };
            outputs.add(py, kind, self.kinds[k], target, &mut targets)?;
        }
        let (values, blocks) = outputs.places.split_at(values.len());
        let proceed = || self.agrees(&values[self.results..]);
        let places = Places {
            inputs: &inputs.places,
            values,
            blocks,
        };
        let run = |check: &dyn Fn() -> jacrs::error::Result<()>| {
            // SAFETY: the forms and frames of the inputs hold; outputs were made or claimed.
            unsafe { (self.program).run_whole(places, self.directions, &proceed, check) }
        };
        let shared = Shared(&run);
        if !signals::run(py, self.program.work(), |check| shared.call(check))? {
            return Ok(Ran::Other(outputs.answers(self.results, own)));
        }
        let mut computed: SmallVec<[Computed<'py>; 2]> = SmallVec::new();
        for &place in &self.places {
            let (from, to) = (self.kind_of(place).dtype, self.dtype_of(place));
            computed.push(outputs.computed(place, from).widened(py, from, to)?);
        }
        let mut maps: SmallVec<[Bound<'py, PyAny>; 1]> = SmallVec::new();
        for (map, taken) in self.maps.iter().zip(taken) {
            // SAFETY: the program wrote all values, and those of the maps to their rooms.
            maps.push(unsafe { map.at(py, taken)? });
        }
        self.built.build(py, &computed, &maps).map(Ran::Result)
    }

    /// The addresses of all inputs, side by side where they were not.
    fn gathered(&self, numbers: &[f64], leaves: &Leaves, reached: &Reached<'_>) -> Inputs {
        let mut inputs = Inputs {
            places: SmallVec::from_slice(&self.inputs),
            copies: SmallVec::new(),
        };
        for (k, leaf) in leaves.iter().enumerate() {
            inputs.places[k] = match leaf {
                Leaf::At(data) => *data,
                Leaf::Number(_) => std::ptr::from_ref(&numbers[k]).cast(),
            };
        }
        for (&k, (data, _)) in self.reached.iter().zip(reached) {
            inputs.places[k] = *data;
        }
        for (k, frame) in &self.strided {
            let view = View {
                ptr: inputs.places[*k],
                dtype: frame.dtype,
                layout: frame.layout.clone(),
            };
            let buffer = Buffer::new(view.len() * view.dtype.size());
            copy(&view, buffer.ptr(), &Layout::contiguous(view.shape()));
            inputs.places[*k] = buffer.ptr();
            inputs.copies.push(buffer);
        }
        inputs
    }

    fn target<'a, 'py>(
        &self,
        place: usize,
        given: &'a [Bound<'py, PyUntypedArray>],
    ) -> Option<&'a Bound<'py, PyUntypedArray>> {
        let first = self.places.len() - given.len();
        let at = self.places[first..].iter().position(|&p| p == place)?;
        Some(&given[at])
    }

    /// Whether no input that is read where it lies shares memory with an array.
    fn is_apart(&self, array: &Bound<'_, PyUntypedArray>, inputs: &Inputs) -> bool {
        let (low, high) = crate::given::span(array);
        let sizes = self.program.input_bytes();
        (inputs.places.iter().zip(sizes)).all(|(start, bytes)| {
            let start = start.addr();
            high <= start || start + bytes <= low
        })
    }

    fn agrees(&self, answers: &[*mut u8]) -> bool {
        (self.answers.iter().zip(answers)).all(|(expected, found)| {
            let size = expected.view().len() * expected.dtype().size();
            // SAFETY: both are whole arrays of one type, without gaps; the output was written.
            let (x, y) = unsafe {
                (
                    std::slice::from_raw_parts(expected.view().ptr, size),
                    std::slice::from_raw_parts(found.cast_const(), size),
                )
            };
            x == y
        })
    }

    fn check_memory(&self, py: Python<'_>) -> PyResult<()> {
        let (values, blocks) = self.program.results();
        check_result(values.iter().chain(blocks), "a result").or_raise(py)?;
        check_memory(self.program.scratch_bytes(), || {
            "the intermediate values of a compiled function".into()
        })
        .or_raise(py)
    }
}

/// The memory of the inputs of one run.
struct Inputs {
    places: SmallVec<[*const u8; 8]>,
    copies: SmallVec<[Buffer; 2]>,
}

/// A run, to be called by one thread without the interpreter.
struct Shared<'a, F>(&'a F);

// SAFETY: what a run is given are addresses of memory that outlives it; it touches no object of
// Python's.
unsafe impl<F> Send for Shared<'_, F> {}

impl<F: Fn(&dyn Fn() -> jacrs::error::Result<()>) -> jacrs::error::Result<bool>> Shared<'_, F> {
    fn call(self, check: &dyn Fn() -> jacrs::error::Result<()>) -> jacrs::error::Result<bool> {
        (self.0)(check)
    }
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
    places: SmallVec<[*mut u8; 4]>,
    arrays: SmallVec<[(usize, Bound<'py, PyAny>); 2]>,
    /// Numbers, and what is not handed out.
    inside: SmallVec<[(usize, Array); 2]>,
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
        let k = self.places.len();
        if how != Kind::Array {
            let (array, out) = Array::uninit(kind.dtype, &kind.shape);
            self.places.push(out.ptr);
            self.inside.push((k, array));
            return Ok(());
        }
        if let Some(target) = target
            && let Some(out) = targets.claim(py, kind, target)?
        {
            self.places.push(out.ptr);
            self.arrays.push((k, target.clone().into_any()));
            return Ok(());
        }
        let (array, out) = new_numpy(py, kind.dtype, &kind.shape)?;
        self.places.push(out.ptr);
        self.arrays.push((k, array));
        Ok(())
    }

    fn computed(&self, place: usize, dtype: jacrs::array::DType) -> Computed<'py> {
        match self.arrays.iter().find(|(k, _)| *k == place) {
            Some((_, array)) => Computed::Array(array.clone()),
            None => Computed::Number(dtype, self.places[place].cast_const()),
        }
    }

    /// What lies at the places from `first` to before `end`.
    fn answers(&self, first: usize, end: usize) -> Vec<Array> {
        let answers = self.inside.iter();
        let answers = answers.filter(|(k, _)| (first..end).contains(k));
        answers.map(|(_, array)| array.clone()).collect()
    }
}

/// How far two lists of decisions agree.
fn agreement(a: &Array, b: &Array) -> usize {
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
