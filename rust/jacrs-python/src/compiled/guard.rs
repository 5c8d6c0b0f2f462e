//! What a function reached outside its arguments, and what it must find there again.

use numpy::PyUntypedArray;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use smallvec::SmallVec;

use super::form::{Frame, exact_array};
use super::plain::Plain;
use crate::error::raise_as;

/// A place that the recorded function read.
enum Place {
    /// A name of a module, a key of a dictionary.
    Key(Py<PyDict>, Py<PyAny>),
    Index(Py<PyList>, usize),
    /// An attribute; the content of a cell is one.
    Attribute(Py<PyAny>, Py<PyString>),
    /// An item of anything else.
    Item(Py<PyAny>, Py<PyAny>),
    /// How many items or attributes there are.
    Count(Py<PyAny>),
    /// The object itself.
    Object(Py<PyAny>),
}

/// What has to be there.
enum Expected {
    Same(Py<PyAny>),
    Plain(Plain),
    /// Nothing.
    Missing,
    /// An input: any array that lies like this.
    Array(Frame),
    /// As many.
    Count(usize),
    /// These, in this order, when it is iterated: keys, members of a set.
    Items(Vec<Expected>),
}

/// One condition.
pub struct Guard {
    place: Place,
    expected: Expected,
    /// In words, for `explain`.
    what: String,
}

/// The memory of inputs that were found in their places, with their owners.
pub type Reached<'py> = SmallVec<[(*const u8, Bound<'py, PyAny>); 4]>;

impl Guard {
    /// Reads a condition that Python wrote down: `(words, place, expected)`.
    pub fn read(given: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (what, place, expected): (String, Bound<'_, PyTuple>, Bound<'_, PyTuple>) =
            given.extract()?;
        Ok(Self {
            place: Place::read(&place)?,
            expected: Expected::read(&expected)?,
            what,
        })
    }

    pub fn what(&self) -> &str {
        &self.what
    }

    /// The frame of the input that is found here.
    pub fn frame(&self) -> Option<&Frame> {
        match &self.expected {
            Expected::Array(frame) => Some(frame),
            _ => None,
        }
    }

    /// Whether the condition holds now; an input goes to `reached`.
    pub fn holds<'py>(&self, py: Python<'py>, reached: &mut Reached<'py>) -> PyResult<bool> {
        if let Expected::Count(count) = self.expected {
            let Place::Count(object) = &self.place else {
                return Ok(false);
            };
            return Ok(object.bind(py).len()? == count);
        }
        let Some(found) = self.place.find(py)? else {
            return Ok(matches!(self.expected, Expected::Missing));
        };
        if let Expected::Array(frame) = &self.expected {
            let data = exact_array(&found).and_then(|array| frame.fits(array));
            reached.extend(data.map(|data| (data, found)));
            return Ok(data.is_some());
        }
        self.expected.is(&found)
    }

    pub fn visit(&self, visit: &pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        match &self.place {
            Place::Key(owner, _) => visit.call(owner)?,
            Place::Index(owner, _) => visit.call(owner)?,
            Place::Attribute(owner, _) | Place::Item(owner, _) => visit.call(owner)?,
            Place::Count(owner) | Place::Object(owner) => visit.call(owner)?,
        }
        if let Place::Key(_, key) | Place::Item(_, key) = &self.place {
            visit.call(key)?;
        }
        self.expected.visit(visit)
    }
}

impl Place {
    fn read(given: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let owner = given.get_item(1)?;
        let key = || given.get_item(2);
        Ok(match given.get_item(0)?.extract::<&str>()? {
            "key" => Place::Key(owner.cast_into()?.unbind(), key()?.unbind()),
            "index" => Place::Index(owner.cast_into()?.unbind(), key()?.extract()?),
            "attribute" => Place::Attribute(owner.unbind(), key()?.cast_into()?.unbind()),
            "item" => Place::Item(owner.unbind(), key()?.unbind()),
            "count" => Place::Count(owner.unbind()),
            _ => Place::Object(owner.unbind()),
        })
    }

    fn find<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self {
            Place::Key(dict, key) => dict.bind(py).get_item(key),
            Place::Index(list, at) => Ok(list.bind(py).get_item(*at).ok()),
            Place::Attribute(object, name) => absent(object.bind(py).getattr(name)),
            Place::Item(object, key) => absent(object.bind(py).get_item(key)),
            Place::Count(object) | Place::Object(object) => Ok(Some(object.bind(py).clone())),
        }
    }
}

/// What is not there, as None; other errors, such as a signal's, go on.
fn absent<'py>(found: PyResult<Bound<'py, PyAny>>) -> PyResult<Option<Bound<'py, PyAny>>> {
    found.map(Some).or_else(|error| {
        Python::attach(|py| {
            use pyo3::exceptions::{PyAttributeError, PyLookupError, PyValueError};
            let gone = error.is_instance_of::<PyAttributeError>(py)
                || error.is_instance_of::<PyLookupError>(py)
                || error.is_instance_of::<PyValueError>(py); // an empty cell
            if gone { Ok(None) } else { Err(error) }
        })
    })
}

impl Expected {
    /// Whether it is this, for what is told by itself.
    fn is(&self, found: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(match self {
            Expected::Same(object) => found.is(object),
            Expected::Plain(plain) => plain.is(found)?,
            Expected::Items(items) => {
                let mut items = items.iter();
                for item in found.try_iter()? {
                    let Ok(item) = item else { return Ok(false) }; // changed by another thread
                    if !items
                        .next()
                        .map_or(Ok(false), |expected| expected.is(&item))?
                    {
                        return Ok(false);
                    }
                }
                items.next().is_none()
            }
            Expected::Missing | Expected::Count(_) | Expected::Array(_) => false,
        })
    }

    fn visit(&self, visit: &pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        match self {
            Expected::Same(object) => visit.call(object),
            Expected::Items(items) => items.iter().try_for_each(|item| item.visit(visit)),
            _ => Ok(()),
        }
    }

    fn read(given: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let value = || given.get_item(1);
        Ok(match given.get_item(0)?.extract::<&str>()? {
            "same" => Expected::Same(value()?.unbind()),
            "plain" => Expected::Plain(Plain::of(&value()?)?),
            "missing" => Expected::Missing,
            "count" => Expected::Count(value()?.extract()?),
            "items" => {
                let items = value()?.try_iter()?;
                Expected::Items(
                    items
                        .map(|item| Expected::read(&item?.cast_into()?))
                        .collect::<PyResult<_>>()?,
                )
            }
            _ => {
                let array = value()?.cast_into::<PyUntypedArray>()?;
                let frame = Frame::of(&array).ok_or_else(|| {
                    raise_as(given.py(), "internal", "an input that cannot be read")
                })?;
                Expected::Array(frame)
            }
        })
    }
}
