"""Values as what a file holds: None, numbers, texts, bytes, and tuples of them, a name in front.

Nothing that is read back is executed, and nothing is imported: a class is looked up by its name
among the modules that are there.
"""

from __future__ import annotations

import dataclasses
import enum
import re
import sys
from collections import OrderedDict, defaultdict
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from jacrs import errors
from jacrs._compile.parts import made_dict
from jacrs._layout import FORMATS, Layout, MatrixOf
from jacrs._pytrees import FieldsOf, Registered, is_registered
from jacrs._scope.classes import real_class
from jacrs._trees import make_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_DIRECT = (type(None), bool, float, bytes)
_INT64 = range(-(2**63), 2**63)
_FACTORIES: dict[str | None, Any] = {
    None: None,
    **{kind.__name__: kind for kind in (list, dict, set, tuple, int, float, str)},
}
_SINGLE: dict[str, Any] = {"ellipsis": ..., "not implemented": NotImplemented}
# Booleans, numbers, texts, bytes and times; no objects and no records.
_DTYPE = re.compile(r"[<>|=]?(?:b1|[iu][1248]|f\d+|c\d+|[SU]\d+|[mM]8(?:\[\w+\])?)")


class Lowering:
    """Turns the values that a function was compiled with to what a file holds."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.classes: list[type] = []

    def value(self, value: Any, where: str) -> Any:
        """Return what stands for a value."""
        kind = type(value)
        if kind in _DIRECT:
            return value
        if kind in _LOWERED:
            return _LOWERED[kind](value)
        if kind is tuple:
            return ("tuple", tuple(self.value(item, where) for item in value))
        if kind is slice:
            ends = (value.start, value.stop, value.step)
            return ("slice", *(self.value(end, where) for end in ends))
        is_number = isinstance(value, np.generic) and kind is value.dtype.type
        if (is_number or kind is np.ndarray) and _DTYPE.fullmatch(value.dtype.str):
            name = "number" if is_number else "array"
            return (name, value.dtype.str, value.shape, value.tobytes())
        return self.identity(value, where)

    def identity(self, value: Any, where: str) -> Any:
        """Return what stands for an object that is one and the same everywhere."""
        for name, single in _SINGLE.items():
            if value is single:
                return (name,)
        is_known = isinstance(value, np.dtype) and _DTYPE.fullmatch(value.str)
        if is_known and np.dtype(value.str) is value:
            return ("dtype", value.str)
        if isinstance(value, enum.Enum) and type(value).__members__.get(value.name) is value:
            return ("member", self.cls(type(value), where), value.name)
        if isinstance(value, type):
            return self.cls(value, where)
        raise errors.not_savable(self._name, where, errors.describe(value))

    def cls(self, value: type, where: str) -> Any:
        """Return what stands for a class: its name, and the fields that instances have."""
        cls = real_class(value)
        if _found(cls.__module__, cls.__qualname__) is not cls:
            raise errors.not_importable(self._name, where, cls)
        self.classes.append(cls)
        return ("class", cls.__module__, cls.__qualname__, _fields(cls))

    def form(self, form: Any, where: str) -> Any:
        """Return what stands for the form of an argument."""
        match form:
            case ("plain", value):
                return ("plain", self.value(value, where))
            case ("same", value):
                return ("same", self.identity(value, where))
            case ("tuple" | "list" as kind, forms):
                return (kind, self._forms(forms, where))
            case ("dict", keys, forms):
                return ("dict", self._keys(keys, where), self._forms(forms, where, keys))
            case ("node", cls, forms):
                return ("node", self.cls(cls, where), self._forms(forms, where))
        return form

    def _forms(self, forms: Any, where: str, keys: Iterable[Any] | None = None) -> Any:
        named = zip(count() if keys is None else keys, forms, strict=False)
        return tuple(self.form(form, f"{where}[{key!r}]") for key, form in named)

    def _keys(self, keys: Iterable[Any], where: str) -> Any:
        return tuple(self.value(key, f"a key of {where}") for key in keys)

    def built(self, built: Any, where: str) -> Any:
        """Return what stands for how a result is put together."""
        match built:
            case ("array" | "scalar", _):
                return built
            case ("constant" | "copy" as kind, value):
                return (kind, self.value(value, where))
            case ("tuple" | "list" as kind, parts):
                return (kind, self._parts(parts, where))
            case ("dict", keys, parts):
                return ("dict", self._keys(keys, where), self._parts(parts, where, keys))
            case ("made", _, [("map", _)]):
                raise errors.map_not_savable(self._name, where)
        _made, make, parts = built
        return ("made", self._maker(make, where), self._parts(parts, where))

    def _parts(self, parts: Any, where: str, keys: Iterable[Any] | None = None) -> Any:
        named = zip(count() if keys is None else keys, parts, strict=False)
        return tuple(self.built(part, f"{where}[{key!r}]") for key, part in named)

    def _maker(self, make: Any, where: str) -> Any:
        if isinstance(make, FieldsOf):
            names = tuple(make.static)
            static = tuple(self.value(make.static[name], f"{where}.{name}") for name in names)
            return ("fields", self.cls(make.cls, where), tuple(make.names), names, static)
        if isinstance(make, MatrixOf):
            layout = make.layout
            arrays = tuple(self.value(array, where) for array in layout.arrays)
            return ("matrix", layout.format, layout.shape, arrays, layout.blocksize, make.private)
        if isinstance(make, Registered):
            aux = self.value(make.aux, f"what {where} keeps beside its parts")
            return ("registered", self.cls(make.cls, where), aux, make.count)
        if make.func is make_named:
            return ("named", self.cls(make.args[0], where))
        dictionary, keys = make.args[0], self._keys(make.args[1], where)
        if dictionary is OrderedDict:
            return ("ordered", keys)
        factory = dictionary.args[0]
        if factory not in _FACTORIES.values():
            what = errors.describe(factory)
            raise errors.not_savable(self._name, f"the default factory of {where}", what)
        return ("default", keys, None if factory is None else factory.__name__)


def _integer(value: int) -> Any:
    return value if value in _INT64 else ("int", hex(value))


def _text(value: str) -> Any:
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a pair
        return ("text", value.encode("utf-8", "surrogatepass"))
    return value


_LOWERED: dict[type, Callable[[Any], Any]] = {
    int: _integer,
    str: _text,
    complex: lambda value: ("complex", value.real, value.imag),
    range: lambda value: ("range", *map(_integer, (value.start, value.stop, value.step))),
}


def _found(module: str, name: str) -> Any:
    """Return what a module that is there has under this name; None for nothing. Runs no code."""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        try:
            found = vars(found).get(part)
        except TypeError:
            return None
    return found


def _fields(cls: type) -> tuple[str, ...]:
    """Name the parts that instances of a class are taken apart into, in their order."""
    if is_registered(cls):
        return ("registered",)
    if dataclasses.is_dataclass(cls):
        fields = dataclasses.fields(cls)
        return tuple(("static " if f.metadata.get("static") else "") + f.name for f in fields)
    return tuple(getattr(cls, "_fields", ())) if issubclass(cls, tuple) else ()


# --- and back


def value_of(given: Any) -> Any:
    """Return the value that stands in a file."""
    if type(given) is not tuple:
        return given
    kind, *rest = given
    return _READERS[kind](*rest)


def _class(module: str, name: str, fields: tuple[str, ...]) -> type:
    cls = _found(module, name)
    if not isinstance(cls, type):
        raise errors.missing_class(module, name)
    if _fields(cls) != fields:
        raise errors.other_class(module, name)
    return cls


def _array(dtype: str, shape: tuple[int, ...], data: bytes) -> Any:
    return np.frombuffer(data, _dtype(dtype)).reshape(shape).copy()


def _dtype(name: str) -> np.dtype[Any]:
    if not _DTYPE.fullmatch(name):
        raise ValueError(f"there is no dtype {name}")
    return np.dtype(name)


def _member(cls: Any, name: str) -> Any:
    found = _class_of(cls)
    if not issubclass(found, enum.Enum):
        raise TypeError(f"{found} has no members")
    return found.__members__[name]


_READERS: dict[str, Callable[..., Any]] = {
    "int": lambda digits: int(digits, 16),
    "text": lambda data: data.decode("utf-8", "surrogatepass"),
    "complex": complex,
    "tuple": lambda items: tuple(map(value_of, items)),
    "slice": lambda *ends: slice(*map(value_of, ends)),
    "range": lambda *ends: range(*map(value_of, ends)),
    "array": _array,
    "number": lambda *given: _array(*given)[()],
    "dtype": _dtype,
    "member": _member,
    "class": _class,
    **{name: partial(lambda single: single, single) for name, single in _SINGLE.items()},
}


def form_of(given: Any) -> Any:
    """Return the form of an argument that stands in a file."""
    match given:
        case ("plain" | "same" as kind, value):
            return (kind, value_of(value))
        case ("tuple" | "list" as kind, forms):
            return (kind, tuple(map(form_of, forms)))
        case ("dict", keys, forms):
            return ("dict", _keys_of(keys, len(forms)), tuple(map(form_of, forms)))
        case ("node", cls, forms):
            return ("node", _class_of(cls), tuple(map(form_of, forms)))
    return given


def built_of(given: Any) -> Any:
    """Return how a result is put together, as it stands in a file."""
    match given:
        case ("constant", value):
            return ("constant", value_of(value))
        case ("copy", ("array", *array)):
            return ("copy", _array(*array))
        case ("array" | "scalar", int()):
            return given
        case ("tuple" | "list" as kind, parts):
            return (kind, tuple(map(built_of, parts)))
        case ("dict", keys, parts):
            return ("dict", _keys_of(keys, len(parts)), tuple(map(built_of, parts)))
        case ("made", make, parts):
            return ("made", _maker_of(make, len(parts)), tuple(map(built_of, parts)))
    raise TypeError("a result is made of something else")


def _keys_of(given: Any, count: int) -> list[Any]:
    keys = list(map(value_of, given))
    if len(dict.fromkeys(keys)) != count:
        raise ValueError("a dict has other keys than items")
    return keys


def _maker_of(given: Any, count: int) -> Any:
    """Return what puts a container of so many parts together: never anything else to be called."""
    match given:
        case ("ordered", keys):
            return partial(made_dict, OrderedDict, _keys_of(keys, count))
        case ("default", keys, factory):
            make: Any = partial(defaultdict, _FACTORIES[factory])
            return partial(made_dict, make, _keys_of(keys, count))
        case ("named", cls) if len(fields := _fields(found := _class_of(cls))) == count > 0:
            if issubclass(found, tuple) and fields == getattr(found, "_fields", None):
                return partial(make_named, found)
        case ("matrix", name, shape, arrays, blocksize, private) if name in FORMATS and count == 1:
            structure = tuple(map(value_of, arrays))
            return MatrixOf(Layout.checked(name, shape, structure, None, blocksize), bool(private))
        case ("fields", cls, names, static, values) if len(names) == count:
            found = _class_of(cls)
            kept = dict(zip(static, map(value_of, values), strict=True))
            if dataclasses.is_dataclass(found) and _is_made_of(found, (*names, *static)):
                return FieldsOf(found, names, kept)
        case ("registered", cls, aux, number) if number == count and is_registered(_class_of(cls)):
            return Registered(_class_of(cls), value_of(aux), count)
    raise TypeError("a container is put together by something else")


def _is_made_of(cls: Any, names: tuple[str, ...]) -> bool:
    known = {field.name for field in dataclasses.fields(cls)}
    return len(known.intersection(names)) == len(names)


def _class_of(given: Any) -> type:
    found = value_of(given)
    if not isinstance(found, type):
        raise TypeError(f"{found!r} is no class")
    return found
