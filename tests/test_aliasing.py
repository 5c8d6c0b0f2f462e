"""What shares memory with what: recorded arrays alias each other exactly as NumPy's do.

A program of the table is run plain and recorded. Whatever a write changes through whichever view
shows in its values and in its derivatives, so all of what it returns is compared.
"""

import inspect
import os

import numpy as np
import pytest

import jacrs
from jacrs import _jacrs
from tests.differences import richardson_jacobian
from tests.samples import SAMPLES

X = np.array([0.7, -1.3, 2.1, 0.4, 1.6, -0.8])
OUTSIDE = np.arange(6.0).reshape(2, 3) / 3
FORTRAN = np.asfortranarray(OUTSIDE + 0.25)

PROGRAMS = """
# views and copies of a matrix
y = np.zeros((2, 3)); y.reshape(3, 2)[1] = x[:2]; out = y
y = np.zeros((2, 3)); y.T.reshape(-1)[:] = x; out = y
y = np.zeros((2, 3)); r = y.T.reshape(2, 3); r += x[0]; out = y, r
y = np.zeros((2, 3)); y.T.reshape(3, 2, 1)[..., 0] = x[:2]; out = y
y = np.zeros((2, 3)); y.ravel()[::2] = x[:3]; out = y
y = np.zeros((2, 3)); y.T.ravel()[::2] = x[:3]; out = y
y = np.zeros((2, 3)); np.ravel(y)[1] = x[1]; out = y
y = np.zeros(6); y[::2].ravel()[0] = x[0]; out = y + x[1]
y = np.zeros(6); y[::2].reshape(-1)[0] = x[0]; out = y + x[1]
y = np.zeros((2, 3)); y.T.ravel('F')[1] = x[0]; out = y + x[1]
y = np.zeros((3, 3)); np.einsum('ii->i', y)[:] = x[:3]; out = y
y = np.zeros((3, 3)).T; np.einsum('ii->i', y)[:] = x[:3]; out = y
y = np.zeros((3, 2)); np.einsum('ij->ji', y)[0] = x[:3]; out = y
y = np.zeros((2, 3)); y.flatten()[1] = x[1]; out = y + x[0]
y = np.zeros((2, 3)); y.flat[4] = x[4]; out = y
y = np.zeros((2, 3)); y.flat[::2] = x[:3]; out = y
y = np.zeros((3, 3)); y.flat[::4] = x[:3]; out = y
y = np.zeros(6); y[::2].flat[0] = x[0]; out = y
y = np.zeros((2, 3)); out = [v * x[0] for v in y.flat][0]
y = np.zeros((2, 3)); y.swapaxes(0, 1)[0] = x[:2]; out = y
y = np.zeros((2, 3, 1)); np.moveaxis(y, 0, -1)[0] = x[:2]; out = y
y = np.zeros((2, 3)); np.transpose(y)[1, 1] = x[0]; y[1, 1] *= 2; out = y
y = np.zeros((2, 3)); np.flip(y, 1)[0] = x[:3]; out = y
y = np.zeros((2, 3)); np.fliplr(y)[1, 0] = x[0]; np.flipud(y)[1, 0] = x[1]; out = y
y = np.zeros((2, 3)); np.rot90(y)[0] = x[:2]; out = y
y = np.zeros((2, 3)); np.squeeze(y[None])[0] = x[0]; out = y
y = np.zeros((2, 3)); np.expand_dims(y, 1)[0, 0] = x[:3]; out = y
y = np.zeros((2, 3)); np.atleast_3d(y)[0, 0, 0] = x[5]; out = y
y = np.zeros((2, 3)); y[:, None, ::-1][0, 0] = x[:3]; out = y
y = np.zeros((2, 3)); y[...][0] = x[0]; out = y
y = np.zeros((2, 3)); y[:, [0, 1]][0] = x[0]; out = y + x[1]
y = np.zeros((2, 3)); y[y == 0][0] = x[0]; out = y + x[1]
y = np.zeros((2, 3)); y[0][1] = x[0]; out = y
y = np.zeros((2, 3)); y[[0]][0, 1] = x[0]; out = y + x[0]
y = np.zeros(6); first, second, third = np.split(y, 3); second[:] = x[:2]; out = y, first, third
y = np.zeros(6); np.array_split(y, 4)[0][0] = x[0]; out = y
y = np.zeros((2, 3)); np.hsplit(y, 3)[1][:] = x[0]; out = y
y = np.zeros((2, 3)); a, b = y; b += x[:3]; out = y, a
y = np.zeros((3, 3)); y.diagonal()[0:0]; y[0, 0] = x[0]; out = y.diagonal()
y = np.zeros((3, 3)); d = np.diagonal(y); y[1, 1] = x[0]; out = d * 2
y = np.zeros((3, 3)); d = np.diagonal(y.T, 1); y[1, 0] = x[0]; out = d * 2
y = np.zeros((3, 3)); d = np.diag(y); y[1, 1] = x[0]; out = d * 2
y = np.zeros(3); b = np.broadcast_to(y, (2, 3)); y[1] = x[0]; out = b * 1
y = np.zeros((1, 3)); a, b = np.broadcast_arrays(y, OUTSIDE); y[0, 1] = x[0]; out = a * b
y = np.zeros((2, 3)); v = y.view(); v[0] = x[0]; out = y
y = np.zeros((2, 3)); v = np.asarray(y); v[0] = x[0]; out = y
y = np.zeros((2, 3)); v = np.array(y); v[0] = x[0]; out = y, v
y = np.zeros((2, 3)); v = np.array(y, copy=False); v[0] = x[0]; out = y
y = np.zeros((2, 3)); v = np.array(y, copy=None); v[0] = x[0]; out = y
y = np.zeros((2, 3)); v = y.astype(float); v[0] = x[0]; out = y, v
y = np.zeros((2, 3)); v = y.astype(float, copy=False); v[0] = x[0]; out = y
y = np.zeros((2, 3)); v = np.ascontiguousarray(y); v[0] = x[0]; out = y
y = np.zeros((2, 3)); v = np.ascontiguousarray(y.T); v[0] = x[0]; out = y, v
y = np.zeros((2, 3)); v = np.asfortranarray(y); v[0] = x[0]; out = y, v
y = np.zeros((2, 3)); v = y.copy(); v[0] = x[0]; out = y, v
y = np.zeros((2, 3)); v = y.real; v[0] = x[0]; out = y
y = np.zeros((2, 3)); v = +y; v[0] = x[0]; out = y, v
y = np.zeros((2, 3)); v = np.tile(y, 2); y[0] = x[0]; out = y, v
y = np.zeros((1, 3)); v = np.repeat(y, 2, axis=0); y[0] = x[:3]; v[1] = x[0]; out = y, v
y = np.zeros((2, 3)); v = np.take(y, 0, axis=0); y[0] = x[:3]; out = y, v
y = np.zeros((2, 3)); v = np.concatenate([y]); y[0] = x[:3]; out = y, v
y = np.zeros(3); v = np.nan_to_num(y); y[0] = x[0]; out = y, v
y = np.zeros(3); v = np.sort(y); y[0] = x[0]; out = y, v
y = np.zeros(3); v = np.clip(y, None, 9.0); y[0] = x[0]; out = y, v
y = np.zeros(3); v = np.where(True, y, 1.0); y[0] = x[0]; out = y, v
y = np.zeros(3); v = y.sum(axis=()); y[0] = x[0]; out = y, v
y = np.zeros((2, 3)); v = np.pad(y, 0); y[0] = x[0]; out = y, v
y = np.zeros((2, 3)); v = np.roll(y, 0); y[0] = x[0]; out = y, v
y = np.zeros((3, 3)); v = np.triu(y); y[0] = x[0]; out = y, v
y = np.zeros(3); v = np.atleast_1d(y); v[0] = x[0]; out = y

# memory order: what ufuncs keep, and what a reshape then makes of it
y = (np.zeros((2, 3)) + x[0]).T * 2; y.reshape(-1)[0] = x[1]; out = y
y = np.zeros((2, 3)).T + x[0]; y.ravel()[0] = x[1]; out = y
y = np.zeros((2, 3)).T + np.zeros((3, 2)); y.ravel()[0] = x[1]; out = y
y = np.zeros((2, 3)) * FORTRAN; y.ravel()[0] = x[1]; out = y
y = x[0] * FORTRAN; y.ravel()[0] = x[1]; out = y
y = x[0] * FORTRAN.T; y.ravel()[0] = x[1]; out = y
y = np.sin(np.zeros((2, 3)).T + x[0]); y.reshape(-1)[0] = x[1]; out = y
y = np.zeros((2, 3)).T.copy(); y.ravel()[0] = x[1]; out = y
y = np.zeros((2, 3)).T.copy('K'); y.ravel()[0] = x[1]; out = y
y = np.copy(np.zeros((2, 3)).T); y.ravel()[0] = x[1]; out = y
y = np.array(np.zeros((2, 3)).T); y.ravel()[0] = x[1]; out = y
y = np.zeros((2, 3)).T.astype(float); y.ravel()[0] = x[1]; out = y
y = +np.zeros((2, 3)).T; y.ravel()[0] = x[1]; out = y
y = np.zeros((2, 3), order='F'); y.ravel()[0] = x[1]; out = y
y = np.zeros((2, 3), order='F'); y.T.ravel()[0] = x[1]; out = y
y = np.empty((2, 3), order='F'); y[...] = x[0]; y.reshape(-1)[0] = x[1]; out = y
y = np.zeros_like(np.zeros((2, 3)).T + x[0]); y.ravel()[0] = x[1]; out = y
y = np.zeros((2, 3)).T.reshape(2, 3) + x[0]; y.ravel()[0] = x[1]; out = y
y = np.zeros((2, 3))[:, ::-1] + x[0]; y.ravel()[0] = x[1]; out = y
y = np.zeros((2, 3)); r = y.reshape(6, order='F'); r[1] = x[0]; out = y, r
y = np.zeros((2, 3)); y.T.reshape(6, order='F')[1] = x[0]; out = y
y = np.zeros((2, 3)); y.ravel('F')[1] = x[0]; out = y + x[1]

# in place
y = np.zeros(6); b = y[1:]; b += x[:5]; out = y
y = np.zeros(6); b = y[1:]; b = b + x[:5]; out = y, b
y = np.zeros(6); y[:] = x; y[1:] = y[:-1]; out = y
y = np.zeros(6); y[:] = x; y[:-1] = y[1:]; out = y
y = np.zeros(6); y[:] = x; y[1:] += y[:-1]; out = y
y = np.zeros(6); y[:] = x; y[:] = y[::-1]; out = y
y = np.zeros(6); y[:] = x; y += y[::-1]; out = y
y = np.zeros(6); y[:] = x; y[::2], y[1::2] = y[1::2], y[::2]; out = y
y = np.zeros(6); y[:] = x; y[0], y[1] = y[1], y[0]; out = y
y = np.zeros((2, 3)); y[:] = x[:3]; y[0], y[1] = y[1] * 2, y[0]; out = y
y = np.zeros((2, 2)); y[:] = x[:2]; y[...] = y.T; out = y
y = np.zeros((2, 2)); y[:] = x[:2]; y += y.T; out = y
y = np.zeros((2, 2)); y[:] = x[:2]; np.matmul(y, y.T, out=y); out = y
y = np.zeros(6); np.add(x, 1.0, out=y); np.multiply(y[1:], y[:-1], out=y[1:]); out = y
y = np.zeros(6); z = np.add(x, 1.0, out=y); z[0] = x[1]; out = y
y = np.zeros((2, 6)); np.add(x, 1.0, out=y); out = y
y = np.zeros(6); np.sin(x, y); out = y
y = np.zeros(6); np.sqrt(x * x, out=y, where=x > 0); out = y
y = np.zeros(2); x.reshape(2, 3).sum(axis=1, out=y); out = y
y = np.zeros(6); np.cumsum(x, out=y[::-1]); out = y
y = np.zeros(6); np.copyto(y[::2], x[:3]); np.copyto(y, x, where=x > 1); out = y
y = np.zeros(6); np.add.at(y, [0, 0, 2], x[:3]); y[[0, 0, 1]] += x[0]; out = y
y = np.zeros(6); np.put(y, [0, 5], x[:2]); out = y
y = np.zeros((2, 3)); np.put(y.T, [1, 4], x[:2]); out = y
y = np.zeros((3, 3)); np.fill_diagonal(y, x[0]); out = y
y = np.zeros((3, 3)); np.fill_diagonal(y.T[:2], x[0]); out = y
y = np.zeros(6); y[y == 0] = x; y[x > 1] *= 2; out = y
y = x.copy(); y.sort(); y[::-1].sort(); out = y
y = x.reshape(2, 3).copy(); y.T.sort(axis=0); out = y
y = x.reshape(2, 3).copy(); y[:, 1:].sort(axis=1); out = y
y = x.copy(); y.fill(x[0]); y[2:].fill(x[1]); out = y
y = x.copy(); y.partition(2); out = y[2]
y = np.zeros(3); y[0] = x[0]; s = y[0]; y[0] = x[1]; out = y, s
y = np.zeros(3); s = y[0:1]; y[0] = x[1]; out = y, s
y = np.zeros(()); y[()] = x[0]; z = y[()]; y[...] = x[1]; out = y, z
y = np.zeros(()); v = y[...]; v += x[0]; out = y
y = np.array(x[0]); y += x[1]; y[...] *= 2; out = y
y = x[0]; y += x[1]; out = y, x[0]
y = x[:3] * 1; z = y; z *= 2; z = z * 2; out = y, z
y = np.zeros(3); z = [y, y]; z[0][0] = x[0]; out = z[1]
y = [x[0], x[1]]; z = np.array(y); y[0] = x[2]; out = z, y[0]
y = np.zeros((2, 3)); [row.__iadd__(x[:3]) for row in y]; out = y
y = np.zeros((2, 3)); it = iter(y); first = next(it); y[1] = x[:3]; second = next(it); out = second
y = np.zeros((4, 4)); y[1:3][:, 1:3][::-1].T[0] = x[:2]; out = y
y = np.zeros((4, 4)); y[::2][:, ::-2].reshape(-1)[0] = x[0]; out = y + x[1]
y = np.zeros((0, 3)); y += x[:3]; y[:] = x[0]; out = np.concatenate([y, [x[:3]]])
"""


def parse(text):
    lines = [line for line in text.strip().splitlines() if line and not line.startswith("#")]
    assert len(set(lines)) == len(lines)
    return lines


def function(program):
    """Return the function of a line of the table: it returns what the line calls `out`."""
    body = "\n".join(f"    {part}" for part in program.split("; "))
    scope = {"np": np, "OUTSIDE": OUTSIDE, "FORTRAN": FORTRAN}
    exec(f"def f(x):\n{body}\n    return out", scope)
    return scope["f"]


def flat(value):
    parts = value if isinstance(value, tuple) else (value,)
    return np.concatenate([np.ravel(part) for part in parts])


@pytest.mark.parametrize("program", parse(PROGRAMS))
def test_as_numpy(program):
    f = function(program)
    plain = f(X.copy())
    values, along = jacrs.jvp(f, (X,), (np.ones(6),))
    np.testing.assert_allclose(flat(values), flat(plain), rtol=1e-13, atol=1e-13)
    shapes = [np.shape(part) for part in (plain if isinstance(plain, tuple) else (plain,))]
    found = [np.shape(part) for part in (values if isinstance(values, tuple) else (values,))]
    assert found == shapes

    expected = richardson_jacobian(lambda x: flat(f(x)), X)
    for mode in ("forward", "reverse"):
        blocks = jacrs.jacobian(f, mode=mode)(X)
        blocks = blocks if isinstance(blocks, tuple) else (blocks,)
        jacobian = np.concatenate([b.reshape(-1, 6) for b in blocks])
        np.testing.assert_allclose(jacobian, expected, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(flat(along), jacobian.sum(axis=1), rtol=1e-12, atol=1e-12)


# --- every function: does its result share memory with an argument?


def leaves(result):
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, tuple | list):
        return [leaf for part in result for leaf in leaves(part)]
    return [result]


def shared(results, inputs, kind, share):
    """Tell for each array of a result and each input whether they share memory."""
    return [
        [isinstance(r, kind) and isinstance(x, kind) and bool(share(r, x)) for x in inputs]
        for r in results
        if isinstance(r, np.ndarray | _jacrs.Tracer) and r.size > 1
    ]


def with_layout(x, transposed):
    return x.T.copy().T if transposed else x.copy()


def sharing(sample, *, transposed):
    """Return what shares memory when run plain, and when run on recorded arrays."""
    inputs = [with_layout(x, transposed) for x in sample.inputs]
    with np.errstate(all="ignore"):
        plain = leaves(sample.call(np, *inputs))
    expected = shared(plain, inputs, np.ndarray, np.shares_memory)
    found = []

    def f(t):
        given = [
            x if i in sample.plain else _jacrs.lift(x, writable=True) for i, x in enumerate(inputs)
        ]
        results = leaves(sample.call(np, *given))
        found.extend(shared(results, given, _jacrs.Tracer, _jacrs.shares_memory))
        return t

    jacrs.grad(f)(0.0)
    return found, expected


@pytest.mark.parametrize("transposed", [False, True])
def test_every_function_shares_memory_as_numpy_does(transposed):
    failures = []
    for sample in SAMPLES:
        found, expected = sharing(sample, transposed=transposed)
        # Plain results of plain arguments are not recorded: nothing to compare.
        if len(found) == len(expected) and found != expected:
            failures.append(f"{sample.title}: {found}, and NumPy {expected}")
    assert not failures, "\n" + "\n".join(sorted(set(failures)))


# --- what is refused, and how


COPY = "Write to a copy instead: y = x.copy()"
ARGUMENT = (
    "this array cannot be written to while recording: it is an argument of the function, whose "
    "values the recording must keep. " + COPY
)
REPEATED = (
    "this array cannot be written to while recording: it shows elements more than once "
    "(numpy.broadcast_to gives a read-only view). " + COPY
)
DIAGONAL = (
    "this array cannot be written to while recording: numpy.diagonal gives a read-only view. "
) + COPY
PLAIN = (
    "a traced value cannot become a plain array: its derivative would be lost. Arrays that receive "
    "traced values must be float arrays created inside the recorded function (or by jacrs.numpy), "
    "and functions that convert their arguments must be replaced by NumPy ones"
)
FLOAT = (
    "float() of a traced value would drop its derivative; keep the value as it is (np functions, "
    "comparisons and indexing take it), store it in float arrays created inside the recorded "
    "function (or by jacrs.numpy), or take float(jacrs.stop_gradient(x)) where no derivative is "
    "meant"
)
OUT = (
    "np.{} cannot write a traced value into a plain array: the derivative would be lost; create "
    "the array inside the recorded function"
)
FLAT = (
    "the flat attribute of an array with gaps or another order than C cannot be recorded; read "
    "through x.ravel(), or write with a multi-dimensional index"
)
BUFFER = np.zeros(6)


def write_argument(x):
    x[0] = 1.0
    return x


def add_to_argument(x):
    x += 1.0
    return x


def write_view_of_argument(x):
    v = x[1:].reshape(-1, 1)
    v *= 2.0
    return v


def out_is_argument(x):
    return np.sin(x, out=x)


def write_repeated(x):
    y = np.broadcast_to(x * 2, (2, 6))
    y[0] = 1.0
    return y


def write_diagonal(x):
    y = np.diagonal(np.outer(x, x))
    y[0] = 1.0
    return y


def item_into_outside(x):
    BUFFER[0] = x[0]
    return BUFFER


def slice_into_outside(x):
    BUFFER[1:] = x[1:]
    return BUFFER


def add_to_outside(x):
    y = BUFFER
    y += x
    return y


def out_is_outside(x):
    return np.sin(x, out=BUFFER)


def store_in_integers(x):
    y = np.zeros(6, np.int32)
    y[1:] = x[1:]
    return y


def flat_of_transposed(x):
    y = x.reshape(2, 3).T * 1.0
    y.T[:, :2].T.flat[0] = 1.0
    return y


def take_float(x):
    return x * float(x[0])


# function: the error's class, its text, and the expression it names
REFUSED = {
    write_argument: (jacrs.TraceError, ARGUMENT, "x[0]"),
    add_to_argument: (jacrs.TraceError, ARGUMENT, "x += 1.0"),
    write_view_of_argument: (jacrs.TraceError, ARGUMENT, "v *= 2.0"),
    out_is_argument: (jacrs.TraceError, ARGUMENT, "np.sin(x, out=x)"),
    write_repeated: (jacrs.TraceError, REPEATED, "y[0]"),
    write_diagonal: (jacrs.TraceError, DIAGONAL, "y[0]"),
    item_into_outside: (jacrs.TraceError, FLOAT, "BUFFER[0]"),
    slice_into_outside: (jacrs.TraceError, PLAIN, "BUFFER[1:]"),
    add_to_outside: (jacrs.TraceError, OUT.format("add"), "y += x"),
    out_is_outside: (jacrs.TraceError, OUT.format("sin"), "np.sin(x, out=BUFFER)"),
    store_in_integers: (jacrs.TraceError, PLAIN, "y[1:]"),
    flat_of_transposed: (jacrs.TraceError, FLAT, "y.T[:, :2].T.flat"),
    take_float: (jacrs.TraceError, FLOAT, "float(x[0])"),
}


@pytest.mark.parametrize("f", REFUSED, ids=lambda f: f.__name__)
def test_refused(f):
    cls, text, expression = REFUSED[f]
    before = BUFFER.copy()
    with pytest.raises(jacrs.JacrsError) as info:
        jacrs.jacobian(f)(X)
    line = f.__code__.co_firstlineno + next(
        n
        for n, source in enumerate(inspect.getsource(f).splitlines())
        if n and expression in source
    )
    place = f"{os.path.relpath(__file__)}:{line} in {f.__name__}: {expression}"
    assert type(info.value) is cls
    assert str(info.value) == f"{text}\n  at {place}"
    np.testing.assert_array_equal(BUFFER, before)
    assert not _jacrs.is_recording()


LIKE_NUMPY = (
    "y = np.zeros(6); y[:2] = x",
    "y = np.zeros(6); y += np.ones((2, 6)) * x",
    "y = np.zeros(6); y[np.array([True, False])] = x[0]",
    "y = np.zeros(6); y[6] = x[0]",
    "y = np.zeros(6); y[[0, -7]] = x[0]",
    "y = np.zeros(6); y[0, 0] = x[0]",
    "y = np.zeros(6); y[1.0] = x[0]",
    "y = np.zeros(6); y.reshape(4, 2)",
    "y = np.zeros(6); y + np.zeros(4)",
    "y = x[:2] @ x",
    "y = np.concatenate([x, x[None]])",
    "y = np.zeros((2, 3)); y.transpose(0, 0)",
    "y = np.zeros((2, 3)); y.sum(axis=2)",
    "y = 1.0 if x > 0 else 2.0",
    "y = 1.0 if x[:0] else 2.0",
    "y = np.broadcast_to(x, (6, 2))",
    "y = np.split(x, 4)",
    "y = np.max(x[:0])",
    "y = np.stack([x, x[:2]])",
)


@pytest.mark.parametrize("program", LIKE_NUMPY)
def test_what_numpy_refuses_is_refused_with_its_words(program):
    f = function(program + "; out = y")
    with pytest.raises(Exception) as plain:  # noqa: PT011 - the point is which one it is
        f(X.copy())
    with pytest.raises(type(plain.value)) as recorded:
        jacrs.jacobian(f)(X)
    words = str(recorded.value).split("\n  at ")[0]
    assert words.strip() == str(plain.value).strip()
