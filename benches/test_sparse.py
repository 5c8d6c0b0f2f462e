"""Sparse derivatives by jacrs: the first call, recorded anew, compiled, and into a matrix.

Batches of small Jacobians in every form beside each other: blocks of a sparse matrix, and an array
of three dimensions.
"""

import numpy as np
import pytest

import jacrs
from benches.problems import bratu, brusselator, membrane, satellites

CASES = {
    "bratu-10000": (jacrs.sparse_jacobian, bratu, 100),
    "bratu-100000": (jacrs.sparse_jacobian, bratu, 317),
    "brusselator-20000": (jacrs.sparse_jacobian, brusselator, 100),
    "membrane-10000": (jacrs.sparse_hessian, membrane, 100),
}
SATELLITES = 20_000
BLOCK = (3, 6)
ALL = jacrs.vmap(satellites.function)
BATCHES = {
    "array": jacrs.vmap(jacrs.jacobian(satellites.function)),
    "blocks": jacrs.sparse_jacobian(ALL, format="bsr", blocksize=BLOCK),
    "rows": jacrs.sparse_jacobian(ALL),
}


def right(matrix, problem, inputs):
    """Tell whether a matrix agrees with the reference."""
    expected = problem.reference(*inputs)
    return abs(matrix - expected).max() <= problem.TOLERANCE * abs(expected).max()


@pytest.fixture(params=CASES)
def case(request, benchmark):
    """Give the transform, the function, its inputs and what a result is compared by."""
    transform, problem, side = CASES[request.param]
    benchmark.group = request.param
    inputs = problem.inputs(side)
    return transform, problem.function, inputs, lambda J: right(J, problem, inputs)


@pytest.mark.parametrize("name", CASES)
def test_first_call(name, benchmark):
    """Time what is done once: each time for a side that was not there before."""
    transform, problem, side = CASES[name]
    benchmark.group = name
    sides = iter(range(side + 1, side + 10))
    checked = []

    def fresh():
        checked[:] = [problem.inputs(next(sides))]
        return (jacrs.compile(transform(problem.function)), *checked[0]), {}

    J = benchmark.pedantic(lambda call, *inputs: call(*inputs), setup=fresh, rounds=5)
    assert right(J, problem, checked[0])


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_compiled(case, benchmark, form):
    transform, f, inputs, is_right = case
    call = jacrs.compile(transform(f, format=form))
    assert is_right(call(*inputs))
    benchmark(call, *inputs)


def test_recorded(case, benchmark):
    transform, f, inputs, is_right = case
    call = transform(f)
    assert is_right(call(*inputs))
    benchmark(call, *inputs)


def test_into_a_matrix(case, benchmark):
    transform, f, inputs, is_right = case
    call = jacrs.compile(transform(f))
    out = call(*inputs)
    assert is_right(benchmark(lambda: call(*inputs, out=out)))


@pytest.mark.parametrize("form", BATCHES)
def test_batch(form, benchmark):
    (x,) = satellites.inputs(SATELLITES)
    call = jacrs.compile(BATCHES[form])
    result = call(x)
    blocks = result if form == "array" else result.data.reshape(SATELLITES, *BLOCK)
    expected = satellites.reference(x)
    assert np.max(np.abs(blocks - expected)) <= satellites.TOLERANCE * np.max(np.abs(expected))
    benchmark.group = "satellites"
    benchmark(call, x)
