"""Texts about what cannot be recorded, whole, with the place in the user's code."""

import inspect
import operator
from pathlib import Path

import numpy as np
import numpy.lib.recfunctions
import pytest
import scipy.linalg
import scipy.special

import jacrs
from jacrs._adapters.common import numpy_error
from jacrs._adapters.unsupported import REASONS
from tests.error_subjects import SQUARE, X, check_error

ROOT = Path(__file__).parents[1]
FILE = str(Path("tests") / Path(__file__).name)
M = np.eye(3) + 1.0
A = np.diag([1.0, 2.0, 4.0]) + 0.2

ADAPTERS = {
    "not_supported": (
        lambda x: np.reshape(x, -1, order="A"),
        jacrs.UnsupportedError,
        'np.reshape(x, -1, order="A")',
        "reshape: order='A' is not supported while recording; use order='C' or order='F'",
    ),
    "not_supported: copy": (
        lambda x: np.reshape(x, -1, copy=False),
        jacrs.UnsupportedError,
        "np.reshape(x, -1, copy=False)",
        "reshape: copy=False is not supported while recording; leave it out: the result"
        " is a view where it can be",
    ),
    "not_supported: view": (
        lambda x: x.view(np.int64),
        jacrs.UnsupportedError,
        "x.view(np.int64)",
        "view: dtype=<class 'numpy.int64'> is not supported while recording; use "
        "astype, which converts the elements",
    ),
    "not_supported: fields": (
        lambda x: np.sort(x, order="a"),
        jacrs.UnsupportedError,
        'np.sort(x, order="a")',
        "sort: order='a' is not supported while recording; leave it out: recorded "
        "arrays have no fields",
    ),
    "not_supported: columns": (
        lambda x: np.unique(x, axis=0),
        jacrs.UnsupportedError,
        "np.unique(x, axis=0)",
        "unique: axis=0 is not supported while recording; leave it out",
    ),
    "not_supported: indices": (
        lambda x: np.intersect1d(x, x, return_indices=True),
        jacrs.UnsupportedError,
        "np.intersect1d(x, x, return_indices=True)",
        "intersect1d: return_indices=True is not supported while recording; use np.isin",
    ),
    "not_supported: weights": (
        lambda x: np.quantile(x, 0.5, weights=x, method="inverted_cdf"),
        jacrs.UnsupportedError,
        'np.quantile(x, 0.5, weights=x, method="inverted_cdf")',
        "quantile: weights=... is not supported while recording; leave them out",
    ),
    "not_supported: method": (
        lambda x: np.quantile(x, 0.5, method="inverted_cdf"),
        jacrs.UnsupportedError,
        'np.quantile(x, 0.5, method="inverted_cdf")',
        "quantile: method='inverted_cdf' is not supported while recording; use one of "
        "'linear', 'lower', 'higher', 'midpoint', 'nearest', "
        "'interpolated_inverted_cdf', 'hazen', 'weibull', 'median_unbiased', "
        "'normal_unbiased'",
    ),
    "not_supported: bins": (
        lambda x: np.histogram(x, bins="auto"),
        jacrs.UnsupportedError,
        'np.histogram(x, bins="auto")',
        "histogram: bins='auto' is not supported while recording; give their number or their edges",
    ),
    "not_supported: raw factors": (
        lambda x: np.linalg.qr(x, "raw"),
        jacrs.UnsupportedError,
        'np.linalg.qr(x, "raw")',
        "linalg.qr: mode='raw' is not supported while recording; take mode='reduced'",
    ),
    "not_supported: where": (
        lambda x: np.subtract.reduce(x, where=x > 1),
        jacrs.UnsupportedError,
        "np.subtract.reduce(x, where=x > 1)",
        "subtract.reduce: where=... is not supported while recording; use np.where before reducing",
    ),
    "not_supported: zeros": (
        lambda x: np.poly(x.T),
        jacrs.UnsupportedError,
        "np.poly(x.T)",
        "poly: seq_of_zeros=... is not supported while recording; pass the zeros, of a "
        "symmetric matrix np.linalg.eigvalsh(a)",
    ),
    "not_supported: a function for a mode": (
        lambda x: np.pad(x, 1, "reflect", reflect_type="odd"),
        jacrs.UnsupportedError,
        'np.pad(x, 1, "reflect", reflect_type="odd")',
        "pad: reflect_type='odd' is not supported while recording; use "
        "reflect_type='even' and subtract from twice the edge",
    ),
    "not_supported: assume_a": (
        lambda x: scipy.linalg.solve(x, x, assume_a="banded"),
        jacrs.UnsupportedError,
        'scipy.linalg.solve(x, x, assume_a="banded")',
        "scipy.linalg.solve: assume_a='banded' is not supported while recording; leave it out",
    ),
    "not_supported: assume_a of inv": (
        lambda x: scipy.linalg.inv(x, assume_a="diagonal"),
        jacrs.UnsupportedError,
        'scipy.linalg.inv(x, assume_a="diagonal")',
        "scipy.linalg.inv: assume_a='diagonal' is not supported while recording; leave it out",
    ),
    "not_supported: pivoting": (
        lambda x: scipy.linalg.qr(x, pivoting=True),
        jacrs.UnsupportedError,
        "scipy.linalg.qr(x, pivoting=True)",
        "scipy.linalg.qr: pivoting=True is not supported while recording; take pivoting=False",
    ),
    "not_supported: raw": (
        lambda x: scipy.linalg.qr(x, mode="raw"),
        jacrs.UnsupportedError,
        'scipy.linalg.qr(x, mode="raw")',
        "scipy.linalg.qr: mode='raw' is not supported while recording; take mode='economic'",
    ),
    "not_supported: subset": (
        lambda x: scipy.linalg.eigh(x, subset_by_index=[0, 1]),
        jacrs.UnsupportedError,
        "scipy.linalg.eigh(x, subset_by_index=[0, 1])",
        "scipy.linalg.eigh: subset_by_index=[0, 1] is not supported while recording; "
        "take a slice of the result",
    ),
    "not_supported: driver": (
        lambda x: scipy.linalg.lstsq(x, x, lapack_driver="gelsy"),
        jacrs.UnsupportedError,
        'scipy.linalg.lstsq(x, x, lapack_driver="gelsy")',
        "scipy.linalg.lstsq: lapack_driver='gelsy' is not supported while recording; leave it out",
    ),
    "recorded_quantile": (
        lambda x: np.quantile(x, x[0, 0]),
        jacrs.UnsupportedError,
        "np.quantile(x, x[0, 0])",
        "quantile: `q` cannot be differentiated; pass a plain number or array",
    ),
    "plain_target": (
        lambda x: np.copyto(SQUARE, x),
        jacrs.TraceError,
        "np.copyto(SQUARE, x)",
        "copyto: `dst` is a plain array, which cannot hold a recorded value; allocate "
        "it inside the recorded function (np.zeros_like of a recorded array, or "
        "jacrs.numpy.zeros)",
    ),
    "wrong_target": (
        lambda x: np.take(x, [0], out=np.zeros(3)),
        jacrs.ShapeError,
        "np.take(x, [0], out=np.zeros(3))",
        "take: out has shape (3,), but the result has shape (1,); pass an array of that"
        " shape, or leave out= out",
    ),
    "not_recorded": (
        lambda x: np.linalg.eigvals(x.T),
        jacrs.UnsupportedError,
        "np.linalg.eigvals(x.T)",
        "numpy.linalg.eigvals cannot be recorded: eigenvalues of matrices that are not "
        "symmetric may be complex; for symmetric ones use np.linalg.eigvalsh",
    ),
    "not_recorded: without a reason": (
        lambda x: scipy.special.gamma(x.T),
        jacrs.UnsupportedError,
        "scipy.special.gamma(x.T)",
        "the ufunc gamma cannot be recorded: it has no derivative rule yet; compose it "
        "of functions that have one, or pass jacrs.stop_gradient(x)",
    ),
}
SCOPE = {
    "no_array_of": (
        lambda x: np.array([x[0, 0], "text"]),
        jacrs.DTypeError,
        'np.array([x[0, 0], "text"])',
        "an array of dtype <U32 cannot hold recorded values: keep them in a list, or "
        "make an array of dtype float or object",
    ),
    "no_array_of: records": (
        lambda x: np.array([x[0, 0], 1.0], dtype="S1"),
        jacrs.DTypeError,
        'np.array([x[0, 0], 1.0], dtype="S1")',
        "an array of dtype |S1 cannot hold recorded values: keep them in a list, or "
        "make an array of dtype float or object",
    ),
    "axes_in_index": (
        lambda x: np.r_["0,2", x],
        jacrs.UnsupportedError,
        'np.r_["0,2", x]',
        "np.r_ with a string of axes cannot be recorded; use np.concatenate or np.stack",
    ),
    "axes_in_index: columns": (
        lambda x: np.c_["0,2", x],
        jacrs.UnsupportedError,
        'np.c_["0,2", x]',
        "np.c_ with a string of axes cannot be recorded; use np.concatenate or np.stack",
    ),
    "vectorize_signature": (
        lambda x: np.vectorize(np.sum, signature="(n)->()")(x.T),
        jacrs.UnsupportedError,
        'np.vectorize(np.sum, signature="(n)->()")(x.T)',
        "np.vectorize: signature= is not supported while recording; call the function "
        "in a loop over the leading axes, and np.stack the results",
    ),
    "second_matrix": (
        lambda x: scipy.linalg.eigh(x, x),
        jacrs.UnsupportedError,
        "scipy.linalg.eigh(x, x)",
        "scipy.linalg.eigh with b is not supported while recording; with L = "
        "cholesky(b, lower=True), take the matrix L^-1 a L^-T",
    ),
}
CASES = {**ADAPTERS, **SCOPE}
BROKEN = {
    "not_taken": (
        lambda: numpy_error(np.dot, 1.0, 2.0),
        "numpy_error(np.dot, 1.0, 2.0)",
        "dot: arguments that NumPy takes are refused while recording\n"
        "This is a bug in jacrs: please report it.",
    )
}


@pytest.fixture(autouse=True)
def from_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)  # places are told from the working directory


def place(function, expression):
    line = function.__code__.co_firstlineno + (function.__name__ != "<lambda>")
    return f"\n  at {FILE}:{line} in {function.__name__}: {expression}"


@pytest.mark.parametrize("name", CASES)
def test_texts(name):
    function, cls, expression, text = CASES[name]
    matrix = M.copy()
    check_error(
        name, lambda: jacrs.jacobian(function)(matrix), cls, text + place(function, expression)
    )


@pytest.mark.parametrize("name", BROKEN)
def test_texts_of_bugs(name):
    call, expression, text = BROKEN[name]
    error = call()
    assert (type(error), str(error)) == (jacrs.InternalError, text + place(call, expression))


# --- functions without a rule


def operands(function):
    """Return how many arguments a function must have; one where it takes any number."""
    if isinstance(function, np.ufunc):
        return function.nin
    given = inspect.signature(function).parameters.values()
    named = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = sum(p.kind in named and p.default is p.empty for p in given)
    return needed + any(p.kind is p.VAR_POSITIONAL for p in given)


@pytest.mark.parametrize("name", REASONS)
def test_functions_without_a_rule(name):
    function = operator.attrgetter(name)(np)
    count = operands(function)

    def calling(x):
        return function(*[x] * count)

    full = f"the ufunc {name}" if isinstance(function, np.ufunc) else f"numpy.{name}"
    text = f"{full} cannot be recorded: {REASONS[name]}"
    check_error(
        "not_recorded",
        lambda: jacrs.jacobian(calling)(X),
        jacrs.UnsupportedError,
        text + place(calling, "function(*[x] * count)"),
    )


@pytest.mark.parametrize("name", REASONS)
def test_reasons_name_a_way_out(name):
    assert ";" in REASONS[name]


def test_the_ways_out_lead_there():
    def zeros(p):
        r = np.roots(jacrs.stop_gradient(p))
        return r - np.polyval(p, r) / np.polyval(np.polyder(p), r)

    p, h = np.array([1.0, -6.0, 11.0, -6.0]), 1e-6
    slopes = [(np.roots(p + h * e) - np.roots(p - h * e)) / (2 * h) for e in np.eye(4)]
    np.testing.assert_allclose(jacrs.jacobian(zeros)(p), np.stack(slopes, 1), atol=1e-7)

    def bessel(x):
        t = (np.arange(64) + 0.5) * np.pi / 64
        return np.mean(np.exp(x * np.cos(t)))

    assert bessel(2.0) == pytest.approx(np.i0(2.0), rel=1e-14)
    assert jacrs.grad(bessel)(2.0) == pytest.approx(scipy.special.i1(2.0), rel=1e-14)

    def generalised(b):
        factor = scipy.linalg.cholesky(b, lower=True)
        half = scipy.linalg.solve_triangular(factor, A, lower=True)
        return scipy.linalg.eigvalsh(scipy.linalg.solve_triangular(factor, half.T, lower=True))

    b = 2 * np.eye(3) + 0.1
    np.testing.assert_allclose(generalised(b), scipy.linalg.eigvalsh(A, b), rtol=1e-13)
    assert jacrs.jacobian(generalised)(b).shape == (3, 3, 3)
