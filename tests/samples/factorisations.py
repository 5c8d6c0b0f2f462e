"""Linear systems, factorisations, and what is computed from them.

Signs of eigenvectors and singular vectors are a convention: their samples do not depend on them.
"""

import numpy as np

from tests.samples.core import Table, positive, real

SAMPLES = Table()
add = SAMPLES.add


def regular(*shape):
    """Square matrices far from singular."""
    return real(*shape) + 2 * np.eye(shape[-1])


def definite(*shape):
    x = real(*shape)
    return x @ np.swapaxes(x, -1, -2) + np.eye(shape[-1])


def swapped(x):
    return x.swapaxes(-1, -2)


for a, b in (
    ((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (3,)), ((2, 3, 3), (2, 3, 4)),
    ((2, 1, 3, 3), (4, 3, 2)), ((3, 3), (2, 2, 3, 2)), ((1, 1), (1,)), ((0, 0), (0, 2)),
    ((3, 3), (3, 0)), ((0, 2, 2), (2,)), ((20, 20), (20, 3)),
):  # fmt: skip
    smooth = 0 not in a + b
    add("np.linalg.solve", lambda np_, a, b: np_.linalg.solve(a, b), regular(*a), real(*b),
        differentiable=(0, 1), smooth=smooth)  # fmt: skip
for shape in ((3, 3), (2, 4, 4), (1, 1), (0, 0), (2, 0, 3, 3), (18, 18)):
    smooth = 0 not in shape
    for name in ("inv", "det"):
        call = lambda np_, x, n=name: getattr(np_.linalg, n)(x)  # noqa: E731
        add(f"np.linalg.{name}", call, regular(*shape), smooth=smooth)
    add(
        "np.linalg.slogdet", lambda np_, x: np_.linalg.slogdet(x)[1], regular(*shape), smooth=smooth
    )
    add("np.linalg.slogdet", lambda np_, x: np_.linalg.slogdet(x).sign, -regular(*shape),
        smooth=smooth)  # fmt: skip
    for upper in (False, True):
        call = lambda np_, x, u=upper: np_.linalg.cholesky(x, upper=u)  # noqa: E731
        add("np.linalg.cholesky", call, definite(*shape), smooth=smooth)
    for uplo in "LU":
        call = lambda np_, x, u=uplo: np_.linalg.eigvalsh(x, u)  # noqa: E731
        add("np.linalg.eigvalsh", call, real(*shape), smooth=smooth)
        call = lambda np_, x, u=uplo: np_.linalg.eigh(x, UPLO=u)[0]  # noqa: E731
        add("np.linalg.eigh", call, real(*shape), smooth=smooth)
        call = lambda np_, x, u=uplo: np_.square(np_.linalg.eigh(x, u).eigenvectors)  # noqa: E731
        add("np.linalg.eigh", call, real(*shape), smooth=smooth)


def rebuilt(np_, x):
    w, v = np_.linalg.eigh(x)
    return np_.matmul(v * np_.exp(w)[..., None, :], swapped(v))


add("np.linalg.eigh", rebuilt, real(3, 3))
add("np.linalg.det", lambda np_, x: np_.linalg.det(x), np.arange(9.0).reshape(3, 3), float32=False)
add("np.linalg.det", lambda np_, x: np_.linalg.det(x), np.zeros((2, 3, 3)))

SHAPES = ((4, 3), (3, 4), (3, 3), (2, 4, 2), (2, 2, 4), (1, 3), (3, 1), (0, 3), (3, 0), (40, 3))
for shape in SHAPES:
    smooth = 0 not in shape
    for mode in ("reduced", "complete"):
        for part in (0, 1):
            call = lambda np_, x, m=mode, p=part: np_.linalg.qr(x, m)[p]  # noqa: E731
            # The columns that complete a basis move by a convention.
            gauge = smooth and (mode == "reduced" or shape[-2] - shape[-1] < 2 or part == 1)
            add("np.linalg.qr", call, real(*shape), smooth=gauge)
    add("np.linalg.qr", lambda np_, x: np_.linalg.qr(x, mode="r"), real(*shape), smooth=smooth)
    for full in (False, True):

        def parts(np_, x, full=full):
            u, s, vt = np_.linalg.svd(x, full_matrices=full)
            k = s.shape[-1]
            assert u.shape[-1] == (x.shape[-2] if full else k)
            return np_.matmul(u[..., :k] * (s**3)[..., None, :], vt[..., :k, :])

        add("np.linalg.svd", parts, real(*shape), smooth=smooth)

        def spans(np_, x, full=full):
            result = np_.linalg.svd(x, full)
            k = min(x.shape[-2:])
            u, v = result.U[..., k:], swapped(result.Vh)[..., k:]
            left, right = np_.matmul(u, swapped(u)), np_.matmul(v, swapped(v))
            return np_.concatenate([left.reshape(-1), right.reshape(-1)])

        add("np.linalg.svd", spans, real(*shape), smooth=smooth and full)
    add("np.linalg.svd", lambda np_, x: np_.linalg.svd(x, compute_uv=False), real(*shape),
        smooth=smooth)  # fmt: skip
    if hasattr(np.linalg, "svdvals"):
        add("np.linalg.svdvals", lambda np_, x: np_.linalg.svdvals(x), real(*shape), smooth=smooth)
    for keywords in ({}, {"rcond": 1e-3}, {"rtol": None}):
        call = lambda np_, x, k=keywords: np_.linalg.pinv(x, **k)  # noqa: E731
        add("np.linalg.pinv", call, real(*shape), smooth=smooth)
    for keywords in ({}, {"tol": 0.2}, {"rtol": 0.3}):
        if smooth:
            call = lambda np_, x, k=keywords: np_.linalg.matrix_rank(x, **k)  # noqa: E731
            add("np.linalg.matrix_rank", call, real(*shape), smooth=False)
            add("np.linalg.cond", lambda np_, x: np_.linalg.cond(x), real(*shape))
            add("np.linalg.cond", lambda np_, x: np_.linalg.cond(x, -2), real(*shape))
add("np.linalg.matrix_rank", lambda np_, x: np_.linalg.matrix_rank(x), real(3), smooth=False)
for name in ("svd", "pinv", "matrix_rank"):

    def call(np_, x, name=name):
        result = getattr(np_.linalg, name)((x + swapped(x)) / 2, hermitian=True)
        return result[1] if name == "svd" else result

    for shape in ((3, 3), (2, 3, 3)):
        add(f"np.linalg.{name}", call, real(*shape), smooth=name != "matrix_rank")
low = real(4, 2) @ real(2, 3)
add("np.linalg.pinv", lambda np_, x: np_.linalg.pinv(x, rcond=1e-4), low, smooth=False)
for order in (1, -1, np.inf, "fro", "nuc", 2):
    for shape in ((3, 3), (2, 3, 3)):
        add("np.linalg.cond", lambda np_, x, p=order: np_.linalg.cond(x, p), regular(*shape))
for rows, columns in ((5, 3), (3, 3), (3, 5)):
    for b in ((rows,), (rows, 2), (rows, 1)):
        for part in (0, 1, 3):
            call = lambda np_, a, b, p=part: np_.linalg.lstsq(a, b, rcond=None)[p]  # noqa: E731
            smooth = part == 0 or (part == 1 and rows > columns)
            add("np.linalg.lstsq", call, real(rows, columns), real(*b),
                differentiable=(0, 1) if part < 3 else (0,), smooth=smooth)  # fmt: skip
        add("np.linalg.lstsq", lambda np_, a, b: np_.linalg.lstsq(a, b, 0.1)[2],
            real(rows, columns), real(*b), smooth=False)  # fmt: skip
add("np.linalg.tensorsolve", lambda np_, a, b: np_.linalg.tensorsolve(a, b), real(2, 3, 6),
    real(2, 3), differentiable=(0, 1))  # fmt: skip
add("np.linalg.tensorsolve", lambda np_, a, b: np_.linalg.tensorsolve(a, b), real(6, 2, 3),
    real(6), differentiable=(0, 1))  # fmt: skip
add("np.linalg.tensorsolve", lambda np_, a, b: np_.linalg.tensorsolve(a, b, axes=(0, 2)),
    real(3, 4, 4, 3, 1).reshape(3, 4, 4, 3), real(4, 3), differentiable=(0, 1))  # fmt: skip
add("np.linalg.tensorinv", lambda np_, a: np_.linalg.tensorinv(a), real(2, 2, 4))
add("np.linalg.tensorinv", lambda np_, a: np_.linalg.tensorinv(a, ind=1), real(6, 3, 2))
add("np.linalg.tensorinv", lambda np_, a: np_.linalg.tensorinv(a, 3), real(2, 3, 1, 6))
for n in (-1, -2, -3):
    add("np.linalg.matrix_power", lambda np_, x, n=n: np_.linalg.matrix_power(x, n), regular(3, 3))
for order in (2, -2, "nuc"):
    for shape in ((3, 3), (4, 3), (2, 3)):
        add("np.linalg.norm", lambda np_, x, o=order: np_.linalg.norm(x, o), real(*shape))
    for axes in ((0, 2), (2, 0), (1, -1), (-1, 0)):
        for keepdims in (False, True):

            def measured(np_, x, o=order, a=axes, k=keepdims):
                return np_.linalg.norm(x, o, a, keepdims=k)

            add("np.linalg.norm", measured, real(3, 2, 4))
    call = lambda np_, x, o=order: np_.linalg.matrix_norm(x, ord=o, keepdims=True)  # noqa: E731
    add("np.linalg.matrix_norm", call, real(2, 3, 4))
add("np.linalg.norm", lambda np_, x: np_.linalg.norm(x, 2), np.zeros((2, 3)), smooth=False,
    kink="the derivative of a norm is 0 at 0")  # fmt: skip
add("np.linalg.norm", lambda np_, x: np_.linalg.norm(x, "nuc"), np.outer(positive(3), positive(2)),
    smooth=False, kink="a singular value of zero has weight zero", float32=False)  # fmt: skip
