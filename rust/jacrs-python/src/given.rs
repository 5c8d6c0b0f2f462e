//! Arguments of the function being recorded, which nobody may write to meanwhile: the recording
//! would hold other values than the function saw.
//!
//! Small arrays are read through at the call and when the function returns. For large ones that
//! would cost as much as a simple function itself; of them a part is, and the whole only where
//! recorded code gets hold of the same memory by another name.

use jacrs::array::walk;
use numpy::{PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods, npyffi};
use pyo3::prelude::*;

/// Arrays up to this size are read as a whole.
const SMALL: usize = 64 * 1024;
/// Places of larger ones that are read, and bytes at each.
const PLACES: usize = 64;
const LINE: usize = 64;

/// The arguments of the calls that one recording is made of.
#[derive(Default)]
pub struct Arguments {
    watched: Vec<Watched>,
    /// What recorded code reaches by other names.
    exposed: Vec<Span>,
}

/// Spans of memory before they are taken together.
const MOST_SPANS: usize = 1000;

impl Arguments {
    pub fn watch(&mut self, py: Python<'_>, mut argument: Watched) {
        for &span in &self.exposed {
            argument.expose(py, span);
        }
        self.watched.push(argument);
    }

    pub fn expose(&mut self, py: Python<'_>, span: Span) {
        for argument in &mut self.watched {
            argument.expose(py, span);
        }
        if self.exposed.len() >= MOST_SPANS {
            let first = self.exposed.iter().map(|span| span.0).min();
            let last = self.exposed.iter().map(|span| span.1).max();
            self.exposed.clear();
            self.exposed.extend(first.zip(last));
        }
        self.exposed.push(span);
    }

    /// The arguments of one session, which are watched no more.
    pub fn take(&mut self, session: usize) -> Vec<Watched> {
        (self.watched)
            .extract_if(.., |argument| argument.session == session)
            .collect()
    }
}

/// Addresses from the first byte to behind the last.
type Span = (usize, usize);

/// An argument, and what it held when it was given.
pub struct Watched {
    session: usize,
    pub number: usize,
    array: Py<PyUntypedArray>,
    span: Span,
    part: u64,
    whole: Option<u64>,
}

impl Watched {
    /// An argument given now.
    pub fn new(session: usize, number: usize, array: &Bound<'_, PyUntypedArray>) -> Self {
        Self {
            session,
            number,
            array: array.clone().unbind(),
            span: span(array),
            part: part(array),
            whole: None,
        }
    }

    /// Recorded code can reach the memory in `span`.
    fn expose(&mut self, py: Python<'_>, span: Span) {
        if self.span.0 < span.1 && span.0 < self.span.1 {
            self.whole
                .get_or_insert_with(|| digest(self.array.bind(py)));
        }
    }

    pub fn has_changed(&self, py: Python<'_>) -> bool {
        let array = self.array.bind(py);
        match self.whole {
            Some(before) => digest(array) != before,
            None => part(array) != self.part,
        }
    }
}

/// The memory of an array.
pub fn span(array: &Bound<'_, PyUntypedArray>) -> Span {
    let first = fields(array).data.addr();
    let (mut low, mut high) = (0isize, array.dtype().itemsize() as isize);
    for (&n, &stride) in array.shape().iter().zip(array.strides()) {
        let reach = (n as isize - 1) * stride;
        low += reach.min(0);
        high += reach.max(0);
    }
    if array.is_empty() {
        return (first, first);
    }
    (
        first.wrapping_add_signed(low),
        first.wrapping_add_signed(high),
    )
}

fn fields(array: &Bound<'_, PyUntypedArray>) -> npyffi::PyArrayObject_fields {
    // SAFETY: a live array object.
    unsafe { std::ptr::read(&raw const (*array.as_array_ptr()).fields) }
}

fn is_dense(array: &Bound<'_, PyUntypedArray>) -> bool {
    array.is_c_contiguous() || array.is_fortran_contiguous()
}

/// The digest of a small array, or of parts of a large one; zero for a large one with gaps, which
/// was copied: then what is exposed is read as a whole.
fn part(array: &Bound<'_, PyUntypedArray>) -> u64 {
    let bytes = array.len() * array.dtype().itemsize();
    if bytes <= SMALL {
        return digest(array);
    }
    if !is_dense(array) {
        return 0;
    }
    let data: *const u8 = fields(array).data.cast_const().cast();
    let mut state = K;
    for place in 0..PLACES {
        let at = (bytes - LINE) / (PLACES - 1) * place;
        // SAFETY: inside the bytes of an array without gaps.
        unsafe { absorb(&mut state, data.add(at), LINE) }
    }
    finish(state)
}

/// A number that tells what an array holds: equal for equal bytes, and hardly ever for others.
///
/// Words are multiplied in four chains, as in wyhash (Wang Yi, 2019), at the speed of the memory.
fn digest(array: &Bound<'_, PyUntypedArray>) -> u64 {
    let size = array.dtype().itemsize();
    let data: *const u8 = fields(array).data.cast_const().cast();
    let mut state = K;
    if is_dense(array) {
        // SAFETY: as many bytes, without gaps.
        unsafe { absorb(&mut state, data, array.len() * size) }
    } else {
        walk(array.shape(), [array.strides()], |[at]| {
            // SAFETY: one element; strides of NumPy's are bytes.
            unsafe { absorb(&mut state, data.offset(at), size) }
        });
    }
    finish(state)
}

fn finish(state: [u64; 4]) -> u64 {
    state.iter().fold(0, |all, &x| fold(all ^ x, K[0]))
}

const K: [u64; 4] = [
    0xa076_1d64_78bd_642f,
    0xe703_7ed1_a0b4_28db,
    0x8ebc_6af0_9c88_c6e3,
    0x5899_65cc_7537_4cc3,
];

#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    wide as u64 ^ (wide >> 64) as u64
}

/// # Safety
/// `data` must be good for `bytes` bytes; another thread may write to them.
unsafe fn absorb(state: &mut [u64; 4], data: *const u8, bytes: usize) {
    let words = data.cast::<u64>();
    let blocks = bytes / 64;
    for block in 0..blocks {
        for (k, chain) in state.iter_mut().enumerate() {
            // SAFETY: inside the bytes.
            let (a, b) = unsafe {
                let pair = words.add(8 * block + 2 * k);
                (pair.read_unaligned(), pair.add(1).read_unaligned())
            };
            *chain = fold(a ^ *chain, b ^ K[k]);
        }
    }
    let mut at = 64 * blocks;
    while at < bytes {
        let count = 8.min(bytes - at);
        let mut word = [0u8; 8];
        // SAFETY: inside the bytes.
        unsafe { std::ptr::copy_nonoverlapping(data.add(at), word.as_mut_ptr(), count) };
        state[0] = fold(u64::from_le_bytes(word) ^ state[0], K[1]);
        at += count;
    }
}
