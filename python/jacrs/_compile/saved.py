"""`save` and `load`: the traces of a compiled function, without the function."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from types import MethodType
from typing import TYPE_CHECKING, Any, Self

from jacrs import _jacrs, errors
from jacrs._compile.outs import checked_leaves, fill, leaves_of
from jacrs._compile.parts import taken_apart
from jacrs._compile.plain import Lowering, built_of, form_of, value_of
from jacrs._compile.words import call_in_words, trace_in_words

if TYPE_CHECKING:
    from collections.abc import Callable

# The part of a result that `out=` is for: how it is taken, and how another is put there.
_PARTS: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]] = {
    "all": (lambda result: result, lambda _, out: out),
    "first": (lambda result: result[0], lambda result, out: (out, *result[1:])),
    "second": (lambda result: result[1], lambda result, out: (result[0], out)),
    "rest": (lambda result: result[1:], lambda result, out: (result[0], *out)),
}


def save(compiled: Any, f: Any, name: str, file: Any) -> None:
    """Write the traces of a compiled function that hold now; see `Compiled.save`."""
    part = None
    if getattr(f, "takes_out", False):
        probe = object(), object(), object()
        found = f.derivative_of(probe)
        part = next(part for part, (take, _) in _PARTS.items() if take(probe) == found)
    _write(file, _packed(compiled, name, getattr(f, "__doc__", None), part)[0])


def _packed(
    replay: _jacrs.Replay, name: str, words: Any, part: str | None
) -> tuple[bytes, list[type]]:
    """Return a file that holds a function, and the classes that are named in it."""
    lowering = Lowering(name)
    traces = []
    try:
        for arguments, graph, wanted, constants, answers, built, *rest in replay.exported():
            positional, named = arguments
            forms = tuple(lowering.form(x, f"argument {i}") for i, x in enumerate(positional))
            names = tuple((key, lowering.form(x, f"argument {key}")) for key, x in named)
            how = lowering.built(built, "the result")
            traces.append(((forms, names), graph, wanted, constants, answers, how, *rest))
        if not traces:
            raise errors.nothing_to_save(name)
        words = lowering.value(words, "its words") if type(words) is str else None
        about = lowering.value(name, "its name"), words, part
        return _jacrs.packed((*about, tuple(traces))), lowering.classes
    except RecursionError:
        raise errors.too_nested(name) from None


def _write(file: Any, data: bytes) -> None:
    """Write all of it or nothing: a file of that name is replaced when all is on the disk."""
    if hasattr(file, "write"):
        file.write(data)
        return
    path = Path(file)
    beside = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with beside.open("xb") as opened:
            opened.write(data)
            opened.flush()
            os.fsync(opened.fileno())
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


def load(file: Any) -> Loaded:
    """Return the function that was saved by the `save` of a compiled one.

    It needs neither the function nor its module, and runs what was recorded: for arguments of the
    same structure, shapes, dtypes and memory order, as long as branches go as they went. It cannot
    record: where nothing that was saved holds, it raises.

    What is read is checked, and nothing of it is executed or imported; classes of containers are
    looked up among the modules that are there. Values that the function reached outside its
    arguments are those of the time when it was saved. Results are those of the compiled function,
    bit for bit on a machine with the same vector instructions.

    Parameters
    ----------
    file : path or file
        The name of a file, or something with a method `read` that gives bytes.

    Returns
    -------
    Loaded
        A function of the same arguments, `out=` included. It can be pickled, and saved again; it
        cannot be differentiated, mapped or recorded.

    Raises
    ------
    FormatError
        The file holds no saved function, it was damaged or cut off, or was written in another
        format; or a class of its containers is not there.
    MemoryLimitError
        What it holds takes more memory than there is.

    Examples
    --------
    >>> import io
    >>> import numpy as np, jacrs
    >>> gradient = jacrs.compile(jacrs.grad(lambda x: np.sum(np.sin(x))))
    >>> gradient(np.zeros(3))
    array([1., 1., 1.])
    >>> file = io.BytesIO()
    >>> gradient.save(file)
    >>> loaded = jacrs.load(io.BytesIO(file.getvalue()))
    >>> loaded(np.array([0.0, 1.0, np.pi]))
    array([ 1.        ,  0.54030231, -1.        ])
    >>> loaded(np.zeros(4))
    Traceback (most recent call last):
    jacrs.errors.NoTraceError: nothing that was saved of <lambda> holds for (float64 array of
    shape (4,)). It was saved for
      (float64 array of shape (3,))
    Call the compiled function for such arguments before you save it
    """
    return _loaded(file.read() if hasattr(file, "read") else _read(Path(file)))


def _read(path: Path) -> bytes:
    size, limit = path.stat().st_size, _jacrs.memory_limit()
    if limit is not None and size > limit:
        raise errors.too_large_file(size, limit)
    return path.read_bytes()


def _loaded(data: Any, *_: type) -> Loaded:
    """Return the function in a file, with classes that it may name."""
    try:
        name, words, part, traces = _jacrs.unpacked(data)
        loaded = Loaded(_as_text(value_of(name)), words and _as_text(value_of(words)), part)
        for (positional, named), graph, wanted, constants, answers, built, *rest in traces:
            names = tuple((_as_text(key), form_of(form)) for key, form in named)
            arguments = tuple(map(form_of, positional)), names
            how = built_of(built)
            loaded.restore((arguments, graph, wanted, constants, answers, how, *rest))
    except (errors.FormatError, errors.MemoryLimitError):
        raise
    except Exception as error:
        raise errors.damaged(str(error).partition("\n")[0]) from error
    return loaded


def _as_text(name: Any) -> str:
    if type(name) is not str:
        raise TypeError("a name is no text")
    return name


class Loaded(_jacrs.Replay):
    """A function that was saved; what `load` returns."""

    def __new__(cls, *_: Any) -> Self:
        """Make one without traces."""
        return super().__new__(cls, taken_apart)

    def __init__(self, name: str, words: str | None, part: str | None) -> None:
        self.__name__ = self.__qualname__ = name
        self.__doc__ = words
        self._part = part
        self._derivative = None if part is None else _PARTS[part]

    def save(self, file: Any) -> None:
        """Save it again, as `compile`d functions are."""
        _write(file, self._packed()[0])

    def explain(self) -> str:
        """Return what it holds for and runs, in words."""
        lines = [f"{self.__name__}: {self.n_traces} traces, {self.n_replays} replays"]
        for form, (_, _, program) in zip(self.forms(), self.described(), strict=True):
            lines.append(f"for {trace_in_words(*form)}")
            lines += [f"  {line}" for line in program.splitlines()]
        return "\n".join(lines)

    def transformed(self, *_: Any) -> Any:
        """Raise: there is nothing to transform."""
        raise errors.is_loaded(self.__name__)

    def _inside(self, *_: Any, **__: Any) -> Any:
        raise errors.is_loaded(self.__name__)

    def derivative_of(self, result: Any) -> Any:
        """Return the part of a result that `out=` is for."""
        return self._derivative[0](result) if self._derivative else result

    def with_derivative(self, result: Any, out: Any) -> Any:
        """Return a result with `out` for that part."""
        return self._derivative[1](result, out) if self._derivative else result

    def _missed(self, *args: Any, **keywords: Any) -> Any:
        """Do a call with `out=`, or raise."""
        if self._derivative is None or "out" not in keywords:
            raise self._fault(args, keywords)
        out = keywords.pop("out")
        targets = leaves_of(out)
        found = None if targets is None else self.replay(args, keywords or None, targets)
        if targets is None or found is None:
            found = self.replay(args, keywords or None, [])
            if found is None:
                raise self._fault(args, keywords)
            targets = checked_leaves(out, self.derivative_of(found[0]))
        return fill(self, found[0], out, targets)

    def _fault(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> BaseException:
        error = self.failure(args, keywords or None)
        if error is not None:
            return error
        saved = [trace_in_words(*form) for form in self.forms()]
        return errors.no_trace(self.__name__, call_in_words(args, keywords), saved)

    def _packed(self) -> tuple[bytes, list[type]]:
        return _packed(self, self.__name__, self.__doc__, self._part)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Bind as a method, as functions do; the instance is argument 0."""
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> Any:
        data, classes = self._packed()
        return _loaded, (data, *classes)  # so that their modules are imported where it goes

    def __repr__(self) -> str:
        return f"<loaded {self.__name__}>"
