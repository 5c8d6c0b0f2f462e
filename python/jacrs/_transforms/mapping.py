"""`vmap`: a function of one example as a function of many."""

from __future__ import annotations

import operator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import errors
from jacrs._jacrs import Session, Tracer
from jacrs._scope import follow_argument, recording_scope
from jacrs._scope.lanes import indexed_by_lanes
from jacrs._transforms.function import Transformed
from jacrs._transforms.leaves import mappable, plain, result_leaf
from jacrs._trees import Node, as_it_is, flatten, map_prefix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def vmap(
    f: Callable[..., Any],
    in_axes: Any = 0,
    out_axes: Any = 0,
    *,
    axis_size: int | None = None,
) -> Callable[..., Any]:
    """Return a function that maps `f` over an axis of its arguments, all lanes at once.

    `f` is recorded once, for one lane; the recording then runs on all lanes together. The result
    is that of a loop over the lanes, stacked, for functions without side effects.

    Parameters
    ----------
    f : callable
        A function of arrays, numbers and nested tuples, lists and dicts of them.
    in_axes : int, None, or a tuple with one entry for each positional argument
        The axis of each argument to map over, which `f` does not see; None passes an argument on as
        it is, whatever it is. An entry may be a container of axes, built like the upper part of its
        argument. Keyword arguments are mapped over axis 0.
    out_axes : int, None, or a container built like the upper part of the result
        Where the lanes go in each array of the result. None is for what is the same in all lanes,
        and leaves it as it is.
    axis_size : int, optional
        The number of lanes; needed only where no argument is mapped.

    Returns
    -------
    callable
        It takes the arguments of `f`, the mapped ones with an axis more: arrays of float64,
        float32, int64 or bool. An array of the result that does not depend on a mapped argument is
        repeated. Without lanes, over an axis of length 0, `f` is recorded all the same, and the
        result has the shapes that it would have.

    Raises
    ------
    ShapeError
        An argument does not have the axis, or the sizes of the mapped axes differ.
    ArgumentError
        The axes are not built like the arguments or the result, or `out_axes` is None for what
        differs from lane to lane.
    DTypeError
        A mapped argument is no array, or of a dtype that cannot be recorded.
    TraceError
        The lanes disagree about a branch, a size or a Python number that `f` asks for; or a value
        of one lane is used after `f` returned.
    BoundsError
        An index is out of bounds in one of the lanes.

    Notes
    -----
    The transformation, and the meaning of the parameters, are those of `jax.vmap` [1]_.

    .. [1] R. Frostig, M. Johnson, C. Leary, "Compiling machine learning programs via high-level
       tracing", SysML 2018.

    Examples
    --------
    >>> import numpy as np, jacrs
    >>> A = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    >>> jacrs.vmap(lambda row, v: row @ v, in_axes=(0, None))(A, np.array([1.0, 10.0]))
    array([21., 43., 65.])
    >>> jacrs.vmap(jacrs.grad(lambda x: np.sum(x**3)))(A)
    array([[  3.,  12.],
           [ 27.,  48.],
           [ 75., 108.]])
    """
    options = checked_in_axes(in_axes), out_axes, checked_size(axis_size)
    return Mapped(f, 0, False, *options)  # noqa: FBT003 - neither argnums nor auxiliary data


class Mapped(Transformed):
    """A function mapped over lanes; its options are `in_axes`, `out_axes` and `axis_size`."""

    name = "vmap"
    has_short_way = False

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        """Call the function for all lanes."""
        in_axes, out_axes, size = self._options
        arguments = _Arguments(args, keywords, in_axes)
        width = arguments.width(size)
        session = Session()
        session.open()
        try:
            with indexed_by_lanes(), recording_scope(self._f) as g:
                lanes, named = arguments.lanes(session, width)
                result = g(*lanes, **named)
            session.check()
            results = _Results(result, out_axes, width)
            leaves = results.stacked(session)
        except TypeError as error:
            if not isinstance(error, errors.JacrsError):
                session.check()  # NumPy hides behind words of its own that lanes disagree
            raise
        finally:
            session.close()
        return results.build(map(plain, leaves if session.joined else _values(session, leaves)))


class _Arguments:
    """What a mapped function is called with, its mapped arrays as leaves."""

    def __init__(self, args: tuple[Any, ...], keywords: dict[str, Any], in_axes: Any) -> None:
        self._args = args
        self._keywords = keywords
        if isinstance(in_axes, tuple):
            if len(in_axes) != len(args):
                raise errors.wrong_count("in_axes", len(args), len(in_axes))
            self._axes = in_axes
        else:
            self._axes = (in_axes,) * len(args)
        self.leaves: list[Any] = []
        self.axes: list[int] = []
        self._paths: list[str] = []
        self._nodes: list[Node] = []
        self._map(self._note)

    def _map(self, part: Callable[[Any, Any, str], Any]) -> tuple[list[Any], dict[str, Any]]:
        """Apply `part` to each axis given, and to what of the arguments it is given for."""
        pairs = enumerate(zip(self._axes, self._args, strict=True))
        args = [map_prefix(part, axes, x, f"argument {i}") for i, (axes, x) in pairs]
        return args, {name: part(0, x, f"argument {name}") for name, x in self._keywords.items()}

    def _note(self, axis: Any, value: Any, path: str) -> None:
        if axis is None:
            return
        axis = _checked_axis(axis, "in_axes")
        found: list[Any] = []
        node = flatten(value, found, as_it_is)
        self._nodes.append(node)
        for leaf, name in zip(found, node.paths(path), strict=True):
            array = mappable(leaf, name, axis)
            self.leaves.append(array)
            self.axes.append(axis % array.ndim)
            self._paths.append(name)

    def width(self, given: int | None) -> int:
        """Return the number of lanes; raise where the arguments do not agree about it."""
        sizes: list[int] = [
            leaf.shape[axis] for leaf, axis in zip(self.leaves, self.axes, strict=True)
        ]
        known = sizes if given is None else [given, *sizes]
        if not known:
            raise errors.nothing_mapped()
        if any(size != known[0] for size in known):
            shapes = [leaf.shape for leaf in self.leaves]
            raise errors.different_sizes(given, zip(self._paths, shapes, self.axes, strict=True))
        return known[0]

    def lanes(self, session: Session, width: int) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments for one lane."""
        sources = [
            leaf if isinstance(leaf, Tracer) else session.argument(leaf, differentiable=False)
            for leaf in self.leaves
        ]
        supply = iter(session.open_lanes(width, sources, self.axes))
        nodes = iter(self._nodes)

        def one_lane(axis: Any, value: Any, _path: str) -> Any:
            return follow_argument(value) if axis is None else next(nodes).unflatten(supply)

        return self._map(one_lane)


class _Results:
    """The result for one lane as leaves, and where the lanes go in each of them."""

    def __init__(self, result: Any, out_axes: Any, width: int) -> None:
        if result is None:
            raise errors.returned_nothing()
        self._result = result
        self._out_axes = out_axes
        self._width = width
        self._leaves: list[Any] = []
        self._axes: list[int | None] = []
        self._paths: list[str] = []
        self._nodes: list[Node] = []
        map_prefix(self._note, out_axes, result, "result")

    def _note(self, axis: Any, value: Any, path: str) -> None:
        found: list[Any] = []
        node = flatten(value, found, as_it_is)
        self._nodes.append(node)
        for leaf, name in zip(found, node.paths(path), strict=True):
            array = result_leaf(leaf, partial(str, name))
            self._leaves.append(array)
            self._axes.append(None if axis is None else _place(axis, array.ndim, name))
            self._paths.append(name)

    def stacked(self, session: Session) -> list[Any]:
        """Return the leaves over all lanes: tracers, and arrays where nothing was recorded."""
        recorded = [i for i, leaf in enumerate(self._leaves) if isinstance(leaf, Tracer)]
        axes = [self._axes[i] for i in recorded]
        stacked = session.stack_lanes([self._leaves[i] for i in recorded], axes)
        leaves = [*map(self._repeated, self._leaves, self._axes)]
        for i, leaf in zip(recorded, stacked, strict=True):
            if leaf is None:
                raise errors.differs_in_lanes(self._paths[i])
            leaves[i] = leaf
        return leaves

    def _repeated(self, leaf: Any, axis: int | None) -> Any:
        if isinstance(leaf, Tracer):
            return leaf
        if axis is None:
            return np.array(leaf)
        return np.repeat(np.expand_dims(leaf, axis), self._width, axis)

    def build(self, leaves: Iterable[Any]) -> Any:
        """Return the result, built out of its leaves over all lanes."""
        supply, nodes = iter(leaves), iter(self._nodes)

        def part(_axis: Any, _value: Any, _path: str) -> Any:
            return next(nodes).unflatten(supply)

        return map_prefix(part, self._out_axes, self._result, "result")


def _values(session: Session, leaves: list[Any]) -> list[Any]:
    """Return the leaves as arrays, all that was recorded computed in one run."""
    recorded = [leaf for leaf in leaves if isinstance(leaf, Tracer)]
    computed = iter(session.run_values(recorded) if recorded else ())
    return [next(computed) if isinstance(leaf, Tracer) else leaf for leaf in leaves]


def _place(axis: Any, ndim: int, path: str) -> int:
    """Return the axis of the lanes in a result that has `ndim` without it."""
    place = _checked_axis(axis, "out_axes")
    if not -ndim - 1 <= place <= ndim:
        raise errors.no_place(path, place, ndim)
    return place % (ndim + 1)


def checked_in_axes(in_axes: Any) -> Any:
    """Return `in_axes`, of which a list is as good as a tuple; raise where it is neither."""
    if in_axes is None or isinstance(in_axes, tuple):
        return in_axes
    return tuple(in_axes) if isinstance(in_axes, list) else _checked_axis(in_axes, "in_axes")


def checked_size(size: Any) -> int | None:
    """Return the number of lanes; raise where it is none."""
    if size is None or (type(size) is int and size >= 0):
        return size
    raise errors.bad_size("axis_size", size)


def _checked_axis(axis: Any, name: str) -> int:
    if isinstance(axis, bool):
        raise errors.bad_axis(name, axis)
    try:
        place: int = operator.index(axis)
    except TypeError:
        raise errors.bad_axis(name, axis) from None
    return place
