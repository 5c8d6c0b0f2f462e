"""Shapes, axes and order of axes."""

import numpy as np

from tests.samples.core import Table, real

SAMPLES = Table()
add = SAMPLES.add

for shape in ((3, 2), (6,), -1, (-1, 2), [3, -1], (1, 2, 3)):
    for order in ("C", "F"):
        add("np.reshape", lambda np_, x, s=shape, o=order: np_.reshape(x, s, order=o), real(2, 3))
    add("ndarray.reshape", lambda np_, x, s=shape: x.reshape(s), real(2, 3))
add("np.reshape", lambda np_, x: np_.reshape(x, ()), real(1, 1))
add("np.reshape", lambda np_, x: np_.reshape(x, (0, 5)), real(0))
add("ndarray.reshape", lambda np_, x: x.reshape(3, -1), real(2, 3))
add("ndarray.reshape", lambda np_, x: x.reshape(3, 2, order="F"), real(2, 3))
for shape in ((2, 3), (), (0, 2), (4,)):
    for order in ("C", "F"):
        add("np.ravel", lambda np_, x, o=order: np_.ravel(x, o), real(*shape))
        add("ndarray.ravel", lambda np_, x, o=order: x.ravel(o), real(*shape))
        add("ndarray.flatten", lambda np_, x, o=order: x.flatten(o), real(*shape))
    add("ndarray.view", lambda np_, x: x.view(), real(*shape))
    add("np.transpose", lambda np_, x: np_.transpose(x), real(*shape))
    add("ndarray.T", lambda np_, x: x.T, real(*shape))
    add("ndarray.transpose", lambda np_, x: x.transpose(), real(*shape))
    add("np.atleast_1d", lambda np_, x: np_.atleast_1d(x), real(*shape))
    add("np.atleast_2d", lambda np_, x: np_.atleast_2d(x), real(*shape))
    add("np.atleast_3d", lambda np_, x: np_.atleast_3d(x), real(*shape))
    add("np.atleast_2d", lambda np_, x: np_.atleast_2d(x, x * 2), real(*shape))
    add("np.squeeze", lambda np_, x: np_.squeeze(x), real(1, *shape, 1))
    add("ndarray.squeeze", lambda np_, x: x.squeeze(0), real(1, *shape, 1))
    add("np.flip", lambda np_, x: np_.flip(x), real(*shape))
    add("np.roll", lambda np_, x: np_.roll(x, 2), real(*shape))
for order in ((1, 0, 2), (-1, 0, 1), [2, 1, 0]):
    add("np.transpose", lambda np_, x, o=order: np_.transpose(x, o), real(2, 3, 4))
    add("ndarray.transpose", lambda np_, x, o=order: x.transpose(*o), real(2, 3, 4))
    add("ndarray.transpose", lambda np_, x, o=order: x.transpose(o), real(2, 3, 4))
for pair in ((0, 1), (0, -1), (2, 1), (1, 1)):
    add("np.swapaxes", lambda np_, x, p=pair: np_.swapaxes(x, *p), real(2, 3, 4))
    add("ndarray.swapaxes", lambda np_, x, p=pair: x.swapaxes(*p), real(2, 3, 4))
    add("np.moveaxis", lambda np_, x, p=pair: np_.moveaxis(x, *p), real(2, 3, 4))
    add("np.rollaxis", lambda np_, x, p=pair: np_.rollaxis(x, *p), real(2, 3, 4))
add("np.moveaxis", lambda np_, x: np_.moveaxis(x, (0, 1), (-1, 0)), real(2, 3, 4))
add("np.moveaxis", lambda np_, x: np_.moveaxis(x, [0, 2], [1, 0]), real(2, 3, 4))
add("np.rollaxis", lambda np_, x: np_.rollaxis(x, 0, 3), real(2, 3, 4))
for shape in ((2, 3), (4, 2, 3), (0, 2)):
    add("np.matrix_transpose", lambda np_, x: np_.matrix_transpose(x), real(*shape))
    add("np.linalg.matrix_transpose", lambda np_, x: np_.linalg.matrix_transpose(x), real(*shape))
    add("ndarray.mT", lambda np_, x: x.mT, real(*shape))
    add("np.fliplr", lambda np_, x: np_.fliplr(x), real(*shape))
    add("np.flipud", lambda np_, x: np_.flipud(x), real(*shape))
for axis in (0, -1, (0, 2), (1, -1)):
    add("np.expand_dims", lambda np_, x, a=axis: np_.expand_dims(x, a), real(2, 3))
add("np.squeeze", lambda np_, x: np_.squeeze(x, axis=(0, -1)), real(1, 2, 1))
for shape in ((2, 3), (4, 2, 3), (2, 2, 3)):
    add("np.broadcast_to", lambda np_, x, s=shape: np_.broadcast_to(x, s), real(3))
    add("np.broadcast_to", lambda np_, x, s=shape: np_.broadcast_to(x, s), real(2, 1))
    add("np.broadcast_to", lambda np_, x, s=shape: np_.broadcast_to(x, s), real())
for other in ((3,), (2, 1), (4, 1, 1)):
    add(
        "np.broadcast_arrays",
        lambda np_, x, y: np_.broadcast_arrays(x, y),
        real(2, 3),
        real(*other),
        differentiable=(0, 1),
    )
for axis in (0, 1, -1, (0, 1)):
    add("np.flip", lambda np_, x, a=axis: np_.flip(x, a), real(2, 3))
    add("np.roll", lambda np_, x, a=axis: np_.roll(x, 1, a), real(2, 3))
add("np.roll", lambda np_, x: np_.roll(x, (1, -2), (0, 1)), real(3, 4))
add("np.roll", lambda np_, x: np_.roll(x, 0, 0), real(3, 4))
add("np.roll", lambda np_, x: np_.roll(x, 7, 1), real(3, 4))
for k in range(-2, 4):
    add("np.rot90", lambda np_, x, k=k: np_.rot90(x, k), real(2, 3))
add("np.rot90", lambda np_, x: np_.rot90(x, 1, (1, 2)), real(2, 3, 4))
for shape in ((4,), (2, 5), (0,), 3):
    add("np.resize", lambda np_, x, s=shape: np_.resize(x, s), real(2, 3))
for shape in ((2, 2), (3,), ()):
    add("ndarray.tolist", lambda np_, x: x.tolist(), real(*shape), float32=False)
for index in ((0,), (3,), (1, 2), ((0, 1),)):
    add("ndarray.item", lambda np_, x, i=index: x.item(*i), real(2, 3), float32=False)
add("ndarray.item", lambda np_, x: x.item(), real(1, 1), float32=False)
for make in (lambda x: x, np.cos):
    add("np.copy", lambda np_, x, m=make: np_.copy(m(x)), real(2, 3))
add("np.copy", lambda np_, x: np_.copy(x), real())
