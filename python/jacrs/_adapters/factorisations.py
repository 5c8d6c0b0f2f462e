"""Linear systems, factorisations, and what is computed from them."""

# ruff: noqa: FBT002 (the signatures are NumPy's)

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from jacrs import errors
from jacrs._adapters import native
from jacrs._adapters.common import (
    Array,
    as_float,
    broadcast_together,
    expanded,
    numpy_error,
    operand,
    raveled,
    to_dtype,
)
from jacrs._adapters.reductions import all_, any_, count_nonzero, max_, min_, sum_
from jacrs._adapters.registry import implements

# NumPy's named tuples are in a private module: they are taken from results.
_one = np.ones((1, 1))
EighResult: Any = type(np.linalg.eigh(_one))
QRResult: Any = type(np.linalg.qr(_one))
SVDResult: Any = type(np.linalg.svd(_one))
SlogdetResult: Any = type(np.linalg.slogdet(_one))


_UNSET: Any = np._NoValue  # noqa: SLF001 - the default of NumPy's `rtol`


# --- operands


def stacked(x: Array) -> Array:
    """Return `x` as floats, a stack of matrices; or raise in NumPy's words."""
    x = as_float(operand(x))
    if x.ndim < 2:
        raise native.error(
            "linalg", f"{x.ndim}-dimensional array given. Array must be at least two-dimensional"
        )
    return x


def square(x: Array) -> Array:
    """Return `x` as floats, a stack of square matrices; or raise in NumPy's words."""
    x = stacked(x)
    if x.shape[-1] != x.shape[-2]:
        raise native.error("linalg", "Last 2 dimensions of the array must be square")
    return x


def turned(x: Array) -> Array:
    """Return the transposed matrices."""
    order = tuple(range(x.ndim - 2))
    return native.transpose(x, (*order, x.ndim - 1, x.ndim - 2))


def alike(a: Array, b: Array) -> tuple[Array, Array]:
    """Return both in the dtype that they promote to."""
    dtype = np.result_type(a.dtype, b.dtype)
    return to_dtype(a, dtype), to_dtype(b, dtype)


def lower_triangle(x: Array, uplo: Any = "L") -> Array:
    """Return the matrices, transposed where their upper triangles are to be read."""
    return x if uplo == "L" else turned(x)


def hermitian_of(x: Array) -> Array:
    """Return the symmetric matrices that the lower triangles make, as NumPy reads them."""
    return native.factored("symmetric", square(x))


# --- systems


@implements(np.linalg.solve)
def solve(a: Array, b: Array) -> Array:
    """Solve `a x = b`."""
    return solved("solve.general", a, b, np.linalg.solve)


def solved(system: str, a: Array, b: Array, function: Any) -> Array:
    """Solve stacks of systems; `b` is a vector where it has one axis, as in NumPy 2."""
    a, b = alike(square(a), as_float(operand(b)))
    if b.ndim == 0 or b.shape[-1 if b.ndim == 1 else -2] != a.shape[-1]:
        raise numpy_error(function, a, b)
    if b.ndim == 1:
        column = native.reshape(b, (b.size, 1))
        x = _solved(system, a, column, function)
        return native.reshape(x, x.shape[:-1])
    return _solved(system, a, b, function)


def _solved(system: str, a: Array, b: Array, function: Any) -> Array:
    lead = b.shape[:-2]
    if a.ndim == 2 and lead:  # one matrix: all right-hand sides side by side, factored once
        n, k = b.shape[-2:]
        order = (b.ndim - 2, *range(b.ndim - 2), b.ndim - 1)
        columns = native.reshape(native.transpose(b, order), (n, math.prod(lead) * k))
        x = native.reshape(native.factored(system, a, columns), (n, *lead, k))
        return native.transpose(x, (*range(1, b.ndim - 1), 0, b.ndim - 1))
    try:
        lead = np.broadcast_shapes(a.shape[:-2], lead)
    except ValueError:
        raise numpy_error(function, a, b) from None
    a, b = (
        x if x.shape[:-2] == lead else native.broadcast(x, (*lead, *x.shape[-2:])) for x in (a, b)
    )
    return native.factored(system, a, b)


@implements(np.linalg.inv)
def inv(a: Array) -> Array:
    """Invert matrices."""
    return native.factored("inv", square(a))


@implements(np.linalg.tensorsolve)
def tensorsolve(a: Array, b: Array, axes: Any = None) -> Array:
    """Solve a system whose unknowns are an array."""
    a, b = as_float(operand(a)), as_float(operand(b))
    if axes is not None:
        order = list(range(a.ndim))
        for axis in axes:
            order.remove(axis)
            order.insert(a.ndim, axis)
        a = native.transpose(a, tuple(order))
    shape = a.shape[-(a.ndim - b.ndim) :]
    size = math.prod(shape)
    if a.size != size**2:
        raise native.error(
            "linalg",
            "Input arrays must satisfy the requirement "
            "prod(a.shape[b.ndim:]) == prod(a.shape[:b.ndim])",
        )
    return native.reshape(solve(native.reshape(a, (size, size)), raveled(b)), shape)


@implements(np.linalg.tensorinv)
def tensorinv(a: Array, ind: Any = 2) -> Array:
    """Invert the linear map that an array is."""
    a = as_float(operand(a))
    ind = operator.index(ind)
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    shape = (*a.shape[ind:], *a.shape[:ind])
    matrix = native.reshape(a, (math.prod(a.shape[:ind]), math.prod(a.shape[ind:])))
    return native.reshape(inv(matrix), shape)


# --- determinants


@implements(np.linalg.det)
def det(a: Array) -> Array:
    """Compute determinants."""
    return native.factored("lu.det", square(a))


@implements(np.linalg.slogdet)
def slogdet(a: Array) -> Any:
    """Compute signs and logarithms of determinants."""
    a = square(a)
    return SlogdetResult(native.factored("lu.sign", a), native.factored("lu.logdet", a))


# --- factors


@implements(np.linalg.cholesky)
def cholesky(a: Array, /, *, upper: Any = False) -> Array:
    """Factor positive definite matrices."""
    a = square(a)
    if upper:
        return turned(native.factored("cholesky.lower", turned(a)))
    return native.factored("cholesky.lower", a)


@implements(np.linalg.qr)
def qr(a: Array, mode: Any = "reduced") -> Any:
    """Factor matrices into orthonormal columns and a triangle."""
    mode = {"f": "reduced", "full": "reduced", "e": "economic"}.get(mode, mode)
    if mode not in ("reduced", "complete", "r", "raw", "economic"):
        raise ValueError(f"Unrecognized mode '{mode}'")
    a = stacked(a)
    if mode == "r":
        return native.factored("qr.r", a)
    if mode in ("raw", "economic"):
        raise errors.not_supported("linalg.qr", "mode", mode, "take mode='reduced'")
    factors = "qr" if mode == "reduced" else "qr_complete"
    return QRResult(native.factored(f"{factors}.q", a), native.factored(f"{factors}.r", a))


def _triangle(UPLO: Any) -> str:
    uplo: str = UPLO.upper()
    if uplo not in ("L", "U"):
        raise ValueError("UPLO argument must be 'L' or 'U'")
    return uplo


@implements(np.linalg.eigh)
def eigh(a: Array, UPLO: Any = "L") -> Any:
    """Compute eigenvalues and eigenvectors of symmetric matrices."""
    a = lower_triangle(square(a), _triangle(UPLO))
    return EighResult(native.factored("eigh.values", a), native.factored("eigh.vectors", a))


@implements(np.linalg.eigvalsh)
def eigvalsh(a: Array, UPLO: Any = "L") -> Array:
    """Compute eigenvalues of symmetric matrices."""
    return native.factored("eigh.values", lower_triangle(square(a), _triangle(UPLO)))


@implements(np.linalg.svd)
def svd(a: Array, full_matrices: Any = True, compute_uv: Any = True, hermitian: Any = False) -> Any:
    """Compute singular values and vectors."""
    a = hermitian_of(a) if hermitian else stacked(a)
    if not compute_uv:
        return native.factored("svd.s", a)
    factors = "svd_full" if full_matrices and a.shape[-1] != a.shape[-2] else "svd"
    return SVDResult(*(native.factored(f"{factors}.{part}", a) for part in ("u", "s", "vt")))


def singular_values(x: Array) -> Array:
    """Return singular values, in descending order."""
    return native.factored("svd.s", stacked(x))


@implements(getattr(np.linalg, "svdvals", None))
def svdvals(x: Array, /) -> Array:
    """Compute singular values."""
    return singular_values(x)


# --- what singular values decide


@implements(np.linalg.pinv)
def pinv(a: Array, rcond: Any = None, hermitian: Any = False, *, rtol: Any = _UNSET) -> Array:
    """Compute pseudoinverses; the derivative is that at constant rank."""
    a = hermitian_of(a) if hermitian else stacked(a)
    if rcond is None:
        if rtol is _UNSET:
            rcond = 1e-15
        else:
            rcond = max(a.shape[-2:]) * np.finfo(a.dtype).eps if rtol is None else rtol
    elif rtol is not _UNSET:
        raise ValueError("`rtol` and `rcond` can't be both set.")
    return pseudoinverse(a, rcond)


def pseudoinverse(a: Array, cutoff: Any) -> Array:
    """Leave out singular values up to `cutoff` times the largest."""
    cutoff = to_dtype(operand(cutoff), a.dtype)
    return native.factored("pinv", a, native.broadcast(cutoff, a.shape[:-2]))


@implements(np.linalg.lstsq)
def lstsq(a: Array, b: Array, rcond: Any = None) -> Any:
    """Solve `a x = b` in the sense of least squares, with `x` as short as it can be."""
    a, b = alike(as_float(operand(a)), as_float(operand(b)))
    for x in (a, b) if b.ndim != 1 else (a,):
        if x.ndim != 2:
            raise native.error(
                "linalg", f"{x.ndim}-dimensional array given. Array must be two-dimensional"
            )
    if a.shape[0] != b.shape[0]:
        raise native.error("linalg", "Incompatible dimensions")
    epsilon = np.finfo(a.dtype).eps
    if rcond is None:
        rcond = epsilon * max(a.shape)
    elif rcond == -1:
        rcond = epsilon
    x, residuals, rank, s = least_squares(a, b, rcond)
    if residuals is None:
        residuals = np.array([], a.dtype)
    elif b.ndim == 1:
        residuals = native.reshape(residuals, (1,))
    return x, residuals, np.int32(rank), s  # of the dtype that NumPy gives


def least_squares(a: Array, b: Array, cutoff: Any) -> tuple[Array, Array | None, int, Array]:
    """Return the solution, the sums of squared residuals where there are any, the rank and `s`."""
    x = native.matmul(pseudoinverse(a, cutoff), b)
    s = singular_values(a)
    rank = int(native.value(rank_of(s, cutoff)))
    if rank != a.shape[1] or a.shape[0] <= a.shape[1]:
        return x, None, rank, s
    rest = native.ufunc("subtract", b, native.matmul(a, x))
    return x, sum_(native.ufunc("square", rest), 0), rank, s


def rank_of(s: Array, cutoff: Any) -> Array:
    """Return how many singular values are above `cutoff` times the largest."""
    if s.shape[-1] == 0:
        return np.zeros(s.shape[:-1], int)
    bound = native.ufunc("multiply", max_(s, -1, keepdims=True), cutoff)
    return count_nonzero(native.ufunc("greater", s, bound), -1)


@implements(np.linalg.matrix_rank)
def matrix_rank(A: Array, tol: Any = None, hermitian: Any = False, *, rtol: Any = None) -> Array:
    """Count the singular values that are not negligible: a step, of derivative zero."""
    if rtol is not None and tol is not None:
        raise ValueError("`tol` and `rtol` can't be both set.")
    A = operand(A)
    if A.ndim < 2:
        some = any_(native.ufunc("not_equal", A, 0))
        return native.cast(some, np.dtype(np.int64))
    s = singular_values(hermitian_of(A) if hermitian else A)
    if tol is not None:
        return count_nonzero(native.ufunc("greater", s, _column(tol)), -1)
    if rtol is None:
        return rank_of(s, max(A.shape[-2:]) * np.finfo(s.dtype).eps)
    return rank_of(s, _column(rtol))


def _column(x: Array) -> Array:
    x = operand(x)
    return expanded(x, x.ndim)


@implements(np.linalg.cond)
def cond(x: Array, p: Any = None) -> Array:
    """Compute condition numbers."""
    from jacrs._adapters.linalg import matrix_norm_of

    x = operand(x)
    if x.size == 0 and 0 in x.shape[-2:]:
        raise native.error("linalg", "cond is not defined on empty arrays")
    x = stacked(x)
    if p is None or p in (2, -2):
        s = singular_values(x)
        largest, smallest = max_(s, -1), min_(s, -1)
        pair = (smallest, largest) if p == -2 else (largest, smallest)
        ratio = native.ufunc("divide", *pair)
    else:
        axes = (x.ndim - 2, x.ndim - 1)
        inverse = native.factored("inv_unchecked", square(x))
        norms = [matrix_norm_of(y, p, axes, keepdims=False) for y in (x, inverse)]
        ratio = native.ufunc("multiply", *norms)
    # As NumPy: not a number only where the matrix has one, else infinite.
    clean = all_(native.ufunc("equal", x, x), (-2, -1))
    lost = native.ufunc("logical_and", native.ufunc("isnan", ratio), clean)
    lost, ratio = broadcast_together(lost, ratio)
    ratio = native.where(lost, np.asarray(math.inf, ratio.dtype), ratio)
    bound = 1.0 / (4 * max(x.shape[-2:]) * np.finfo(x.dtype).eps)
    finite = native.ufunc("less", ratio, np.asarray(bound, x.dtype))
    return native.ufunc("add", ratio, no_slope(x, native.ufunc("logical_not", finite)))


def no_slope(a: Array, where: Array) -> Array:
    """Return a zero for each matrix, which has no derivative where told so."""
    nan, zero = (np.asarray(value, a.dtype) for value in (math.nan, 0.0))
    flags = native.where(where, *(native.broadcast(value, where.shape) for value in (nan, zero)))
    pole = native.factored("pole", a, native.reshape(flags, (*where.shape, 1)))
    return native.reshape(pole, where.shape)
