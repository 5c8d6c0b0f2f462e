"""What `vmap` makes of branches, sizes and places that depend on values."""

import numpy as np
import pytest

import jacrs

X = np.array([[0.7, 1.3, -0.4], [1.1, -0.2, 0.9], [-0.8, 0.5, 1.6], [0.3, 1.9, -1.2]])


def text_of(error, f, *args, **options):
    """Return the text of what mapping `f` raises, the place in it reduced to the expression."""
    with pytest.raises(error) as caught:
        jacrs.vmap(f, **options)(*args)
    message, _, place = str(caught.value).partition("\n  at ")
    return message, place.rpartition(": ")[2]


def loop(f, *args):
    return np.stack([f(*row) for row in zip(*args, strict=True)])


# --- branches


def newton(a):
    x = a
    while np.abs(x * x - a) > 1e-9:
        x = 0.5 * (x + a / x)
    return x


def test_lanes_that_agree_go_on_together():
    def f(x):
        total = x * 0.0
        for k in range(int(x.size)):
            if x[k] ** 2 >= 0:
                total = total + x * (k if np.all(x < 5.0) else x[k])
        return total if x.sum() < 100 and not np.isnan(x[0]) else -total

    np.testing.assert_allclose(jacrs.vmap(f)(X), loop(f, X))
    np.testing.assert_allclose(jacrs.vmap(newton)(np.array([4.0, 4.0])), [2.0, 2.0], 1e-12)


def test_what_is_asked_for_is_no_more_than_what_decides():
    """Truth, integer parts and roundings may be the same where the numbers are not."""

    def f(x):
        assert x
        assert (int(x), round(x), np.ceil(x)) == (2, 2, 3)
        return x * int(x)

    np.testing.assert_allclose(jacrs.vmap(f)(np.array([2.1, 2.4])), [4.2, 4.8])


def test_lanes_that_disagree():
    words = (
        "the lanes of a vmap disagree about a branch: the condition is true in 3 of 4. They are "
        "recorded together, along one path; choose between values with np.where(condition, x, y)"
    )
    assert text_of(jacrs.TraceError, lambda x: x if x[0] > 0 else -x, X) == (words, "x[0] > 0")
    number = (
        "the lanes of a vmap disagree about a value that is needed here: it differs from that of "
        "the first lane in 2 of 3. A Python number, a size or the bounds of a slice must be the "
        "same in all lanes; compute with the array instead, index with x[i] or np.take, and choose "
        "with np.where"
    )
    three = np.array([1, 2, 0])
    for f, place in (
        (lambda i: np.zeros(int(i)), "int(i)"),
        (lambda i: sum(range(i)), "range(i)"),
        (lambda i: np.arange(5.0)[:i], "np.arange(5.0)[:i]"),
        (lambda i: [1, 2, 3][i], "[1, 2, 3][i]"),
        (lambda i: np.zeros(i) + 1, "np.zeros(i)"),
        (lambda i: np.repeat(np.ones(2), i), "np.repeat(np.ones(2), i)"),
    ):
        assert text_of(jacrs.TraceError, f, three) == (number, place)
    sizes = (
        "the lanes of a vmap need different sizes: a mask selects between 1 and 2 elements in 4 "
        "lanes. Arrays have one shape in all lanes; keep all elements, and choose with "
        "np.where(mask, x, 0.0)"
    )
    assert text_of(jacrs.TraceError, lambda x: x[x > 0.6], X) == (sizes, "x[x > 0.6]")
    for f in (lambda x: np.nonzero(x > 0.6)[0], lambda x: np.unique(np.round(x))):
        assert "need different sizes" in text_of(jacrs.TraceError, f, X)[0]


def test_disagreement_is_found_in_every_level():
    def inner(x):
        return jacrs.vmap(lambda y: y if y > 0 else -y)(x)

    same_inside = np.array([[1.0, 2.0], [-1.0, -2.0]])
    message, place = text_of(jacrs.TraceError, inner, same_inside)
    assert "true in 2 of 4" in message
    assert place == "y > 0"
    np.testing.assert_array_equal(jacrs.vmap(inner)(-np.ones((2, 3))), np.ones((2, 3)))
    with pytest.raises(jacrs.TraceError, match="true in 3 of 4"):
        jacrs.grad(lambda x: np.sum(jacrs.vmap(lambda y: y if y[0] > 0 else -y)(x)))(X)


def test_a_disagreement_that_is_caught_is_raised_all_the_same():
    def f(x):
        try:
            return x if x > 0 else -x
        except TypeError:
            return 0.0 * x

    with pytest.raises(jacrs.TraceError, match="true in 1 of 2") as caught:
        jacrs.vmap(f)(np.array([1.0, -1.0]))
    assert "caught this error" in caught.value.__notes__[0]


def test_where_is_the_way_out():
    f = jacrs.vmap(lambda x: np.where(x > 0, np.sqrt(np.abs(x)), x))
    np.testing.assert_allclose(f(X), np.where(X > 0, np.sqrt(np.abs(X)), X))


def test_values_are_shown_for_all_lanes():
    def f(x):
        shown.extend([str(x), repr(x), f"{x}", f"{x * 0:.1f}"])
        return x

    shown = []
    jacrs.vmap(f)(np.array([1.0, 2.0]))
    every = "lanes [1. 2.]"
    assert shown == [every, "Tracer(lanes of array([1., 2.]))", every, "0.0"]


# --- places


I = np.array([0, -1, 2, -3])  # noqa: E741
J = np.array([[0, 2], [-1, 1], [1, 1], [2, -3]])
PLACES = {
    "x[i]": (lambda x, i, j: x[i]),
    "x[i, ...]": (lambda x, i, j: x[i, ...]),
    "x[-1 - i]": (lambda x, i, j: x[np.minimum(i, 0)] + x[i]),
    "x[j]": (lambda x, i, j: x[j]),
    "x[None, i]": (lambda x, i, j: x[None, i]),
    "outer[i, j]": (lambda x, i, j: np.outer(x, x)[i, j]),
    "outer[:, i]": (lambda x, i, j: np.outer(x, x + 1)[:, i]),
    "outer[i, :, None]": (lambda x, i, j: np.outer(x, x + 1)[i, :, None]),
    "outer[j, 1:]": (lambda x, i, j: np.outer(x, x + 1)[j, 1:]),
    "cube[i, :, j]": (lambda x, i, j: np.multiply.outer(np.outer(x, x), x + 1)[i, :, j]),
    "table[i]": (lambda x, i, j: TABLE[i] * x),
    "table[j, i]": (lambda x, i, j: TABLE[j, i]),
    "table[[i, 0], 1:]": (lambda x, i, j: TABLE[[i, 0], 1:]),
    "integers[j]": (lambda x, i, j: np.arange(5, 8)[j]),
    "take": (lambda x, i, j: np.take(x, i) + np.take(TABLE, j, axis=1)),
    "take clipped": (lambda x, i, j: np.take(x, 9 * j, mode="clip") + x.take(9 * i, mode="wrap")),
    "take_along_axis": (lambda x, i, j: np.take_along_axis(x, j, 0)),
    "argsort": (lambda x, i, j: x[np.argsort(x)][j]),
    "argmax": (lambda x, i, j: TABLE[np.argmax(x)] + x[np.argmin(x)]),
    "searchsorted": (lambda x, i, j: TABLE[np.searchsorted(np.sort(x)[:2], 0.4)]),
    "write": (lambda x, i, j: written(np.zeros(3), i, x[0])),
    "write many": (lambda x, i, j: written(np.zeros(3), j, x[:2])),
    "write row": (lambda x, i, j: written(np.outer(x, x), i, x)),
    "write column": (lambda x, i, j: written(np.outer(x, x), (slice(None), i), x)),
    "write place": (lambda x, i, j: written(np.outer(x, x), (i, i), 7.0)),
    "add": (lambda x, i, j: added(x.copy(), j, x[1])),
    "add row": (lambda x, i, j: added(np.outer(x, x), i, x)),
    "add.at": (lambda x, i, j: added_at(x.copy(), j, x[:2])),
    "put_along_axis": (lambda x, i, j: put(x.copy(), j, x[1])),
    "mask": (lambda x, i, j: x[np.argsort(x) == i % 3] + x[x == np.max(x)]),
    "count": (lambda x, i, j: np.bincount(j % 3, minlength=3)),
}
TABLE = np.arange(9.0).reshape(3, 3)


def written(y, index, value):
    y[index] = value
    return y


def added(y, index, value):
    y[index] += value
    return y


def added_at(y, index, value):
    np.add.at(y, index, value)
    return y


def put(y, index, value):
    np.put_along_axis(y, index, value, 0)
    return y


@pytest.mark.parametrize("case", PLACES)
def test_places_that_differ_from_lane_to_lane(case):
    f = PLACES[case]
    expected = loop(f, X, I, J)
    found = jacrs.vmap(f)(X, I, J)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    if expected.dtype == np.float64:
        by_loop = loop(jacrs.jacobian(f), X, I, J)
        for mode in ("forward", "reverse"):
            slopes = jacrs.vmap(jacrs.jacobian(f, mode=mode))(X, I, J)
            np.testing.assert_allclose(slopes, by_loop, rtol=1e-13, atol=1e-15)
            whole = jacrs.jacobian(lambda x: jacrs.vmap(f)(x, I, J), mode=mode)(X)
            lanes = np.moveaxis(whole, -2, 1)
            np.testing.assert_allclose(lanes[range(4), range(4)], by_loop, rtol=1e-13, atol=1e-15)
            lanes[range(4), range(4)] = 0.0
            assert not np.any(lanes)


def test_views_whose_place_differs_are_views():
    def f(x, i):
        y = np.outer(x, x)
        row = y[i]
        part = row[1:]
        y[0] += 1.0  # seen through the row
        part *= 2.0  # seen through all
        deeper = np.multiply.outer(y, x)[i]
        item = deeper[i]
        item[:] = row
        deeper[0] += 5.0
        row.reshape(3, 1)[0, 0] = -1.0
        y[None, i][0, 2] *= x[i]
        y[1:, i][0] += 0.5
        return np.concatenate([y, deeper, row[None], item[None]])

    expected = loop(f, X, I)
    np.testing.assert_allclose(jacrs.vmap(f)(X, I), expected, rtol=1e-15)
    slopes = jacrs.vmap(jacrs.jacobian(f))(X, I)
    np.testing.assert_allclose(slopes, loop(jacrs.jacobian(f), X, I), rtol=1e-13, atol=1e-15)


def test_places_in_two_levels():
    table = np.random.default_rng(1).normal(size=(4, 5))
    rows, columns = np.array([0, -1, 2]), np.array([[1, -5], [4, 0], [2, 2]])
    found = jacrs.vmap(lambda i, js: jacrs.vmap(lambda j: table[i, j] * j)(js))(rows, columns)
    np.testing.assert_array_equal(found, table[rows[:, None], columns] * columns)
    picked = jacrs.grad(lambda t: np.sum(jacrs.vmap(lambda i: t[i])(rows) ** 2))(table)
    expected = np.zeros((4, 5))
    expected[rows] = 2 * table[rows]
    np.testing.assert_array_equal(picked, expected)


OUTSIDE = {
    "x[i]": (lambda x, i: x[i]),
    "x[[i, 0]]": (lambda x, i: x[np.stack([i, np.array(0)])]),
    "TABLE[i]": (lambda x, i: TABLE[i]),
    "np.take(x, i)": np.take,
    "written(x.copy(), i, 1.0)": (lambda x, i: written(x.copy(), i, 1.0)),
    "added(x.copy(), i, 1.0)": (lambda x, i: added(x.copy(), i, 1.0)),
}


@pytest.mark.parametrize("far", [3, -4, 2**62, -(2**62), 2**63 - 1])
@pytest.mark.parametrize("case", OUTSIDE)
def test_places_out_of_bounds_in_one_lane(case, far):
    indices = np.array([0, 1, far, 2])
    with pytest.raises(IndexError) as caught:
        jacrs.vmap(OUTSIDE[case])(X, indices)
    assert isinstance(caught.value, jacrs.BoundsError)
    words = f"index {far} is out of bounds for axis 0 with size 3"
    assert str(caught.value).partition("\n  at ")[0] == words
