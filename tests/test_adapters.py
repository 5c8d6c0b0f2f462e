"""Every adapter against NumPy: value, dtype and shape, on recorded arrays that refuse to leak."""

import inspect
import sys
import warnings

import numpy as np
import numpy.fft
import numpy.lib.recfunctions
import numpy.testing.overrides
import pytest

import jacrs
from tests import adapters_mock
from tests.samples import FAMILIES, SAMPLES, VARIANTS, variant

ADAPTERS = adapters_mock.load()
MODULES = {
    "numpy": np,
    "numpy.linalg": np.linalg,
    "numpy.fft": np.fft,
    "numpy.lib.recfunctions": np.lib.recfunctions,
    "numpy.lib.scimath": np.lib.scimath,
    "numpy.lib.stride_tricks": np.lib.stride_tricks,
}
TOLERANCE = {np.dtype(np.float32): 2e-5, np.dtype(np.float64): 1e-12}


@pytest.fixture
def recorded():
    with adapters_mock.installed():
        yield adapters_mock.Tracer


def value(x):
    return x.v if isinstance(x, adapters_mock.Tracer) else x


def check(found, expected):
    if isinstance(expected, list | tuple):
        assert isinstance(found, list | tuple)
        assert len(found) == len(expected)
        for pair in zip(found, expected, strict=True):
            check(*pair)
        return
    if isinstance(expected, type | np.dtype | str):
        assert found == expected
        return
    found, expected = np.asarray(value(found)), np.asarray(expected)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(found, expected)
        return
    bound = TOLERANCE[expected.dtype]
    np.testing.assert_allclose(found, expected, rtol=bound, atol=bound)


def plain(sample):
    """The result of NumPy itself."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return sample.call(np, *(x.copy(order="K") for x in sample.inputs))


def compare(sample, kind, tracer, places):
    sample = variant(sample, kind)
    expected = plain(sample)
    before = [x.copy() for x in sample.inputs]
    inputs = [tracer(x) if k in places else x for k, x in enumerate(sample.inputs)]
    with np.errstate(all="ignore"):
        check(sample.call(np, *inputs), expected)
    for x, kept in zip(sample.inputs, before, strict=True):
        np.testing.assert_array_equal(x, kept)  # arguments are never written to


@pytest.mark.parametrize("kind", VARIANTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_value(recorded, family, kind):
    """With the differentiable inputs recorded, and with all of them."""
    failures = []
    for number, sample in enumerate(FAMILIES[family]):
        if kind == "float32" and not sample.float32:
            continue
        every = set(range(len(sample.inputs))) - set(sample.plain)
        for places in {frozenset(sample.differentiable), frozenset(every)}:
            if not places:
                continue
            try:
                compare(sample, kind, recorded, places)
            except Exception as error:
                words = " ".join(str(error).split())[:200]
                failures.append(
                    f"{number} {sample.title} {set(places)}: {type(error).__name__} {words}"
                )
    assert not failures, f"{len(failures)} of {len(FAMILIES[family])}\n" + "\n".join(failures[:12])


def overridable():
    """Every function of NumPy that dispatches, by its name below `numpy`."""
    found = {}
    for function in numpy.testing.overrides.get_overridable_numpy_array_functions():
        module = MODULES.get(function.__module__)
        if module is not None:
            prefix = function.__module__.removeprefix("numpy").lstrip(".")
            name = f"{prefix}.{function.__name__}".lstrip(".")
            found[name] = getattr(module, function.__name__)
    return found


def ufuncs():
    found = numpy.testing.overrides.get_overridable_numpy_ufuncs()
    return {u.__name__: u for u in found if hasattr(np, u.__name__)}


def test_everything_is_supported_or_has_a_reason():
    for name, function in overridable().items():
        supported = function in ADAPTERS.FUNCTIONS
        assert supported != (name in ADAPTERS.REASONS), name


def test_every_supported_function_has_samples():
    counts = {}
    for sample in SAMPLES:
        counts[sample.name] = counts.get(sample.name, 0) + 1
    hard = {  # not arrays, or old names of others
        "in1d", "trapz",
        "array_repr", "array_str", "array2string", "frombuffer", "fromfile", "fromstring",
        "genfromtxt", "loadtxt",
    }  # fmt: skip
    for name in overridable():
        if name not in ADAPTERS.REASONS and name not in hard:
            least = 1 if name in LIKE_ONLY else 3
            assert counts.get(f"np.{name}", 0) >= least, name
    for name in ufuncs():
        if name not in ADAPTERS.REASONS and name not in {"isnat"}:
            assert counts.get(f"np.{name}", 0) >= 3, name
    for name in ADAPTERS.METHODS:
        assert f"ndarray.{name}" in counts or name in {"conjugate"}, name


LIKE_ONLY = frozenset(
    (
        "zeros ones full empty eye identity tri arange fromfunction fromiter array asarray "
        "asanyarray ascontiguousarray asfortranarray require"
    ).split()
)


# Deprecated parameters of older versions, and one that never reaches an adapter.
DEPRECATED = {"like", "newshape", "interpolation", "corrcoef bias", "corrcoef ddof"}


def test_reasons_name_functions_that_exist():
    for name in ADAPTERS.REASONS:
        found = np
        for part in name.split("."):
            found = getattr(found, part)
        assert callable(found)


def test_signatures_are_those_of_numpy():
    for function, adapter in ADAPTERS.FUNCTIONS.items():
        try:
            theirs = inspect.signature(function)
        except ValueError:
            continue  # some of NumPy's functions in C have none
        if isinstance(function, np.ufunc) or function.__name__ in LIKE_ONLY | {"like"}:
            continue
        ours = inspect.signature(adapter)
        named = {p.name for p in ours.parameters.values()}
        wild = any(p.kind is p.VAR_KEYWORD for p in ours.parameters.values())
        for parameter in theirs.parameters.values():
            if parameter.kind in (parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY) or wild:
                continue
            names = {parameter.name, f"{function.__name__} {parameter.name}"}
            assert parameter.name in named or names & DEPRECATED, (
                function.__name__,
                parameter.name,
            )


BAD_CALLS = {
    "axis": lambda np_, x: np_.sum(x, axis=2),
    "axis of a mean": lambda np_, x: np_.mean(x, axis=-3),
    "axis twice": lambda np_, x: np_.sum(x, axis=(0, 0)),
    "shape": lambda np_, x: np_.reshape(x, (4, 2)),
    "two unknowns": lambda np_, x: np_.reshape(x, (-1, -1)),
    "joined": lambda np_, x: np_.concatenate([x, x.T]),
    "joined nothing": lambda np_, x: np_.concatenate([x[0, 0], x[0, 0]]),
    "joined axis": lambda np_, x: np_.concatenate([x, x], axis=2),
    "stacked": lambda np_, x: np_.stack([x, x.T]),
    "stacked axis": lambda np_, x: np_.stack([x, x], axis=3),
    "dot": lambda np_, x: np_.dot(x, x),
    "inner": lambda np_, x: np_.inner(x, x.T),
    "tensordot": lambda np_, x: np_.tensordot(x, x, 2 * [[0, 1, 0]]),
    "einsum": lambda np_, x: np_.einsum("ij,jk", x, x),
    "einsum output": lambda np_, x: np_.einsum("ij->k", x),
    "einsum operands": lambda np_, x: np_.einsum("ij,jk", x),
    "squeeze": lambda np_, x: np_.squeeze(x, 0),
    "empty": lambda np_, x: np_.max(x[:0]),
    "empty place": lambda np_, x: np_.argmax(x[:0]),
    "masked": lambda np_, x: np_.max(x, where=x > 0),
    "broadcast": lambda np_, x: np_.broadcast_to(x, (3, 2)),
    "split": lambda np_, x: np_.split(x, 3, axis=0),
    "axes": lambda np_, x: np_.transpose(x, (0,)),
    "take": lambda np_, x: np_.take(x, 9),
    "diag": lambda np_, x: np_.diag(x[None]),
    "clip": lambda np_, x: np_.clip(x, 0.0),
    "out": lambda np_, x: np_.sum(x, axis=0, out=np_.zeros_like(x)),
    "where": lambda np_, x: np_.where(x > 0, x),
    "bins": lambda np_, x: np_.digitize(x, np.array([1.0, 0.0, 2.0])),
    "quantile": lambda np_, x: np_.quantile(x, 1.5),
    "trapezoid": lambda np_, x: np_.gradient(x, 1.0, 2.0, 3.0),
    "norm": lambda np_, x: np_.linalg.norm(x, "nothing", 0),
    "not square": lambda np_, x: np_.linalg.solve(x, x),
    "not a matrix": lambda np_, x: np_.linalg.inv(x[0]),
    "right-hand side": lambda np_, x: np_.linalg.solve(x[:, :2], x[0]),
    "stacks of systems": lambda np_, x: np_.linalg.solve(
        np_.broadcast_to(x[:, :2], (3, 2, 2)), np_.broadcast_to(x, (2, 2, 3))
    ),
    "qr mode": lambda np_, x: np_.linalg.qr(x, "nothing"),
    "uplo": lambda np_, x: np_.linalg.eigh(x[:, :2], "nothing"),
    "least squares": lambda np_, x: np_.linalg.lstsq(x, x.T),
    "stacked least squares": lambda np_, x: np_.linalg.lstsq(x[None], x[None]),
    "two cutoffs": lambda np_, x: np_.linalg.pinv(x, 0.1, rtol=0.1),
    "two tolerances": lambda np_, x: np_.linalg.matrix_rank(x, 0.1, rtol=0.1),
    "tensor system": lambda np_, x: np_.linalg.tensorsolve(x, x[0]),
    "tensor inverse": lambda np_, x: np_.linalg.tensorinv(x, 0),
    "condition of nothing": lambda np_, x: np_.linalg.cond(x[:0]),
    "pad": lambda np_, x: np_.pad(x, -1),
    "pad mode": lambda np_, x: np_.pad(x, 1, "nothing"),
    "unknown keyword": lambda np_, x: np_.concatenate([x, x], nothing=1),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_errors_are_those_of_numpy(recorded, name):
    call = BAD_CALLS[name]
    x = np.arange(6.0).reshape(2, 3)
    with pytest.raises(Exception) as theirs:  # noqa: PT011
        call(np, x)
    with pytest.raises(type(theirs.value)):
        call(np, recorded(x))


REFUSED = {
    "a plain output": lambda x: np.sum(x, axis=0, out=np.zeros(3)),
    "a plain target": lambda x: np.copyto(np.zeros((2, 3)), x),
    "a plain diagonal": lambda x: np.put(np.zeros((2, 3)), [0], x),
    "order": lambda x: np.reshape(x, -1, order="A"),
    "raw factors": lambda x: np.linalg.qr(x, "raw"),
    "a callable mode": lambda x: np.pad(x, 1, lambda *_: None),
    "fields": lambda x: np.sort(x, order="a"),
    "a method": lambda x: np.quantile(x, 0.5, method="inverted_cdf"),
    "columns": lambda x: np.unique(x, axis=0),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_function_and_the_fix(recorded, name):
    with pytest.raises(TypeError, match=r"^[a-z_.]+: .+(;|\()"):
        REFUSED[name](recorded(np.arange(6.0).reshape(2, 3)))


def test_views_are_views(recorded):
    x = recorded(np.arange(6.0).reshape(2, 3))
    for view in (
        x.reshape(3, 2), np.ravel(x), x.T, np.swapaxes(x, 0, 1), np.flip(x), np.squeeze(x[None]),
        np.expand_dims(x, 0), np.atleast_3d(x), np.split(x, 2)[0], np.diagonal(x), np.rot90(x),
        np.broadcast_to(x, (2, 2, 3)), np.moveaxis(x, 0, 1), np.real(x), np.einsum("ij->ji", x),
        np.linalg.matrix_power(x[:, :2], 1),
    ):  # fmt: skip
        assert np.shares_memory(view.v, x.v)
    for copied in (
        x.flatten(), np.copy(x), np.roll(x, 1), np.repeat(x, 1), np.tile(x, 1), np.take(x, 0),
        np.concatenate([x]), np.sort(x), np.clip(x, None, 9.0), np.conj(x), np.sum(x, axis=()),
        np.pad(x, 0), np.roll(x, 0), np.round(x), np.tile(x[:1, :1], 2), np.repeat(x[:1, :1], 2),
    ):  # fmt: skip
        assert not np.shares_memory(copied.v, x.v)


@pytest.mark.parametrize("ufunc", [np.power, np.arctan2, np.subtract])
def test_ordered_reductions_go_from_the_left(recorded, ufunc):
    """NumPy's own `power.reduce` is wrong along contiguous axes on some processors."""
    x = np.array([[1.1, 1.2], [1.3, 1.4], [1.5, 0.6]])
    check(ufunc.reduce(recorded(x)), ufunc(ufunc(x[0], x[1]), x[2]))
    check(ufunc.reduce(recorded(x), axis=1, keepdims=True), ufunc(x[:, :1], x[:, 1:]))
    check(ufunc.reduce(recorded(x), initial=2.0), ufunc(ufunc(ufunc(2.0, x[0]), x[1]), x[2]))


def test_queries_of_a_tracer(recorded):
    x = recorded(np.arange(3.0))
    assert np.array_repr(x) == np.array2string(x) == repr(x)
    assert np.array_str(x) == str(x)
    assert np.shares_memory(x, x[:1])
    assert not np.shares_memory(x[1:], x[:1])
    assert np.frombuffer(np.ones(2).tobytes(), like=x).shape == (2,)
    assert np.loadtxt(["1 2"], like=x).shape == (2,)


@pytest.mark.parametrize("kind", VARIANTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_value_over_the_native_module(family, kind):
    """The same calls, recorded and run by the engine."""
    failures = []
    for number, original in enumerate(FAMILIES[family]):
        if kind == "float32" and not original.float32:
            continue
        sample = variant(original, kind)
        result = plain(sample)
        if not isinstance(result, np.ndarray | np.floating) or missing(jacrs, sample):
            continue
        try:
            found = evaluated(jacrs, sample)
            check(np.asarray(found), result)
        except Exception as error:
            words = " ".join(str(error).split())[:200]
            failures.append(f"{number} {sample.title}: {type(error).__name__} {words}")
    assert not failures, f"{len(failures)}\n" + "\n".join(failures[:40])


def missing(jacrs, sample):
    """Whether the sample has nothing to record, or needs an attribute that tracers lack."""
    floats = [k for k in sample.differentiable if sample.inputs[k].dtype.kind == "f"]
    name = sample.name.removeprefix("ndarray.")
    tracer = sys.modules["jacrs._jacrs"].Tracer
    return not floats or (name in ADAPTERS.PROPERTIES and not hasattr(tracer, name))


def evaluated(jacrs, sample):
    """The value that the package computes, with the differentiable floats recorded."""
    places = [k for k in sample.differentiable if sample.inputs[k].dtype.kind == "f"]

    def f(*varied):
        inputs = list(sample.inputs)
        for place, x in zip(places, varied, strict=True):
            inputs[place] = x
        return sample.call(np, *inputs)

    return jacrs.vjp(f, *(sample.inputs[k] for k in places))[0]
