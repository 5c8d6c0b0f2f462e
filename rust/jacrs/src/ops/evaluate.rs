//! One operation at a time, eagerly: what the tracer asks for when it needs a value.

use smallvec::SmallVec;

use super::{Call, operation};
use crate::array::{Array, Layout, View, copy};
use crate::error::Result;
use crate::ir::Op;

/// The result of one operation: a view of its operand where the operation is one, else a new array.
///
/// ```
/// use jacrs::{array::{Array, DType}, ir::Op, ops::{Call, Fun, evaluate}};
/// let x = Array::from_slice(&[3], &[1.0, 4.0, 9.0]);
/// let call = Call {
///     op: Op::Map(Fun::Sqrt), dtype: DType::F64, shape: [3].as_slice().into(),
///     list: Default::default(), exact: false,
/// };
/// assert_eq!(evaluate(&call, &[x]).unwrap().to_vec::<f64>(), [1.0, 2.0, 3.0]);
/// ```
pub fn evaluate(call: &Call, operands: &[Array]) -> Result<Array> {
    let rule = operation(call.op);
    if let Op::Const(_) = call.op {
        return constant(call);
    }
    let views: SmallVec<[View; 4]> = operands.iter().map(|x| x.view().clone()).collect();
    if let Some(view) = rule.alias(call, &views) {
        // Aliases are views of the first operand; the distance names the same memory in its buffer.
        let bytes = (view.ptr as isize).wrapping_sub(views[0].ptr as isize);
        return Ok(operands[0].relaid(bytes / view.dtype.size() as isize, view.layout));
    }
    let (array, out) = Array::uninit(call.dtype, &call.shape);
    if rule.updates_first() {
        copy(&views[0], out.ptr, &Layout::contiguous(&call.shape));
    }
    rule.eval(call, &views, &out)?;
    Ok(array)
}

/// A constant is one cell, read everywhere.
fn constant(call: &Call) -> Result<Array> {
    let (cell, out) = Array::uninit(call.dtype, &[]);
    operation(call.op).eval(call, &[], &out)?;
    let layout = cell.view().layout.broadcast(&call.shape);
    Ok(cell.relaid(0, layout))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::parse;

    fn last(text: &str, operands: &[Array]) -> Array {
        let g = parse(text).unwrap();
        evaluate(&Call::of(&g, g.outputs[0], false), operands).unwrap()
    }

    #[test]
    fn views_share_memory_and_updates_copy_first() {
        let x = Array::from_slice(&[2, 2], &[1.0, 2.0, 3.0, 4.0]);
        let item = last(
            "%0 = input : float64[2,2]\n%1 = item(%0, [3 2]) : float64[]\nreturn %1",
            std::slice::from_ref(&x),
        );
        assert_eq!(item.view().ptr, x.view().ptr.wrapping_add(24));
        let text = "%0 = input : float64[2,2]\n%1 = input : float64[1,2]\n\
                    %2 = assign(%0, %1, [0 1 0 1]) : float64[2,2]\nreturn %2";
        let row = Array::from_slice(&[1, 2], &[8.0, 9.0]);
        assert_eq!(
            last(text, &[x.clone(), row]).to_vec::<f64>(),
            [8.0, 9.0, 3.0, 4.0]
        );
        assert_eq!(x.to_vec::<f64>(), [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn a_constant_is_one_cell() {
        let c = last("%0 = const(2.5) : float32[1000,3]\nreturn %0", &[]);
        assert_eq!(c.view().strides(), [0, 0]);
        assert_eq!(c.to_vec::<f32>(), vec![2.5f32; 3000]);
    }
}
