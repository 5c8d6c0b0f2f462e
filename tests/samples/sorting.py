"""Orders, places in an order, and sets."""

import numpy as np

from tests.samples.core import Table, mask, real

SAMPLES = Table()
add = SAMPLES.add
BOTH = {"differentiable": (0, 1)}

for axis in (None, 0, 1, -1):
    for shape in ((3, 4), (2, 0), (4, 1)):
        add("np.sort", lambda np_, x, a=axis: np_.sort(x, axis=a), real(*shape))
        for name in ("np", "ndarray"):
            call = (lambda np_, x, a=axis: np_.argsort(x, axis=a)) if name == "np" else (
                lambda np_, x, a=axis: x.argsort(axis=a))  # fmt: skip
            add(f"{name}.argsort", call, real(*shape), smooth=False)
add("np.sort", lambda np_, x: np_.sort(x, kind="stable"), [2.0, 1.0, 2.0, np.nan, 0.0],
    smooth=False, kink="equal elements keep their order")  # fmt: skip
add("np.argsort", lambda np_, x: np_.argsort(x, stable=True), [2.0, 1.0, 2.0, np.nan, 0.0],
    smooth=False)  # fmt: skip
for kth in (0, 2, -1):
    for axis in (0, -1, None):
        add("np.partition",
            lambda np_, x, k=kth, a=axis: np_.take(np_.partition(x, k, axis=a), k, axis=a or 0),
            real(5, 5)[0] if axis is None else real(5, 5))  # fmt: skip
        add("np.argpartition",
            lambda np_, x, k=kth, a=axis: np_.take(np_.argpartition(x, k, axis=a), k, axis=a or 0),
            real(5, 5)[0] if axis is None else real(5, 5), smooth=False)  # fmt: skip
add("ndarray.argpartition", lambda np_, x: x.argpartition(2)[2], real(5), smooth=False)
for keys in (([1, 0, 1, 0], [2, 2, 1, 1]), ([3.0, 1.0], [1.0, 1.0])):
    add("np.lexsort", lambda np_, x, y: np_.lexsort((x, y)), *keys, smooth=False, **BOTH)
add("np.lexsort", lambda np_, x, y: np_.lexsort((x, y), axis=0), real(3, 2), mask(3, 2),
    smooth=False)  # fmt: skip
LINE = np.array([0.0, 1.0, 1.0, 2.0, 5.0])
for side in ("left", "right"):
    for values in ([1.0, -1.0, 9.0, 5.0, 0.5], [[1.0, 2.0]], 1.0, [np.nan, np.inf], real(0)):
        call = lambda np_, a, v, s=side: np_.searchsorted(a, v, side=s)  # noqa: E731
        add("np.searchsorted", call, LINE, values, smooth=False, **BOTH)
        add("ndarray.searchsorted", lambda np_, a, v, s=side: a.searchsorted(v, s), LINE, values,
            smooth=False, **BOTH)  # fmt: skip
    add("np.searchsorted", lambda np_, a, v, s=side: np_.searchsorted(a, v, s),
        np.sort(real(200).round(1)), real(9, 11).round(1), smooth=False, **BOTH)  # fmt: skip
    add("np.searchsorted", lambda np_, a, v, i, s=side: np_.searchsorted(a, v, s, sorter=i),
        [2.0, 0.0, 1.0], [0.5, 2.0], [1, 2, 0], smooth=False, **BOTH)  # fmt: skip
for right in (False, True):
    for bins in (LINE, LINE[::-1], [1.0]):
        call = lambda np_, x, b, r=right: np_.digitize(x, b, right=r)  # noqa: E731
        add("np.digitize", call, [1.0, -3.0, 7.0, 5.0, 0.2], bins, smooth=False, **BOTH)
TIES = np.array([2.0, 1.0, 2.0, 3.0, 1.0])
for x in (TIES, [[1.0, 0.0], [0.0, 1.0]], real(5), [np.nan, 1.0, np.nan], [3, 1, 3]):
    facts = {"smooth": False, "kink": "the derivative goes to the first of equal elements"}
    facts["differentiable"] = (0,) if np.asarray(x).dtype == float else ()
    add("np.unique", lambda np_, x: np_.unique(x), x, **facts)
    add("np.unique", lambda np_, x: np_.unique(x, True, True, True), x, **facts)
    add("np.unique", lambda np_, x: np_.unique(x, equal_nan=False), x, **facts)
    add("np.unique_values", lambda np_, x: np.sort(np_.unique_values(x)), x, **facts)
for x, y in ((TIES, [1.0, 7.0]), (real(3), real(3)), ([1, 2, 2], [2, 4])):
    facts = {"smooth": False, "differentiable": (0, 1) if np.asarray(x).dtype == float else ()}
    for name in ("union1d", "intersect1d", "setdiff1d", "setxor1d", "isin"):
        add(f"np.{name}", lambda np_, x, y, n=name: getattr(np_, n)(x, y), x, y, **facts)
add("np.isin", lambda np_, x, y: np_.isin(x, y, invert=True), [[1.0, 2.0]], [2.0, 3.0],
    smooth=False, **BOTH)  # fmt: skip
add("np.isin", lambda np_, x, y: np_.isin(x, y), real(200).round(1), real(100).round(1),
    smooth=False, **BOTH)  # fmt: skip
