"""Polynomials by their coefficients, the highest power first."""

# ruff: noqa: FBT002 (the signatures are NumPy's)

from __future__ import annotations

from typing import Any

import numpy as np

from jacrs import errors
from jacrs._adapters import native
from jacrs._adapters.common import (
    INT,
    Array,
    as_float,
    numpy_error,
    operand,
    raveled,
    to_dtype,
)
from jacrs._adapters.products import convolve
from jacrs._adapters.registry import implements
from jacrs._adapters.shapes import at_least


@implements(np.polyval)
def polyval(p: Array, x: Array) -> Array:
    """Evaluate a polynomial by Horner's rule."""
    coefficients = operand(p)
    x = x if isinstance(x, native.Tracer) else np.asanyarray(x)
    y: Any = np.zeros(x.shape, x.dtype)
    for k in range(coefficients.shape[0]):
        y = y * x + coefficients[k]
    return y


@implements(np.polyder)
def polyder(p: Array, m: Any = 1) -> Array:
    """Differentiate a polynomial."""
    if m < 0:
        raise ValueError("Order of derivative must be positive (see polyint)")
    p = operand(p)
    for _ in range(m):
        n = p.shape[0] - 1
        p = p[:-1] * np.arange(n, 0, -1)
    return p


@implements(np.polyint)
def polyint(p: Array, m: Any = 1, k: Any = None) -> Array:
    """Integrate a polynomial, with constants of integration."""
    if m < 0:
        raise ValueError("Order of integral must be positive (see polyder)")
    p = as_float(p)
    constants = np.zeros(m) if k is None else at_least(as_float(k), 1)
    if constants.shape[0] == 1 and m > 1:
        constants = native.broadcast(constants, (m,))
    if constants.shape[0] < m:
        raise ValueError("k must be a scalar or a rank-1 array of length 1 or >m.")
    for i in range(m):
        n = p.shape[0]
        p = native.concat([p / np.arange(n, 0, -1), constants[i : i + 1]], 0)
    return p


def _aligned(a1: Array, a2: Array) -> tuple[Array, Array]:
    """Return two lists of coefficients, the shorter one with zeros in front."""
    x, y = at_least(operand(a1), 1), at_least(operand(a2), 1)
    missing = y.shape[0] - x.shape[0]
    if missing > 0:
        x = native.concat([np.zeros(missing, x.dtype), x], 0)
    elif missing < 0:
        y = native.concat([np.zeros(-missing, y.dtype), y], 0)
    return x, y


@implements(np.polyadd)
def polyadd(a1: Array, a2: Array) -> Array:
    """Add two polynomials."""
    return native.ufunc("add", *_aligned(a1, a2))


@implements(np.polysub)
def polysub(a1: Array, a2: Array) -> Array:
    """Subtract two polynomials."""
    return native.ufunc("subtract", *_aligned(a1, a2))


@implements(np.polymul)
def polymul(a1: Array, a2: Array) -> Array:
    """Multiply two polynomials."""
    return convolve(at_least(operand(a1), 1), at_least(operand(a2), 1))


@implements(np.polydiv)
def polydiv(u: Array, v: Array) -> tuple[Array, Array]:
    """Divide two polynomials with remainder; asks where the remainder begins."""
    rest, divisor = at_least(as_float(u), 1), at_least(as_float(v), 1)
    steps, size = rest.shape[0] - divisor.shape[0] + 1, divisor.shape[0]
    if steps < 1:
        return native.lift(np.zeros(1, rest.dtype), writable=True), rest.copy()
    scale = 1.0 / divisor[0]
    quotient = []
    for k in range(steps):
        quotient.append(scale * rest[k])
        rest = native.concat(
            [rest[:k], rest[k : k + size] - quotient[k] * divisor, rest[k + size :]], 0
        )
    first = 0
    while first < rest.shape[0] - 1 and np.allclose(rest[first], 0, rtol=1e-14):
        first += 1
    return native.pack(quotient, (steps,), None), rest[first:]


@implements(np.poly)
def poly(seq_of_zeros: Array) -> Array:
    """Return the coefficients of the polynomial with these zeros."""
    zeros = at_least(as_float(seq_of_zeros), 1)
    if zeros.ndim == 2 and zeros.shape[0] == zeros.shape[1] != 0:
        fix = "pass the zeros, of a symmetric matrix np.linalg.eigvalsh(a)"
        raise errors.not_supported("poly", "seq_of_zeros", zeros, fix)
    if zeros.ndim != 1:
        raise ValueError("input must be 1d or non-empty square 2d array.")
    p: Any = np.ones(1, zeros.dtype)
    for k in range(zeros.shape[0]):
        end = np.zeros(1, zeros.dtype)
        p = native.concat([p, end], 0) - zeros[k] * native.concat([end, p], 0)
    return p


@implements(np.vander)
def vander(x: Array, N: Any = None, increasing: Any = False) -> Array:
    """Return the matrix of powers of a list."""
    x = operand(x)
    if x.ndim != 1:
        raise numpy_error(np.vander, x)
    x = to_dtype(x, np.promote_types(x.dtype, INT))
    n = x.shape[0] if N is None else N
    if n == 0:
        return native.lift(np.zeros((x.shape[0], 0), x.dtype), writable=True)
    powers = [native.reshape(raveled(np.ones(x.shape, x.dtype)), (x.shape[0], 1))]
    column = native.reshape(x, (x.shape[0], 1))
    for _ in range(1, n):
        powers.append(powers[-1] * column)
    return native.concat(powers if increasing else powers[::-1], 1)
