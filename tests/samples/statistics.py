"""Medians, quantiles, covariances and counts."""

import numpy as np

from tests.samples.core import Table, positive, real

SAMPLES = Table()
add = SAMPLES.add

for axis in (None, 0, 1, -1, (0, 1)):
    for keepdims in (False, True):
        keywords = {"axis": axis, "keepdims": keepdims}
        for shape in ((3, 4), (4, 3), (2, 3, 2)):
            add("np.median", lambda np_, x, k=keywords: np_.median(x, **k), real(*shape))
            add("np.quantile", lambda np_, x, k=keywords: np_.quantile(x, 0.3, **k), real(*shape))
            add("np.percentile", lambda np_, x, k=keywords: np_.percentile(x, 70, **k),
                real(*shape))  # fmt: skip
for x in (2.5, [1.0, np.nan, 2.0], [3, 1, 2, 4]):
    add("np.median", lambda np_, x: np_.median(x), x, smooth=False)
    add("np.quantile", lambda np_, x: np_.quantile(x, 0.5), x, smooth=False)
for x in ([1.0, 2.0, 2.0, 3.0, 0.0], [1.0, 2.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]):
    add("np.median", lambda np_, x: np_.median(x), x, smooth=False,
        kink="ties share the derivative evenly")  # fmt: skip
METHODS = (
    "linear lower higher midpoint nearest interpolated_inverted_cdf hazen weibull "
    "median_unbiased normal_unbiased"
).split()
for method in METHODS:
    for q in (0.0, 0.23, 0.5, 0.9, 1.0):
        add("np.quantile", lambda np_, x, q=q, m=method: np_.quantile(x, q, method=m), real(8))
    add("np.percentile", lambda np_, x, m=method: np_.percentile(x, [11, 52.0], 0, method=m),
        real(7, 2), float32=False)  # fmt: skip
for q in ([0.25, 0.5], [[0.1], [0.9]]):
    add("np.quantile", lambda np_, x, q=q: np_.quantile(x, q), real(7), float32=False)
    add("np.quantile", lambda np_, x, q=q: np_.quantile(x, q, axis=1, keepdims=True), real(4, 7),
        float32=False)  # fmt: skip

for keywords in (
    {}, {"rowvar": False}, {"bias": True}, {"ddof": 0}, {"fweights": [1, 2, 1, 3]},
    {"aweights": [1.0, 0.5, 2.0, 1.5]},
    {"aweights": [1.0, 0.5, 2.0, 1.5], "fweights": [1, 2, 1, 1]},
):  # fmt: skip
    weighted = "aweights" in keywords or "fweights" in keywords
    shape = (3, 4) if weighted or keywords else (3, 5)
    facts = {"float32": not weighted}
    add("np.cov", lambda np_, x, k=keywords: np_.cov(x, **k), real(*shape), **facts)
    add("np.cov", lambda np_, x, k=keywords: np_.cov(x, **k), real(4), **facts)
add("np.cov", lambda np_, x, y: np_.cov(x, y), real(5), real(5), differentiable=(0, 1))
add("np.corrcoef", lambda np_, x: np_.corrcoef(x), real(3, 5), smooth=False)
add("np.corrcoef", lambda np_, x: np_.corrcoef(x, rowvar=False), real(5, 2), smooth=False)
add("np.corrcoef", lambda np_, x, y: np_.corrcoef(x, y)[0, 1], real(5), real(5),
    differentiable=(0, 1))  # fmt: skip
for numbers in ([0, 3, 1, 3], [2], []):
    n = np.array(numbers, np.int64)
    add("np.bincount", lambda np_, n: np_.bincount(n, minlength=2), n, differentiable=(),
        smooth=False)  # fmt: skip
    add("np.bincount", lambda np_, n, w: np_.bincount(n, w), n, positive(n.size),
        differentiable=(1,))  # fmt: skip
for bins in (4, [-1.0, -0.5, 0.0, 1.0]):
    for keywords in ({}, {"density": True}, {"range": (-0.5, 1.0)}):
        call = lambda np_, x, b=bins, k=keywords: np_.histogram(x, b, **k)  # noqa: E731
        add("np.histogram", call, real(12), smooth=False, float32=False)
    call = lambda np_, x, w, b=bins: np_.histogram(x, b, range=(-1, 1), weights=w)[0]  # noqa: E731
    add("np.histogram", call, real(12), positive(12), differentiable=(1,), float32=False)
    add("np.histogram_bin_edges", lambda np_, x, b=bins: np_.histogram_bin_edges(x, b), real(5),
        float32=False)  # fmt: skip
add("np.histogram_bin_edges", lambda np_, x: np_.histogram_bin_edges(x, 3, (0.0, 2.0)), real(5),
    float32=False)  # fmt: skip
