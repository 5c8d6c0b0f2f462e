"""Every operation of the table of samples, compiled: recorded at one point, replayed at another.

A compiled function and its pullback are compared for all samples; of the other transforms, and of
the dtypes and layouts, each sample takes its turn with one.
"""

import warnings

import numpy as np
import pytest

import jacrs
from tests.compile.comparing import check_replays, moved, same
from tests.samples import FAMILIES, VARIANTS, variant
from tests.test_operations import LARGEST_SECOND, Operation, joined, report, weights_like


def points(op):
    return op.at, [moved(x) for x in op.at]


def values(op):
    """NumPy's results come out of the replay: of its dtypes and shapes, as scalars or arrays."""
    if op.sample.name == "np.linalg.matrix_rank" and op.inputs[0].ndim < 2:
        return  # an int in NumPy, a NumPy scalar in what is recorded
    tolerance = op.tolerance  # kept by `op`: an attribute more of what the function reads
    compiled = jacrs.compile(op)
    for k, at in enumerate(points(op)):
        same(compiled(*at), op.plainly(*at), tolerance)
        assert (compiled.n_traces, compiled.n_replays) == (1, k + 1)


def pullbacks(op):
    """Values, and cotangents of all inputs, one and many at a time."""

    def transform(f):
        def call(*x):
            y, pullback = jacrs.vjp(f, *x)
            cotangents = weights_like([np.asarray(leaf) for leaf in y])
            lanes = tuple(np.stack([v, 2 * v]) for v in cotangents)
            batched = pullback.batched(lanes) if lanes else ()
            return y, pullback(cotangents), batched

        return call

    check_replays(transform, op.floats, points(op), op.tolerance)


def linear_maps(op):
    """Products from both sides, and the elements of the first row and the last column."""

    def transform(f):
        def call(*x):
            y, J = jacrs.linearize(f, *x)
            forward = J @ joined(weights_like(op.at))
            back = np.ones(J.shape[0]) @ J
            parts = (J[0], J[:, -1]) if 0 not in J.shape else ()
            return y, forward, back, parts

        return call

    check_replays(transform, op.floats, points(op), op.tolerance)


def jacobians(mode):
    def check(op):
        argnums = tuple(range(len(op.at)))

        def transform(f):
            return jacrs.value_and_jacobian(f, argnums, mode=mode)

        check_replays(transform, op.floats, points(op), op.tolerance)

    return check


def tangents(op):
    """Integer and boolean results have values too."""

    def transform(f):
        return lambda *x: jacrs.jvp(f, x, weights_like(op.at))

    check_replays(transform, lambda *x: tuple(op(*x)), points(op), op.tolerance)


def total(op):
    def f(*x):
        ys = op.floats(*x)
        parts = [(y * w).sum() for y, w in zip(ys, weights_like(ys), strict=True)]
        return sum(parts, 0.0 * x[0].sum())

    return f


def gradients(op):
    argnums = tuple(range(len(op.at)))
    check_replays(lambda f: jacrs.value_and_grad(f, argnums), total(op), points(op), op.tolerance)


def curvature(op):
    if op.size > LARGEST_SECOND or not op.sample.smooth:
        return

    def transform(f):
        return lambda *x: jacrs.hvp(f, x, weights_like(op.at))

    check_replays(transform, total(op), points(op), 10 * op.tolerance)


ROTATED = (
    linear_maps,
    jacobians("forward"),
    tangents,
    gradients,
    jacobians("reverse"),
    curvature,
)


def failures(samples, checks):
    """Name what fails; `checks` gives those for the number of a sample."""
    found = []
    for number, sample in enumerate(samples):
        op = Operation(sample)
        if not op.at:
            continue
        for check in checks(number):
            try:
                with np.errstate(all="ignore"), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    check(op)
            except Exception as error:
                words = " ".join(str(error).split())[:300]
                name = getattr(check, "__name__", check)
                found.append(f"{number} {sample.title} {name}: {type(error).__name__} {words}")
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_values_and_pullbacks(family):
    samples = FAMILIES[family]
    report(failures(samples, lambda _: (values, pullbacks)), samples)


@pytest.mark.parametrize("family", FAMILIES)
def test_transforms_in_turn(family):
    samples = [in_turn(k, sample) for k, sample in enumerate(FAMILIES[family])]
    report(failures(samples, lambda k: ROTATED[k % len(ROTATED) :][:1]), samples)


def in_turn(k, sample):
    kind = list(VARIANTS)[k // len(ROTATED) % len(VARIANTS)]
    return sample if kind == "float32" and not sample.float32 else variant(sample, kind)
