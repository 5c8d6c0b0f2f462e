"""Running sums and products, differences, slopes, interpolation."""

import numpy as np

from tests.samples.core import Table, positive, real

SAMPLES = Table()
add = SAMPLES.add
BOTH = {"differentiable": (0, 1)}

for axis in (None, 0, 1, -1):
    for name in ("cumsum", "cumprod"):
        for shape in ((2, 3), (3, 0), (1, 4), (2, 3, 2)):
            add(f"np.{name}", lambda np_, x, n=name, a=axis: getattr(np_, n)(x, axis=a),
                real(*shape))  # fmt: skip
            add(f"ndarray.{name}", lambda np_, x, n=name, a=axis: getattr(x, n)(a), real(*shape))
for name in ("cumsum", "cumprod"):
    call = lambda np_, x, n=name: getattr(np_, n)(x)  # noqa: E731
    add(f"np.{name}", call, real())
    add(f"np.{name}", call, [2.0, 0.0, 3.0, 0.0, 1.0])
    add(f"np.{name}", call, [True, True, False], differentiable=(), smooth=False)
    add(f"np.{name}", call, [3, 2, 1], differentiable=(), smooth=False)
    add(f"np.{name}", lambda np_, x, n=name: getattr(np_, n)(x, dtype=np.float64), real(3))
    add(f"np.{name}", lambda np_, x, n=name: getattr(np_, n)(x, out=np_.zeros_like(x)), real(3))
if hasattr(np, "cumulative_sum"):
    for name in ("cumulative_sum", "cumulative_prod"):
        for initial in (False, True):
            for axis, shape in ((None, (3,)), (0, (2, 3)), (-1, (2, 3))):
                keywords = {"axis": axis, "include_initial": initial}
                call = lambda np_, x, n=name, k=keywords: getattr(np_, n)(x, **k)  # noqa: E731
                add(f"np.{name}", call, real(*shape))
for n in (0, 1, 2, 3):
    for axis in (0, 1, -1):
        add("np.diff", lambda np_, x, n=n, a=axis: np_.diff(x, n, axis=a), real(4, 3))
for keywords in ({"prepend": 0.5}, {"append": 0.5, "n": 2}, {"prepend": 0.0, "append": 1.0}):
    call = lambda np_, x, k=keywords: np_.diff(x, axis=0, **k)  # noqa: E731
    add("np.diff", call, real(3, 2), float32=False)
add("np.diff", lambda np_, x, y: np_.diff(x, prepend=y), real(2, 3), real(2, 2), **BOTH)
add("np.diff", lambda np_, x: np_.diff(x > 0), real(5), smooth=False)
for keywords in ({}, {"to_end": 1.0}, {"to_begin": [1.0, 2.0], "to_end": 3.0}):
    call = lambda np_, x, k=keywords: np_.ediff1d(x, **k)  # noqa: E731
    add("np.ediff1d", call, real(4))
    add("np.ediff1d", call, real(2, 3))
for axis in (0, 1, -1):
    add("np.trapezoid", lambda np_, y, a=axis: np_.trapezoid(y, axis=a), real(3, 4))
    add("np.trapezoid", lambda np_, y, a=axis: np_.trapezoid(y, dx=0.5, axis=a), real(3, 4))
    add("np.trapezoid", lambda np_, y, x, a=axis: np_.trapezoid(y, x, axis=a), real(3, 4),
        real(3 if axis == 0 else 4), **BOTH)  # fmt: skip
    add("np.trapezoid", lambda np_, y, x, a=axis: np_.trapezoid(y, x, axis=a), real(3, 4),
        real(3, 4), **BOTH)  # fmt: skip
UNEVEN = np.array([0.0, 0.5, 2.0, 2.5])
EVEN = np.array([0.0, 0.5, 1.0, 1.5])
for order in (1, 2):
    for axis in (0, 1, None, (1, 0)):
        call = lambda np_, x, o=order, a=axis: np_.gradient(x, axis=a, edge_order=o)  # noqa: E731
        add("np.gradient", call, real(4, 5))
    for spacing in (0.5, UNEVEN, EVEN):
        call = lambda np_, x, h=spacing, o=order: np_.gradient(x, h, axis=0, edge_order=o)  # noqa: E731
        add("np.gradient", call, real(4, 3), float32=False)
    add("np.gradient", lambda np_, x, o=order: np_.gradient(x, 2.0, UNEVEN, edge_order=o),
        real(3, 4), float32=False)  # fmt: skip
    add("np.gradient", lambda np_, x, h, o=order: np_.gradient(x, h, edge_order=o), real(4),
        positive(4).cumsum(), **BOTH)  # fmt: skip
    add("np.gradient", lambda np_, x, h, o=order: np_.gradient(x, h, edge_order=o), real(4),
        positive(), **BOTH)  # fmt: skip
add("np.gradient", lambda np_, x: np_.gradient(x), real(2))
for x in ([0.0, 3.0, 6.0, 9.5, -2.0], [[0.0, 4.0, 8.0], [1.0, -3.0, 3.5]]):
    for axis in (0, -1):
        add("np.unwrap", lambda np_, x, a=axis: np_.unwrap(x, axis=a), x)
add("np.unwrap", lambda np_, x: np_.unwrap(x, period=4.0), [0.0, 3.0, 6.5, 9.2])
add("np.unwrap", lambda np_, x: np_.unwrap(x, discont=4.0), [0.0, 3.5, 7.6])
add("np.unwrap", lambda np_, n: np_.unwrap(n, period=4), [0, 3, 6, 1], differentiable=(),
    smooth=False)  # fmt: skip
POINTS = np.array([0.0, 1.0, 2.5, 4.0])
for x in ([0.5, 1.7, 3.9], [[0.2, 3.0]], 1.2, [-1.0, 5.0, 0.3], np.zeros(0)):
    for keywords in ({}, {"left": 7.0, "right": -7.0}, {"period": 4.5}):
        call = lambda np_, x, f, k=keywords: np_.interp(x, POINTS, f, **k)  # noqa: E731
        add("np.interp", call, x, real(4), float32=False, **BOTH)
add("np.interp", lambda np_, x, f: np_.interp(x, POINTS, f), POINTS, real(4), float32=False,
    smooth=False, kink="at a point the slope is that of the next piece, at the last one of the "
    "last", **BOTH)  # fmt: skip
add("np.interp", lambda np_, x, p, f: np_.interp(x, p, f), [0.5, 2.0], POINTS, real(4),
    float32=False, differentiable=(0, 1, 2))  # fmt: skip
add("np.interp", lambda np_, x: np_.interp(x, [1.0], [3.0]), [0.5, 1.0, 2.0], float32=False)
