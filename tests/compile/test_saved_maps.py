"""Pullbacks and lazy Jacobians, which belong to the process that made them."""

import copy
import io
import pickle

import numpy as np
import pytest

import jacrs
from tests.compile.saved_cases import X, Z, rows


def maps_of(x):
    """Every map of the point that a call can leave."""
    pullback = jacrs.vjp(rows, x)[1]
    jacobian = jacrs.linearize(rows, x)[1]
    return {"pullback": pullback, "lazy": jacobian, "transposed": jacobian.T}


@pytest.mark.parametrize("name", ["pullback", "lazy", "transposed"])
@pytest.mark.parametrize("wrapped", [lambda x: x, lambda x: (x, 1.0), lambda x: {"map": [x]}])
def test_linear_maps_that_are_returned_are_not_saved(name, wrapped, tmp_path):
    compiled = jacrs.compile(lambda x: wrapped(maps_of(x)[name]))
    compiled(X)
    compiled(X)
    assert compiled.n_replays == 2  # the first call runs its trace as well
    with pytest.raises(jacrs.SaveError, match="is a pullback or a lazy Jacobian"):
        compiled.save(tmp_path / "f")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["pullback", "lazy", "transposed"])
@pytest.mark.parametrize("f", [maps_of, jacrs.compile(maps_of)], ids=["plain", "compiled"])
def test_linear_maps_are_not_pickled_and_are_their_own_copies(name, f):
    f(X)
    found = f(X)[name]
    methods = [found.batched] if name == "pullback" else []
    for given in (found, [found], *methods):
        with pytest.raises(jacrs.SaveError, match="cannot be pickled"):
            pickle.dumps(given)
    assert copy.copy(found) is found
    assert copy.deepcopy({"a": found})["a"] is found


def test_what_is_computed_by_linear_maps_inside_is_saved():
    def products(x, ct):
        y, pullback = jacrs.vjp(rows, x)
        jacobian = jacrs.linearize(rows, x)[1]
        return y, pullback(ct), jacobian @ x, jacobian.dense()

    ct = np.array([1.0, -2.0, 0.5, 3.0])
    compiled = jacrs.compile(products)
    compiled(X, ct)
    compiled.save(file := io.BytesIO())
    found = jacrs.load(io.BytesIO(file.getvalue()))(Z, 2 * ct)
    for one, other in zip(found, compiled(Z, 2 * ct), strict=True):
        assert np.array_equal(one, other)
    jacobian = jacrs.jacobian(rows)(Z)
    np.testing.assert_allclose(found[1], 2 * ct @ jacobian, rtol=1e-14)
    np.testing.assert_allclose(found[2], jacobian @ Z, rtol=1e-14)
    np.testing.assert_allclose(found[3], jacobian, rtol=1e-14)
