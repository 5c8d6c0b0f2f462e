"""NumPy's functions and methods for recorded arrays, composed of the native primitives."""

from __future__ import annotations

from jacrs._adapters import (
    creation,
    diagonals,
    einsum,
    elementwise,
    factorisations,
    indexing,
    joining,
    linalg,
    nan,
    padding,
    polynomials,
    products,
    queries,
    reductions,
    scans,
    shapes,
    sorting,
    statistics,
    writing,
)
from jacrs._adapters.registry import FUNCTIONS, METHODS, PROPERTIES
from jacrs._adapters.ufunc_methods import enter_composites, ufunc_method
from jacrs._adapters.unsupported import REASONS

FAMILIES = (
    creation,
    diagonals,
    einsum,
    elementwise,
    factorisations,
    indexing,
    joining,
    linalg,
    nan,
    padding,
    polynomials,
    products,
    queries,
    reductions,
    scans,
    shapes,
    sorting,
    statistics,
    writing,
)

enter_composites()

__all__ = ["FAMILIES", "FUNCTIONS", "METHODS", "PROPERTIES", "REASONS", "ufunc_method"]
