"""Methods of ufuncs."""

import numpy as np

from tests.samples.core import Table, mask, positive, real

SAMPLES = Table()
add = SAMPLES.add
BOTH = {"differentiable": (0, 1)}
FOLDED = "add multiply maximum minimum fmax fmin hypot logaddexp logaddexp2".split()
ORDERED = "subtract divide power arctan2".split()
TRUTH = "logical_and logical_or logical_xor".split()

for name in (*FOLDED, *ORDERED, *TRUTH):
    facts = {"smooth": name not in TRUTH}
    make = mask if name in TRUTH else positive
    facts["differentiable"] = () if name in TRUTH else (0,)
    # NumPy's own vectorised loops reduce contiguous axes wrongly with these two.
    broken = name in ("power", "arctan2")
    for axis in (0, 1, -1):
        for keepdims in (False, True):
            if broken:
                continue
            call = lambda np_, x, n=name, a=axis, k=keepdims: getattr(np_, n).reduce(  # noqa: E731
                x, axis=a, keepdims=k
            )
            add(f"np.{name}.reduce", call, make(3, 5), **facts)
        call = lambda np_, x, n=name, a=axis: getattr(np_, n).accumulate(x, axis=a)  # noqa: E731
        add(f"np.{name}.accumulate", call, make(3, 5), **facts)
        add(f"np.{name}.accumulate", call, make(2, 1), **facts)
    if not broken:
        add(f"np.{name}.reduce", lambda np_, x, n=name: getattr(np_, n).reduce(x), make(4), **facts)
    facts["differentiable"] = () if name in TRUTH else (0, 1)
    call = lambda np_, x, y, n=name: getattr(np_, n).outer(x, y)  # noqa: E731
    for a, b in (((2,), (3,)), ((2, 2), (3,)), ((), (2,))):
        add(f"np.{name}.outer", call, make(*a), make(*b), **facts)
for name in FOLDED:
    add(f"np.{name}.reduce", lambda np_, x, n=name: getattr(np_, n).reduce(x, axis=None),
        positive(2, 3))  # fmt: skip
    add(f"np.{name}.reduce", lambda np_, x, n=name: getattr(np_, n).reduce(x, axis=(0, 2)),
        positive(2, 3, 2))  # fmt: skip
for name in ("add", "multiply", "maximum", "subtract"):
    call = lambda np_, x, n=name: getattr(np_, n).reduce(x, initial=3.0)  # noqa: E731
    add(f"np.{name}.reduce", call, real(4, 2))
    for index in ([0, 2], [0, 2, 1], [3, 0, 1]):
        for axis in (0, 1):
            call = lambda np_, x, n=name, i=index, a=axis: getattr(np_, n).reduceat(x, i, axis=a)  # noqa: E731
            add(f"np.{name}.reduceat", call, real(4, 4))
add("np.add.reduce", lambda np_, x: np_.add.reduce(x, dtype=np.float64), real(3))
add("np.add.reduce", lambda np_, x, m: np_.add.reduce(x, where=m), real(3, 2), mask(3, 2))
add("np.add.reduce", lambda np_, x: np_.add.reduce(x), np.zeros((0, 2)))
add("np.maximum.accumulate", lambda np_, x: np_.maximum.accumulate(x), [1.0, 1.0, 0.0],
    smooth=False, kink="equal elements share the derivative evenly, pair by pair")  # fmt: skip
add("np.less.outer", lambda np_, x, y: np_.less.outer(x, y), real(3), real(2), smooth=False, **BOTH)
