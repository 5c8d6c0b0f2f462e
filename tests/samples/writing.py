"""Functions that write to one of their arguments."""

import numpy as np

from tests.samples.core import Table, mask, real

SAMPLES = Table()
add = SAMPLES.add
BOTH = {"differentiable": (0, 1)}


def writing(name, call, *inputs, **facts):
    """A function that changes a copy of its first input, which is the result."""

    def changed(np_, x, *rest):
        y = x.copy()
        call(np_, y, *rest)
        return y

    add(name, changed, *inputs, **facts)


for shape in ((2, 3), (3,), ()):
    writing("np.copyto", lambda np_, y, v: np_.copyto(y, v), real(2, 3), real(*shape), **BOTH)
    writing("np.copyto", lambda np_, y, v, m: np_.copyto(y, v, where=m), real(2, 3), real(*shape),
            mask(2, 3), **BOTH)  # fmt: skip
writing("np.copyto", lambda np_, y: np_.copyto(y, 3), real(2, 3))
for shape in ((2, 3), (2,), (7,), ()):
    writing("np.putmask", lambda np_, y, v, m: np_.putmask(y, m, v), real(2, 3), real(*shape),
            mask(2, 3), **BOTH)  # fmt: skip
    writing("np.place", lambda np_, y, v, m: np_.place(y, m, v), real(2, 3), real(*shape),
            mask(2, 3), **BOTH)  # fmt: skip
for index, shape in (([0, 4], (2,)), ([1, 2, 5], (2,)), (3, ()), ([-1, -2], (5,))):
    writing(
        "np.put", lambda np_, y, v, i: np_.put(y, i, v), real(2, 3), real(*shape), index, **BOTH
    )
    writing("ndarray.put", lambda np_, y, v, i: y.put(i, v), real(6), real(*shape), index, **BOTH)
for mode in ("wrap", "clip"):
    writing("np.put", lambda np_, y, v, i, m=mode: np_.put(y, i, v, mode=m), real(2, 3), real(3),
            [-8, 7, 2], **BOTH)  # fmt: skip
for shape in ((3, 3), (2, 4), (5, 2), (2, 2, 2)):
    for value in ((), (2,), (7,)):
        for wrap in (False, True):
            call = lambda np_, y, v, w=wrap: np_.fill_diagonal(y, v, w)  # noqa: E731
            writing("np.fill_diagonal", call, real(*shape), real(*value), **BOTH)
for axis, index in ((0, [[1, 0, 1]]), (1, [[2], [0]]), (-1, [[2, 1], [0, 1]])):
    call = lambda np_, y, v, i, a=axis: np_.put_along_axis(y, i, v, a)  # noqa: E731
    writing("np.put_along_axis", call, real(2, 3), real(), index, **BOTH)
    writing("np.put_along_axis", call, real(2, 3), real(*np.shape(index)), index, **BOTH)
writing("np.put_along_axis", lambda np_, y, v, i: np_.put_along_axis(y, i, v, None), real(2, 3),
        real(2), [5, 0], **BOTH)  # fmt: skip
for shape in ((3,), (2, 2), ()):
    writing("ndarray.fill", lambda np_, y, v: y.fill(v), real(*shape), real(), **BOTH)
    writing("ndarray.sort", lambda np_, y: y.sort() if y.ndim else None, real(*shape))
writing("ndarray.sort", lambda np_, y: y.sort(axis=0), real(3, 2))
for kth in (0, 2, [1, 3]):

    def part(np_, x, kth=kth):
        y = x.copy()
        y.partition(kth)
        return y[kth]

    add("ndarray.partition", part, real(5))
for call in (
    lambda np_, y, v: y.__setitem__(0, v), lambda np_, y, v: y.__setitem__((slice(None), 1), v),
    lambda np_, y, v: y.__setitem__(y > 0, v), lambda np_, y, v: y.__setitem__([1, 0], v),
):  # fmt: skip
    writing("ndarray.__setitem__", call, real(2, 3), real(), **BOTH)


def at(ufunc, *rest_shape, index, **facts):
    def call(np_, y, *rest):
        getattr(np_, ufunc).at(y, index, *rest)

    inputs = [real(*rest_shape)] if rest_shape != ("none",) else []
    writing(f"np.{ufunc}.at", call, real(4, 2), *inputs,
            differentiable=tuple(range(1 + len(inputs))), **facts)  # fmt: skip


for name in ("add", "subtract", "multiply", "divide", "maximum", "power"):
    facts = {"smooth": name != "power"}
    at(name, index=[0, 2, 0], **facts)
    at(name, 3, 2, index=[1, 1, 3], **facts)
    at(name, 2, index=([0, 0], [1, 1]), **facts)
    at(name, 2, index=1, **facts)
    at(name, 2, 2, index=slice(0, 2), **facts)
for name in ("negative", "exp"):
    at(name, "none", index=[0, 2, 0])
    at(name, "none", index=([1, 1], [0, 1]))
    at(name, "none", index=slice(1, 3))
