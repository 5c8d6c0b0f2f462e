//! Traces as plain tuples, and back: what a file keeps of them. Conditions outside the arguments are
//! left out, and what the function reached is kept as it is now. Programs are not kept: they are
//! planned again from the graph.

use std::sync::Arc;

use jacrs::array::{Array, Buffer, DType, Dims, Layout, Strides, View, from_bytes, to_bytes};
use jacrs::differentiate::Mode;
use jacrs::error::text::no_graph;
use jacrs::ir::{Graph, NodeId, Op, decode, encode};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use super::built::Built;
use super::form::{Arguments, Form, Frame};
use super::guard::{Guard, Reached};
use super::plain::Plain;
use super::record::is_of_floats;
use super::trace::{Parts, Trace};
use crate::error::OrRaise;
use crate::programs::{self, Blocks, Program};

/// What a program is made of. The graph is encoded, which takes a tenth of the memory.
pub struct Source {
    graph: Vec<u8>,
    /// How many outputs of the graph are values, and are differentiated, and by how many.
    counts: [usize; 3],
    mode: Mode,
}

impl Source {
    /// A graph that computes values and blocks, and nothing else: so its outputs say.
    pub fn new(graph: &mut Graph, values: &[NodeId], blocks: Option<&Blocks>) -> Self {
        let (ys, xs) = blocks.map_or((&[][..], &[][..]), |b| (&b.ys, &b.xs));
        graph.outputs = values.iter().chain(ys).chain(xs).copied().collect();
        Self {
            graph: encode(graph),
            counts: [values.len(), ys.len(), xs.len()],
            mode: blocks.map_or(Mode::Forward, |b| b.mode),
        }
    }

    /// The values and the blocks among the nodes of that part.
    pub fn wanted(&self, graph: &Graph) -> (Vec<NodeId>, Option<Blocks>) {
        let [values, ys, xs] = self.counts;
        let (values, others) = graph.outputs.split_at(values);
        let blocks = (ys + xs > 0).then(|| Blocks {
            ys: others[..ys].into(),
            xs: others[ys..].into(),
            mode: self.mode,
        });
        (values.into(), blocks)
    }

    pub fn bytes(&self) -> usize {
        self.graph.len()
    }
}

/// A trace as it is now, or None where its conditions do not hold any more.
pub fn exported<'py>(py: Python<'py>, trace: &Trace) -> PyResult<Option<Bound<'py, PyTuple>>> {
    let mut reached = Reached::new();
    if !trace.holds(py, &mut reached)? {
        return Ok(None);
    }
    let [values, ys, xs] = trace.source.counts;
    let mode = match trace.source.mode {
        Mode::Forward => "forward",
        Mode::Reverse => "reverse",
    };
    let constants = fixed_inputs(trace, &reached);
    let directions = Some(trace.directions).filter(|&n| n < usize::MAX);
    let parts = (
        trace.arguments.exported(py)?,
        PyBytes::new(py, &trace.source.graph),
        (values, ys, xs, mode),
        PyBytes::new(py, &to_bytes(&constants)),
        (
            trace.ordered,
            trace.answers.len(),
            PyBytes::new(py, &to_bytes(&trace.answers)),
        ),
        trace.built.exported(py)?,
        PyTuple::new(py, &trace.places)?,
        directions,
    );
    parts.into_pyobject(py).map(Some)
}

/// The inputs that are no leaves of the arguments, those that are reached as they are now.
fn fixed_inputs(trace: &Trace, reached: &Reached<'_>) -> Vec<Array> {
    let leaves = trace.arguments.frames().len();
    let frames = trace.guards.iter().filter_map(Guard::frame);
    let mut inputs: Vec<(usize, Array)> = (trace.reached.iter().zip(reached).zip(frames))
        .map(|((&k, (ptr, _)), Frame { dtype, layout })| {
            let (ptr, dtype, layout) = (*ptr, *dtype, layout.clone());
            let view = View { ptr, dtype, layout };
            (k, borrowed(view))
        })
        .collect();
    let others = (leaves..).filter(|k| !trace.reached.contains(k));
    inputs.extend(others.zip(trace.constants.iter().cloned()));
    inputs.sort_unstable_by_key(|(k, _)| *k);
    inputs.into_iter().map(|(_, array)| array).collect()
}

/// The elements that a view shows, for as long as it may be read.
fn borrowed(view: View) -> Array {
    let buffer = Buffer::foreign(view.ptr, Box::new(()));
    Array::from_parts(Arc::new(buffer), view)
}

/// The trace that was exported.
pub fn restored(py: Python<'_>, given: &Bound<'_, PyTuple>) -> PyResult<Trace> {
    let (arguments, graph, wanted, constants, answers, built, places, directions): (
        (
            Vec<Bound<'_, PyTuple>>,
            Vec<(Bound<'_, PyAny>, Bound<'_, PyTuple>)>,
        ),
        Bound<'_, PyBytes>,
        (usize, usize, usize, String),
        Bound<'_, PyBytes>,
        (bool, usize, Bound<'_, PyBytes>),
        Bound<'_, PyTuple>,
        Vec<usize>,
        Option<usize>,
    ) = given.extract()?;
    let arguments = Arguments::read(&arguments.0, arguments.1)?;
    let graph_bytes = graph.as_bytes();
    let graph = decode(graph_bytes).or_raise(py)?;
    let source = Source {
        graph: graph_bytes.into(),
        counts: [wanted.0, wanted.1, wanted.2],
        mode: match wanted.3.as_str() {
            "forward" => Mode::Forward,
            "reverse" => Mode::Reverse,
            _ => return Err(misfit(py, "there is no such mode")),
        },
    };
    let (values, blocks) = checked(py, &source, &graph)?;
    let inputs = inputs(py, &arguments, &graph, constants.as_bytes())?;
    let (ordered, count, expected) = answers;
    let Some(results) = values.len().checked_sub(count) else {
        return Err(misfit(py, "it has more answers than values"));
    };
    let kinds: Vec<_> = values[results..].iter().map(|&y| kind(&graph, y)).collect();
    if ordered && !matches!(kinds.first(), Some((DType::F64, shape)) if shape.len() == 1) {
        return Err(misfit(py, "its decisions are no numbers"));
    }
    let program = programs::own_program(py, &graph, &values, blocks.as_ref())?;
    let built = Built::read(&built)?;
    if built.has_maps() || !is_sound(&built, &places, results, &program) {
        return Err(misfit(py, "its result is made of what is not computed"));
    }
    Ok(Trace::new(Parts {
        arguments,
        guards: vec![],
        program: Arc::new(program),
        source,
        inputs,
        reached: vec![],
        results,
        maps: vec![],
        widths: blocks
            .as_ref()
            .map_or_else(Vec::new, |blocks| widths(&graph, blocks)),
        answers: from_bytes(&kinds, expected.as_bytes()).or_raise(py)?,
        ordered,
        built,
        places,
        directions: directions.unwrap_or(usize::MAX).max(1),
        unfollowed: vec![],
    }))
}

/// Whether a result is made of what a program computes: numbers of single values, too.
fn is_sound(built: &Built, places: &[usize], results: usize, program: &Program) -> bool {
    let (values, blocks) = program.results();
    let kind = |place: usize| match place.checked_sub(values.len()) {
        Some(block) => blocks.get(block),
        None => values[..results].get(place),
    };
    let mut found = vec![];
    built.computed(&mut found);
    places.iter().all(|&place| kind(place).is_some())
        && found.iter().all(|&(k, is_number)| {
            let kind = places.get(k).and_then(|&place| kind(place));
            kind.is_some_and(|kind| !is_number || kind.shape.is_empty())
        })
}

/// The dtypes in which blocks are handed out.
fn widths(graph: &Graph, blocks: &Blocks) -> Vec<DType> {
    let by = |&y: &NodeId| {
        let width = move |&x: &NodeId| programs::block_dtype(graph.dtype(y), graph.dtype(x));
        blocks.xs.iter().map(width)
    };
    blocks.ys.iter().flat_map(by).collect()
}

fn misfit(py: Python<'_>, why: &str) -> PyErr {
    crate::error::raise(py, &no_graph(why))
}

/// What is wanted of a graph, if it is there and can be differentiated as it says.
fn checked(
    py: Python<'_>,
    source: &Source,
    graph: &Graph,
) -> PyResult<(Vec<NodeId>, Option<Blocks>)> {
    let total = source
        .counts
        .iter()
        .try_fold(0usize, |n, &k| n.checked_add(k));
    if total != Some(graph.outputs.len()) {
        return Err(misfit(py, "it has other outputs than are wanted"));
    }
    let (values, blocks) = source.wanted(graph);
    if let Some(blocks) = &blocks {
        let named = |x: &NodeId| matches!(graph.op(*x), Op::Input(_) | Op::Opaque(_));
        let countable = |&y: &NodeId| {
            let by = |x: &NodeId| {
                let block: Dims = graph
                    .shape(y)
                    .iter()
                    .chain(graph.shape(*x))
                    .copied()
                    .collect();
                jacrs::ir::is_addressable(&block)
            };
            blocks.xs.iter().all(by)
        };
        if !blocks.xs.iter().all(named)
            || !is_of_floats(graph, blocks)
            || !blocks.ys.iter().all(countable)
        {
            return Err(misfit(py, "its Jacobian cannot be computed as it says"));
        }
    }
    Ok((values, blocks))
}

/// The inputs of a trace: leaves of the arguments, without their elements, then constants.
fn inputs(
    py: Python<'_>,
    arguments: &Arguments,
    graph: &Graph,
    constants: &[u8],
) -> PyResult<Vec<Array>> {
    let frames = arguments.frames();
    let kinds: Vec<_> = graph.inputs().iter().map(|&x| kind(graph, x)).collect();
    let fits = |(frame, (dtype, shape)): (&Option<Frame>, &(DType, Dims))| match frame {
        Some(frame) => frame.dtype == *dtype && frame.layout.shape == *shape,
        None => *dtype == DType::F64 && shape.is_empty(),
    };
    if frames.len() > kinds.len() || !frames.iter().zip(&kinds).all(fits) {
        return Err(misfit(py, "its inputs are not those of its arguments"));
    }
    let (leaves, fixed) = kinds.split_at(frames.len());
    let leaf = |(dtype, shape): &(DType, Dims)| {
        borrowed(View::contiguous(std::ptr::null(), *dtype, shape))
    };
    let mut inputs: Vec<Array> = leaves.iter().map(leaf).collect();
    inputs.extend(from_bytes(fixed, constants).or_raise(py)?);
    Ok(inputs)
}

fn kind(graph: &Graph, id: NodeId) -> (DType, Dims) {
    (graph.dtype(id), graph.dims(id))
}

// --- forms of arguments

impl Arguments {
    pub fn exported<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let named = (self.named.iter())
            .map(|(name, form)| (name, form.exported(py)?).into_pyobject(py))
            .collect::<PyResult<Vec<_>>>()?;
        (all(py, &self.positional)?, PyTuple::new(py, named)?).into_pyobject(py)
    }

    fn read(
        positional: &[Bound<'_, PyTuple>],
        named: Vec<(Bound<'_, PyAny>, Bound<'_, PyTuple>)>,
    ) -> PyResult<Self> {
        let named = named
            .into_iter()
            .map(|(name, form)| Ok((name.unbind(), Form::read(&form)?)));
        Ok(Self {
            positional: positional.iter().map(Form::read).collect::<PyResult<_>>()?,
            named: named.collect::<PyResult<_>>()?,
        })
    }
}

fn all<'py>(py: Python<'py>, forms: &[Form]) -> PyResult<Bound<'py, PyTuple>> {
    let forms = forms.iter().map(|form| form.exported(py));
    PyTuple::new(py, forms.collect::<PyResult<Vec<_>>>()?)
}

impl Form {
    /// What is looked for, in plain tuples around the objects in it.
    fn exported<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        match self {
            Form::Array(Frame { dtype, layout }) => {
                let Layout { shape, strides } = layout;
                let (shape, strides) = (PyTuple::new(py, shape)?, PyTuple::new(py, strides)?);
                ("array", dtype.name(), shape, strides).into_pyobject(py)
            }
            Form::Number => ("number",).into_pyobject(py),
            Form::Scalar => ("scalar",).into_pyobject(py),
            Form::Plain(plain) => ("plain", plain.value(py)).into_pyobject(py),
            Form::Same(object) => ("same", object).into_pyobject(py),
            Form::Tuple(forms) => ("tuple", all(py, forms)?).into_pyobject(py),
            Form::List(forms) => ("list", all(py, forms)?).into_pyobject(py),
            Form::Dict(items) => {
                let keys = PyTuple::new(py, items.iter().map(|(key, _)| key))?;
                let forms = items.iter().map(|(_, form)| form.exported(py));
                let forms = PyTuple::new(py, forms.collect::<PyResult<Vec<_>>>()?)?;
                ("dict", keys, forms).into_pyobject(py)
            }
            Form::Node(class, forms) => ("node", class, all(py, forms)?).into_pyobject(py),
        }
    }

    fn read(given: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let forms = |at: usize| -> PyResult<Vec<Form>> {
            let items: Vec<Bound<'_, PyTuple>> = given.get_item(at)?.extract()?;
            items.iter().map(Form::read).collect()
        };
        let value = || given.get_item(1);
        Ok(match given.get_item(0)?.extract::<&str>()? {
            "array" => Form::Array(Frame::read(given)?),
            "number" => Form::Number,
            "scalar" => Form::Scalar,
            "plain" => Form::Plain(Plain::of(&value()?)?),
            "same" => Form::Same(value()?.unbind()),
            "tuple" => Form::Tuple(forms(1)?),
            "list" => Form::List(forms(1)?),
            "dict" => {
                let keys: Vec<Py<PyAny>> = value()?.extract()?;
                Form::Dict(keys.into_iter().zip(forms(2)?).collect())
            }
            _ => Form::Node(value()?.unbind(), forms(2)?),
        })
    }
}

impl Frame {
    fn read(given: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let py = given.py();
        let (_, dtype, shape, strides): (Bound<'_, PyAny>, String, Vec<usize>, Vec<isize>) =
            given.extract()?;
        let dtype = DType::from_name(&dtype).filter(|_| shape.len() == strides.len());
        let (shape, strides): (Dims, Strides) = (shape.into(), strides.into());
        let layout = Layout { shape, strides };
        let frame = dtype.map(|dtype| Self { dtype, layout });
        frame.ok_or_else(|| misfit(py, "an argument is no array"))
    }
}

// --- results

impl Built {
    /// What [`Built::read`] reads.
    fn exported<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let all = |parts: &[Built]| {
            let parts = parts.iter().map(|part| part.exported(py));
            PyTuple::new(py, parts.collect::<PyResult<Vec<_>>>()?)
        };
        match self {
            Built::Array(k) => ("array", *k).into_pyobject(py),
            Built::Scalar(k) => ("scalar", *k).into_pyobject(py),
            Built::Constant(object) => ("constant", object).into_pyobject(py),
            Built::Copy(array) => ("copy", array).into_pyobject(py),
            Built::Tuple(parts) => ("tuple", all(parts)?).into_pyobject(py),
            Built::List(parts) => ("list", all(parts)?).into_pyobject(py),
            Built::Dict(items) => {
                let keys = PyTuple::new(py, items.iter().map(|(key, _)| key))?;
                let parts = items.iter().map(|(_, part)| part.exported(py));
                let parts = PyTuple::new(py, parts.collect::<PyResult<Vec<_>>>()?)?;
                ("dict", keys, parts).into_pyobject(py)
            }
            Built::Map(k) => ("map", *k).into_pyobject(py),
            Built::Made(make, parts) => ("made", make, all(parts)?).into_pyobject(py),
        }
    }

    /// Whether linear maps are in it, which are not saved.
    fn has_maps(&self) -> bool {
        match self {
            Built::Map(_) => true,
            Built::Array(_) | Built::Scalar(_) | Built::Constant(_) | Built::Copy(_) => false,
            Built::Tuple(parts) | Built::List(parts) | Built::Made(_, parts) => {
                parts.iter().any(Built::has_maps)
            }
            Built::Dict(items) => items.iter().any(|(_, part)| part.has_maps()),
        }
    }

    /// Which outputs it is made of, and whether as numbers.
    fn computed(&self, found: &mut Vec<(usize, bool)>) {
        match self {
            Built::Array(k) => found.push((*k, false)),
            Built::Scalar(k) => found.push((*k, true)),
            Built::Constant(_) | Built::Copy(_) | Built::Map(_) => {}
            Built::Tuple(parts) | Built::List(parts) | Built::Made(_, parts) => {
                for part in parts {
                    part.computed(found);
                }
            }
            Built::Dict(items) => {
                for (_, part) in items {
                    part.computed(found);
                }
            }
        }
    }
}
