//! The elements of arrays as bytes that mean the same on every machine: in C order, the lowest byte
//! of each element first, each array at a multiple of the size of its elements.

use std::sync::Arc;

use super::{Array, Buffer, DType, Dims, View, product};
use crate::error::{Result, text};

/// The elements of these arrays; [`from_bytes`] reads them back.
///
/// ```
/// use jacrs::array::{Array, DType, Dims, from_bytes, to_bytes};
/// let bytes = to_bytes([&Array::scalar(true), &Array::from_slice(&[2], &[1.0, -0.0])]);
/// assert_eq!(bytes.len(), 8 + 16);
/// let kinds = [(DType::Bool, Dims::new()), (DType::F64, Dims::from_slice(&[2]))];
/// let arrays = from_bytes(&kinds, &bytes).unwrap();
/// assert_eq!(arrays[1].to_vec::<f64>()[1].to_bits(), (-0.0f64).to_bits());
/// ```
pub fn to_bytes<'a>(arrays: impl IntoIterator<Item = &'a Array>) -> Vec<u8> {
    let mut bytes = vec![];
    for array in arrays {
        let (dense, size) = (array.to_contiguous(), array.dtype().size());
        let (start, length) = (
            bytes.len().next_multiple_of(size),
            dense.view().len() * size,
        );
        bytes.resize(start + length, 0);
        let target = bytes[start..].as_mut_ptr();
        // SAFETY: this many bytes of elements without gaps, and room for as many.
        unsafe { std::ptr::copy_nonoverlapping(dense.view().ptr, target, length) };
        little_endian(&mut bytes[start..], size);
    }
    bytes
}

/// The arrays of these dtypes and shapes, in one buffer.
///
/// # Errors
/// There are fewer bytes than that, or more, or booleans that are neither 0 nor 1.
pub fn from_bytes(kinds: &[(DType, Dims)], bytes: &[u8]) -> Result<Vec<Array>> {
    let mut starts = vec![];
    let mut end = 0usize;
    for (dtype, shape) in kinds {
        let size = shape
            .iter()
            .try_fold(dtype.size(), |n, &d| n.checked_mul(d));
        let start = end.next_multiple_of(dtype.size());
        let stop = size.and_then(|size| start.checked_add(size));
        let Some(stop) = stop.filter(|&stop| stop <= bytes.len()) else {
            return Err(text::no_elements("there are too few"));
        };
        if *dtype == DType::Bool && bytes[start..stop].iter().any(|&b| b > 1) {
            return Err(text::no_elements("a boolean is neither 0 nor 1"));
        }
        starts.push(start);
        end = stop;
    }
    if end != bytes.len() {
        return Err(text::no_elements("there are too many"));
    }
    let buffer = Arc::new(Buffer::new(end));
    // SAFETY: the buffer has room for `end` bytes, and nobody else knows it yet.
    let own = unsafe {
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.ptr(), end);
        std::slice::from_raw_parts_mut(buffer.ptr(), end)
    };
    for ((dtype, shape), &start) in kinds.iter().zip(&starts) {
        let size = dtype.size();
        little_endian(&mut own[start..start + product(shape) * size], size);
    }
    let array = |((dtype, shape), &start): (&(DType, Dims), &usize)| {
        let view = View::contiguous(buffer.ptr().wrapping_add(start), *dtype, shape);
        Array::from_parts(buffer.clone(), view)
    };
    Ok(kinds.iter().zip(&starts).map(array).collect())
}

/// Turns elements of this machine to such bytes, or back.
fn little_endian(bytes: &mut [u8], size: usize) {
    if cfg!(target_endian = "big") {
        bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_come_back_with_their_bits() {
        let floats: Vec<f64> = [1.5, -0.0, f64::NAN, 4.0, 5.0, 6.0].into();
        let across = Array::from_slice(&[2, 3], &floats);
        let across = across.relaid(0, across.view().layout.transpose(&[1, 0]));
        let arrays = [
            Array::scalar(true),
            across.clone(),
            Array::from_slice::<f32>(&[0, 4], &[]),
            Array::from_slice(&[3], &[false, true, true]),
            Array::scalar(-7i64),
        ];
        let kinds: Vec<_> = (arrays.iter())
            .map(|x| (x.dtype(), x.shape().into()))
            .collect();
        let bytes = to_bytes(&arrays);
        let back = from_bytes(&kinds, &bytes).unwrap();
        let bits = |x: &Array| {
            x.to_vec::<f64>()
                .iter()
                .map(|v| v.to_bits())
                .collect::<Vec<_>>()
        };
        assert_eq!(bits(&back[1]), bits(&across));
        assert_eq!(back[3].to_vec::<bool>(), [false, true, true]);
        assert_eq!(back[4].to_vec::<i64>(), [-7]);
        assert_eq!(to_bytes(&back), bytes);
        for (wrong, why) in [
            (&bytes[1..], "too few"),
            (&[&bytes[..], &[0]].concat(), "too many"),
        ] {
            let error = from_bytes(&kinds, wrong).err().unwrap();
            assert!(error.message.ends_with(why), "{error}");
        }
        assert!(from_bytes(&[(DType::Bool, Dims::new())], &[2]).is_err());
        assert!(
            from_bytes(
                &[(DType::F64, Dims::from_slice(&[usize::MAX, 2]))],
                &[0; 16]
            )
            .is_err()
        );
    }
}
