"""Dataclasses and registered types: arguments, results, tangents, in every transform."""

import dataclasses
import enum
import functools
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import pytest

import jacrs
from jacrs._trees import as_it_is, flatten, flatten_like, map_leaves, unflatten

X = np.array([0.7, 1.3, -0.4])
MATRIX = np.array([[0.3, -1.2, 0.8], [1.1, 0.4, -0.6]])
T = TypeVar("T")


@dataclass
class Line:
    slope: Any
    offset: Any = 1.0

    def at(self, x):
        return self.slope * x + self.offset


@dataclass(frozen=True)
class Frozen:
    slope: Any
    offset: Any = 1.0

    at = Line.at


@dataclass(slots=True)
class Slots:
    slope: Any
    offset: Any = 1.0

    at = Line.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Strict(Generic[T]):
    slope: T
    offset: Any = field(default_factory=lambda: 1.0)

    at = Line.at


@dataclass
class Derived(Line):
    name: str = field(default="derived", metadata={"static": True})

    def at(self, x):
        assert self.name == "derived"
        return super().at(x)


class Plain:
    def __init__(self, slope, offset=1.0, label="plain"):
        self.slope, self.offset, self.label = slope, offset, label

    def at(self, x):
        out = np.zeros(3)  # methods are followed: this array can hold recorded values
        out[:] = self.slope * x + self.offset
        return out


class SlottedPlain:
    __slots__ = ("offset", "slope")

    def __init__(self, slope, offset=1.0):
        self.slope, self.offset = slope, offset

    at = Line.at


jacrs.register_pytree_node(
    Plain,
    lambda p: ((p.slope, p.offset), p.label),
    lambda label, children: Plain(*children, label),
)
jacrs.register_pytree_node(
    SlottedPlain, lambda p: ([p.slope, p.offset], None), lambda _, c: SlottedPlain(*c)
)

CLASSES = [Line, Frozen, Slots, Strict, Derived, Plain, SlottedPlain]


@pytest.fixture(params=CLASSES, ids=lambda cls: cls.__name__)
def cls(request):
    return request.param


def loss(p):
    return np.sum(np.sin(p.at(X)) ** 2)


def expected_gradient(slope, offset):
    inner = 2 * np.sin(slope * X + offset) * np.cos(slope * X + offset)
    return inner * X, np.sum(inner)


def close(p, cls, slope, offset):
    assert type(p) is cls
    np.testing.assert_allclose(p.slope, slope, 1e-12)
    np.testing.assert_allclose(p.offset, offset, 1e-12)


def test_gradient(cls):
    p = cls(slope=X * 2, offset=0.5)
    close(jacrs.grad(loss)(p), cls, *expected_gradient(X * 2, 0.5))
    value, gradient = jacrs.value_and_grad(loss)(p)
    assert value == pytest.approx(loss(p))
    close(gradient, cls, *expected_gradient(X * 2, 0.5))
    nested = jacrs.grad(lambda tree: loss(tree["a"][1]))({"a": [3.0, p]})
    close(nested["a"][1], cls, *expected_gradient(X * 2, 0.5))
    close(p, cls, X * 2, 0.5)  # the user's own is as it was


def test_products(cls):
    p, t = cls(slope=X * 2, offset=0.5), cls(slope=X, offset=2.0)
    slope, offset = expected_gradient(X * 2, 0.5)
    y, jv = jacrs.jvp(loss, (p,), (t,))
    assert jv == pytest.approx(slope @ X + 2 * offset)
    y, pullback = jacrs.vjp(lambda p: p, p)
    close(y, cls, X * 2, 0.5)
    close(pullback(t), cls, X, 2.0)
    (product,) = jacrs.hvp(loss, (p,), (t,))
    (other,) = jacrs.vhp(loss, (p,), (t,))
    forward = jacrs.jvp(jacrs.grad(loss), (p,), (t,))[1]
    close(product, cls, forward.slope, forward.offset)
    close(other, cls, forward.slope, forward.offset)


def test_jacobian_and_hessian(cls):
    p = cls(slope=X * 2, offset=0.5)
    J = jacrs.jacobian(lambda p: p.at(X))(p)
    close(J, cls, np.diag(X), np.ones(3))
    J = jacrs.jacobian(lambda x: cls(slope=x * 2, offset=np.sum(x)))(X)
    close(J, cls, 2 * np.eye(3), np.ones(3))
    H = jacrs.hessian(loss)(p)
    assert type(H) is type(H.slope) is type(H.offset) is cls
    assert (H.slope.slope.shape, H.slope.offset.shape, H.offset.offset.shape) == ((3, 3), (3,), ())


def test_out(cls):
    p = cls(slope=X * 2, offset=0.5)
    out = cls(slope=np.zeros(3), offset=np.zeros(()))
    assert jacrs.grad(loss)(p, out=out) is out
    close(out, cls, *expected_gradient(X * 2, 0.5))


def test_nested_transforms(cls):
    p = cls(slope=X * 2, offset=0.5)

    def inner(p):
        gradient = jacrs.grad(loss)(p)
        assert isinstance(gradient, cls)
        assert type(gradient) is type(p)
        return np.sum(gradient.at(X))  # a method of what was rebuilt inside

    found = jacrs.grad(inner)(p)
    ones = cls(slope=X, offset=3.0)
    (expected,) = jacrs.hvp(loss, (p,), (ones,))
    close(found, cls, expected.slope, expected.offset)


def test_tape_and_stop_gradient(cls):
    with jacrs.Tape() as tape:
        p = tape.watch(cls(slope=X * 2, offset=0.5))
        y = np.sum(np.sin(p.slope * X + p.offset) ** 2)
    close(tape.gradient(y, p), cls, *expected_gradient(X * 2, 0.5))
    close(tape.value(p), cls, X * 2, 0.5)
    p = cls(slope=X * 2, offset=0.5)
    assert jacrs.grad(lambda p: loss(jacrs.stop_gradient(p)))(p).slope.tolist() == [0, 0, 0]


def test_auxiliary_data(cls):
    p = cls(slope=X * 2, offset=0.5)
    gradient, aux = jacrs.grad(lambda p: (loss(p), [p, "text"]), has_aux=True)(p)
    close(aux[0], cls, X * 2, 0.5)
    assert type(aux[0].slope) is np.ndarray
    assert aux[1] == "text"
    close(gradient, cls, *expected_gradient(X * 2, 0.5))


# --- what dataclasses have besides


@dataclass
class Model:
    weights: list
    derived: Any = field(init=False)
    never: Any = field(init=False)
    act: Any = field(default=np.tanh, metadata={"static": True})
    steps: int = field(default=2, metadata={"static": True})
    made = 0

    def __post_init__(self):
        self.derived = self.weights[0] * 10.0
        self.norm = np.sum(self.weights[0])
        Model.made += 1

    def run(self, x):
        for _ in range(self.steps):
            x = self.act(self.weights[0] * x + self.weights[1])
        return np.sum(x * self.derived)


def test_init_is_not_run_again_and_all_fields_are_differentiated():
    model = Model([X, np.array(0.3)])
    made = Model.made
    gradient = jacrs.grad(Model.run)(model, X)
    assert Model.made == made
    assert type(gradient) is Model
    y = np.tanh(X * np.tanh(X * X + 0.3) + 0.3)
    np.testing.assert_allclose(gradient.derived, y, 1e-14)
    assert (gradient.act, gradient.steps) == (np.tanh, 2)
    assert not hasattr(gradient, "norm")
    assert not hasattr(gradient, "never")
    with pytest.raises(AttributeError, match="norm"):
        jacrs.grad(lambda m: np.sum(m.weights[0]) * m.norm)(model)


def test_static_functions_are_followed():
    def squares(x):
        out = np.zeros(x.size)
        out[:] = x**2
        return out

    @dataclass(frozen=True)
    class Wrapped:
        x: Any
        f: Any = field(metadata={"static": True})

    gradient = jacrs.grad(lambda w: np.sum(w.f(w.x)))(Wrapped(X, squares))
    np.testing.assert_array_equal(gradient.x, 2 * X)
    assert gradient.f is squares


def test_a_dataclass_is_written_to_as_a_copy():
    def f(p):
        p.slope = p.slope * 3.0
        p.note = "kept nowhere"
        return np.sum(p.at(X))

    p = Line(X, 0.0)
    np.testing.assert_array_equal(jacrs.grad(f)(p).slope, 3 * X)
    assert p == Line(X, 0.0)
    assert not hasattr(p, "note")


def test_auxiliary_data_that_holds_itself():
    @dataclass
    class Link:
        x: Any
        link: Any = None

    known = Link(X)
    known.link = [known]
    _, aux = jacrs.grad(lambda x: (np.sum(x), known), has_aux=True)(X)
    assert type(aux) is Link
    assert aux.x.tolist() == X.tolist()

    def f(x):
        made = Link(x * 2)
        made.link = made
        return np.sum(x), made

    np.testing.assert_array_equal(jacrs.grad(f, has_aux=True)(X)[1].x, 2 * X)


def test_slots_at_several_levels():
    @dataclass(slots=True)
    class First:
        slope: Any

    @dataclass(slots=True)
    class Second(First):
        offset: Any = 1.0

        def at(self, x):
            out = np.zeros(3)
            out[:] = self.slope * x + self.offset
            return out

    p = Second(X * 2, 0.5)
    close(jacrs.grad(loss)(p), Second, *expected_gradient(X * 2, 0.5))
    found = jacrs.grad(lambda p: np.sum(jacrs.grad(loss)(p).at(X)))(p)
    (expected,) = jacrs.hvp(loss, (p,), (Second(X, 3.0),))
    close(found, Second, expected.slope, expected.offset)
    _, aux = jacrs.grad(lambda p: (loss(p), p), has_aux=True)(p)
    close(aux, Second, X * 2, 0.5)


def test_what_was_cached_is_computed_again():
    @dataclass
    class Cached:
        x: Any

        @functools.cached_property
        def squares(self):
            return self.x**2

    p = Cached(X)
    assert p.squares is p.squares
    np.testing.assert_array_equal(jacrs.grad(lambda p: np.sum(p.squares))(p).x, 2 * X)


def test_what_is_no_container():
    class Color(enum.Enum):
        RED = 1

    @dataclass
    class Table(dict):
        x: Any

    leaves = []
    flatten([Color.RED, Table(1.0), Line], leaves, None)
    assert leaves == [Color.RED, Table(1.0), Line]


def test_round_trips():
    leaves = []
    tree = {"a": Line([X, (2.0, None)], Frozen(3.0)), 1: Plain(1.0, (X,))}
    node = flatten(tree, leaves, as_it_is)
    assert len(leaves) == 6
    again = unflatten(node, leaves)
    assert repr(again["a"]) == repr(tree["a"])
    matched = []
    flatten_like(node, again, matched, "value")
    assert all(a is b for a, b in zip(leaves, matched, strict=True))
    assert map_leaves(lambda x: x, tree) is tree
    assert list(node.paths("x")) == [
        "x['a'].slope[0]", "x['a'].slope[1][0]", "x['a'].offset.slope", "x['a'].offset.offset",
        "x[1][0]", "x[1][1][0]",
    ]  # fmt: skip


# --- what is refused


class Pair(NamedTuple):
    first: Any
    second: Any


def line(**fields):
    return Line(**{"slope": X, "offset": [1.0, (X, X)], **fields})


WRONG = {
    "a string": (
        lambda: jacrs.grad(loss)(line(slope="steep")),
        "argument 0.slope is a str, which cannot be differentiated",
    ),
    "integers": (
        lambda: jacrs.grad(loss)(line(offset=np.arange(3))),
        "argument 0.offset is an int64 array of shape (3,)",
    ),
    "a shape within": (
        lambda: jacrs.jvp(lambda p: p.slope, (line(),), (line(offset=[1.0, (X, X[:1])]),)),
        "tangents[0].offset[1][1] has shape (1,), but argument 0.offset[1][1] has shape (3,)",
    ),
    "another class": (
        lambda: jacrs.jvp(lambda p: p.slope, (line(),), (Frozen(X),)),
        "tangents[0] must be a Line, but is a Frozen",
    ),
    "a tuple": (
        lambda: jacrs.jvp(lambda p: p.slope, (line(),), ((X, X),)),
        "tangents[0] must be a Line, but is a tuple",
    ),
    "a dataclass for a tuple": (
        lambda: jacrs.jvp(lambda p: p[0], (Pair(X, X),), (Frozen(X),)),
        "tangents[0] must be a Pair of 2, but is a Frozen",
    ),
    "other parts": (
        lambda: jacrs.jvp(lambda p: p.slope, (Plain(X),), (Plain(X, label="other"),)),
        "tangents[0] must be a Plain, but is one with other parts",
    ),
    "a cotangent": (
        lambda: jacrs.vjp(lambda p: p, line())[1](line(slope=X[:2])),
        "cotangent.slope has shape (2,), but result.slope has shape (3,)",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_errors_name_the_field(case):
    call, text = WRONG[case]
    with pytest.raises(jacrs.JacrsError) as caught:
        call()
    assert str(caught.value).startswith(text)


class Other:
    pass


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("Other", len, len), "cls must be a class, not a str"),
        ((list, len, len), "list is taken as it is"),
        ((np.ndarray, len, len), "ndarray is taken as it is"),
        ((np.ma.MaskedArray, len, len), "MaskedArray is taken as it is"),
        ((Other, None, len), "flatten must be a function, not None"),
        ((Other, len, 3), "unflatten must be a function, not an int"),
        ((Plain, len, len), "Plain is registered already"),
    ],
)
def test_bad_registrations(arguments, text):
    with pytest.raises(jacrs.DTypeError) as caught:
        jacrs.register_pytree_node(*arguments)
    assert str(caught.value).startswith(f"register_pytree_node: {text}")


@pytest.mark.parametrize("flattened", [None, 3.0, (1.0,), (1.0, 2.0), [[1.0], None]])
def test_a_bad_flatten(flattened):
    cls = type("Bad", (), {})
    jacrs.register_pytree_node(cls, lambda _: flattened, lambda _, children: cls())
    with pytest.raises(jacrs.DTypeError, match=r"flatten, as registered for Bad, must return"):
        jacrs.grad(lambda _: 1.0)(cls())


def test_a_registration_comes_before_the_fields():
    @dataclass
    class Half:
        x: Any
        rest: Any

    jacrs.register_pytree_node(Half, lambda h: ((h.x,), h.rest), lambda rest, c: Half(*c, rest))
    gradient = jacrs.grad(lambda h: np.sum(h.x**2))(Half(X, "anything"))
    np.testing.assert_array_equal(gradient.x, 2 * X)
    assert gradient.rest == "anything"


def test_a_class_made_while_recording():
    def f(x):
        @dataclass
        class Local:
            x: Any

        gradient = jacrs.grad(lambda p: np.sum(p.x**3))(Local(x))
        assert type(gradient) is Local
        return np.sum(dataclasses.replace(gradient, x=gradient.x * 2.0).x)

    np.testing.assert_allclose(jacrs.grad(f)(X), 12 * X, 1e-14)
