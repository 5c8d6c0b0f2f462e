"""Directional derivatives by differences, with a bound on what they may be wrong by.

Central differences have an error in even powers of the step; halving the step and extrapolating
removes these powers one by one (Richardson; the table is that of Ridders, "Accurate computation of
F'(x) and F'(x)F''(x)", Advances in Engineering Software 4 (1982), 75-76). For every element the
entry of the table wins whose error is least: how much it moved from its neighbours, and what
rounding of the values, divided by the step, adds; and finer steps are believed where they rule out
what coarser ones say.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    Array = np.ndarray[Any, np.dtype[np.float64]]
    Along = Callable[[float], Array]  # the function at a point moved by so much

_FIRST = 2.0**-3
_LEAST_ROWS = 7
_MOST_SKIPPED = 40
_SAMPLES = 4
_NEVER = np.array(False)  # noqa: FBT003 - an array's own argument


@dataclass
class Difference:
    """A derivative by differences: its elements, how far they moved, what rounding may add."""

    value: Array
    moved: Array
    noise: Array

    def error(self) -> Array:
        """Return what the value may be wrong by."""
        return self.moved + self.noise

    def replace(self, other: Difference, must: Any) -> None:
        """Take over the elements of `other` that are better, and those that must be."""
        better = must | (other.error() < self.error())
        for kept, new in zip(*(vars(d).values() for d in (self, other)), strict=True):
            np.copyto(kept, new, where=better)

    def settled(self) -> Array:
        """Bound the error; what moved by more than a hundredth of the whole counts as no more."""
        most = 0.01 * np.max(np.abs(self.value), initial=0.0)
        bound: Array = np.minimum(self.moved, most) + self.noise
        return bound

    def dot(self, weights: Array) -> Difference:
        """Return the derivative of a weighted sum of the elements."""
        sizes = np.abs(weights)
        total = [self.value @ weights, self.moved @ sizes, self.noise @ sizes]
        return Difference(*(np.atleast_1d(part) for part in total))


def difference(along: Along, base: Array, eps: float, rounded: float) -> Difference:
    """Return the derivative of `along` at zero.

    `base` is its value there, `eps` the rounding error of the dtype; steps are rounded by `rounded`
    times that. Steps at which the function is not finite are skipped.
    """
    size = float(np.max(np.abs(base), initial=0.0))
    smallest = np.cbrt(eps)  # below it central differences lose to rounding
    best = _unknown(base)
    rough = np.zeros(base.shape)
    before: list[Array] = []
    step, skipped = _FIRST, 0
    while (step > smallest or len(before) < _LEAST_ROWS) and skipped < _MOST_SKIPPED:
        row = _row(along, step, before)
        if row is None:
            before, skipped = [], skipped + 1
        else:
            rough = roughness(along, step) if not before else rough
            slope = float(np.max(np.abs(row[0]), initial=0.0))
            noise = np.full(base.shape, 4 * eps * (size + slope * rounded) / step)
            finer = _unknown(base)
            for order, coarse in enumerate(before):
                new = row[order + 1]
                moved = np.maximum(np.abs(new - row[order]), np.abs(new - coarse))
                finer.replace(Difference(new, moved + 4 * rough / step, noise), _NEVER)
            # Where both cannot be true the coarser steps reached over a singularity.
            apart = np.abs(finer.value - best.value) > 4 * (finer.error() + best.error())
            best.replace(finer, apart)
            before = row
        step /= 2
    return best


def _unknown(base: Array) -> Difference:
    return Difference(*(np.full(base.shape, value) for value in (np.nan, np.inf, np.inf)))


def roughness(along: Along, reach: float) -> Array:
    """Estimate how much rounding inside a function moves its values.

    That may be far more than the rounding of the value itself. Differences of high order have
    nothing of a smooth function, and of noise a known multiple: More and Wild, "Estimating
    computational noise", SIAM Journal on Scientific Computing 33 (2011), 1292-1314.
    """
    # Some roundings of float32, and within the finest step; no power of two, which adds exactly.
    step = min(9.3e-7, reach / 9.3)
    samples = np.stack([along(k * step) for k in range(-_SAMPLES, _SAMPLES + 1)])
    largest = np.zeros(samples.shape[1:])
    for order in (4, 5, 6):
        scale = factorial(order) ** 2 / factorial(2 * order)
        squares: Array = np.mean(np.diff(samples, order, axis=0) ** 2, axis=0)
        largest = np.fmax(largest, np.sqrt(scale * squares))
    return largest


def _row(along: Along, step: float, before: list[Array]) -> list[Array] | None:
    """Return a row of the table; None where the function is not finite."""
    row = [(along(step) - along(-step)) / (2 * step)]
    if not np.all(np.isfinite(row[0])):
        return None
    for order, coarse in enumerate(before, 1):
        row.append(row[-1] + (row[-1] - coarse) / (4.0**order - 1))
    return row


def one_sided(along: Along, base: Array, eps: float) -> tuple[Array, Array, bool]:
    """Return the slopes to the left and to the right, and whether they are different ones.

    The slopes of a smooth function differ in proportion to the step, those at a kink by the same.
    """
    steps = np.cbrt(eps) * np.array([16.0, 1.0])
    gaps = []
    for step in steps:
        right, left = (along(step) - base) / step, (base - along(-step)) / step
        gaps.append(np.abs(right - left))
    rounding = 16 * eps * np.max(np.abs(base), initial=0.0) / steps[1]
    return left, right, bool(np.any((gaps[1] > 0.5 * gaps[0]) & (gaps[1] > rounding)))
