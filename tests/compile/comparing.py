"""What a compiled transform gives, compared with what the transform gives."""

import numpy as np

import jacrs

TOLERANCE = {"f8": 1e-12, "f4": 2e-5}


def same(found, expected, tolerance=None, where="result"):
    """Compare types, containers, dtypes and shapes exactly; floats relative to the largest."""
    assert type(found) is type(expected), (where, type(found), type(expected))
    if isinstance(expected, tuple | list):
        assert len(found) == len(expected), where
        for i, (x, y) in enumerate(zip(found, expected, strict=True)):
            same(x, y, tolerance, f"{where}[{i}]")
    elif isinstance(expected, dict):
        assert list(found) == list(expected), where
        for key, y in expected.items():
            same(found[key], y, tolerance, f"{where}[{key!r}]")
    elif isinstance(expected, np.ndarray | np.generic):
        same_numbers(found, expected, tolerance, where)
    else:
        assert found == expected, where


def same_numbers(found, expected, tolerance, where):
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape), where
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(found, expected, where)
        return
    largest = np.max(np.abs(expected[np.isfinite(expected)]), initial=0.0)
    bound = (tolerance or TOLERANCE[expected.dtype.str[1:]]) * (1.0 + largest)
    np.testing.assert_allclose(found, expected, rtol=0, atol=bound, err_msg=where)


def derived(compiled):
    """Return the compiled transforms that were made of a compiled function."""
    return list(compiled._transforms.values())


def check_replays(transform, f, points, tolerance=None):
    """`transform(compile(f))` is recorded at the first of the points, replayed at the others.

    `transform` returns a function of what is in a point.
    """
    compiled = jacrs.compile(f)
    for k, point in enumerate(points):
        expected = transform(f)(*point)
        same(transform(compiled)(*point), expected, tolerance)
        (made,) = derived(compiled) or [compiled]
        assert (made.n_traces, made.n_replays) == (1, k + 1)
    return compiled


def moved(x, by=1.0 + 2.0**-10):
    """Return an array of other numbers that lies in memory as `x` does."""
    low, high = np.lib.array_utils.byte_bounds(x)
    room = np.zeros(high - low, np.uint8)
    start = x.__array_interface__["data"][0] - low
    other = np.ndarray(x.shape, x.dtype, room, start, x.strides)
    other[...] = x * by
    return other
