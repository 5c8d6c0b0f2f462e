"""The check of one function behind `testing.check_grads`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jacrs import errors
from jacrs._differences import Difference, difference, one_sided
from jacrs._transforms.leaves import is_float
from jacrs._transforms.products import jvp, vjp
from jacrs._trees import Node, as_it_is, flatten, unflatten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jacrs._transforms.arguments import Arguments

MODES = ("forward", "reverse")
_MOST_AXES = 24  # up to here every element is moved by itself, beyond some random directions
_MOST_SOUGHT = 200
_ROUNDING = 64  # of the largest element: what a sum of terms that cancel may be wrong by


class _Values:
    """The floats of a result, as one vector."""

    def __init__(self, value: Any) -> None:
        leaves: list[Any] = []
        self.node: Node = flatten(value, leaves, as_it_is)
        self.leaves = [np.asarray(leaf) for leaf in leaves]
        self.live = [i for i, leaf in enumerate(self.leaves) if is_float(leaf.dtype)]
        self.vector = _joined([self.leaves[i] for i in self.live])

    def named(self, index: int, name: str) -> str:
        """Name an element of the vector."""
        paths = list(self.node.paths(name))
        for i in self.live:
            if index < self.leaves[i].size:
                name = _element(paths[i], self.leaves[i].shape, index)
                return name if name[-1] == "]" else f"the {name}"
            index -= self.leaves[i].size
        raise IndexError(index)

    def weights(self, rng: np.random.Generator) -> tuple[Any, Any]:
        """Return a random cotangent, and its floats as one vector."""
        leaves = [np.zeros(leaf.shape) for leaf in self.leaves]
        for i in self.live:
            leaves[i] = np.where(np.isfinite(self.leaves[i]), _signs(rng, self.leaves[i]), 0)
        return unflatten(self.node, leaves), _joined([leaves[i] for i in self.live])


class Options(NamedTuple):
    """What to check, and how closely; `rtol` None is half the digits."""

    modes: tuple[str, ...]
    rtol: float | None
    atol: float


class _Probe(NamedTuple):
    """Where a function is moved to, how its elements are weighted, and what reverse mode gives."""

    direction: list[Any]
    weights: Any
    pulled: list[Any] | None


class _Finding(NamedTuple):
    """A derivative of one mode, and what differences give."""

    mode: str
    given: Any
    expected: Difference
    probe: _Probe


class Check:
    """The check of one function, which may be a derivative itself: `path` tells of what modes."""

    def __init__(
        self,
        f: Callable[..., Any],
        point: Arguments,
        options: Options,
        path: tuple[str, ...],
    ) -> None:
        self.f = f
        self.point = point
        self.options = options
        self.path = path
        self.base = self.at(point.leaves)
        again = self.at(point.leaves)
        if not np.array_equal(self.base.vector, again.vector, equal_nan=True):
            raise errors.differing_calls(self.name())
        dtypes = [leaf.dtype for leaf in (*point.leaves, *self.base.leaves) if is_float(leaf.dtype)]
        self.eps = max((float(np.finfo(dtype).eps) for dtype in dtypes), default=0.0)
        self.rtol = self.eps**0.5 if options.rtol is None else options.rtol
        self.finite = np.isfinite(self.base.vector)
        self.scales = [_scales(np.abs(x), self.eps ** (2 / 3)) for x in point.leaves]

    def name(self, mode: str | None = None) -> str:
        modes = ([mode] if mode else []) + list(reversed(self.path))
        return f"order {len(modes)}, {' over '.join(modes)}: " if modes else ""

    def at(self, leaves: Sequence[Any]) -> _Values:
        return _Values(self.f(*self.point.parts(leaves)))

    def finitely(self, vector: Any) -> Any:
        """Return zeros in the place of what is not finite at the point."""
        return np.where(self.finite, vector, 0.0)

    def run(self, order: int, rng: np.random.Generator) -> None:
        """Compare the derivatives, and go on with each as the function to differentiate."""
        cotangent, weights = self.base.weights(rng)
        steps = [_signs(rng, x) for x in self.point.leaves]
        tangent = self.point.parts(steps)
        pulled = self.reverse(cotangent) if "reverse" in self.options.modes else None
        for direction in self.directions(rng):
            self.compare(_Probe(direction, weights, pulled))
        if pulled is not None and "forward" in self.options.modes:
            self.compare_modes(steps, weights, pulled)
        if order > 1:
            for mode in self.options.modes:
                along = tangent if mode == "forward" else cotangent
                f = partial(_DERIVATIVES[mode], self.f, along)
                Check(f, self.point, self.options, (*self.path, mode)).run(order - 1, rng)

    def directions(self, rng: np.random.Generator) -> Iterator[list[Any]]:
        """Yield each axis where they are few, else random directions; steps suit the numbers."""
        size = self.point.size()
        if size <= (_MOST_AXES if not self.path else 4):
            axes = map(self.axis, range(size))
            yield from (axis for axis in axes if any(map(np.any, axis)))
        else:
            for _ in range(2):
                signs = [_signs(rng, x) for x in self.point.leaves]
                yield [sign * scale for sign, scale in zip(signs, self.scales, strict=True)]

    def axis(self, index: int) -> list[Any]:
        direction = [np.zeros(np.shape(x)) for x in self.point.leaves]
        for part, scale in zip(direction, self.scales, strict=True):
            if 0 <= index < part.size:
                part.flat[index] = np.asarray(scale).flat[index]
            index -= part.size
        return direction

    def along(self, direction: list[Any]) -> Callable[[float], Any]:
        def moved(step: float) -> Any:
            pairs = zip(self.point.leaves, direction, strict=True)
            leaves = [_like(x, x + step * d) for x, d in pairs]
            try:
                vector = self.at(leaves).vector
            except (ArithmeticError, ValueError):  # outside of the domain
                vector = np.empty(0)
            if vector.shape != self.base.vector.shape:
                vector = np.full(self.base.vector.shape, np.nan)
            return self.finitely(vector)

        return moved

    def forward(self, direction: list[Any]) -> Any:
        parts = [d.astype(x.dtype) for x, d in zip(self.point.leaves, direction, strict=True)]
        primals = tuple(self.point.parts(self.point.leaves))
        y, jv = jvp(self.f, primals, tuple(self.point.parts(parts)))
        self.require_value(_Values(y))
        leaves = _Values(jv).leaves
        return self.finitely(_joined([leaves[i] for i in self.base.live]))

    def reverse(self, cotangent: Any) -> list[Any]:
        y, pullback = vjp(self.f, *self.point.parts(self.point.leaves))
        self.require_value(_Values(y))
        pulled = pullback(cotangent)
        leaves: list[Any] = []
        for part in pulled if len(self.point.nodes) != 1 else (pulled,):
            flatten(part, leaves, as_it_is)
        return leaves

    def require_value(self, recorded: _Values) -> None:
        """Raise unless the recorded function has the value of the function."""
        base, vector = self.base.vector, recorded.vector
        if [x.shape for x in recorded.leaves] != [x.shape for x in self.base.leaves]:
            raise errors.other_arrays(self.name(), recorded.node, self.base.node)
        slack = self.rtol * np.abs(base) + _ROUNDING * self.eps * np.max(np.abs(base), initial=0.0)
        equal = (np.abs(vector - base) <= slack) | (vector == base)
        wrong = np.flatnonzero(~(equal | (np.isnan(vector) & np.isnan(base))))
        if wrong.size:
            index = int(wrong[0])
            element = self.base.named(index, self.result())
            raise errors.other_value(self.name(), element, base[index], vector[index])

    def compare(self, probe: _Probe) -> None:
        """Compare the derivative along one direction, in each mode."""
        parts = zip(self.point.leaves, probe.direction, strict=True)
        rounded = [np.max(np.abs(x)[d != 0] / np.abs(d)[d != 0], initial=1.0) for x, d in parts]
        along, base = self.along(probe.direction), self.finitely(self.base.vector)
        expected = difference(along, base, self.eps, float(max(rounded, default=1.0)))
        if "forward" in self.options.modes:
            self.require(_Finding("forward", self.forward(probe.direction), expected, probe))
        if probe.pulled is not None:
            given = np.array([_inner(probe.pulled, probe.direction)])
            self.require(_Finding("reverse", given, expected.dot(probe.weights), probe))

    def require(self, found: _Finding) -> None:
        """Raise unless the derivative is right, if possible for the element that is to blame."""
        wrong = self.wrong(found.given, found.expected)
        if wrong.size == 0:
            return
        if sum(map(np.count_nonzero, found.probe.direction)) > 1:
            for index in range(min(self.point.size(), _MOST_SOUGHT)):
                self.compare(found.probe._replace(direction=self.axis(index)))
        self.fail(found, int(wrong[0]))

    def wrong(self, given: Any, expected: Difference) -> Any:
        """Return the places where a derivative is not what differences give."""
        size = np.maximum(np.abs(given), np.abs(expected.value))
        slack = self.rtol * size + self.options.atol + 4 * expected.settled()
        slack += _ROUNDING * self.eps * np.max(np.abs(expected.value), initial=0.0)
        return np.flatnonzero(~(np.abs(given - expected.value) <= slack))

    def compare_modes(self, steps: list[Any], weights: Any, pulled: list[Any]) -> None:
        """Compare forward with reverse mode: <w, J t> is <J' w, t>."""
        direction = [np.asarray(step, np.float64) for step in steps]
        product = self.forward(direction)
        pairs = [(product, weights), *zip(pulled, direction, strict=True)]
        size = sum(float(np.sum(np.abs(a * b))) for a, b in pairs)
        left, right = float(product @ weights), _inner(pulled, direction)
        # Where all terms vanish, what is left is rounding of the function over the size of inputs.
        scale = min((float(s) for part in self.scales for s in np.ravel(part) if s), default=1.0)
        noise = (
            float(np.max(np.abs(self.finitely(self.base.vector)), initial=0.0))
            / scale
            * weights.size
        )
        if not abs(left - right) <= self.rtol * size + _ROUNDING * self.eps * noise:
            raise errors.modes_disagree(self.name("forward"), left, right)

    def fail(self, found: _Finding, index: int) -> None:
        """Report what is wrong, in the numbers of a unit step."""
        moved = np.concatenate([np.ravel(d) for d in found.probe.direction])
        single = np.count_nonzero(moved) == 1
        unit = float(np.max(np.abs(moved))) if single else 1.0
        by = self.named_input(int(np.flatnonzero(moved)[0])) if single else "a random direction"
        of = self.base.named(index, self.result())
        if found.mode == "reverse" and found.probe.weights.size > 1:
            of = f"the {self.result()}, weighted at random,"
        given, expected = found.given[index] / unit, found.expected.value[index] / unit
        within = found.expected.settled()[index] / unit
        cause = self.cause(found, index, unit)
        raise errors.wrong_derivative(self.name(found.mode), of, by, given, expected, within, cause)

    def cause(self, found: _Finding, index: int, unit: float) -> str:
        """Say why, as far as can be told from the function around the point."""
        along, weights = self.along(found.probe.direction), found.probe.weights

        def chosen(vector: Any) -> Any:
            return np.atleast_1d(vector @ weights if found.mode == "reverse" else vector[index])

        base = chosen(self.finitely(self.base.vector))
        left, right, kink = one_sided(lambda step: chosen(along(step)), base, self.eps)
        if kink:
            return (
                "the function has a kink or a jump here, the one-sided differences are "
                f"{left[0] / unit:.6g} and {right[0] / unit:.6g}; check at another point"
            )
        if not np.isfinite(found.expected.value[index]):
            return "the function is not finite around the point"
        if found.expected.moved[index] > 0.01 * abs(found.expected.value[index]):
            return "the differences do not settle, as for a function that is rough or random"
        if found.given[index] == 0:
            return "a part is held constant, as by stop_gradient, int() or an integer array"
        return "the derivative is wrong, or a part is held constant, as by stop_gradient"

    def result(self) -> str:
        if not self.path:
            return "result"
        return "tangent" if self.path[-1] == "forward" else "cotangent"

    def named_input(self, index: int) -> str:
        for i, leaf in enumerate(self.point.leaves):
            if index < leaf.size:
                return _element(self.point.path(i), leaf.shape, index)
            index -= leaf.size
        raise IndexError(index)


def _tangent(f: Callable[..., Any], along: Any, *args: Any) -> Any:
    return jvp(f, args, tuple(along))[1]


def _cotangent(f: Callable[..., Any], along: Any, *args: Any) -> Any:
    return vjp(f, *args)[1](along)


_DERIVATIVES = {"forward": _tangent, "reverse": _cotangent}


def _like(leaf: Any, value: Any) -> Any:
    """Return numbers in the dtype of a leaf, and as an array where that is one."""
    value = np.asarray(value, leaf.dtype)
    return value if isinstance(leaf, np.ndarray) else value[()]


def _scales(sizes: Any, least: float) -> Any:
    """Return powers of two near the numbers, most of whose singularities are at zero; 1 at zero."""
    scales = np.where(sizes > least, 2.0 ** np.rint(np.log2(np.maximum(sizes, least))), 1.0)
    return np.where(np.isfinite(sizes), scales, 0.0)  # what is not finite is not moved


def _signs(rng: np.random.Generator, like: Any) -> Any:
    """Return random halves, ones and twos of either sign: a step by them is nearly exact."""
    shape = np.shape(like)
    sizes = rng.choice([0.5, 1.0, 2.0], shape) * rng.choice([-1.0, 1.0], shape)
    return np.asarray(sizes, like.dtype)


def _joined(leaves: Sequence[Any]) -> Any:
    if not leaves:
        return np.empty(0)
    return np.concatenate([np.ravel(leaf) for leaf in leaves]).astype(np.float64)


def _inner(first: Sequence[Any], second: Sequence[Any]) -> float:
    pairs = zip(first, second, strict=True)
    return sum(float(np.sum(np.asarray(a, np.float64) * b)) for a, b in pairs)


def _element(path: str, shape: tuple[int, ...], index: int) -> str:
    return f"{path}[{', '.join(map(str, np.unravel_index(index, shape)))}]" if shape else path
