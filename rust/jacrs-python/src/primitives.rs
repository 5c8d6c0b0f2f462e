//! The primitives that adapters compose: one function for each family of graph operations.

use jacrs::array::{DType, Dims, product};
use jacrs::error::{Error, Result};
use jacrs::ir::{
    Cumulation, Factorisation, Graph, Guard, NodeId, Op, Part, Pick, Reduction, System,
};
use jacrs::ops::{Fun, build, factor};
use jacrs::trace::Access;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::arrays::{self, Take, parse_dtype};
use crate::error::raise_as;
use crate::location;
use crate::state::{self, Operand, State};
use crate::tracer::{self, Tracer};

fn operands(items: &Bound<'_, PyAny>) -> PyResult<Vec<Py<PyAny>>> {
    items.try_iter()?.map(|x| x.map(Bound::unbind)).collect()
}

fn read_all<'py>(py: Python<'py>, items: &[Py<PyAny>]) -> PyResult<Vec<Operand<'py>>> {
    items.iter().map(|x| Operand::require(x.bind(py))).collect()
}

/// A tracer for one operand through one engine function.
fn one(
    py: Python<'_>,
    x: &Bound<'_, PyAny>,
    body: impl FnOnce(&mut State, NodeId) -> Result<NodeId>,
) -> PyResult<Py<PyAny>> {
    let x = Operand::require(x)?;
    state::wrap(py, |state| {
        let node = state.strong(&x)?;
        body(state, node)
    })
}

fn emit(state: &mut State, op: Op, operands: &[NodeId]) -> Result<NodeId> {
    build::emit(&mut state.rec.graph, op, operands)
}

/// The elementwise function that NumPy calls by this name.
#[pyfunction]
#[pyo3(signature = (name, *operands))]
pub fn ufunc(py: Python<'_>, name: &str, operands: &Bound<'_, PyTuple>) -> PyResult<Py<PyAny>> {
    let fun = Fun::from_numpy(name).filter(|f| f.arity() == operands.len());
    let fun = fun.ok_or_else(|| raise_as(py, "internal", &format!("there is no ufunc {name}")))?;
    let operands = operands
        .iter()
        .map(|x| Operand::require(&x))
        .collect::<PyResult<Vec<_>>>()?;
    tracer::map(py, fun, &operands)
}

#[pyfunction]
#[pyo3(name = "where")]
pub fn where_(
    py: Python<'_>,
    c: &Bound<'_, PyAny>,
    x: &Bound<'_, PyAny>,
    y: &Bound<'_, PyAny>,
) -> PyResult<Py<PyAny>> {
    let (c, x, y) = (
        Operand::require(c)?,
        Operand::require(x)?,
        Operand::require(y)?,
    );
    state::wrap(py, |state| {
        let (c, x, y) = (state.node(&c)?, state.node(&x)?, state.node(&y)?);
        state.rec.select(c.0, x, y)
    })
}

/// Another dtype; no derivative passes through integers and bools.
#[pyfunction]
pub fn cast(py: Python<'_>, x: &Bound<'_, PyAny>, dtype: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    let dtype = parse_dtype(dtype)?;
    cast_operand(py, &Operand::require(x)?, dtype)
}

pub fn cast_operand(py: Python<'_>, x: &Operand<'_>, dtype: DType) -> PyResult<Py<PyAny>> {
    state::wrap(py, |state| {
        let node = state.strong(x)?;
        Ok(build::cast(&mut state.rec.graph, node, dtype))
    })
}

/// A tracer for anything: itself, or a constant.
fn as_tracer<'py>(x: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Tracer>> {
    if let Ok(tracer) = x.cast::<Tracer>() {
        return Ok(tracer.clone());
    }
    let lifted = one(x.py(), x, |_, node| Ok(node))?;
    Ok(lifted.into_bound(x.py()).cast_into::<Tracer>()?)
}

/// The same elements in C order under another shape: a view exactly where NumPy makes one.
#[pyfunction]
pub fn reshape(x: &Bound<'_, PyAny>, shape: Vec<usize>) -> PyResult<Py<PyAny>> {
    as_tracer(x)?.get().view_with(x.py(), |state, handle| {
        let size = product(state.rec.shape(*handle));
        if product(&shape) != size {
            return Err(jacrs::error::text::no_reshape(size, &shape));
        }
        state.rec.reshape(handle, &shape)
    })
}

#[pyfunction]
pub fn transpose(x: &Bound<'_, PyAny>, perm: Vec<usize>) -> PyResult<Py<PyAny>> {
    as_tracer(x)?
        .get()
        .view_with(x.py(), |state, handle| state.rec.transpose(handle, &perm))
}

/// A read-only view repeated to a shape.
#[pyfunction]
pub fn broadcast(x: &Bound<'_, PyAny>, shape: Vec<usize>) -> PyResult<Py<PyAny>> {
    as_tracer(x)?.get().view_with(x.py(), |state, handle| {
        state.rec.broadcast_to(handle, &shape)
    })
}

/// A view of a diagonal, as the last axis.
#[pyfunction]
pub fn diagonal(
    x: &Bound<'_, PyAny>,
    shift: i64,
    first: usize,
    second: usize,
    writable: bool,
) -> PyResult<Py<PyAny>> {
    as_tracer(x)?.get().view_with(x.py(), |state, handle| {
        if writable {
            state.rec.diagonal_window(handle, shift, first, second)
        } else {
            state.rec.diagonal(handle, shift, first, second)
        }
    })
}

/// "sum", "prod", "max" or "min" over axes, which disappear.
#[pyfunction]
pub fn reduce(
    py: Python<'_>,
    kind: &str,
    x: &Bound<'_, PyAny>,
    axes: Vec<usize>,
) -> PyResult<Py<PyAny>> {
    let kind = match kind {
        "sum" => Reduction::Sum,
        "prod" => Reduction::Prod,
        "max" => Reduction::Max,
        "min" => Reduction::Min,
        other => {
            return Err(raise_as(
                py,
                "internal",
                &format!("there is no reduction {other}"),
            ));
        }
    };
    let mut axes: Vec<i64> = axes.into_iter().map(|a| a as i64).collect();
    axes.sort_unstable();
    one(py, x, |state, node| {
        if axes.is_empty() {
            return Ok(node);
        }
        let list = state.rec.graph.intern_list(&axes);
        emit(state, Op::Reduce(kind, list), &[node])
    })
}

#[pyfunction]
pub fn argpick(py: Python<'_>, kind: &str, x: &Bound<'_, PyAny>, axis: u8) -> PyResult<Py<PyAny>> {
    let pick = if kind == "max" { Pick::Max } else { Pick::Min };
    one(py, x, |state, node| {
        emit(state, Op::ArgPick(pick, axis), &[node])
    })
}

/// `sum`, `sum_back`, or the linear `recurrence` `y[i] = a[i] y[i-1] + b[i]` and `recurrence_back`.
#[pyfunction]
#[pyo3(signature = (kind, axis, *operands))]
pub fn cumulate(
    py: Python<'_>,
    kind: &str,
    axis: u8,
    operands: &Bound<'_, PyTuple>,
) -> PyResult<Py<PyAny>> {
    let kind = match kind {
        "sum" => Cumulation::Sum,
        "sum_back" => Cumulation::SumBack,
        "recurrence" => Cumulation::Recurrence,
        "recurrence_back" => Cumulation::RecurrenceBack,
        other => {
            return Err(raise_as(
                py,
                "internal",
                &format!("there is no scan {other}"),
            ));
        }
    };
    let operands = operands
        .iter()
        .map(|x| Operand::require(&x))
        .collect::<PyResult<Vec<_>>>()?;
    state::wrap(py, |state| {
        let nodes = operands
            .iter()
            .map(|x| state.strong(x))
            .collect::<Result<Vec<_>>>()?;
        emit(state, Op::Cumulate(kind, axis, Guard::Off), &nodes)
    })
}

/// The stable ascending order along an axis, NaN last.
#[pyfunction]
pub fn argsort(py: Python<'_>, x: &Bound<'_, PyAny>, axis: u8) -> PyResult<Py<PyAny>> {
    one(py, x, |state, node| emit(state, Op::Argsort(axis), &[node]))
}

/// The rows of `x` that an integer array names.
#[pyfunction]
pub fn gather(
    py: Python<'_>,
    x: &Bound<'_, PyAny>,
    index: &Bound<'_, PyAny>,
) -> PyResult<Py<PyAny>> {
    let (x, index) = (Operand::require(x)?, Operand::require(index)?);
    state::wrap(py, |state| {
        let (x, index) = (state.strong(&x)?, state.strong(&index)?);
        let rows = state.rec.graph.shape(x).first().copied().unwrap_or(0);
        state.rec.check_lane_index(index, rows)?;
        emit(state, Op::Gather, &[x, index])
    })
}

/// `z = x.copy(); z[index] += v`, repeated indices adding up.
#[pyfunction]
pub fn scatter_add(
    py: Python<'_>,
    x: &Bound<'_, PyAny>,
    index: &Bound<'_, PyAny>,
    v: &Bound<'_, PyAny>,
) -> PyResult<Py<PyAny>> {
    let (x, index, v) = (
        Operand::require(x)?,
        Operand::require(index)?,
        Operand::require(v)?,
    );
    state::wrap(py, |state| {
        let (x, index, v) = (state.strong(&x)?, state.strong(&index)?, state.strong(&v)?);
        let rows = state.rec.graph.shape(x).first().copied().unwrap_or(0);
        state.rec.check_lane_index(index, rows)?;
        let g = &mut state.rec.graph;
        let shape: Dims = g
            .shape(index)
            .iter()
            .chain(&g.shape(x)[1..])
            .copied()
            .collect();
        let v = build::cast(g, v, g.dtype(x));
        let v = if g.shape(v) == shape.as_slice() {
            v
        } else {
            build::broadcast(g, v, &shape)
        };
        emit(state, Op::ScatterAdd, &[x, index, v])
    })
}

/// The flat places of the true elements; their number is asked for now.
#[pyfunction]
pub fn nonzero_flat(py: Python<'_>, mask: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    one(py, mask, |state, node| {
        let node = build::cast(&mut state.rec.graph, node, DType::Bool);
        state.rec.nonzero(node)
    })
}

#[pyfunction]
pub fn concat(py: Python<'_>, parts: &Bound<'_, PyAny>, axis: usize) -> PyResult<Py<PyAny>> {
    let parts = operands(parts)?;
    let parts = read_all(py, &parts)?;
    state::wrap(py, |state| {
        let nodes = parts
            .iter()
            .map(|x| state.strong(x))
            .collect::<Result<Vec<_>>>()?;
        state.rec.concatenate(&nodes, axis as i64)
    })
}

/// 0-d items in C order as one array.
#[pyfunction]
#[pyo3(signature = (items, shape, dtype = None))]
pub fn pack(
    py: Python<'_>,
    items: &Bound<'_, PyAny>,
    shape: Vec<usize>,
    dtype: Option<&Bound<'_, PyAny>>,
) -> PyResult<Py<PyAny>> {
    let dtype = dtype
        .filter(|d| !d.is_none())
        .map(parse_dtype)
        .transpose()?;
    let items = operands(items)?;
    let items = read_all(py, &items)?;
    state::wrap_handle(py, |state| {
        let node = pack_nodes(state, &items, &shape, dtype)?;
        let mut handle = state.rec.fresh(node);
        // An array even where it is 0-d: it can be written to.
        state.rec.share(&mut handle);
        Ok(handle)
    })
}

fn pack_nodes(
    state: &mut State,
    items: &[Operand<'_>],
    shape: &[usize],
    dtype: Option<DType>,
) -> Result<NodeId> {
    if items.is_empty() {
        return Ok(build::constant(
            &mut state.rec.graph,
            dtype.unwrap_or(DType::F64),
            shape,
            0.0,
        ));
    }
    let nodes = items
        .iter()
        .map(|x| state.strong(x))
        .collect::<Result<Vec<_>>>()?;
    let g = &mut state.rec.graph;
    let common = nodes
        .iter()
        .map(|&x| g.dtype(x))
        .reduce(DType::promote)
        .expect("not empty");
    let dtype = dtype.unwrap_or(common);
    let nodes: Vec<NodeId> = nodes
        .into_iter()
        .map(|x| build::cast(g, x, dtype))
        .collect();
    if nodes.len() != product(shape) || nodes.iter().any(|&x| !g.shape(x).is_empty()) {
        return Err(Error::internal(
            "pack takes as many scalars as the shape has elements",
        ));
    }
    if let [x] = nodes[..] {
        return Ok(build::reshape(g, x, shape));
    }
    let places: Vec<i64> = (0..nodes.len() as i64).collect();
    Ok(build::pack(g, &nodes, &places, shape))
}

/// The product with every shape that NumPy takes.
#[pyfunction]
pub fn matmul(py: Python<'_>, a: &Bound<'_, PyAny>, b: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    crate::protocols::matmul(py, a, b)
}

/// What a factorisation gives: one of its parts (`"svd.s"`), the solution of a system
/// (`"solve.lower_t"`, with a right-hand side), the inverse (`"inv"`, or `"inv_unchecked"`), the
/// pseudoinverse (`"pinv"`, with a cutoff), or the `"symmetric"` matrix with the same lower triangle.
///
/// Inside a `try` of the recorded function it is computed at once, so that a matrix that cannot be
/// factored raises there.
#[pyfunction]
#[pyo3(signature = (name, *operands))]
pub fn factored(py: Python<'_>, name: &str, operands: &Bound<'_, PyTuple>) -> PyResult<Py<PyAny>> {
    let operands = (operands.iter())
        .map(|x| Operand::require(&x))
        .collect::<PyResult<Vec<_>>>()?;
    let guarded = location::is_inside_try(py);
    let made = state::wrap(py, |state| {
        let nodes = (operands.iter())
            .map(|x| state.strong(x))
            .collect::<Result<Vec<_>>>()?;
        factored_node(&mut state.rec.graph, name, &nodes)
    })?;
    if guarded {
        made.bind(py).cast::<Tracer>()?.get().value(py)?;
    }
    Ok(made)
}

fn factored_node(g: &mut Graph, name: &str, operands: &[NodeId]) -> Result<NodeId> {
    match (name.split_once('.'), operands) {
        (Some(("solve", system)), &[a, b]) => {
            if let Some(system) = System::from_name(system) {
                return factor::solve(g, system, a, b);
            }
        }
        (Some((factors, part)), &[a]) => {
            if let (Some(factors), Some(part)) =
                (Factorisation::from_name(factors), Part::from_name(part))
            {
                return factor::part_of(g, factors, part, a);
            }
        }
        (None, &[a]) if name == "inv" => return factor::inverse(g, a, true),
        (None, &[a]) if name == "inv_unchecked" => return factor::inverse(g, a, false),
        (None, &[a]) if name == "symmetric" => return Ok(factor::symmetric(g, a)),
        (None, &[a, cutoff]) if name == "pinv" => return factor::pinv(g, a, cutoff),
        (None, &[a, flags]) if name == "pole" => return factor::pole(g, a, flags),
        _ => {}
    }
    Err(Error::internal(format!("there is no factorisation {name}")))
}

/// The value of `x`, as a constant of every differentiation.
///
/// Outside a recording it is `x` itself.
#[pyfunction]
pub fn stop_gradient(py: Python<'_>, x: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    if x.cast::<Tracer>().is_err() {
        return Ok(x.clone().unbind());
    }
    one(py, x, |state, node| emit(state, Op::StopGradient, &[node]))
}

/// The value as a NumPy array, computed now; a plain array is given back.
#[pyfunction]
pub fn value(x: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    match x.cast::<Tracer>() {
        Ok(tracer) => Ok(tracer::numpy_value(tracer)?.unbind()),
        Err(_) => Ok(arrays::asarray(x)?.into_any().unbind()),
    }
}

/// A plain array as a tracer: a copy that the recorded function may write to, or a read-only one.
#[pyfunction]
pub fn lift(py: Python<'_>, array: &Bound<'_, PyAny>, writable: bool) -> PyResult<Py<PyAny>> {
    if array.cast::<Tracer>().is_ok() {
        return Ok(array.clone().unbind());
    }
    let object = arrays::asarray(array)?;
    let taken = arrays::from_numpy(&object, Take::Copy)?;
    state::wrap_handle(py, |state| {
        if !writable {
            return Ok(state.capture(object.as_any(), taken));
        }
        let mut handle = match structural(&taken) {
            Some(value) => state.rec.filled(taken.dtype(), taken.shape(), value),
            None => state.rec.captured(taken, Access::Writable),
        };
        state.rec.share(&mut handle);
        Ok(handle)
    })
}

/// A result as an array of its own, without dimensions too.
#[pyfunction]
pub fn as_array(x: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    let operand = Operand::require(x)?;
    state::wrap_handle(x.py(), |state| {
        let node = state.strong(&operand)?;
        Ok(state.rec.as_array(node))
    })
}

/// The value that fills an array, where that is one of the structural constants.
fn structural(array: &jacrs::array::Array) -> Option<f64> {
    if !array.view().is_contiguous() {
        return None; // an order of its axes to keep
    }
    let values: Vec<f64> = match array.dtype() {
        DType::F64 => array.to_vec::<f64>(),
        DType::F32 => array.to_vec::<f32>().into_iter().map(f64::from).collect(),
        DType::I64 => array
            .to_vec::<i64>()
            .into_iter()
            .map(|v| v as f64)
            .collect(),
        _ => return None,
    };
    let first = *values.first().unwrap_or(&0.0);
    let plain =
        first.to_bits() != (-0.0f64).to_bits() && matches!(first.abs(), 0.0 | 0.5 | 1.0 | 2.0);
    (plain && values.iter().all(|v| v.to_bits() == first.to_bits())).then_some(first)
}

/// Whether this thread is recording.
#[pyfunction]
pub fn is_recording() -> bool {
    state::is_recording()
}

/// `y[index] += v`, repeated indices adding up: `np.add.at`.
#[pyfunction]
pub fn add_at(
    py: Python<'_>,
    y: &Bound<'_, Tracer>,
    index: &Bound<'_, PyAny>,
    v: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let parts = crate::indexing::read(index)?;
    let v = Operand::require(v)?;
    tracer::change(py, y, |state, handle| {
        let index = crate::indexing::resolve(state, parts)?;
        let node = state.strong(&v)?;
        state.rec.add_at(handle, &index, node)
    })
}

/// Whether two tracers are views of one storage.
#[pyfunction]
pub fn shares_memory(
    py: Python<'_>,
    x: &Bound<'_, Tracer>,
    y: &Bound<'_, Tracer>,
) -> PyResult<bool> {
    state::with(py, |state| {
        let (a, b) = (
            x.get().handle(state.generation)?,
            y.get().handle(state.generation)?,
        );
        Ok(state.rec.same_memory(a, b))
    })
}

/// All primitives, for the module.
pub fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    macro_rules! add {
        ($($name:ident)*) => { $(module.add_function(wrap_pyfunction!($name, module)?)?;)* };
    }
    add!(ufunc where_ cast reshape transpose broadcast diagonal reduce argpick cumulate argsort gather scatter_add
        nonzero_flat concat pack matmul factored stop_gradient value lift as_array is_recording add_at shares_memory);
    Ok(())
}
