"""Reductions over axes."""

import numpy as np

from tests.samples.core import Table, mask, positive, real

SAMPLES = Table()
add = SAMPLES.add
AXES = (None, 0, 1, -1, (0, 1), (-1, 0), ())


def function(name):
    return lambda np_, x, **k: getattr(np_, name)(x, **k)


def method(name):
    return lambda np_, x, **k: getattr(x, name)(**k)


def with_keywords(call, **keywords):
    return lambda np_, x: call(np_, x, **keywords)


for name in (
    "sum",
    "prod",
    "max",
    "min",
    "amax",
    "amin",
    "mean",
    "var",
    "std",
    "any",
    "all",
    "ptp",
):
    smooth = name not in ("any", "all")
    calls = [(f"np.{name}", function(name))]
    if name not in ("amax", "amin", "ptp"):
        calls.append((f"ndarray.{name}", method(name)))
    for title, call in calls:
        for axis in AXES:
            for keepdims in (False, True):
                if name == "ptp" and axis == ():
                    continue
                keywords = {"axis": axis, "keepdims": keepdims}
                add(title, with_keywords(call, **keywords), real(2, 3), smooth=smooth and not (
                    axis == () and name == "std"))  # fmt: skip
        add(title, with_keywords(call, axis=1), real(2, 3, 2), smooth=smooth)
        add(title, with_keywords(call), real(), smooth=smooth and name != "std")
        add(title, with_keywords(call, axis=(0, 2)), real(2, 1, 3), smooth=smooth)
        add(title, with_keywords(call, axis=1), real(0, 3), smooth=smooth)
        add(title, with_keywords(call), [3, -1, 2], differentiable=(), smooth=False)

for name in ("sum", "prod"):
    call = function(name)
    add(f"np.{name}", with_keywords(call), real(0))
    add(f"np.{name}", with_keywords(call, axis=0), real(0, 2))
    add(f"np.{name}", with_keywords(call, initial=2.0), real(3))
    add(f"np.{name}", with_keywords(call, axis=1, initial=2.0, keepdims=True), real(2, 3))
    add(f"np.{name}", with_keywords(call, dtype=np.float32), real(3), smooth=False)
    add(f"np.{name}", with_keywords(call, dtype=np.float64), real(3))
    add(f"np.{name}", with_keywords(call), [True, True, False], differentiable=(), smooth=False)
    add(
        f"np.{name}",
        lambda np_, x, m, n=name: getattr(np_, n)(x, axis=0, where=m),
        real(3, 2),
        mask(3, 2),
    )
    add(
        f"np.{name}",
        lambda np_, x, m, n=name: getattr(np_, n)(x, where=m, initial=3.0),
        real(3, 2),
        mask(2),
    )
    add(
        f"np.{name}",
        lambda np_, x, n=name: getattr(np_, n)(x, axis=0, out=np_.zeros_like(x[0])),
        real(3, 2),
    )
add(
    "np.prod",
    function("prod"),
    [2.0, 0.0, 3.0],
)
add("np.prod", with_keywords(function("prod"), axis=1), [[0.0, 0.0, 3.0], [1.0, 0.0, 2.0]])
for name in ("max", "min"):
    call = function(name)
    add(f"np.{name}", with_keywords(call, initial=0.1), real(3))
    add(f"np.{name}", with_keywords(call, initial=0.1), real(0))
    add(f"np.{name}", with_keywords(call, initial=0.1, axis=0, keepdims=True), real(0, 2))
    add(
        f"np.{name}",
        lambda np_, x, m, n=name: getattr(np_, n)(x, axis=0, where=m, initial=0.05),
        real(3, 2),
        mask(3, 2),
    )
    add(
        f"np.{name}",
        lambda np_, x, n=name: getattr(np_, n)(x, axis=0, out=np_.zeros_like(x[0])),
        real(3, 2),
    )
    add(
        f"np.{name}",
        call,
        [1.0, 2.0, 1.0, 2.0],
        smooth=False,
        kink="equal extrema share the derivative evenly",
    )
    add(
        f"np.{name}",
        with_keywords(call, axis=1),
        [[0.0, 0.0, 0.0], [1.0, 1.0, -2.0]],
        smooth=False,
        kink="equal extrema share the derivative evenly",
    )
add(
    "np.ptp",
    function("ptp"),
    [1.0, 2.0, 1.0, 2.0],
    smooth=False,
    kink="equal extrema share the derivative evenly",
)
for name in ("any", "all"):
    for x in (mask(2, 3), [0.0, np.nan], [[0, 1], [1, 1]]):
        for axis in (None, 0, -1):
            add(f"np.{name}", with_keywords(function(name), axis=axis), x, smooth=False)
    add(
        f"np.{name}",
        lambda np_, x, m, n=name: getattr(np_, n)(x, axis=0, where=m),
        mask(3, 2),
        mask(3, 2),
        smooth=False,
    )
for axis in (None, 0, (0, 1)):
    for keepdims in (False, True):
        keywords = {"axis": axis, "keepdims": keepdims}
        for x in ([[0.0, 1.0], [2.0, 0.0], [0.0, 0.0]], mask(2, 3)):
            add("np.count_nonzero", with_keywords(function("count_nonzero"), **keywords), x,
                smooth=False)  # fmt: skip

for name in ("argmax", "argmin"):
    for axis in (None, 0, 1, -1):
        for keepdims in (False, True):
            keywords = {"axis": axis, "keepdims": keepdims}
            for call, title in ((function(name), "np"), (method(name), "ndarray")):
                add(f"{title}.{name}", with_keywords(call, **keywords), real(3, 2), smooth=False)
    add(f"np.{name}", function(name), [1.0, 2.0, 2.0, 1.0], smooth=False)
    add(f"np.{name}", function(name), [1.0, np.nan, 2.0], smooth=False)
    add(f"np.{name}", function(name), real(), smooth=False)

for name in ("mean", "var", "std"):
    add(
        f"np.{name}",
        lambda np_, x, m, n=name: getattr(np_, n)(x, axis=0, where=m),
        real(3, 2),
        [[True, False], [True, True], [True, True]],
    )
    add(f"np.{name}", with_keywords(function(name), dtype=np.float64), real(4))
    add(
        f"np.{name}",
        lambda np_, x, n=name: getattr(np_, n)(x, axis=1, out=np_.zeros_like(x[:, 0])),
        real(3, 2),
    )
for name in ("var", "std"):
    add(f"np.{name}", with_keywords(function(name), ddof=1), real(4))
    add(f"np.{name}", with_keywords(function(name), axis=0, correction=1), real(4, 2))
    add(
        f"np.{name}",
        lambda np_, x, n=name: getattr(np_, n)(x, axis=1, mean=np_.mean(x, axis=1, keepdims=True)),
        real(3, 2),
    )
    add(
        f"np.{name}",
        function(name),
        [2.0, 2.0, 2.0],
        smooth=False,
        kink="the derivative of the deviation of equal numbers is 0",
    )
for axis in (None, 0, 1, (0, 1)):
    add("np.average", with_keywords(function("average"), axis=axis), real(3, 2))
    add("np.average", with_keywords(function("average"), axis=axis, keepdims=True), real(3, 2))
    add(
        "np.average",
        lambda np_, x, w, a=axis: np_.average(x, axis=a, weights=w, returned=True),
        real(3, 2),
        positive(3, 2),
        differentiable=(0, 1),
    )
add("np.average", lambda np_, x, w: np_.average(x, axis=1, weights=w), real(3, 2), positive(2),
    differentiable=(0, 1))  # fmt: skip
add("np.average", lambda np_, x: np_.average(x, axis=0, returned=True), real(3, 2))
