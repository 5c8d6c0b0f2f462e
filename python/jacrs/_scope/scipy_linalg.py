"""`scipy.linalg` for recorded code: the functions that NumPy's cover, and triangular systems.

SciPy is not needed, and not imported here: the table is filled when the user has imported it. With
nothing recorded among the arguments SciPy's own function is called.
"""

# ruff: noqa: A002, ARG001, FBT002 (the signatures are SciPy's; some arguments change no value)

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import errors
from jacrs._adapters.common import as_float, operand
from jacrs._adapters.factorisations import (
    alike,
    hermitian_of,
    least_squares,
    pseudoinverse,
    rank_of,
    singular_values,
    solved,
    stacked,
    turned,
)
from jacrs._scope.building import array, has_tracer
from jacrs._scope.native import Tracer

if TYPE_CHECKING:
    import types
    from collections.abc import Callable


def substitutes(module: types.ModuleType) -> dict[str, Callable[..., Any]]:
    """Return what stands for functions of `scipy.linalg`, by name."""
    return {name: _standing(getattr(module, name), rule) for name, rule in _RULES.items()}


def _standing(original: Callable[..., Any], rule: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def call(*args: Any, **keywords: Any) -> Any:
        given = (*args, *keywords.values())
        if not any(_is_recorded(x) for x in given):
            return original(*args, **keywords)
        args = tuple(array(x) if isinstance(x, list) and has_tracer(x) else x for x in args)
        return rule(*args, **keywords)

    return call


def _is_recorded(x: Any) -> bool:
    return isinstance(x, Tracer) or (isinstance(x, list | tuple) and has_tracer(x))


def _from_triangle(a: Any, lower: Any) -> Any:
    return hermitian_of(a if lower else turned(operand(a)))


# --- systems


def solve(
    a: Any,
    b: Any,
    lower: Any = False,
    overwrite_a: Any = False,
    overwrite_b: Any = False,
    check_finite: Any = True,
    assume_a: Any = None,
    transposed: Any = False,
) -> Any:
    """Solve `a x = b`; a symmetric matrix is read from the triangle that SciPy reads."""
    kind = {"sym": "symmetric", "her": "hermitian", "pos": "positive definite", "gen": "general"}
    assumed = kind.get(assume_a, assume_a)
    if assumed in ("upper triangular", "lower triangular"):
        return solve_triangular(a, b, int(transposed), assumed.startswith("lower"))
    if assumed in ("symmetric", "hermitian", "positive definite"):
        a = _from_triangle(a, lower)
    elif assumed not in (None, "general"):
        raise errors.not_supported("scipy.linalg.solve", "assume_a", assume_a, "leave it out")
    return solved("solve.general_t" if transposed else "solve.general", a, b, np.linalg.solve)


def solve_triangular(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: Any = False,
    unit_diagonal: Any = False,
    overwrite_b: Any = False,
    check_finite: Any = True,
) -> Any:
    """Solve a triangular system; the other triangle is not read."""
    form = ("unit_" if unit_diagonal else "") + ("lower" if lower else "upper")
    turn = {0: "", "N": "", 1: "_t", "T": "_t", 2: "_t", "C": "_t"}[trans]
    return solved(f"solve.{form}{turn}", a, b, np.linalg.solve)


def cholesky(a: Any, lower: Any = False, overwrite_a: Any = False, check_finite: Any = True) -> Any:
    """Factor a positive definite matrix, from the triangle that the factor is."""
    return np.linalg.cholesky(a) if lower else turned(np.linalg.cholesky(turned(a)))


def cho_factor(
    a: Any, lower: Any = False, overwrite_a: Any = False, check_finite: Any = True
) -> tuple[Any, Any]:
    """Factor a positive definite matrix; the other triangle, which SciPy leaves open, is zero."""
    return cholesky(a, lower), lower


def cho_solve(
    c_and_lower: tuple[Any, Any], b: Any, overwrite_b: Any = False, check_finite: Any = True
) -> Any:
    """Solve a system by the factor of Cholesky."""
    c, lower = c_and_lower
    first, second = (0, 1) if lower else (1, 0)
    return solve_triangular(c, solve_triangular(c, b, first, lower), second, lower)


# --- factors and what they decide


def inv(
    a: Any,
    overwrite_a: Any = False,
    check_finite: Any = True,
    *,
    assume_a: Any = None,
    lower: Any = False,
) -> Any:
    """Invert a matrix."""
    if assume_a in ("sym", "her", "pos", "symmetric", "hermitian", "positive definite"):
        a = _from_triangle(a, lower)
    elif assume_a not in (None, "gen", "general"):
        raise errors.not_supported("scipy.linalg.inv", "assume_a", assume_a, "leave it out")
    return np.linalg.inv(a)


def det(a: Any, overwrite_a: Any = False, check_finite: Any = True) -> Any:
    """Compute a determinant."""
    return np.linalg.det(a)


def qr(
    a: Any,
    overwrite_a: Any = False,
    lwork: Any = None,
    mode: Any = "full",
    pivoting: Any = False,
    check_finite: Any = True,
) -> Any:
    """Factor a matrix into orthonormal columns and a triangle."""
    if pivoting:
        raise errors.not_supported("scipy.linalg.qr", "pivoting", pivoting, "take pivoting=False")
    if mode == "raw":
        raise errors.not_supported("scipy.linalg.qr", "mode", mode, "take mode='economic'")
    if mode not in ("full", "r", "economic"):
        raise ValueError("Mode argument should be one of ['full', 'r', 'economic', 'raw']")
    q, r = np.linalg.qr(a, "reduced" if mode == "economic" else "complete")
    return (r,) if mode == "r" else (q, r)


def eigh(
    a: Any,
    b: Any = None,
    *,
    lower: Any = True,
    eigvals_only: Any = False,
    overwrite_a: Any = False,
    overwrite_b: Any = False,
    type: Any = 1,
    check_finite: Any = True,
    subset_by_index: Any = None,
    subset_by_value: Any = None,
    driver: Any = None,
) -> Any:
    """Compute eigenvalues and eigenvectors of a symmetric matrix."""
    if b is not None:
        raise errors.second_matrix("eigh")
    for name, value in (("subset_by_index", subset_by_index), ("subset_by_value", subset_by_value)):
        if value is not None:
            raise errors.not_supported(
                "scipy.linalg.eigh", name, value, "take a slice of the result"
            )
    uplo: Any = "L" if lower else "U"
    return np.linalg.eigvalsh(a, uplo) if eigvals_only else tuple(np.linalg.eigh(a, uplo))


def eigvalsh(a: Any, b: Any = None, **keywords: Any) -> Any:
    """Compute eigenvalues of a symmetric matrix."""
    return eigh(a, b, **keywords, eigvals_only=True)


def svd(
    a: Any,
    full_matrices: Any = True,
    compute_uv: Any = True,
    overwrite_a: Any = False,
    check_finite: Any = True,
    lapack_driver: Any = "gesdd",
) -> Any:
    """Compute singular values and vectors."""
    found = np.linalg.svd(a, full_matrices, compute_uv)
    return tuple(found) if compute_uv else found


def svdvals(a: Any, overwrite_a: Any = False, check_finite: Any = True) -> Any:
    """Compute singular values."""
    return singular_values(a)


def lstsq(
    a: Any,
    b: Any,
    cond: Any = None,
    overwrite_a: Any = False,
    overwrite_b: Any = False,
    check_finite: Any = True,
    lapack_driver: Any = None,
) -> Any:
    """Solve `a x = b` in the sense of least squares."""
    if lapack_driver == "gelsy":
        raise errors.not_supported(
            "scipy.linalg.lstsq", "lapack_driver", lapack_driver, "leave it out"
        )
    a, b = alike(as_float(operand(a)), as_float(operand(b)))
    cutoff = np.finfo(a.dtype).eps if cond is None else cond
    x, residuals, rank, s = least_squares(a, b, cutoff)
    return x, np.array([], a.dtype) if residuals is None else residuals, rank, s


def pinv(
    a: Any,
    *,
    atol: Any = None,
    rtol: Any = None,
    return_rank: Any = False,
    check_finite: Any = True,
) -> Any:
    """Compute a pseudoinverse."""
    s = singular_values(a)
    if rtol is None:
        rtol = max(operand(a).shape) * np.finfo(s.dtype).eps
    cutoff = rtol if atol is None else rtol + atol / np.max(s)
    inverse = pseudoinverse(stacked(a), cutoff)
    return (inverse, int(rank_of(s, cutoff))) if return_rank else inverse


def norm(
    a: Any, ord: Any = None, axis: Any = None, keepdims: Any = False, check_finite: Any = True
) -> Any:
    """Measure vectors or matrices."""
    return np.linalg.norm(a, ord, axis, keepdims)


_RULES: dict[str, Callable[..., Any]] = {
    rule.__name__: rule
    for rule in (
        solve, solve_triangular, cholesky, cho_factor, cho_solve, inv, det, qr, eigh, eigvalsh, svd,
        svdvals, lstsq, pinv, norm,
    )
}  # fmt: skip
