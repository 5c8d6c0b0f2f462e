"""`out=` of compiled functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from jacrs import errors
from jacrs._layout import fill_matrix, is_matrix
from jacrs._transforms.leaves import is_plain_array
from jacrs._transforms.targets import apart, check_target, overlaps_itself
from jacrs._trees import flatten, flatten_like


def leaves_of(out: Any) -> list[Any] | None:
    """Return the arrays of `out`; None where there is what the function refuses.

    Of a sparse matrix there are none: it is filled afterwards.
    """
    leaves: list[Any] = []
    if is_matrix(out):
        return leaves
    flatten(out, leaves, None)
    if not leaves or not all(map(is_plain_array, leaves)) or any(map(overlaps_itself, leaves)):
        return None
    apart(leaves, "out")
    return leaves


def checked_leaves(out: Any, derivative: Any) -> list[Any]:
    """Return the arrays of `out`; raise where a derivative cannot be written there."""
    if is_matrix(derivative):
        raise errors.other_matrix(derivative.format, derivative.shape, out)
    blocks: list[Any] = []
    targets: list[Any] = []
    node = flatten(derivative, blocks, None)
    flatten_like(node, out, targets, "out")
    for block, target, where in zip(blocks, targets, node.paths("out"), strict=True):
        given = np.asarray(block)
        check_target(target, (given.shape, given.dtype), where, recorded=False)
    return targets


def fill(f: Any, result: Any, out: Any, targets: list[Any]) -> Any:
    """Copy to `out` what was not written there, and return what `f` returns."""
    derivative = f.derivative_of(result)
    if is_matrix(derivative):
        fill_matrix(derivative, out)
        return f.with_derivative(result, out)
    if is_matrix(out):
        raise errors.not_an_out("out", out)
    leaves: list[Any] = []
    flatten(derivative, leaves, None)
    for target, leaf in zip(targets, leaves, strict=True):
        if leaf is not target:
            target[...] = np.asarray(leaf)
    return f.with_derivative(result, out)
