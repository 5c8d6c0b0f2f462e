"""Arrays like another one, and evenly spaced points."""

import numpy as np

from tests.samples.core import Table, positive, real

SAMPLES = Table()
add = SAMPLES.add
BOTH = {"differentiable": (0, 1)}

for keywords in ({}, {"dtype": np.float32}, {"shape": (4, 1)}, {"dtype": np.int64}):
    for shape in ((2, 3), (), (0,)):
        for name in ("zeros_like", "ones_like"):
            call = lambda np_, x, n=name, k=keywords: getattr(np_, n)(x, **k)  # noqa: E731
            add(f"np.{name}", call, real(*shape), smooth=False)
        add("np.full_like", lambda np_, x, k=keywords: np_.full_like(x, 2.5, **k), real(*shape),
            smooth=False)  # fmt: skip
        call = lambda np_, x, k=keywords: np_.empty_like(x, **k) * 0  # noqa: E731
        add("np.empty_like", call, real(*shape), smooth=False)
add("np.full_like", lambda np_, x, v: np_.full_like(x, v), real(2, 3), real(), **BOTH)
add("np.full_like", lambda np_, x, v: np_.full_like(x, v), real(2, 3), real(3), **BOTH)


def assembled(np_, x):
    y = np_.zeros_like(x)
    y[0] = x[1]
    y[1:] = 2 * x[:-1]
    return y


add("np.zeros_like", assembled, real(4))
for num in (0, 1, 2, 5):
    for endpoint in (True, False):
        keywords = {"num": num, "endpoint": endpoint}
        for a, b in (((), ()), ((2,), (2,)), ((2, 1), (3,))):
            call = lambda np_, x, y, k=keywords: np_.linspace(x, y, **k)  # noqa: E731
            add("np.linspace", call, real(*a), real(*b), **BOTH)
            call = lambda np_, x, y, k=keywords: np_.logspace(x, y, **k)  # noqa: E731
            add("np.logspace", call, real(*a), real(*b), **BOTH)
            call = lambda np_, x, y, k=keywords: np_.geomspace(x, y, **k)  # noqa: E731
            add("np.geomspace", call, positive(*a), positive(*b), **BOTH)
add("np.linspace", lambda np_, x: np_.linspace(0.0, x, 4, axis=-1), real(3))
add("np.linspace", lambda np_, x: np_.linspace(0.0, x, 4, retstep=True), real())
add("np.linspace", lambda np_, x: np_.linspace(0.0, x, 4, dtype=int), 5 + real(), smooth=False)
add("np.logspace", lambda np_, x, b: np_.logspace(0.0, x, 4, base=b), real(), positive(), **BOTH)
add("np.geomspace", lambda np_, x: np_.geomspace(-1.0, x, 4), -positive())
for dtype in (np.float32, np.float64, np.int64):
    if hasattr(np, "astype"):
        add("np.astype", lambda np_, x, d=dtype: np_.astype(x, d), 5 * real(3),
            smooth=dtype == np.float64, float32=dtype != np.int64)  # fmt: skip
    add("ndarray.astype", lambda np_, x, d=dtype: x.astype(d), 5 * real(3),
        smooth=dtype == np.float64)  # fmt: skip

LIKE = {
    "zeros": lambda np_, x: np_.zeros((2, 3), like=x),
    "ones": lambda np_, x: np_.ones(3, like=x),
    "full": lambda np_, x: np_.full((2,), 1.5, like=x),
    "empty": lambda np_, x: np_.empty(3, like=x) * 0,
    "eye": lambda np_, x: np_.eye(3, k=1, like=x),
    "identity": lambda np_, x: np_.identity(3, like=x),
    "tri": lambda np_, x: np_.tri(3, 2, like=x),
    "arange": lambda np_, x: np_.arange(3.0, like=x),
    "fromfunction": lambda np_, x: np_.fromfunction(lambda i, j: i + j, (2, 2), like=x),
    "fromiter": lambda np_, x: np_.fromiter([1.0, 2.0], float, like=x),
    "array": lambda np_, x: np_.array([x[0], 2 * x[1]], like=x),
    "asarray": lambda np_, x: np_.asarray(x, like=x),
    "asanyarray": lambda np_, x: np_.asanyarray([[x[0]], [x[1]]], like=x),
    "ascontiguousarray": lambda np_, x: np_.ascontiguousarray(x, like=x),
    "asfortranarray": lambda np_, x: np_.asfortranarray(x, like=x),
    "require": lambda np_, x: np_.require(x, like=x),
}

for name, call in LIKE.items():
    add(f"np.{name}", call, real(2))
    if name in ("array", "asarray", "require"):
        add(f"np.{name}", lambda np_, x, n=name: getattr(np_, n)(x, like=x), real(2, 3))
        add(f"np.{name}", lambda np_, x, n=name: getattr(np_, n)(x, dtype=np.float32, like=x),
            real(2, 3), smooth=False)  # fmt: skip
add("np.array", lambda np_, x: np_.array(x, ndmin=3, like=x), real(2))
add("np.full", lambda np_, x: np_.full((2, 2), x, like=x), real())
