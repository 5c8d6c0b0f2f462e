"""Questions that are answered without values."""

import numpy as np

from tests.samples.core import Table, real

SAMPLES = Table()
add = SAMPLES.add

for shape in ((), (3,), (2, 0, 3)):
    add("np.ndim", lambda np_, x: np_.ndim(x), real(*shape), smooth=False)
    add("np.shape", lambda np_, x: np_.shape(x), real(*shape), smooth=False)
    add("np.size", lambda np_, x: np_.size(x), real(*shape), smooth=False)
    add("np.common_type", lambda np_, x: np_.common_type(x, x), real(*shape), smooth=False)
    add("np.min_scalar_type", lambda np_, x: x.dtype, real(*shape), smooth=False)
    add("np.can_cast", lambda np_, x: np_.can_cast(x.dtype, np.float32), real(*shape), smooth=False)
    add("np.result_type", lambda np_, x: np_.result_type(x, 1.0, np.int64), real(*shape),
        smooth=False)  # fmt: skip
    add("ndarray.nbytes", lambda np_, x: (x.nbytes, x.itemsize), real(*shape), smooth=False)
    for name in ("may_share_memory", "shares_memory"):
        call = lambda np_, x, n=name: getattr(np_, n)(x, np.ones(3))  # noqa: E731
        add(f"np.{name}", call, real(*shape), smooth=False)
        add(f"np.{name}", lambda np_, x, n=name: getattr(np_, n)(x, x), real(*shape), smooth=False)
for axis in (0, 1, -1):
    add("np.size", lambda np_, x, a=axis: np_.size(x, a), real(2, 3), smooth=False)
add("np.result_type", lambda np_, x, n: np_.result_type(x, n), real(2), [1, 2], smooth=False)
