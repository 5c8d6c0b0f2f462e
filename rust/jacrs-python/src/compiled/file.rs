//! Plain Python values as bytes: None, booleans, integers, floats, texts, bytes and tuples of them.
//! Reading makes such values and nothing else: no class is looked up and no code is run.
//!
//! A file begins with a signature, the version of the format, that of the engine which wrote it, and
//! the length and the checksum of what follows.

use jacrs::ir::Fingerprint;
use jacrs::memory::check_memory;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyInt, PyString, PyTuple};
use serde::{Deserialize, Serialize};

use crate::error::OrRaise;
use crate::text;

/// No text begins like this, and none of its bytes survives a change of line ends.
const SIGNATURE: [u8; 8] = *b"\x89jacrs\r\n";
/// To be raised whenever what was written before would be read wrongly.
const FORMAT: u32 = 1;
/// Tuples in tuples, at most.
const DEEPEST: usize = 400;
/// Bytes that a value takes in memory for each of its bytes in a file, at most.
const BYTES_A_BYTE: usize = 32;

#[derive(Serialize, Deserialize)]
struct Head<'a> {
    version: &'a str,
    length: u64,
    checksum: u128,
}

#[derive(Serialize, Deserialize)]
enum Token<'a> {
    Nothing,
    Bool(bool),
    Integer(i64),
    /// By its bits.
    Float(u64),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// So many values follow.
    Tuple(u64),
}

/// A file that holds a plain value.
#[pyfunction]
pub fn packed<'py>(py: Python<'py>, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    let mut body = vec![];
    write(value, &mut body, 0)?;
    let head = Head {
        version: env!("CARGO_PKG_VERSION"),
        length: body.len() as u64,
        checksum: Fingerprint::of_bytes(&body),
    };
    let mut file = [&SIGNATURE[..], &FORMAT.to_le_bytes()].concat();
    push(&head, &mut file);
    file.extend(body);
    Ok(PyBytes::new(py, &file))
}

fn push(what: &impl Serialize, bytes: &mut Vec<u8>) {
    bytes.extend(postcard::to_allocvec(what).expect("memory is all it takes"));
}

fn write(value: &Bound<'_, PyAny>, bytes: &mut Vec<u8>, depth: usize) -> PyResult<()> {
    if let Ok(tuple) = value.cast::<PyTuple>() {
        if depth == DEEPEST {
            return Err(text::too_deep());
        }
        push(&Token::Tuple(tuple.len() as u64), bytes);
        return tuple
            .iter()
            .try_for_each(|item| write(&item, bytes, depth + 1));
    }
    let held;
    let token = if value.is_none() {
        Token::Nothing
    } else if value.is_instance_of::<PyBool>() {
        Token::Bool(value.extract()?)
    } else if let Ok(float) = value.cast::<PyFloat>() {
        Token::Float(float.value().to_bits())
    } else if let Ok(string) = value.cast::<PyString>() {
        held = string.to_cow()?;
        Token::Text(&held)
    } else if let Ok(data) = value.cast::<PyBytes>() {
        Token::Bytes(data.as_bytes())
    } else {
        Token::Integer(value.cast::<PyInt>()?.extract()?)
    };
    push(&token, bytes);
    Ok(())
}

/// The plain value that a file holds.
#[pyfunction]
pub fn unpacked<'py>(py: Python<'py>, file: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let body = body(py, file)?;
    check_memory(body.len().saturating_mul(BYTES_A_BYTE), || {
        format!("what is saved in {} bytes", body.len())
    })
    .or_raise(py)?;
    let mut reader = Reader { py, rest: body };
    let value = reader.value(0)?;
    if reader.rest.is_empty() {
        Ok(value)
    } else {
        Err(text::unreadable(py, "more follows what it holds"))
    }
}

/// What follows the head, as it was written.
fn body<'a>(py: Python<'_>, file: &'a [u8]) -> PyResult<&'a [u8]> {
    let after = file.strip_prefix(&SIGNATURE);
    let Some((format, rest)) = after.and_then(<[u8]>::split_first_chunk) else {
        return Err(text::unreadable(py, "it does not begin as one"));
    };
    let head = postcard::take_from_bytes::<Head<'_>>(rest);
    let format = u32::from_le_bytes(*format);
    if format != FORMAT {
        let version = head.as_ref().map_or("unknown", |(head, _)| head.version);
        return Err(text::other_format(py, format, version, FORMAT));
    }
    let Ok((head, body)) = head else {
        return Err(text::unreadable(py, "it ends early"));
    };
    if head.length != body.len() as u64 {
        let way = if head.length > body.len() as u64 {
            "fewer"
        } else {
            "more"
        };
        let why = format!("it has {way} bytes than were written");
        return Err(text::unreadable(py, &why));
    }
    if head.checksum != Fingerprint::of_bytes(body) {
        return Err(text::unreadable(py, "its checksum is another"));
    }
    Ok(body)
}

struct Reader<'a, 'py> {
    py: Python<'py>,
    rest: &'a [u8],
}

impl<'py> Reader<'_, 'py> {
    fn value(&mut self, depth: usize) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py;
        let Ok((token, rest)) = postcard::take_from_bytes::<Token<'_>>(self.rest) else {
            return Err(text::unreadable(py, "a value cannot be read"));
        };
        self.rest = rest;
        Ok(match token {
            Token::Nothing => py.None().into_bound(py),
            Token::Bool(value) => PyBool::new(py, value).to_owned().into_any(),
            Token::Integer(value) => value.into_pyobject(py)?.into_any(),
            Token::Float(bits) => PyFloat::new(py, f64::from_bits(bits)).into_any(),
            Token::Text(text) => PyString::new(py, text).into_any(),
            Token::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
            Token::Tuple(count) => {
                // Each item takes a byte at least.
                if count > self.rest.len() as u64 || depth == DEEPEST {
                    return Err(text::unreadable(py, "a tuple is too long, or too deep"));
                }
                let items: Vec<_> = (0..count)
                    .map(|_| self.value(depth + 1))
                    .collect::<PyResult<_>>()?;
                PyTuple::new(py, items)?.into_any()
            }
        })
    }
}
