"""Norms, chains and powers of matrices."""

import numpy as np

from tests.samples.core import Table, positive, real

SAMPLES = Table()
add = SAMPLES.add

for shape in ((), (4,), (2, 3), (2, 2, 3), (0,)):
    for keepdims in (False, True):
        add("np.linalg.norm", lambda np_, x, k=keepdims: np_.linalg.norm(x, keepdims=k),
            real(*shape), smooth=shape not in ((), (0,)))  # fmt: skip
for order in (None, 1, 2, 3, 2.5, 0.5, np.inf, -np.inf, -1, 0):
    smooth = order != 0
    for keywords in ({"axis": 0}, {"axis": -1, "keepdims": True}):
        add("np.linalg.norm", lambda np_, x, o=order, k=keywords: np_.linalg.norm(x, o, **k),
            real(3, 2), smooth=smooth)  # fmt: skip
    add("np.linalg.norm", lambda np_, x, o=order: np_.linalg.norm(x, o), real(4), smooth=smooth)
    if order is not None:
        for axis in (None, 0, (0, 1)):
            call = lambda np_, x, o=order, a=axis: np_.linalg.vector_norm(x, ord=o, axis=a)  # noqa: E731
            add("np.linalg.vector_norm", call, real(3, 2), smooth=smooth)
for order in (None, "fro", 1, -1, np.inf, -np.inf):
    for keepdims in (False, True):
        call = lambda np_, x, o=order, k=keepdims: np_.linalg.norm(x, o, (0, 2), keepdims=k)  # noqa: E731
        add("np.linalg.norm", call, real(3, 2, 4))
        if order is not None:
            call = lambda np_, x, o=order, k=keepdims: np_.linalg.matrix_norm(x, ord=o, keepdims=k)  # noqa: E731
            add("np.linalg.matrix_norm", call, real(2, 3, 4))
    add("np.linalg.norm", lambda np_, x, o=order: np_.linalg.norm(x, o), real(2, 3))
for x in (np.zeros(3), np.zeros((2, 2))):
    add("np.linalg.norm", lambda np_, x: np_.linalg.norm(x), x, smooth=False,
        kink="the derivative of a norm is 0 at 0")  # fmt: skip
for n in (0, 1, 2, 3, 5):
    call = lambda np_, x, n=n: np_.linalg.matrix_power(x, n)  # noqa: E731
    add("np.linalg.matrix_power", call, real(2, 2))
    add("np.linalg.matrix_power", call, real(3, 2, 2))
for shapes in (
    ((2, 3), (3, 4)), ((2, 3), (3, 4), (4, 2)), ((5, 2), (2, 6), (6, 1), (1, 3)),
    ((3,), (3, 4), (4, 2)), ((2, 3), (3, 4), (4,)), ((3,), (3, 2), (2,)),
):  # fmt: skip
    add("np.linalg.multi_dot", lambda np_, *x: np_.linalg.multi_dot(x), *[real(*s) for s in shapes],
        differentiable=tuple(range(len(shapes))))  # fmt: skip
for offset in (0, 1, -1, 5):
    for shape in ((3, 4), (4, 3), (2, 3, 3)):
        for name in ("trace", "diagonal"):
            call = lambda np_, x, n=name, o=offset: getattr(np_.linalg, n)(x, offset=o)  # noqa: E731
            add(f"np.linalg.{name}", call, real(*shape))
add("np.linalg.norm", lambda np_, x: np_.linalg.norm(x, 1.5), positive(3))
