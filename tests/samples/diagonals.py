"""Diagonals and triangles."""

from tests.samples.core import Table, real

SAMPLES = Table()
add = SAMPLES.add

for k in (0, 1, -1, 2, -3, 6):
    for shape in ((3, 3), (2, 4), (4, 2)):
        add("np.diag", lambda np_, x, k=k: np_.diag(x, k), real(*shape))
        add("np.diagonal", lambda np_, x, k=k: np_.diagonal(x, k), real(*shape))
        add("ndarray.diagonal", lambda np_, x, k=k: x.diagonal(k), real(*shape))
        add("np.trace", lambda np_, x, k=k: np_.trace(x, k), real(*shape))
        add("ndarray.trace", lambda np_, x, k=k: x.trace(k), real(*shape))
        add("np.tril", lambda np_, x, k=k: np_.tril(x, k), real(*shape))
        add("np.triu", lambda np_, x, k=k: np_.triu(x, k), real(*shape))
        for name in ("tril_indices_from", "triu_indices_from"):
            call = lambda np_, x, n=name, k=k: getattr(np_, n)(x, k)  # noqa: E731
            add(f"np.{name}", call, real(*shape), smooth=False)
    add("np.diag", lambda np_, x, k=k: np_.diag(x, k), real(3))
    add("np.diagflat", lambda np_, x, k=k: np_.diagflat(x, k), real(2, 2))
    add("np.diagflat", lambda np_, x, k=k: np_.diagflat(x, k), real())
for axes in ((0, 1), (1, 0), (0, 2), (-1, 1)):
    add("np.diagonal", lambda np_, x, a=axes: np_.diagonal(x, 1, *a), real(2, 3, 4))
    add("np.trace", lambda np_, x, a=axes: np_.trace(x, 0, *a), real(2, 3, 4))
add("np.trace", lambda np_, n: np_.trace(n), [[1, 2], [3, 4]], differentiable=(), smooth=False)
add("np.tril", lambda np_, x: np_.tril(x), real(2, 3, 3))
add("np.triu", lambda np_, x: np_.triu(x), real(3))
add("np.diag", lambda np_, x: np_.diag(x), real(0))
for shape in ((3, 3), (2, 2, 2), (1, 1)):
    add("np.diag_indices_from", lambda np_, x: np_.diag_indices_from(x), real(*shape), smooth=False)
