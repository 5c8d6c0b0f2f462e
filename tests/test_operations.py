"""Every operation of the table of samples, through every transform.

The samples come from `tests.samples`, one family of NumPy's functions at a time, so a function that
gets samples is tested here without a line more. Each check names all the samples it fails for.
"""

import math
import warnings
from functools import cached_property

import numpy as np
import pytest

import jacrs
from jacrs._jacrs import Tracer
from tests.differences import jacobian_and_error
from tests.samples import FAMILIES, VARIANTS, variant

WEIGHTS = np.random.default_rng(11).normal(size=100_000)
VALUE = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 2e-5}
LARGEST_SECOND = 8  # inputs of more elements than this are not differentiated twice


class Operation:
    """A sample as a function of its differentiable float inputs."""

    def __init__(self, sample):
        self.sample = sample
        self.inputs = list(map(np.asarray, sample.inputs))
        self.places = [i for i in sample.differentiable if self.inputs[i].dtype.kind == "f"]
        self.at = [self.inputs[i] for i in self.places]
        self.size = sum(x.size for x in self.at)

    def __call__(self, *given):
        """Return all leaves of the result."""
        full = list(self.inputs)
        for place, x in zip(self.places, given, strict=True):
            full[place] = x
        return leaves(self.sample.call(np, *full))

    def floats(self, *given):
        """Return the leaves that have a derivative, as a tuple."""
        return tuple(y for y in self(*given) if y.dtype.kind == "f")

    def plainly(self, *given):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self(*(x.copy(order="K") for x in given))

    def flat(self, x):
        """Return float results end to end, as a function of the inputs end to end."""
        return joined(y for y in self.plainly(*self.apart(x)) if y.dtype.kind == "f")

    def apart(self, x):
        ends = np.cumsum([y.size for y in self.at])[:-1]
        pairs = zip(np.split(x, ends), self.at, strict=True)
        return [part.reshape(y.shape) for part, y in pairs]

    @cached_property
    def tolerance(self):
        """How far two ways to the same number may be apart."""
        dtypes = {np.asarray(y).dtype for y in (*self.at, *self.plainly(*self.at))}
        return 1e-5 if np.dtype(np.float32) in dtypes else 1e-11

    def jacobian(self, mode):
        """Return the Jacobian as one matrix."""
        argnums = tuple(range(len(self.at)))
        blocks = jacrs.jacobian(self.floats, argnums=argnums, mode=mode)(*self.at)
        rows = [
            np.concatenate([as_matrix(b, x) for b, x in zip(row, self.at, strict=True)], axis=1)
            for row in blocks
        ]
        return np.concatenate([np.zeros((0, self.size)), *rows])


def as_matrix(block, x):
    outer = block.shape[: block.ndim - x.ndim]
    return block.reshape(math.prod(outer), x.size)


def leaves(result):
    """Return the arrays and numbers of nested tuples, lists and dicts, and nothing else of them."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, tuple | list):
        return [leaf for part in result for leaf in leaves(part)]
    if isinstance(result, bool | int | float):
        return [np.asarray(result)]
    return [result] if isinstance(result, np.ndarray | np.generic | Tracer) else []


def joined(parts):
    return np.concatenate([np.zeros(0), *(np.ravel(part) for part in parts)])


def weights_like(arrays):
    parts, start = [], 0
    for x in arrays:
        part = WEIGHTS[start : start + x.size].reshape(x.shape)
        parts.append(part.astype(x.dtype) if x.dtype.kind == "f" else part)
        start += x.size
    return tuple(parts)


def assert_close(found, expected, tolerance):
    """Compare relative to the largest number; NaN and infinities are where they are expected."""
    finite = np.abs(expected[np.isfinite(expected)])
    bound = tolerance * (1.0 + np.max(finite, initial=0.0))
    np.testing.assert_allclose(found, expected, rtol=0, atol=bound)


# --- the checks: each takes an operation


def values(op):
    """What comes out is what NumPy gives, whatever is done to get it."""
    expected = op.plainly(*op.at)
    tangents = weights_like(op.at)
    found, _ = jacrs.jvp(lambda *x: tuple(op(*x)), tuple(op.at), tangents)
    assert len(found) == len(expected)
    for a, b in zip(map(np.asarray, found), map(np.asarray, expected), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        if b.dtype.kind == "f":
            assert_close(a, b, VALUE[b.dtype])
        else:
            np.testing.assert_array_equal(a, b)


def first_derivatives(op):
    """Forward and reverse are the same, and what differences give where these can be had."""
    forward, reverse = op.jacobian("forward"), op.jacobian("reverse")
    assert_close(reverse, forward, op.tolerance)
    if not op.sample.smooth or op.sample.kink:
        return
    found, doubt = jacobian_and_error(op.flat, joined(op.at), step=1e-2)
    bound = 1.0 + np.max(np.abs(forward), initial=0.0, where=np.isfinite(forward))
    sure = np.isfinite(found) & (doubt < 1e-6 * bound)
    judged = np.count_nonzero(sure | ~np.isfinite(found))
    assert judged >= 0.5 * found.size, "the differences do not agree with themselves"
    np.testing.assert_allclose(forward[sure], found[sure], rtol=0, atol=1e-6 * bound)


def products(op):
    """Products are those with the Jacobian, one at a time and in lanes."""
    tangents = weights_like(op.at)
    y, along = jacrs.jvp(op.floats, tuple(op.at), tangents)
    cotangents = weights_like([np.asarray(leaf) for leaf in y])
    _, pullback = jacrs.vjp(op.floats, *op.at)
    pulled = pullback(cotangents)
    pulled = pulled if len(op.at) != 1 else (pulled,)
    for leaf, moved in zip(y, along, strict=True):
        assert (np.shape(moved), np.asarray(moved).dtype) == (
            np.shape(leaf),
            np.asarray(leaf).dtype,
        )
    for x, back in zip(op.at, pulled, strict=True):
        assert (np.shape(back), np.asarray(back).dtype) == (x.shape, x.dtype)

    jacobian = op.jacobian("forward")
    if not np.all(np.isfinite(jacobian)):
        return
    along, pulled = joined(along), joined(pulled)
    assert_close(along, jacobian @ joined(tangents), op.tolerance)
    assert_close(pulled, joined(cotangents) @ jacobian, op.tolerance)
    assert_close(joined(cotangents) @ along, pulled @ joined(tangents), 10 * op.tolerance)


def second_derivatives(op):
    """The gradient of a weighted sum, differentiated in both modes and by differences."""
    if not 0 < op.size <= LARGEST_SECOND or op.sample.kink or not op.sample.smooth:
        return

    def total(x):
        ends = np.cumsum([y.size for y in op.at])[:-1]
        pairs = zip(np.split(x, ends), op.at, strict=True)
        ys = op.floats(*[part.reshape(y.shape) for part, y in pairs])
        return sum(
            [(y * w).sum() for y, w in zip(ys, weights_like(ys), strict=True)], 0.0 * x.sum()
        )

    x = joined(op.at)
    gradient = jacrs.grad(total)
    hessian = jacrs.hessian(total)(x)
    assert_close(jacrs.jacrev(gradient)(x), hessian, 10 * op.tolerance)
    assert_close(hessian.T, hessian, 10 * op.tolerance)
    found, doubt = jacobian_and_error(gradient, x, step=1e-2)
    bound = 1.0 + np.max(np.abs(hessian), initial=0.0, where=np.isfinite(hessian))
    sure = np.isfinite(found) & (doubt < 1e-6 * bound)
    np.testing.assert_allclose(hessian[sure], found[sure], rtol=0, atol=1e-6 * bound)


def lanes(op):
    """A column of the Jacobian is a product with one direction, a row one with a cotangent."""
    if op.size > 40:
        return
    forward = op.jacobian("forward")
    for k in range(op.size):
        direction = np.zeros(op.size)
        direction[k] = 1.0
        _, along = jacrs.jvp(op.floats, tuple(op.at), tuple(op.apart(direction)))
        assert_close(joined(along), forward[:, k], 1e-2 * op.tolerance)


CHECKS = (values, first_derivatives, products, second_derivatives, lanes)


def failures(check, samples):
    found = []
    for number, sample in enumerate(samples):
        op = Operation(sample)
        if not op.at:
            continue
        try:
            check(op)
        except Exception as error:
            words = " ".join(str(error).split())[:300]
            found.append(f"{number} {sample.title}: {type(error).__name__} {words}")
    return found


def report(found, samples):
    assert not found, f"{len(found)} of {len(samples)}\n" + "\n".join(found[:15])


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("family", FAMILIES)
def test_operation(family, check):
    report(failures(check, FAMILIES[family]), FAMILIES[family])


@pytest.mark.parametrize("kind", [kind for kind in VARIANTS if kind != "float64"])
@pytest.mark.parametrize("family", FAMILIES)
def test_variant(family, kind):
    """Other dtypes and layouts: values of NumPy's dtypes, and products that fit them."""
    samples = [s for s in FAMILIES[family] if s.float32 or kind != "float32"]
    samples = [variant(sample, kind) for sample in samples]
    report(failures(values, samples), samples)
