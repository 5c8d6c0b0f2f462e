"""`compile`: a function, or a transform of one, recorded once and then run without Python."""

from __future__ import annotations

import functools
import warnings
from functools import partial
from types import MethodType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from jacrs import _jacrs, errors
from jacrs._compile.outs import fill, leaves_of
from jacrs._compile.parts import built, taken_apart
from jacrs._compile.purity import Pure
from jacrs._compile.saved import save
from jacrs._compile.witness import Witness
from jacrs._scope import follow_argument, recording_scope
from jacrs._scope.state import witnessed
from jacrs._trees import found_by_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jacrs._transforms.recording import Again

_MOST_MISSES = 64
# Whether arrays that are reached, and whether numbers among the arguments, are inputs of a trace
# and not conditions.
_WAYS = ((True, True), (True, False), (False, False))


def compile(f: Callable[..., Any], *, strict: bool = False) -> Compiled:  # noqa: A001
    """Return a function that does what `f` does, recorded at the first call, then run natively.

    Parameters
    ----------
    f : callable
        A function of arrays, numbers, objects and containers of them, or a transform of one, such
        as `jacobian(f)`. `jacobian(compile(f))` is the same as `compile(jacobian(f))`; so it is
        with the other transforms, those included that are called with the arguments: `jvp(f, ...)`,
        `vjp`, `linearize`, the functions of `jacrs.functional`. A compiled function is returned
        as it is.
    strict : bool
        Whether to raise where `f` reaches something that cannot be looked at again.

    Returns
    -------
    Compiled
        It takes the arguments of `f`, and `out=` where `f` does. A call runs a *trace*: a course
        that was recorded for such arguments. Arrays and floats among the arguments, and arrays
        that `f` reaches otherwise, are inputs of a trace, read at each call. All else is a
        condition: shapes, dtypes, integers, texts, other objects; what `f` reaches outside its
        arguments by names, cells, attributes and containers; which way its branches go. Where no
        trace holds the call is recorded, so that the result is that of `f` as it is now. 16 traces
        are kept, those used last: `n_traces` counts them, `n_replays` the calls that one held for,
        `clear()` drops them. A function that has to be recorded again and again is run as if it
        were not compiled, with one warning; one that cannot be recorded is, too.

    Raises
    ------
    ImpureError
        `f` writes to something outside, asks for the time, draws random numbers, prints or reads:
        a replay would not do it again. What it wrote is undone. With `strict`, what cannot be
        followed: `explain()` lists it.
    DTypeError
        `f` is not callable.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> def f(x):
    ...     return x * np.sin(x) if x[0] > 0 else -x
    >>> J = jacrs.compile(jacrs.jacobian(f))
    >>> J(np.array([0.5, 1.0])).diagonal()
    array([0.91821682, 1.38177329])
    >>> J(np.array([-0.5, 1.0])).diagonal(), J.n_traces
    (array([-1., -1.]), 2)
    >>> y, pullback = jacrs.vjp(jacrs.compile(f), np.array([-0.5, 1.0]))
    >>> pullback(np.array([1.0, 2.0]))
    array([-1., -2.])
    """
    if isinstance(f, Compiled):
        return f.as_strict() if strict else f
    return Compiled(f, strict=strict)


class Compiled(_jacrs.Replay):
    """A function with the traces of its calls; what `compile` returns."""

    def __new__(cls, f: Callable[..., Any], *, strict: bool = False) -> Self:  # noqa: ARG004
        """Make one without traces."""
        return super().__new__(cls, taken_apart)

    def __init__(self, f: Callable[..., Any], *, strict: bool = False) -> None:
        if not callable(f):
            raise errors.not_callable("compile", f)
        functools.update_wrapper(self, f)
        self._f = f
        self._strict = strict
        self._misses = 0
        self._replays = 0  # at the last miss
        self._transforms: dict[Any, Compiled] = {}
        self._made_by: tuple[Any, ...] = ()  # the compiled function it is a transform of, and how

    def explain(self) -> str:
        """Return what the traces hold for and run, in words."""
        lines = [f"{self._name()}: {self.n_traces} traces, {self.n_replays} replays"]
        for i, (conditions, unfollowed, program) in enumerate(self.described()):
            lines.append(f"trace {i}")
            lines += [f"  holds while unchanged: {what}" for what in sorted(set(conditions))]
            lines += [f"  not looked at again: {what}" for what in unfollowed]
            lines += [f"  {line}" for line in program.splitlines()]
        return "\n".join(lines)

    def save(self, file: Any) -> None:
        """Write the traces to a file, from which `jacrs.load` makes a function without `f`.

        Conditions outside the arguments are left out: what `f` reached there is kept as it is now,
        the elements of arrays too, and traces that do not hold as things are now are not written.
        What is kept are graphs; they are planned again where they are loaded.

        Parameters
        ----------
        file : path or file
            The name of a file, which is written whole or not at all, or something with a method
            `write` that takes bytes.

        Raises
        ------
        SaveError
            There is no trace, or one holds for what cannot be saved: objects and functions that
            are arguments, containers of classes that are not found by their names, the linear maps
            that `vjp` and `linearize` return.

        Examples
        --------
        >>> import io
        >>> import numpy as np, jacrs
        >>> J = jacrs.compile(jacrs.jacobian(np.sin))
        >>> J(np.zeros(2))
        array([[1., 0.],
               [0., 1.]])
        >>> J.save(file := io.BytesIO())
        >>> jacrs.load(io.BytesIO(file.getvalue()))(np.array([0.0, np.pi])).diagonal()
        array([ 1., -1.])
        """
        save(self, self._f, self._name(), file)

    def transformed(self, transform: Any, *options: Any) -> Compiled:
        """Return `transform(f, *options)` compiled: the same object for the same options."""
        key = (transform, *options)
        try:
            found = self._transforms.get(key)
        except TypeError:  # a list or a dict among the options
            return Compiled(transform(self._f, *options), strict=self._strict)
        if found is None:
            found = Compiled(transform(self._f, *options), strict=self._strict)
            found._made_by = (self, *key)
            self._transforms[key] = found
        return found

    def as_strict(self) -> Compiled:
        """Return this function compiled with `strict`."""
        return self if self._strict else Compiled(self._f, strict=True)

    def _name(self) -> str:
        return getattr(self._f, "__name__", type(self._f).__name__)

    def _inside(self, *args: Any, **keywords: Any) -> Any:
        """Call it as a part of what is being recorded."""
        return follow_argument(self._f)(*args, **keywords)

    def _missed(self, *args: Any, **keywords: Any) -> Any:
        """Do a call that no trace holds for."""
        if "out" in keywords and getattr(self._f, "takes_out", False):
            return self._into(keywords.pop("out"), args, keywords)
        found = self._recorded(args, keywords, (), 3)
        return self._f(*args, **keywords) if found is None else found[0]

    def _into(self, out: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Do a call with `out=`; what no trace can write there is left to the function itself."""
        targets = leaves_of(out)
        found = None
        if targets is not None:
            found = self.replay(args, keywords or None, targets)
            if found is None:
                found = self._recorded(args, keywords, targets, 4)
        if found is None or targets is None:
            return self._f(*args, **keywords, out=out)
        return fill(self._f, found[0], out, targets)

    def _recorded(
        self,
        args: tuple[Any, ...],
        keywords: dict[str, Any],
        targets: Sequence[Any],
        level: int,
    ) -> tuple[Any] | None:
        """Record a call and run the trace; None where there is none, or it raises."""
        if not self._is_worth_it(level + 1):
            return None
        trace = self._trace(args, keywords)
        if trace is None:
            return None
        found = self.replay(args, keywords or None, list(targets))
        if found is None:
            self.forget(trace)
        self._replays = self.n_replays  # no sign that a trace is of use again
        return found

    def _is_worth_it(self, level: int) -> bool:
        """Tell whether recording has not been in vain too often; the caller is at `level`."""
        if self.n_replays > self._replays:
            self._replays, self._misses = self.n_replays, 0
        if self._misses == _MOST_MISSES:
            text = errors.too_many_courses(self._name(), _MOST_MISSES)
            warnings.warn(text, RuntimeWarning, stacklevel=level)
        self._misses += 1
        return self._misses <= _MOST_MISSES

    def _trace(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> int | None:
        """Record a call in the first way that works; return the name of its trace."""
        for inputs, numbers in _WAYS:
            witness = Witness(inputs=inputs)
            try:
                trace = self._record(args, keywords, witness, numbers=numbers)
                if trace is not None:
                    return trace
            except BaseException as error:
                witness.restore()
                if isinstance(error, errors.ImpureError) or not isinstance(error, Exception):
                    raise
        return None  # it cannot be recorded, or raises as it is too

    def _record(
        self,
        args: tuple[Any, ...],
        keywords: dict[str, Any],
        witness: Witness,
        *,
        numbers: bool,
    ) -> int | None:
        """Record a call and keep the trace, if it is one to replay; return its name."""
        pending = self.begin(args, keywords or None, numbers)
        session = _jacrs.Session()
        session.open()
        try:
            _jacrs.keep_recording()
            # Before anything that the function reaches: they are the first inputs of the trace.
            leaves = list(map(partial(_input, session), pending.leaves, pending.kinds))
            with witnessed(witness), recording_scope(self._f) as g, Pure() as pure:
                given, named = pending.over(list(map(_followed, leaves)))
                witness.argument((given, named))
                result = g(*given, **named)
            self._check(session, pending, witness)
            # Beside float32 a Python float is weaker than a float64.
            if pure.in_doubt or (numbers and _jacrs.recorded_narrow()):
                return None
            outputs: list[Any] = []
            maps: list[Again] = []
            how = built(result, outputs, maps)
            unfollowed = witness.unfollowed()
            if unfollowed and self._strict:
                raise errors.not_followed(self._name(), unfollowed)
            asked = [again[:3] for again in maps]
            guards = witness.guards()
            directions = self._directions()
            return self.add(pending, outputs, asked, guards, how, unfollowed, directions)
        finally:
            session.close()

    def _check(self, session: Any, pending: Any, witness: Witness) -> None:
        """Raise what the recorded function has hidden, or has written to."""
        changed = witness.changed()
        if changed is None and (session.check() is not None or not pending.holds()):
            changed = "an argument"
        if changed is not None:
            raise errors.writes(self._name(), changed)

    def _directions(self) -> int | None:
        return getattr(self._f, "directions", None)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Bind as a method, as functions do; the instance is argument 0."""
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> Any:
        if found_by_name(self) is self:
            return self.__qualname__  # a decorated function: found by its name, as functions are
        if self._made_by:
            return Compiled.transformed, self._made_by
        return partial(Compiled, strict=self._strict), (self._f,)

    def __repr__(self) -> str:
        return f"<jacrs.compile of {self._f!r}>"


def _input(session: Any, leaf: Any, kind: str) -> Any:
    """Return what stands for a leaf of the arguments; itself where it is no input."""
    if kind == "array":
        return session.argument(leaf, differentiable=False)
    return _jacrs.number(leaf) if kind == "number" else leaf


def _followed(leaf: Any) -> Any:
    """Return what recorded code gets for a leaf; what an array holds is part of its form."""
    return leaf if isinstance(leaf, np.ndarray) else follow_argument(leaf)
