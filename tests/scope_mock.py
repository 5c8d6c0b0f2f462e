"""A stand-in for `jacrs._jacrs`, used only where the native module is not built.

A tracer here is a value with one tangent; every NumPy call is differentiated by central
differences along it. Slow and rough, but it carries a derivative through whatever dispatches.
"""

import threading
import types

import numpy as np

_STEP = 1e-6
_local = threading.local()


def is_recording():
    return getattr(_local, "depth", 0) > 0


def _map(tree, shift):
    if isinstance(tree, Tracer):
        return tree.v + shift * tree.d if shift and tree.v.dtype.kind == "f" else tree.v
    if type(tree) in (list, tuple):
        return type(tree)(_map(item, shift) for item in tree)
    if type(tree) is dict:
        return {key: _map(item, shift) for key, item in tree.items()}
    return tree


def _join(value, plus, minus):
    if isinstance(value, list | tuple):
        return type(value)(map(_join, value, plus, minus))
    value = np.asarray(value)
    if value.dtype.kind != "f":
        return value if value.ndim else value[()]
    with np.errstate(invalid="ignore"):  # infinite values
        return Tracer(value, (np.asarray(plus) - np.asarray(minus)) / (2 * _STEP))


def _apply(function, args, keywords):
    value, plus, minus = (
        function(*_map(args, shift), **_map(keywords, shift)) for shift in (0, _STEP, -_STEP)
    )
    return _join(value, plus, minus)


class Tracer(np.lib.mixins.NDArrayOperatorsMixin):
    __hash__ = None

    def __init__(self, value, tangent, *, writable=True):
        self.v, self.d, self.writable = value, tangent, writable

    shape = property(lambda self: self.v.shape)
    ndim = property(lambda self: self.v.ndim)
    size = property(lambda self: self.v.size)
    dtype = property(lambda self: self.v.dtype)
    flags = property(lambda self: self.v.flags)
    T = property(lambda self: Tracer(self.v.T, self.d.T))

    def __array__(self, *args, **keywords):
        raise TypeError("a recorded value was coerced to an array")

    def __float__(self):
        raise TypeError("float() would drop the derivative")

    def __bool__(self):
        return bool(self.v)

    def __int__(self):
        return int(self.v)

    def __len__(self):
        return len(self.v)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key):
        key = (*key, ...) if isinstance(key, tuple) else (key, ...)
        return Tracer(self.v[key], self.d[key])

    def __setitem__(self, key, value):
        if not self.writable:
            raise ValueError("an argument is read-only")
        self.v[key] = value.v if isinstance(value, Tracer) else value
        self.d[key] = value.d if isinstance(value, Tracer) else 0.0

    def __array_ufunc__(self, ufunc, method, *args, **keywords):
        if any(isinstance(out, np.ndarray) for out in keywords.get("out", ())):
            raise TypeError("out= of a recorded operation was made outside")
        return _apply(getattr(ufunc, method), args, keywords)

    def __array_function__(self, function, kinds, args, keywords):
        return _apply(function, args, keywords)

    def __getattr__(self, name):
        if name.startswith("_") or not callable(getattr(np.ndarray, name, None)):
            raise AttributeError(name)
        return lambda *args, **keywords: _apply(getattr(np.ndarray, name), (self, *args), keywords)

    def copy(self, order="C"):
        return Tracer(self.v.copy(order), self.d.copy(order))

    def reshape(self, *shape):
        return Tracer(self.v.reshape(*shape), self.d.reshape(*shape))

    def astype(self, dtype, **keywords):
        return Tracer(self.v.astype(dtype), self.d.astype(dtype))


def lift(array, writable):
    return Tracer(array.copy(), np.zeros_like(array), writable=writable)


def pack(scalars, shape, dtype):
    value = np.array([s.v if isinstance(s, Tracer) else s for s in scalars], dtype).reshape(shape)
    tangent = np.array([s.d if isinstance(s, Tracer) else 0.0 for s in scalars]).reshape(shape)
    return Tracer(value, tangent)


def jvp(function, primals, tangents):
    from jacrs._scope import follow_argument, recording_scope

    _local.depth = getattr(_local, "depth", 0) + 1
    try:
        with recording_scope(function) as g:
            args = [
                Tracer(np.array(p, float), np.array(t, float), writable=False)
                if t is not None
                else follow_argument(p)
                for p, t in zip(primals, tangents, strict=True)
            ]
            out = g(*args)
            return (out.v, out.d) if isinstance(out, Tracer) else (out, np.zeros_like(out))
    finally:
        _local.depth -= 1


def install(package, path):
    """Enter the stand-in as `jacrs._jacrs`, in a bare package that runs no `__init__`."""
    import sys

    bare = types.ModuleType(package)
    bare.__path__ = [path]
    native = types.ModuleType(package + "._jacrs")
    native.__dict__.update(Tracer=Tracer, is_recording=is_recording, lift=lift, pack=pack)
    bare._jacrs = native
    sys.modules[package], sys.modules[package + "._jacrs"] = bare, native
