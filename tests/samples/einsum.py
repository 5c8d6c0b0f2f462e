"""Index notation."""

import numpy as np

from tests.samples.core import Table, real

SAMPLES = Table()
add = SAMPLES.add

CASES = (
    ("i->", (3,)), ("ij->", (2, 3)), ("ij->ji", (2, 3)), ("ji", (2, 3)), ("ij->i", (2, 3)),
    ("ii", (3, 3)), ("ii->i", (3, 3)), ("iij->ij", (2, 2, 3)), ("iii->", (2, 2, 2)),
    ("...ii->...i", (2, 3, 3)), ("...i", (2, 3)), ("i...->...", (2, 3)),
    ("ij...->ji...", (2, 3, 2)),
    ("", ()), ("...", (2, 2)), ("abab->ba", (2, 3, 2, 3)),
    ("i,i", (3,), (3,)), ("i,i->i", (3,), (3,)), ("i,j", (2,), (3,)), ("i,j->ji", (2,), (3,)),
    ("ij,jk", (2, 3), (3, 4)), ("ij,jk->ki", (2, 3), (3, 4)), ("ij,kj->ik", (2, 3), (4, 3)),
    ("ij,j", (2, 3), (3,)), ("ij,ij", (2, 3), (2, 3)), ("ij,ij->i", (2, 3), (2, 3)),
    ("bij,bjk->bik", (5, 2, 3), (5, 3, 4)), ("bij,jk->bik", (5, 2, 3), (3, 4)),
    ("bij,bkj->kib", (5, 2, 3), (5, 4, 3)), ("...ij,...jk->...ik", (5, 2, 3), (3, 4)),
    ("...ij,...jk", (4, 1, 2, 3), (5, 3, 2)), ("i...,i...", (2, 3), (2, 3)), (",ij", (), (2, 3)),
    ("ij,k->ik", (2, 3), (4,)), ("ii,i->i", (3, 3), (3,)), ("ij,jk->", (2, 3), (3, 4)),
    ("ijk,jil->kl", (2, 3, 4), (3, 2, 5)), ("i,i->", (0,), (0,)), ("ij,ij->ij", (2, 1), (2, 3)),
    ("ij,jk->ik", (2, 1), (3, 4)), ("i,i->i", (1,), (3,)),
    ("i,ij,j", (2,), (2, 3), (3,)), ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
    ("i,i,i->i", (3,), (3,), (3,)), ("ij,ik,il->jkl", (5, 2), (5, 3), (5, 4)),
    ("ijkl,km,ln->ijmn", (2, 3, 2, 3), (2, 4), (3, 2)), ("bi,ij,bj->b", (5, 2), (2, 3), (5, 3)),
    ("a,b,c,d->abcd", (2,), (3,), (2,), (1,)), (" i j , j -> i ", (2, 3), (3,)),
)  # fmt: skip
for subscripts, *shapes in CASES:
    arrays = [real(*shape) for shape in shapes]
    every = tuple(range(len(arrays)))
    add("np.einsum", lambda np_, *x, s=subscripts: np_.einsum(s, *x), *arrays,
        differentiable=every)  # fmt: skip
    if len(arrays) > 1:
        add("np.einsum", lambda np_, *x, s=subscripts: np_.einsum(s, *x, optimize=True), *arrays,
            differentiable=every)  # fmt: skip
add("np.einsum", lambda np_, x: np_.einsum(x, [0, 1], [1, 0]), real(2, 3))
add("np.einsum", lambda np_, x: np_.einsum(x, [0, 0]), real(3, 3))
add("np.einsum", lambda np_, x, y: np_.einsum(x, [0, 1], y, [1, 2]), real(2, 3), real(3, 4),
    differentiable=(0, 1))  # fmt: skip
add("np.einsum", lambda np_, x, y: np_.einsum(x, [Ellipsis, 1], y, [1], [Ellipsis]), real(2, 3),
    real(3), differentiable=(0, 1))  # fmt: skip
add("np.einsum", lambda np_, x: np_.einsum("ij,j->i", x, np.ones(3)), real(2, 3), float32=False)
add("np.einsum", lambda np_, x, n: np_.einsum("ij,j->i", x, n), real(2, 3), [1, 2, 3])
add("np.einsum", lambda np_, x: np_.einsum("ij->j", x, out=np_.zeros_like(x[0])), real(2, 3))
for subscripts, *shapes in CASES[-6:-2]:
    add("np.einsum_path", lambda np_, *x, s=subscripts: np_.einsum_path(s, *x)[0],
        *[real(*shape) for shape in shapes], smooth=False)  # fmt: skip
