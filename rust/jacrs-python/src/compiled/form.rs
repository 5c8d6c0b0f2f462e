//! What the arguments of a call must look like for a trace to hold, and the inputs among them.

use jacrs::array::{DType, Layout, Strides};
use numpy::{PyUntypedArray, PyUntypedArrayMethods, npyffi};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyList, PyTuple};
use smallvec::SmallVec;

use super::plain::{Plain, is_plain};
use crate::arrays::native_dtype;

/// How an array lies in memory, up to where.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub dtype: DType,
    pub layout: Layout,
}

impl Frame {
    /// That of an array which can be read as it is.
    pub fn of(array: &Bound<'_, PyUntypedArray>) -> Option<Self> {
        let dtype = native_dtype(&array.dtype())?;
        let size = dtype.size() as isize;
        let aligned = fields(array).flags & npyffi::NPY_ARRAY_ALIGNED != 0;
        let whole = array.strides().iter().all(|s| s % size == 0);
        (aligned && whole).then(|| Self {
            dtype,
            layout: Layout {
                shape: array.shape().into(),
                strides: array.strides().iter().map(|s| s / size).collect(),
            },
        })
    }

    /// The memory of an array that lies like this.
    pub fn fits(&self, array: &Bound<'_, PyUntypedArray>) -> Option<*const u8> {
        let fields = fields(array);
        let same = array.shape() == self.layout.shape.as_slice()
            && fields.flags & npyffi::NPY_ARRAY_ALIGNED != 0
            && native_dtype(&array.dtype()) == Some(self.dtype);
        let size = self.dtype.size() as isize;
        let strides = || -> Strides { array.strides().iter().map(|s| s / size).collect() };
        // Strides along axes without neighbours mean nothing.
        let contiguous = fields.flags & npyffi::NPY_ARRAY_C_CONTIGUOUS != 0;
        let laid = (contiguous && self.layout.is_contiguous()) || strides() == self.layout.strides;
        (same && laid).then_some(fields.data.cast_const().cast())
    }
}

fn fields(array: &Bound<'_, PyUntypedArray>) -> npyffi::PyArrayObject_fields {
    // SAFETY: a live array object.
    unsafe { std::ptr::read(&raw const (*array.as_array_ptr()).fields) }
}

/// An exact array, whose elements mean what they mean to the engine.
pub fn exact_array<'a, 'py>(x: &'a Bound<'py, PyAny>) -> Option<&'a Bound<'py, PyUntypedArray>> {
    let array = x.cast::<PyUntypedArray>().ok()?;
    x.get_type()
        .is(x.py().get_type::<PyUntypedArray>())
        .then_some(array)
}

/// What one argument must look like.
pub enum Form {
    /// An input: an array.
    Array(Frame),
    /// An input: a Python float.
    Number,
    /// An input: a NumPy float64.
    Scalar,
    /// This value, or a copy of it.
    Plain(Plain),
    /// This very object.
    Same(Py<PyAny>),
    Tuple(Vec<Form>),
    List(Vec<Form>),
    Dict(Vec<(Py<PyAny>, Form)>),
    /// A container that Python takes apart.
    Node(Py<PyAny>, Vec<Form>),
}

/// The memory of an input.
#[derive(Clone, Copy)]
pub enum Leaf {
    At(*const u8),
    Number(f64),
}

pub type Leaves = SmallVec<[Leaf; 8]>;

/// Takes containers apart and puts them together; the two functions are Python's.
pub struct Containers<'a, 'py> {
    /// `(parts, rebuild)` of a container; None for anything else.
    pub apart: &'a Bound<'py, PyAny>,
}

impl Form {
    /// The form of a value; `leaves` gets its inputs and the objects it must be the same as.
    pub fn of<'py>(
        x: &Bound<'py, PyAny>,
        numbers: bool,
        containers: &Containers<'_, 'py>,
        leaves: &mut Vec<Bound<'py, PyAny>>,
    ) -> PyResult<Self> {
        let each = |items: Vec<Bound<'py, PyAny>>, leaves: &mut Vec<_>| {
            (items.iter())
                .map(|item| Self::of(item, numbers, containers, leaves))
                .collect::<PyResult<Vec<_>>>()
        };
        if let Ok(tuple) = x.cast_exact::<PyTuple>() {
            return Ok(Form::Tuple(each(tuple.iter().collect(), leaves)?));
        }
        if let Ok(list) = x.cast_exact::<PyList>() {
            return Ok(Form::List(each(list.iter().collect(), leaves)?));
        }
        if let Ok(dict) = x.cast_exact::<PyDict>() {
            let forms = each(dict.values().iter().collect(), leaves)?;
            let keys = dict.keys().iter().map(Bound::unbind);
            return Ok(Form::Dict(keys.zip(forms).collect()));
        }
        if let Some(frame) = exact_array(x).and_then(Frame::of) {
            leaves.push(x.clone());
            return Ok(Form::Array(frame));
        }
        if numbers && x.is_exact_instance_of::<PyFloat>() {
            leaves.push(x.clone());
            return Ok(Form::Number);
        }
        if numbers && is_float64(x) {
            leaves.push(x.clone());
            return Ok(Form::Scalar);
        }
        if is_plain(x) {
            leaves.push(x.clone());
            return Ok(Form::Plain(Plain::of(x)?));
        }
        let parts = containers.apart.call1((x,))?;
        if !parts.is_none() {
            let (parts, _): (Vec<Bound<'_, PyAny>>, Bound<'_, PyAny>) = parts.extract()?;
            let forms = each(parts, leaves)?;
            return Ok(Form::Node(x.get_type().into_any().unbind(), forms));
        }
        leaves.push(x.clone());
        Ok(Form::Same(x.clone().unbind()))
    }

    /// Whether a leaf of this form is an input.
    pub fn kinds(&self, kinds: &mut Vec<&'static str>) {
        match self {
            Form::Array(_) => kinds.push("array"),
            Form::Number | Form::Scalar => kinds.push("number"),
            Form::Plain(_) | Form::Same(_) => kinds.push("object"),
            Form::Tuple(forms) | Form::List(forms) | Form::Node(_, forms) => {
                for form in forms {
                    form.kinds(kinds);
                }
            }
            Form::Dict(items) => items.iter().for_each(|(_, form)| form.kinds(kinds)),
        }
    }

    /// The same containers around other leaves.
    pub fn rebuilt<'py>(
        &self,
        x: &Bound<'py, PyAny>,
        containers: &Containers<'_, 'py>,
        leaves: &mut std::vec::IntoIter<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = x.py();
        Ok(match self {
            Form::Tuple(forms) => {
                let items = rebuilt_all(forms, x.cast::<PyTuple>()?.iter(), containers, leaves)?;
                PyTuple::new(py, items)?.into_any()
            }
            Form::List(forms) => {
                let items = rebuilt_all(forms, x.cast::<PyList>()?.iter(), containers, leaves)?;
                PyList::new(py, items)?.into_any()
            }
            Form::Dict(items) => {
                let dict = PyDict::new(py);
                let given = x.cast::<PyDict>()?;
                for (key, form) in items {
                    let item = given.as_any().get_item(key)?;
                    dict.set_item(key, form.rebuilt(&item, containers, leaves)?)?;
                }
                dict.into_any()
            }
            Form::Node(_, forms) => {
                let (parts, rebuild): (Vec<Bound<'_, PyAny>>, Bound<'_, PyAny>) =
                    containers.apart.call1((x,))?.extract()?;
                let items = rebuilt_all(forms, parts.into_iter(), containers, leaves)?;
                rebuild.call1((items,))?
            }
            _ => leaves.next().unwrap_or_else(|| x.clone()),
        })
    }

    /// Whether a value looks like this; `leaves` gets the memory of its inputs.
    pub fn matches(
        &self,
        x: &Bound<'_, PyAny>,
        apart: &Py<PyAny>,
        leaves: &mut Leaves,
    ) -> PyResult<bool> {
        let py = x.py();
        Ok(match self {
            Form::Array(frame) => match exact_array(x).and_then(|array| frame.fits(array)) {
                Some(data) => {
                    leaves.push(Leaf::At(data));
                    true
                }
                None => false,
            },
            Form::Number => match x.cast_exact::<PyFloat>() {
                Ok(float) => {
                    leaves.push(Leaf::Number(float.value()));
                    true
                }
                Err(_) => false,
            },
            Form::Scalar => {
                let is = is_float64(x);
                if is {
                    leaves.push(Leaf::Number(x.cast::<PyFloat>()?.value()));
                }
                is
            }
            Form::Plain(plain) => plain.is(x)?,
            Form::Same(object) => x.is(object),
            Form::Tuple(forms) => match x.cast_exact::<PyTuple>() {
                Ok(tuple) => all_match(forms, tuple.iter(), apart, leaves)?,
                Err(_) => false,
            },
            Form::List(forms) => match x.cast_exact::<PyList>() {
                Ok(list) => all_match(forms, list.iter(), apart, leaves)?,
                Err(_) => false,
            },
            Form::Dict(items) => {
                let Ok(dict) = x.cast_exact::<PyDict>() else {
                    return Ok(false);
                };
                if dict.len() != items.len() {
                    return Ok(false);
                }
                // The order of the keys is seen by who iterates.
                for ((key, form), (given, item)) in items.iter().zip(dict.iter()) {
                    if !(given.is(key) || given.eq(key)?) || !form.matches(&item, apart, leaves)? {
                        return Ok(false);
                    }
                }
                true
            }
            Form::Node(class, forms) => {
                if !x.get_type().is(class) {
                    return Ok(false);
                }
                let parts = apart.bind(py).call1((x,))?;
                if parts.is_none() {
                    return Ok(false);
                }
                let (parts, _): (Vec<Bound<'_, PyAny>>, Bound<'_, PyAny>) = parts.extract()?;
                all_match(forms, parts.into_iter(), apart, leaves)?
            }
        })
    }
}

impl Form {
    fn visit(&self, visit: &pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        match self {
            Form::Same(object) => visit.call(object),
            Form::Tuple(forms) | Form::List(forms) => forms.iter().try_for_each(|f| f.visit(visit)),
            Form::Node(class, forms) => {
                visit.call(class)?;
                forms.iter().try_for_each(|form| form.visit(visit))
            }
            Form::Dict(items) => items.iter().try_for_each(|(key, form)| {
                visit.call(key)?;
                form.visit(visit)
            }),
            Form::Array(_) | Form::Number | Form::Scalar | Form::Plain(_) => Ok(()),
        }
    }
}

fn rebuilt_all<'py>(
    forms: &[Form],
    items: impl Iterator<Item = Bound<'py, PyAny>>,
    containers: &Containers<'_, 'py>,
    leaves: &mut std::vec::IntoIter<Bound<'py, PyAny>>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    (forms.iter().zip(items))
        .map(|(form, item)| form.rebuilt(&item, containers, leaves))
        .collect()
}

fn all_match<'py>(
    forms: &[Form],
    items: impl ExactSizeIterator<Item = Bound<'py, PyAny>>,
    apart: &Py<PyAny>,
    leaves: &mut Leaves,
) -> PyResult<bool> {
    if forms.len() != items.len() {
        return Ok(false);
    }
    for (form, item) in forms.iter().zip(items) {
        if !form.matches(&item, apart, leaves)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Exactly `numpy.float64`, which derives from `float`.
fn is_float64(x: &Bound<'_, PyAny>) -> bool {
    static FLOAT64: pyo3::sync::PyOnceLock<Py<PyAny>> = pyo3::sync::PyOnceLock::new();
    if x.cast::<PyFloat>().is_err() || x.is_exact_instance_of::<PyFloat>() {
        return false;
    }
    let py = x.py();
    FLOAT64
        .get_or_try_init(py, || {
            py.import("numpy")?.getattr("float64").map(Bound::unbind)
        })
        .is_ok_and(|class| x.get_type().is(class))
}

/// All arguments of a call.
pub struct Arguments {
    pub positional: Vec<Form>,
    pub named: Vec<(Py<PyAny>, Form)>,
}

impl Arguments {
    pub fn of<'py>(
        args: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
        numbers: bool,
        containers: &Containers<'_, 'py>,
    ) -> PyResult<(Self, Vec<Bound<'py, PyAny>>)> {
        let mut leaves = vec![];
        let mut form = |x: &Bound<'py, PyAny>| Form::of(x, numbers, containers, &mut leaves);
        let positional = args.iter().map(|x| form(&x)).collect::<PyResult<_>>()?;
        let mut named = vec![];
        for (name, x) in keywords
            .into_iter()
            .flat_map(pyo3::types::PyDictMethods::iter)
        {
            named.push((name.unbind(), form(&x)?));
        }
        Ok((Self { positional, named }, leaves))
    }

    pub fn kinds(&self) -> Vec<&'static str> {
        let mut kinds = vec![];
        let named = self.named.iter().map(|(_, form)| form);
        for form in self.positional.iter().chain(named) {
            form.kinds(&mut kinds);
        }
        kinds
    }

    pub fn rebuilt<'py>(
        &self,
        args: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
        containers: &Containers<'_, 'py>,
        leaves: Vec<Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let py = args.py();
        let mut leaves = leaves.into_iter();
        let items = rebuilt_all(&self.positional, args.iter(), containers, &mut leaves)?;
        let named = PyDict::new(py);
        for (name, form) in &self.named {
            if let Some(x) = keywords.and_then(|k| k.get_item(name).ok().flatten()) {
                named.set_item(name, form.rebuilt(&x, containers, &mut leaves)?)?;
            }
        }
        Ok((PyTuple::new(py, items)?, named))
    }

    pub fn match_all(
        &self,
        args: &Bound<'_, PyTuple>,
        keywords: Option<&Bound<'_, PyDict>>,
        apart: &Py<PyAny>,
        leaves: &mut Leaves,
    ) -> PyResult<bool> {
        let named = keywords.map_or(0, pyo3::types::PyDictMethods::len);
        if named != self.named.len() || !all_match(&self.positional, args.iter(), apart, leaves)? {
            return Ok(false);
        }
        // Their order is seen by a function that takes `**keywords`.
        let given = keywords
            .into_iter()
            .flat_map(pyo3::types::PyDictMethods::iter);
        for ((name, form), (key, x)) in self.named.iter().zip(given) {
            if !key.eq(name)? || !form.matches(&x, apart, leaves)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub fn visit(&self, visit: &pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        let named = self.named.iter().map(|(_, form)| form);
        (self.positional.iter().chain(named)).try_for_each(|form| form.visit(visit))
    }

    /// The frames of the inputs, in order; None for a number.
    pub fn frames(&self) -> Vec<Option<Frame>> {
        fn gather(form: &Form, frames: &mut Vec<Option<Frame>>) {
            match form {
                Form::Array(frame) => frames.push(Some(frame.clone())),
                Form::Number | Form::Scalar => frames.push(None),
                Form::Plain(_) | Form::Same(_) => {}
                Form::Tuple(forms) | Form::List(forms) | Form::Node(_, forms) => {
                    for form in forms {
                        gather(form, frames);
                    }
                }
                Form::Dict(items) => items.iter().for_each(|(_, form)| gather(form, frames)),
            }
        }
        let mut frames = vec![];
        let named = self.named.iter().map(|(_, form)| form);
        for form in self.positional.iter().chain(named) {
            gather(form, &mut frames);
        }
        frames
    }
}
