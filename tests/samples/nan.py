"""Reductions that pass over NaN."""

import numpy as np

from tests.samples.core import Table, holes, mask, real

SAMPLES = Table()
add = SAMPLES.add

for name in "sum prod max min mean var std median".split():
    full = f"nan{name}"
    for axis in (None, 0, 1, -1, (0, 1)):
        for keepdims in (False, True):
            keywords = {"axis": axis, "keepdims": keepdims}
            call = lambda np_, x, f=full, k=keywords: getattr(np_, f)(x, **k)  # noqa: E731
            add(f"np.{full}", call, holes(4, 5), smooth=True)
    call = lambda np_, x, f=full: getattr(np_, f)(x)  # noqa: E731
    add(f"np.{full}", call, real(3))
    add(f"np.{full}", call, [3, 1, 2], differentiable=(), smooth=False)
    add(f"np.{full}", lambda np_, x, f=full: getattr(np_, f)(x, axis=1), holes(2, 3, 2))
for full in ("nanmax", "nanmin", "nanmedian"):
    add(
        f"np.{full}",
        lambda np_, x, f=full: getattr(np_, f)(x),
        [np.nan, 1.0, 1.0, 1.0],
        smooth=False,
        kink="ties share the derivative evenly",
    )
for full in ("nansum", "nanprod"):
    add(f"np.{full}", lambda np_, x, f=full: getattr(np_, f)(x, initial=2.0), holes(4))
    add(f"np.{full}", lambda np_, x, m, f=full: getattr(np_, f)(x, where=m), holes(4), mask(4))
add("np.nansum", lambda np_, x: np_.nansum(x), [np.nan, np.nan])
for full in ("nanvar", "nanstd"):
    add(f"np.{full}", lambda np_, x, f=full: getattr(np_, f)(x, ddof=1), holes(6))
for full in ("nanargmax", "nanargmin"):
    for axis in (None, 0, 1):
        add(f"np.{full}", lambda np_, x, f=full, a=axis: getattr(np_, f)(x, axis=a), holes(4, 5),
            smooth=False)  # fmt: skip
for full in ("nancumsum", "nancumprod"):
    for axis in (None, 0, 1):
        add(f"np.{full}", lambda np_, x, f=full, a=axis: getattr(np_, f)(x, axis=a), holes(4, 5))
for full, q in (("nanquantile", 0.3), ("nanpercentile", 35)):
    for axis in (None, 0, 1):
        call = lambda np_, x, f=full, a=axis, q=q: getattr(np_, f)(x, q, axis=a)  # noqa: E731
        add(f"np.{full}", call, holes(4, 5))
    call = lambda np_, x, f=full, q=q: getattr(np_, f)(x, [q, 2 * q], axis=1, keepdims=True)  # noqa: E731
    add(f"np.{full}", call, holes(4, 5), float32=False)
