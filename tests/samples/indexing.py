"""Choosing elements: by place, by mask, by condition."""

import numpy as np

from tests.samples.core import Table, mask, real

SAMPLES = Table()
add = SAMPLES.add
BOTH = {"differentiable": (1, 2)}

for a, b, c in (
    ((3,), (3,), (3,)), ((2, 3), (3,), ()), ((), (2,), (2,)), ((2, 1), (1, 3), (3,)), ((), (), ()),
    ((0,), (0,), (0,)),
):  # fmt: skip
    add("np.where", lambda np_, m, x, y: np_.where(m, x, y), mask(*a), real(*b), real(*c), **BOTH)
add("np.where", lambda np_, x: np_.where(x > 0, x, 0.0), real(4))
add("np.where", lambda np_, x: np_.where(x, x * x, 3), real(4))
add("np.where", lambda np_, x, y: np_.where(x < y, x, y), real(4), real(4), differentiable=(0, 1))
for shape in ((4,), (2, 3), (2, 2, 2), (0,)):
    add("np.where", lambda np_, x: np_.where(x > 0), real(*shape), smooth=False)
    add("np.nonzero", lambda np_, x: np_.nonzero(x > 0), real(*shape), smooth=False)
    add("ndarray.nonzero", lambda np_, x: (x > 0).nonzero(), real(*shape), smooth=False)
    add("np.flatnonzero", lambda np_, x: np_.flatnonzero(x > 0), real(*shape), smooth=False)
    add("np.argwhere", lambda np_, x: np_.argwhere(x > 0), real(*shape), smooth=False)
add("np.nonzero", lambda np_, x: np_.nonzero(x), [0.0, 1.0, 2.0], smooth=False)
add("np.argwhere", lambda np_, x: np_.argwhere(x), 2.0, smooth=False)
for order in ("C", "F"):
    for shape in ((2, 3), (3, 2, 2), 6):
        add("np.unravel_index", lambda np_, n, s=shape, o=order: np_.unravel_index(n, s, o),
            [[5, 0], [2, 4]], differentiable=(), smooth=False)  # fmt: skip
    for mode in ("raise", "wrap", "clip", ("clip", "raise")):
        call = lambda np_, n, m, o=order, k=mode: np_.ravel_multi_index((n, m), (3, 4), k, o)  # noqa: E731
        add("np.ravel_multi_index", call, [2, 0], [3, 1], differentiable=(), smooth=False)

for axis in (None, 0, 1, -1):
    for index in ([0, 1], 1, [[1, 0], [1, 1]], -1, [-1, 0]):
        add("np.take", lambda np_, x, i, a=axis: np_.take(x, i, axis=a), real(2, 3), index)
        add("ndarray.take", lambda np_, x, i, a=axis: x.take(i, a), real(2, 3), index)
for mode in ("wrap", "clip"):
    add("np.take", lambda np_, x, i, m=mode: np_.take(x, i, mode=m), real(4), [5, -7, 2])
add("np.take", lambda np_, x: np_.take(x, 0, out=np_.zeros_like(x, shape=())), real(4))
for axis, index in ((0, [[1, 0, 1]]), (1, [[2], [0]]), (-1, [[2, 1, -1], [0, 0, 0]])):
    call = lambda np_, x, i, a=axis: np_.take_along_axis(x, i, a)  # noqa: E731
    add("np.take_along_axis", call, real(2, 3), index)
add("np.take_along_axis", lambda np_, x, i: np_.take_along_axis(x, i, None), real(2, 3), [5, 0])
add("np.take_along_axis", lambda np_, x: np_.take_along_axis(x, np_.argsort(x, 1), 1),
    real(3, 2, 2))  # fmt: skip
add("np.take_along_axis", lambda np_, x, i: np_.take_along_axis(x, i, 0), real(4), [3, 3, 0])
for mode in ("raise", "wrap", "clip"):
    call = lambda np_, n, x, y, m=mode: np_.choose(n, [x, y, 2 * x], mode=m)  # noqa: E731
    index = [0, 2, 1] if mode == "raise" else [4, -2, 1]
    add("np.choose", call, index, real(3), real(3), **BOTH)
for rows in (1, 2, 3):
    add("ndarray.choose", lambda np_, x: np_.argsort(x[0]).choose(x[:, :1]), real(rows, rows))
add("np.choose", lambda np_, n, x: np_.choose(n, x), [1, 0, 1], real(2, 3), differentiable=(1,))
add("np.choose", lambda np_, n, x: np_.choose(n, [x, 1.0]), [[1, 0], [0, 1]], real(2),
    differentiable=(1,), float32=False)  # fmt: skip
for axis in (None, 0, 1):
    call = lambda np_, c, x, a=axis: np_.compress(c, x, axis=a)  # noqa: E731
    add("np.compress", call, [True, False, True], real(3, 3), differentiable=(1,))
    add("ndarray.compress", lambda np_, c, x, a=axis: x.compress(c, axis=a), [False, True],
        real(3, 2), differentiable=(1,))  # fmt: skip
for shape in ((4,), (2, 3), (0,)):
    add("np.extract", lambda np_, x: np_.extract(x > 0, x), real(*shape))
for default in (0, 7.5):
    call = lambda np_, x, d=default: np_.select([x > 0.5, x > 0], [x, x * x], d)  # noqa: E731
    add("np.select", call, real(5))
    add("np.select", call, real(2, 3))
add("np.select", lambda np_, x: np_.select([x > 0], [1.0], x), real(5))
add("np.select", lambda np_, x: np_.select([x > 0, x > -1], [3, x]), real(2, 2))
add("np.piecewise", lambda np_, x: np_.piecewise(x, [x < 0, x >= 0], [lambda v: v * v, 3.0]),
    real(5))  # fmt: skip
add("np.piecewise", lambda np_, x: np_.piecewise(x, [x < 0], [lambda v: v * v, np.exp]), real(2, 3))
add("np.piecewise", lambda np_, x: np_.piecewise(x, x < 0, [lambda v, k: k * v, 1], 3.0), real(4))
add("np.piecewise", lambda np_, x: np_.piecewise(x, [x < 0, x > 5], [-1, 1, lambda v: v]), real())
for args in ([[0, 1], [1, 2]], [[True, False], [2]], [[1], [0], [1, 1]]):
    add("np.ix_", lambda np_, *i: np_.ix_(*i), *args, differentiable=(), smooth=False)

for call in (
    lambda np_, x: x[1], lambda np_, x: x[-1, 0], lambda np_, x: x[::-1], lambda np_, x: x[:, 1:],
    lambda np_, x: x[..., None], lambda np_, x: x[[1, 0, 1]], lambda np_, x: x[:, [0, 2]],
    lambda np_, x: x[x > 0], lambda np_, x: x[np.ix_([0, 1], [2, 0])], lambda np_, x: x[()],
    lambda np_, x: x[1:1], lambda np_, x: x[[True, False]], lambda np_, x: x[[0, 1], [1, 2]],
):  # fmt: skip
    add("ndarray.__getitem__", call, real(2, 3))
