"""Joining, splitting, repeating and taking out."""

import numpy as np

from tests.samples.core import Table, real

SAMPLES = Table()
add = SAMPLES.add
BOTH = {"differentiable": (0, 1)}

for axis in (0, 1, -1, None):
    for name in ("concatenate", "concat"):
        add(f"np.{name}", lambda np_, x, y, n=name, a=axis: getattr(np_, n)([x, y], axis=a),
            real(2, 3), real(2, 3), **BOTH)  # fmt: skip
add("np.concatenate", lambda np_, x, y: np_.concatenate((x, y, x)), real(2), real(0), **BOTH)
add("np.concatenate", lambda np_, x, y: np_.concatenate([x, y], 1), real(2, 3), real(2, 1), **BOTH)
add("np.concatenate", lambda np_, x: np_.concatenate([x, [1, 2]]), real(2))
add("np.concatenate", lambda np_, x: np_.concatenate(x), real(2, 3))
add("np.concatenate", lambda np_, x: np_.concatenate([x, x], dtype=np.float32), real(2),
    smooth=False)  # fmt: skip
add("np.concatenate", lambda np_, x: np_.concatenate([x, x], out=np_.zeros_like(x, shape=4)),
    real(2))  # fmt: skip
add("np.concatenate", lambda np_, x, n: np_.concatenate([x, n]), real(2), [True, False])
for axis in (0, 1, 2, -1):
    add("np.stack", lambda np_, x, y, a=axis: np_.stack([x, y], axis=a), real(2, 3), real(2, 3),
        **BOTH)  # fmt: skip
add("np.stack", lambda np_, x: np_.stack([x, 2 * x]), real())
add("np.stack", lambda np_, x: np_.stack([x[0], 1.0, x[1]]), real(2), float32=False)
add("np.stack", lambda np_, x: np_.stack(x, -1), real(2, 3))
for shape in ((), (3,), (2, 3), (2, 3, 2)):
    for name in ("vstack", "hstack", "dstack", "column_stack"):
        if name == "column_stack" and len(shape) == 3:
            continue
        add(f"np.{name}", lambda np_, x, y, n=name: getattr(np_, n)([x, y]), real(*shape),
            real(*shape), **BOTH)  # fmt: skip
        add(f"np.{name}", lambda np_, x, n=name: getattr(np_, n)((x, x, x)), real(*shape))
add("np.column_stack", lambda np_, x, y: np_.column_stack([x, y]), real(3), real(3, 2), **BOTH)
add("np.block", lambda np_, x, y: np_.block([[x, y], [y.T, np.eye(1)]]), real(2, 2), real(2, 1),
    float32=False, **BOTH)  # fmt: skip
add("np.block", lambda np_, x: np_.block([x, 2 * x]), real(3))
add("np.block", lambda np_, x: np_.block([[x], [2 * x]]), real(3))
add("np.block", lambda np_, x: np_.block([x, 3.0]), real(), float32=False)
add("np.block", lambda np_, x: np_.block(x), real(2, 2))
for axis in (None, 0, 1):
    add("np.append", lambda np_, x, y, a=axis: np_.append(x, y, axis=a), real(2, 2), real(2, 2),
        **BOTH)  # fmt: skip
add("np.append", lambda np_, x: np_.append(x, 3.0), real(2), float32=False)
for axis in (None, 0, 1, -1):
    for where in (0, -1, [0, 1], slice(0, 1), [True, False] if axis == 0 else 1):
        add("np.delete", lambda np_, x, a=axis, w=where: np_.delete(x, w, axis=a), real(2, 3))
    for where in (0, -1, [0, 1], [1, 1], slice(0, 2)):
        add("np.insert", lambda np_, x, a=axis, w=where: np_.insert(x, w, 5.0, axis=a), real(2, 3))
add("np.insert", lambda np_, x, y: np_.insert(x, 1, y, axis=0), real(2, 3), real(3), **BOTH)
add("np.insert", lambda np_, x, y: np_.insert(x, [1], y, axis=0), real(2, 3), real(2, 3), **BOTH)
add("np.insert", lambda np_, x, y: np_.insert(x, 1, y, axis=1), real(2, 3), real(2), **BOTH)
add("np.insert", lambda np_, x, y: np_.insert(x, [0, 3], y), real(4), real(2), **BOTH)
for where in (2, [1, 3], (1, 1, 2), 4):
    for axis in (0, 1):
        add("np.split", lambda np_, x, a=axis, w=where: np_.split(x, w, axis=a), real(4, 4))
        add("np.array_split", lambda np_, x, a=axis, w=where: np_.array_split(x, w, axis=a),
            real(5, 7))  # fmt: skip
    add("np.hsplit", lambda np_, x, w=where: np_.hsplit(x, w), real(2, 4))
    add("np.hsplit", lambda np_, x, w=where: np_.hsplit(x, w), real(4))
    add("np.vsplit", lambda np_, x, w=where: np_.vsplit(x, w), real(4, 2))
    add("np.dsplit", lambda np_, x, w=where: np_.dsplit(x, w), real(2, 2, 4))
if hasattr(np, "unstack"):
    for axis in (0, 1, -1):
        add("np.unstack", lambda np_, x, a=axis: np_.unstack(x, axis=a), real(2, 3, 2))
for reps in (2, (2,), (2, 1), (1, 3), (2, 1, 2), (1, 1), 0, ()):
    for shape in ((), (3,), (2, 3)):
        add("np.tile", lambda np_, x, r=reps: np_.tile(x, r), real(*shape))
for axis in (None, 0, 1):
    for repeats in (2, 1, 0, [2]):
        add("np.repeat", lambda np_, x, a=axis, r=repeats: np_.repeat(x, r, axis=a), real(2, 3))
        add("ndarray.repeat", lambda np_, x, a=axis, r=repeats: x.repeat(r, a), real(2, 3))
add("np.repeat", lambda np_, x, n: np_.repeat(x, n, axis=0), real(3, 2), [1, 0, 2])
add("np.repeat", lambda np_, x, n: np_.repeat(x, n, axis=1), real(2, 2), [1, 3])
for sparse in (False, True):
    for indexing in ("xy", "ij"):
        keywords = {"sparse": sparse, "indexing": indexing}
        add("np.meshgrid", lambda np_, x, y, k=keywords: np_.meshgrid(x, y, **k), real(2), real(3),
            **BOTH)  # fmt: skip
        add("np.meshgrid", lambda np_, x, y, k=keywords: np_.meshgrid(x, y, [1.0, 2.0], **k),
            real(2), real(3), **BOTH)  # fmt: skip
add("np.meshgrid", lambda np_, x: np_.meshgrid(x), real(2))
add("np.meshgrid", lambda np_, x: np_.meshgrid(x, 1.0, copy=False), real())
