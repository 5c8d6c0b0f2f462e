"""What has no dimensions comes out as in NumPy: a scalar of most functions, an array of some."""

import numpy as np
import pytest

import jacrs
from tests.compile.comparing import same

A, N = np.array([0.5, 2.0]), np.array([3, 4])
CALLS = {
    "where": lambda x, v: np.where(x > 0, x, 2.0),
    "where of scalars": lambda x, v: np.where(v[0] > 0, v[0], v[1]),
    "select": lambda x, v: np.select([x > 0], [x], 0.0),
    "resize": lambda x, v: np.resize(v, ()),
    "reshape": lambda x, v: v[:1].reshape(()),
    "squeeze": lambda x, v: np.squeeze(v[:1]),
    "copy": lambda x, v: x.copy(),
    "astype": lambda x, v: x.astype(np.float32),
    "array": lambda x, v: np.array(v[0]),
    "zeros_like": lambda x, v: np.zeros_like(x),
    "full": lambda x, v: np.full((), x),
    "transpose": lambda x, v: x.T,
    "ellipsis": lambda x, v: v[0, ...],
    "of an index": lambda x, v: v[np.array(0)],
    "item": lambda x, v: x[()],
    "element": lambda x, v: v[1],
    "sin": lambda x, v: np.sin(x),
    "positive": lambda x, v: +x,
    "conjugate": lambda x, v: np.conj(x),
    "method conj": lambda x, v: x.conj(),
    "clip": lambda x, v: np.clip(x, 0, 1),
    "sum": lambda x, v: v.sum(),
    "argmax": lambda x, v: np.argmax(v),
    "isreal": lambda x, v: np.isreal(x),
    "einsum": lambda x, v: np.einsum("i,i", v, v),
    "einsum of no axes": lambda x, v: np.einsum("->", x),
    "multi_dot": lambda x, v: np.linalg.multi_dot([v, np.eye(2), v]),
    "matmul": lambda x, v: v @ v,
    "det": lambda x, v: np.linalg.det(np.diag(v)),
    "cov": lambda x, v: np.cov(v),
    "of outside": lambda x, v: (A * A).sum(),
    "of outside, an integer": lambda x, v: np.max(N),
    "choose": lambda x, v: np.choose(0, [x, x]),
    "searchsorted": lambda x, v: np.searchsorted(np.ones(2), x),
    "interp": lambda x, v: np.interp(x, [0.0, 1.0], v),
}


@pytest.mark.parametrize("name", CALLS)
def test_results_without_dimensions(name):
    call = CALLS[name]
    compiled = jacrs.compile(call)
    for x in (0.5, 0.75):
        given = np.array(x), np.array([x, 2 * x])
        same(compiled(*given), call(*given))
    assert compiled.n_traces == 1


@pytest.mark.parametrize("name", ["where", "select", "positive", "einsum of no axes"])
def test_writing_to_a_result_is_seen_where_it_is_an_array(name):
    """A scalar is another one after `+=`; an array is the same."""

    def f(x, v):
        y = z = CALLS[name](x, v)
        y += x
        return z

    given = np.array(0.5), np.array([1.0, 2.0])
    same(jacrs.compile(f)(*given), f(*given))
    written = f(*given) != CALLS[name](*given)
    same(jacrs.grad(f)(*given), np.float64(2.0 if written else 1.0))
