"""The native primitives over NumPy: recorded arrays that hold their values.

They dispatch to the adapters as tracers do, and refuse to become arrays, so that a plain call of
NumPy on one is seen. They check that the adapters keep the contract of the primitives.
"""

import contextlib
import importlib
import sys
import types
from pathlib import Path

import numpy as np
import scipy.linalg
import scipy.special

KNOWN = frozenset(map(np.dtype, ("bool", "int64", "float32", "float64")))
NAMES = (
    "Tracer ufunc where cast reshape transpose broadcast diagonal reduce argpick cumulate argsort "
    "gather scatter_add add_at nonzero_flat concat pack matmul factored stop_gradient lift value "
    "as_array shares_memory"
).split()


class LeakError(Exception):
    """A recorded array was handed to code that would drop its derivative."""


class Tracer:
    """A recorded array: its value, reachable through the adapters alone."""

    __slots__ = ("v",)
    __hash__ = None

    def __init__(self, value):
        value = np.asarray(value)
        assert value.dtype in KNOWN, f"no tracer of {value.dtype}"
        self.v = value

    shape = property(lambda self: self.v.shape)
    ndim = property(lambda self: self.v.ndim)
    strides = property(lambda self: self.v.strides)
    size = property(lambda self: self.v.size)
    dtype = property(lambda self: self.v.dtype)
    T = property(lambda self: Tracer(self.v.T))

    def __array__(self, *args, **keywords):
        raise LeakError("__array__")

    def __float__(self):
        raise LeakError("__float__")

    def __bool__(self):
        return bool(self.v)

    def __int__(self):
        return int(self.v)

    def __index__(self):
        return self.v.__index__()

    def __len__(self):
        return len(self.v)

    def __iter__(self):
        return (self[k] for k in range(len(self)))

    def __getitem__(self, index):
        return Tracer(self.v[unwrapped(index)])

    def __setitem__(self, index, value):
        self.v[unwrapped(index)] = value.v if isinstance(value, Tracer) else listed(value)

    def copy(self, order="C"):
        return Tracer(self.v.copy(order))

    def is_recording(self):
        return True

    def __getattr__(self, name):
        adapters = sys.modules["jacrs._adapters"]
        if name in adapters.PROPERTIES:
            return adapters.PROPERTIES[name](self)
        if name in adapters.METHODS:
            return types.MethodType(adapters.METHODS[name], self)
        raise AttributeError(name)

    def __array_function__(self, function, kinds, args, keywords):
        found = sys.modules["jacrs._adapters"].FUNCTIONS.get(function)
        if found is None:
            raise LeakError(f"no adapter for {function.__name__}")
        return found(*args, **keywords)

    def __array_ufunc__(self, function, method, *inputs, **keywords):
        adapters = sys.modules["jacrs._adapters"]
        return adapters.ufunc_method(function, method, inputs, keywords)

    def __repr__(self):
        return f"Tracer({self.v!r})"


def _operators():
    binary = {
        "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide",
        "floordiv": "floor_divide", "mod": "remainder", "pow": "power", "lt": "less",
        "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal",
        "ne": "not_equal", "xor": "bitwise_xor", "and": "bitwise_and", "or": "bitwise_or",
    }  # fmt: skip
    for name, full in binary.items():
        setattr(Tracer, f"__{name}__", lambda a, b, full=full: ufunc(full, a, b))
        setattr(Tracer, f"__r{name}__", lambda a, b, full=full: ufunc(full, b, a))
    for name, full in {"neg": "negative", "abs": "absolute", "invert": "invert"}.items():
        setattr(Tracer, f"__{name}__", lambda a, full=full: ufunc(full, a))
    Tracer.__pos__ = lambda a: a.copy()
    Tracer.__matmul__ = matmul
    Tracer.__rmatmul__ = lambda a, b: matmul(b, a)


def unwrapped(index):
    if isinstance(index, tuple):
        return tuple(map(unwrapped, index))
    return index.v if isinstance(index, Tracer) else index


def listed(x):
    """An array-like operand of a primitive: a number, an array, or nested lists of them."""
    if isinstance(x, list | tuple):
        assert not any(isinstance(item, Tracer) for item in x), "a list of tracers to a primitive"
    return x


def raw(x):
    """An operand as NumPy takes it: Python numbers stay weak."""
    if isinstance(x, Tracer):
        return x.v
    return x if type(x) in (int, float, bool) else np.asarray(listed(x))


def array(x):
    return np.asarray(raw(x))


def ufunc(name, *operands):
    function = getattr(np, name, None) or getattr(scipy.special, name)
    assert function.nout == 1, name
    assert function.signature is None, name
    assert name not in {"positive", "conjugate", "clip", "ldexp", "float_power"}, name
    with np.errstate(all="ignore"):
        return Tracer(function(*map(raw, operands)))


def where(c, x, y):
    assert array(c).dtype == bool
    return Tracer(np.where(raw(c), raw(x), raw(y)))


def cast(x, dtype):
    with np.errstate(all="ignore"):
        return Tracer(array(x).astype(dtype))


def reshape(x, shape):
    assert type(shape) is tuple, shape
    assert all(n >= 0 for n in shape), shape
    return Tracer(array(x).reshape(shape))


def transpose(x, perm):
    assert type(perm) is tuple, perm
    assert sorted(perm) == list(range(array(x).ndim)), perm
    return Tracer(array(x).transpose(perm))


def broadcast(x, shape):
    assert type(shape) is tuple, shape
    return Tracer(np.broadcast_to(array(x), shape))


def diagonal(x, shift, first, second, writable):
    assert type(writable) is bool
    return Tracer(array(x).diagonal(shift, first, second))


_FOLDS = {
    "sum": (np.sum, np.any), "prod": (np.prod, np.all),
    "max": (np.max, np.max), "min": (np.min, np.min),
}  # fmt: skip


def reduce(kind, x, axes):
    x = array(x)
    assert type(axes) is tuple, axes
    assert list(axes) == sorted(set(axes)), axes
    assert all(0 <= axis < x.ndim for axis in axes), axes
    y = np.asarray(_FOLDS[kind][x.dtype == bool](x, axis=axes))
    assert y.dtype == x.dtype
    return Tracer(y.copy())


def argpick(kind, x, axis):
    assert 0 <= axis < array(x).ndim
    return Tracer((np.argmax if kind == "max" else np.argmin)(array(x), axis=axis))


def cumulate(kind, axis, *operands):
    first, *rest = map(array, operands)
    assert 0 <= axis < first.ndim
    assert first.dtype != bool
    if kind.startswith("sum"):
        assert not rest
        turned = first if kind == "sum" else np.flip(first, axis)
        y = np.cumsum(turned, axis=axis, dtype=first.dtype)
    else:
        (second,) = rest
        assert first.shape == second.shape
        assert first.dtype == second.dtype
        a, b = (np.moveaxis(x, axis, 0) for x in (first, second))
        turned = kind == "recurrence_back"
        a, b = (a[::-1], b[::-1]) if turned else (a, b)
        lines = np.zeros_like(b)
        for k in range(len(b)):
            lines[k] = b[k] if k == 0 else a[k] * lines[k - 1] + b[k]
        y = np.moveaxis(lines, 0, axis)
    return Tracer(np.flip(y, axis) if kind.endswith("back") else y)


def argsort(x, axis):
    assert 0 <= axis < array(x).ndim
    return Tracer(np.argsort(array(x), axis=axis, kind="stable"))


def gather(x, index):
    assert array(x).ndim > 0
    assert array(index).dtype == np.int64
    return Tracer(array(x)[array(index)])


def scatter_add(x, index, v):
    x, index, v = array(x).copy(), array(index), array(v)
    assert index.dtype == np.int64
    assert v.dtype == x.dtype
    assert v.shape == index.shape + x.shape[1:]
    np.add.at(x, index, v)
    return Tracer(x)


def add_at(y, index, v):
    v = array(v)
    assert isinstance(y, Tracer)
    assert v.dtype == y.v.dtype
    np.add.at(y.v, unwrapped(index), v)


def shares_memory(x, y):
    return np.shares_memory(x.v, y.v)


def nonzero_flat(mask):
    assert array(mask).dtype == bool
    return Tracer(np.flatnonzero(array(mask)))


def concat(parts, axis):
    assert type(parts) is list
    assert len({array(p).ndim for p in parts}) == 1
    assert 0 <= axis < array(parts[0]).ndim
    return Tracer(np.concatenate([array(p) for p in parts], axis))


def pack(items, shape, dtype):
    values = [raw(item) for item in items]
    assert all(np.ndim(v) == 0 for v in values)
    dtype = np.result_type(*values) if dtype is None and values else dtype
    return Tracer(np.array(values, dtype).reshape(shape))


def matmul(a, b):
    return Tracer(np.matmul(array(a), array(b)))


def factored(name, *operands):
    """By NumPy and SciPy, with none of the forms left to chance."""
    x, *rest = map(array, operands)
    assert all(y.dtype == x.dtype for y in rest)
    assert x.dtype.kind == "f"
    if name == "symmetric":
        return Tracer(np.tril(x) + np.swapaxes(np.tril(x, -1), -1, -2))
    if name == "pinv":
        assert rest[0].shape == x.shape[:-2]
        return Tracer(np.linalg.pinv(x, *rest))
    if name == "pole":
        (flags,) = rest
        assert flags.shape[:-1] == x.shape[:-2]
        assert np.all(np.isnan(flags) | (flags == 0.0))
        return Tracer(np.zeros_like(flags))
    if name.startswith("inv"):
        try:
            return Tracer(np.linalg.inv(x))
        except np.linalg.LinAlgError:
            if name == "inv":
                raise
            return Tracer(np.full_like(x, np.nan))
    factors, part = name.split(".")
    if factors == "solve":
        (b,) = rest
        assert b.shape[:-1] == x.shape[:-1]
        if part == "general":
            return Tracer(np.linalg.solve(x, b))
        form, *facts = part.removeprefix("unit_").split("_")
        assert set(facts) <= {"t"}
        call = scipy.linalg.solve_triangular
        return Tracer(
            call(x, b, trans=len(facts), lower=form == "lower", unit_diagonal="unit" in part)
        )
    call = {
        "lu.det": np.linalg.det, "lu.sign": lambda x: np.linalg.slogdet(x)[0],
        "lu.logdet": lambda x: np.linalg.slogdet(x)[1], "cholesky.lower": np.linalg.cholesky,
        "qr.q": lambda x: np.linalg.qr(x)[0], "qr.r": lambda x: np.linalg.qr(x)[1],
        "qr_complete.q": lambda x: np.linalg.qr(x, "complete")[0],
        "qr_complete.r": lambda x: np.linalg.qr(x, "complete")[1],
        "eigh.values": np.linalg.eigvalsh, "eigh.vectors": lambda x: np.linalg.eigh(x)[1],
        "svd.s": lambda x: np.linalg.svd(x, compute_uv=False),
        "svd.u": lambda x: np.linalg.svd(x, full_matrices=False)[0],
        "svd.vt": lambda x: np.linalg.svd(x, full_matrices=False)[2],
        "svd_full.u": lambda x: np.linalg.svd(x)[0], "svd_full.vt": lambda x: np.linalg.svd(x)[2],
        "svd_full.s": lambda x: np.linalg.svd(x)[1],
    }[name]  # fmt: skip
    return Tracer(call(x))


def stop_gradient(x):
    return Tracer(array(x))


def as_array(x):
    return Tracer(np.array(x.v if isinstance(x, Tracer) else x))


def lift(x, writable):
    assert isinstance(x, np.ndarray)
    value = x.copy()
    value.flags.writeable = writable
    return Tracer(value)


def value(x):
    return array(x)


_operators()


def load():
    """Import the adapters, over this module where the native one is not built."""
    folder = str(Path(__file__).parent.parent / "python")
    with contextlib.suppress(ImportError, AttributeError):
        return importlib.import_module("jacrs._adapters")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    kept = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "jacrs"}
    for name in kept:
        del sys.modules[name]
    bare = types.ModuleType("jacrs")
    bare.__path__ = [folder + "/jacrs"]
    sys.modules["jacrs"], sys.modules["jacrs._jacrs"] = bare, sys.modules[__name__]
    try:
        adapters = importlib.import_module("jacrs._adapters")
    finally:
        found = {n: m for n, m in sys.modules.items() if n.startswith("jacrs._adapters")}
        for name in [n for n in sys.modules if n.split(".")[0] == "jacrs"]:
            del sys.modules[name]
        sys.modules.update(kept)
        sys.modules.update(found)
    return adapters


@contextlib.contextmanager
def installed():
    """Put these primitives under the adapters."""
    native = sys.modules["jacrs._adapters.native"]
    before = {name: getattr(native, name) for name in NAMES}
    for name in NAMES:
        setattr(native, name, globals()[name])
    try:
        yield
    finally:
        for name, function in before.items():
            setattr(native, name, function)
