//! Single block kernels over NumPy arrays, for tests of accuracy and for benches.

use jacrs::array::DType;
use jacrs::ops::{Fun, elementwise::Class, kernel};
use numpy::{PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods, npyffi};
use pyo3::prelude::*;

use crate::text;

/// The address of a contiguous array of floats of this dtype and length.
fn address(array: &Bound<'_, PyUntypedArray>, dtype: DType, n: usize) -> PyResult<usize> {
    let descr = array.dtype();
    let right = descr.kind() == b'f'
        && descr.itemsize() == dtype.size()
        && array.is_c_contiguous()
        && array.len() == n;
    if !right {
        return Err(text::no_block(array.py()));
    }
    // SAFETY: a live array object.
    Ok(unsafe { (*array.as_array_ptr()).fields.data } as usize)
}

/// Writes a floating-point function of contiguous arrays to `out`, by the kernel that graphs use;
/// the name is that of the text form.
#[pyfunction]
#[pyo3(signature = (name, out, *operands))]
pub fn elementwise(
    name: &str,
    out: &Bound<'_, PyUntypedArray>,
    operands: Vec<Bound<'_, PyUntypedArray>>,
) -> PyResult<()> {
    let py = out.py();
    let dtype = if out.dtype().itemsize() == 4 {
        DType::F32
    } else {
        DType::F64
    };
    let n = out.len();
    let target = address(out, dtype, n)?;
    // SAFETY: a live array object.
    let flags = unsafe { (*out.as_array_ptr()).fields.flags };
    let sources = (operands.iter())
        .map(|x| address(x, dtype, n))
        .collect::<PyResult<Vec<_>>>()?;
    let bytes = n * dtype.size();
    let apart = |x: usize| x == target || x + bytes <= target || target + bytes <= x;
    let run = Fun::from_name(name)
        .filter(|fun| matches!(fun.class(), Class::Float | Class::Arith))
        .filter(|fun| fun.arity() == sources.len() && sources.iter().all(|&x| apart(x)))
        .filter(|_| flags & npyffi::NPY_ARRAY_WRITEABLE != 0)
        .and_then(|fun| kernel(fun, dtype, dtype))
        .ok_or_else(|| text::no_block_kernel(py, name))?;
    let pointers: Vec<*const u8> = sources.iter().map(|&x| x as *const u8).collect();
    // SAFETY: contiguous arrays of `n` elements of the dtype, `out` writeable and apart from all
    // operands that it is not.
    unsafe { run(&pointers, target as *mut u8, n) };
    Ok(())
}
