"""Products of vectors, matrices and tensors."""

import numpy as np

from tests.samples.core import Table, real

SAMPLES = Table()
add = SAMPLES.add
BOTH = {"differentiable": (0, 1)}


def pairs(name, call, shapes, **facts):
    for a, b in shapes:
        add(name, call, real(*a), real(*b), **BOTH, **facts)


DOTS = (
    ((), ()), ((), (3,)), ((2, 3), ()), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)),
    ((2, 3), (3, 4)), ((2, 2, 3), (3,)), ((2, 2, 3), (4, 3, 2)), ((3,), (2, 3, 2)), ((0,), (0,)),
    ((2, 0), (0, 3)), ((5, 2, 3), (3, 4)),
)  # fmt: skip
MATS = (
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)),
    ((5, 2, 3), (5, 3, 1)), ((1, 2, 3), (4, 1, 3, 2)), ((3,), (4, 3, 2)), ((0, 2), (2, 3)),
    ((2, 0), (0, 3)),
)  # fmt: skip
pairs("np.dot", lambda np_, x, y: np_.dot(x, y), DOTS)
pairs("ndarray.dot", lambda np_, x, y: x.dot(y), DOTS)
pairs("np.matmul", lambda np_, x, y: np_.matmul(x, y), MATS)
pairs("np.matmul", lambda np_, x, y: x @ y, MATS)
pairs("np.linalg.matmul", lambda np_, x, y: np_.linalg.matmul(x, y), MATS[3:6])
add("np.dot", lambda np_, x, n: np_.dot(x, n), real(2, 3), [1, 2, 3])
add("np.dot", lambda np_, x, y: np_.dot(x, y, out=np_.zeros_like(x, shape=2)), real(2, 3), real(3),
    **BOTH)  # fmt: skip
add("np.matmul", lambda np_, x, y: np_.matmul(x, y, out=np_.zeros_like(x)), real(2, 2), real(2, 2),
    **BOTH)  # fmt: skip
pairs(
    "np.inner",
    lambda np_, x, y: np_.inner(x, y),
    (
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (2, 3)),
        ((2, 3), (4, 3)),
        ((), (3,)),
        ((2, 1, 3), (4, 3)),
    ),
)
SAME = (((3,), (3,)), ((2, 3), (2, 3)), ((0,), (0,)), ((), ()))
pairs("np.vdot", lambda np_, x, y: np_.vdot(x, y), SAME)
ANY = (((3,), (2,)), ((2, 3), (2,)), ((), (3,)), ((2, 2), (3, 1)), ((0,), (2,)))
pairs("np.outer", lambda np_, x, y: np_.outer(x, y), ANY)
pairs("np.kron", lambda np_, x, y: np_.kron(x, y), (*ANY, ((2, 3), (2, 2, 2)), ((), ())))
VECTORS = (((3,), (3,)), ((2, 3), (3,)), ((2, 1, 3), (4, 3)))
pairs("np.vecdot", lambda np_, x, y: np_.vecdot(x, y), VECTORS)
pairs("np.vecdot", lambda np_, x, y: np_.vecdot(x, y, axis=0), (((3, 2), (3, 2)), ((3,), (3,))))
pairs("np.linalg.vecdot", lambda np_, x, y: np_.linalg.vecdot(x, y), VECTORS)
pairs("np.linalg.outer", lambda np_, x, y: np_.linalg.outer(x, y), ANY[:1] * 3)
if hasattr(np, "matvec"):
    pairs("np.matvec", lambda np_, x, y: np_.matvec(x, y),
          (((2, 3), (3,)), ((4, 2, 3), (3,)), ((2, 3), (4, 3))))  # fmt: skip
    pairs("np.vecmat", lambda np_, x, y: np_.vecmat(x, y),
          (((2,), (2, 3)), ((4, 2), (2, 3)), ((2,), (4, 2, 3))))  # fmt: skip
for axes, a, b in (
    (2, (2, 3, 4), (3, 4, 2)),
    (1, (2, 3), (3, 4)),
    (0, (2,), (3, 2)),
    (([0, 1], [1, 0]), (2, 3, 4), (3, 2)),
    ((-1, -1), (2, 3), (4, 3)),
    (([1], [0]), (2, 3), (3,)),
    (((0,), (2,)), (2, 3), (4, 1, 2)),
    (1, (2, 0), (0, 3)),
):
    for name in ("tensordot", "linalg.tensordot"):
        find = (
            (lambda np_: np_.tensordot)
            if name == "tensordot"
            else (lambda np_: np_.linalg.tensordot)
        )
        pairs(f"np.{name}", lambda np_, x, y, f=find, k=axes: f(np_)(x, y, axes=k), ((a, b),))
CROSS = (((3,), (3,)), ((4, 3), (4, 3)), ((4, 3), (3,)), ((2, 1, 3), (5, 3)))
pairs("np.cross", lambda np_, x, y: np_.cross(x, y), CROSS)
pairs("np.linalg.cross", lambda np_, x, y: np_.linalg.cross(x, y), CROSS)
pairs("np.cross", lambda np_, x, y: np_.cross(x, y, axis=0), (((3, 2), (3, 2)),))
pairs("np.cross", lambda np_, x, y: np_.cross(x, y, axisa=0, axisb=1, axisc=0), (((3, 2), (2, 3)),))
for mode in ("full", "same", "valid"):
    for name in ("convolve", "correlate"):
        pairs(
            f"np.{name}",
            lambda np_, x, y, n=name, m=mode: getattr(np_, n)(x, y, m),
            (((5,), (3,)), ((3,), (5,)), ((4,), (4,)), ((6,), (2,)), ((2,), (6,)), ((3,), (1,)),
             ((1,), (4,))),
        )  # fmt: skip
add("np.correlate", lambda np_, x: np_.correlate(x, [1.0, 2.0]), real(4), float32=False)
add("np.convolve", lambda np_, x: np_.convolve([1.0, -2.0, 1.0], x), real(4), float32=False)
