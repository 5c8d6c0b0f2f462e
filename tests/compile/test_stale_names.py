"""Names, cells, functions and modules that change between calls of a compiled function."""

# ruff: noqa: PLW0108 - a lambda looks its names up late, which is what is tested

import builtins
import functools
import importlib
import subprocess
import sys
import types

import numpy as np
import pytest
import scipy.constants

import jacrs
from tests.compile.following import X, check_followed, putting, replayed, same, setting

FACTOR = 2.0
WHOLE = 2
TEXT = "sin"
FLAG = True
TABLE = np.array([1.0, 2.0, 4.0])
NOTHING = None
COMPLEX = 1 + 2j
SHAPE = (3, 1)
HERE = sys.modules[__name__]


def helper(x):
    return x * 2.0


def other_helper(x):
    return x + 1.0


def with_default(x, k=2.0, *, j=3.0, weights=None):
    return x * k * j if weights is None else x * weights


def marked(x):
    return x * marked.k


marked.k = 2.0

MODULE = types.ModuleType("some_module")
exec("k = 2.0\ndef g(x): return x * k\n", vars(MODULE))
NAMES = {
    "float": (lambda x: x * FACTOR, "FACTOR", 3.0),
    "float to integer": (lambda x: x * (5 if isinstance(FACTOR, int) else 2), "FACTOR", 2),
    "sign of zero": (lambda x: x * np.copysign(1.0, FACTOR), "FACTOR", -0.0),
    "nan": (lambda x: x * (1.0 if np.isnan(FACTOR) else 2.0), "FACTOR", float("nan")),
    "integer": (lambda x: x * WHOLE, "WHOLE", 5),
    "integer to bool": (lambda x: x * (1 if WHOLE is True else 2), "WHOLE", True),
    "an integer that decides a shape": (lambda x: np.tile(x, WHOLE), "WHOLE", 3),
    "text": (lambda x: getattr(np, TEXT)(x), "TEXT", "cos"),
    "flag": (lambda x: x if FLAG else -x, "FLAG", False),
    "array": (lambda x: x * TABLE, "TABLE", np.array([3.0, 2.0, 1.0])),
    "array of another shape": (lambda x: np.sum(x) * TABLE, "TABLE", np.ones(2)),
    "array of another dtype": (lambda x: x * TABLE, "TABLE", np.array([3, 2, 1])),
    "array to None": (lambda x: x if TABLE is None else x * TABLE, "TABLE", None),
    "array to float": (lambda x: x * TABLE, "TABLE", 3.0),
    "None to array": (lambda x: x if NOTHING is None else x * NOTHING, "NOTHING", TABLE),
    "complex": (lambda x: x * COMPLEX.imag, "COMPLEX", 1 + 3j),
    "tuple": (lambda x: np.sum(x.reshape(SHAPE), axis=0) * x, "SHAPE", (1, 3)),
    "shadowing a builtin": (lambda x: x * abs(-2.0), "abs", lambda _: 7.0),
    "a helper": (lambda x: helper(x), "helper", other_helper),
    "a helper to a ufunc": (lambda x: helper(x), "helper", np.sin),
}


@pytest.mark.parametrize("case", NAMES)
def test_a_global_that_is_set(case):
    f, name, value = NAMES[case]
    check_followed(f, setting(HERE, name, value))


def test_a_global_that_is_deleted():
    compiled = jacrs.compile(lambda x: x * FACTOR)
    same(compiled(X), X * 2)
    same(replayed(compiled, X), X * 2)
    value = HERE.FACTOR
    del HERE.FACTOR
    try:
        with pytest.raises(NameError, match="FACTOR"):
            compiled(X)
    finally:
        HERE.FACTOR = value
    same(replayed(compiled, X), X * 2)


def test_a_name_of_the_builtins_module():
    builtins.factor_of_all = 2.0
    builtins.function_of_all = lambda x: x * FACTOR
    try:
        check_followed(lambda x: x * factor_of_all, setting(builtins, "factor_of_all", 3.0))  # noqa: F821
        check_followed(lambda x: function_of_all(x), setting(HERE, "FACTOR", 3.0))  # noqa: F821
    finally:
        del builtins.factor_of_all, builtins.function_of_all


def test_variables_of_an_enclosing_function():
    factor, table, items = 2.0, np.ones(3), [1.0, 2.0]

    def f(x):
        return x * factor * table * items[1]

    def to_factor():
        nonlocal factor
        factor = 3.0

        def undo():
            nonlocal factor
            factor = 2.0

        return undo

    def to_array():
        nonlocal factor
        factor = np.array([1.0, 2.0, 3.0])

        def undo():
            nonlocal factor
            factor = 2.0

        return undo

    def to_table():
        nonlocal table
        before, table = table, np.array([1.0, 2.0, 3.0])

        def undo():
            nonlocal table
            table = before

        return undo

    for change in (to_factor, to_array, to_table):
        check_followed(f, change)
    check_followed(f, putting(table, 1, 5.0))
    check_followed(f, putting(items, 1, 5.0))


def test_a_variable_that_is_filled_later():
    def f(x):
        try:
            return x * later
        except NameError:
            return -x

    compiled = jacrs.compile(f)
    same(compiled(X), -X)
    same(replayed(compiled, X), -X)
    later = 3.0
    same(compiled(X), 3 * X)


FUNCTIONS = {
    "defaults": (lambda x: with_default(x), setting(with_default, "__defaults__", (5.0,))),
    "keyword defaults": (
        lambda x: with_default(x),
        setting(with_default, "__kwdefaults__", {"j": 1.0, "weights": None}),
    ),
    "a keyword default": (
        lambda x: with_default(x),
        putting(with_default.__kwdefaults__, "j", 9.0),
    ),
    "an array as a keyword default": (
        lambda x: with_default(x),
        putting(with_default.__kwdefaults__, "weights", TABLE),
    ),
    "code": (lambda x: helper(x), setting(helper, "__code__", other_helper.__code__)),
    "attribute": (lambda x: marked(x), setting(marked, "k", 3.0)),
    "another attribute": (
        lambda x: helper(x) * getattr(helper, "extra", 1.0),
        setting(helper, "extra", 3.0),
    ),
    "module attribute": (lambda x: MODULE.k * x, setting(MODULE, "k", 3.0)),
    "global of a module": (lambda x: MODULE.g(x), setting(MODULE, "k", 3.0)),
    "function of a module": (lambda x: MODULE.g(x), setting(MODULE, "g", other_helper)),
    "name that is computed": (lambda x: getattr(MODULE, "k") * x, setting(MODULE, "k", 3.0)),  # noqa: B009
    "attribute of a library": (
        lambda x: x * scipy.constants.golden,
        setting(scipy.constants, "golden", 3.0),
    ),
    "function of a library": (
        lambda x: x * scipy.constants.value("speed of light in vacuum"),
        setting(scipy.constants, "value", lambda _: 3.0),
    ),
    "through sys.modules": (
        lambda x: x * sys.modules[__name__].FACTOR,
        setting(HERE, "FACTOR", 3.0),
    ),
}


@pytest.mark.parametrize("case", FUNCTIONS)
def test_functions_and_modules(case):
    check_followed(*FUNCTIONS[case])


MAPPED = np.vectorize(helper)


def test_modules_that_are_imported_by_name_and_mapped_functions():
    check_followed(
        lambda x: x * importlib.import_module(__name__).FACTOR, setting(HERE, "FACTOR", 3.0)
    )
    check_followed(lambda x: MAPPED(x), setting(MAPPED, "pyfunc", other_helper))


def imports_inside(x):
    from sys import modules

    import scipy.constants as numbers

    return x * numbers.golden * modules[__name__].FACTOR


def test_what_is_imported_inside():
    check_followed(imports_inside, setting(HERE, "FACTOR", 3.0))
    check_followed(imports_inside, setting(scipy.constants, "golden", 3.0))


def looked_up(x):
    modules = sys.modules
    if "imported_later" not in modules:
        import imported_later  # noqa: F401 - found by its name below
    return x * modules["imported_later"].k


def looked_up_before(x):
    k = sys.modules[__name__].FACTOR
    import imported_later

    return x * imported_later.k * k


def looked_up_if_there(x):
    found = sys.modules.get("imported_later")
    return -x if found is None else x * found.k


def looked_up_in_all(x):
    for name, module in sys.modules.copy().items():
        if name == "imported_later":
            return x * module.k
    return -x


@pytest.fixture
def later(tmp_path, monkeypatch):
    """A module that nothing has imported."""
    (tmp_path / "imported_later.py").write_text("k = 7.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield lambda: importlib.import_module("imported_later")
    sys.modules.pop("imported_later", None)


@pytest.mark.parametrize("f", [looked_up, looked_up_before])
def test_what_is_first_imported_inside(f, later):
    compiled = jacrs.compile(f, strict=True)
    first = compiled(X)
    same(compiled(X), first)  # recorded where the first look found no such module
    same(replayed(compiled, X), first)
    same(first, X * 7.0 * (FACTOR if f is looked_up_before else 1.0))
    module = sys.modules["imported_later"]
    assert later() is module
    module.k = 3.0
    same(compiled(X), first * (3.0 / 7.0))


@pytest.mark.parametrize("f", [looked_up_if_there, looked_up_in_all])
def test_modules_that_others_import(f, later):
    compiled = jacrs.compile(f, strict=True)
    same(compiled(X), -X)
    same(replayed(compiled, X), -X)
    later()
    same(compiled(X), 7.0 * X)
    same(replayed(compiled, X), 7.0 * X)
    del sys.modules["imported_later"]
    same(compiled(X), -X)


def test_a_write_to_the_loaded_modules_is_refused_and_undone():
    def puts(x):
        sys.modules["made_inside"] = sys.modules[__name__]
        return x

    def drops(x):
        del sys.modules["some_module"]
        return x

    sys.modules["some_module"] = MODULE
    try:
        for f in (puts, drops):
            with pytest.raises(jacrs.errors.ImpureError, match=r"sys\.modules"):
                jacrs.compile(f)(X)
            assert "made_inside" not in sys.modules
            assert sys.modules["some_module"] is MODULE
    finally:
        del sys.modules["some_module"]


IMPORTS_EXTENSIONS = """
import sys
import numpy as np
import jacrs

def f(x):
    from sys import modules
    import scipy.constants as numbers
    from scipy.linalg import solve
    return solve(np.diag(x), x) * numbers.golden * modules["numpy"].pi

assert "scipy" not in sys.modules
x = np.array([1.5, -2.0, 3.0])
for g in (f, jacrs.jacobian(f)):
    compiled = jacrs.compile(g, strict=True)
    first = compiled(x)
    assert np.array_equal(compiled(x), first) and compiled.n_replays >= 1, compiled.n_replays
    assert np.array_equal(g(x), first)
"""


def test_extension_modules_that_are_first_imported_inside():
    # In a process of its own: here SciPy is imported, which would hide what its import changes.
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS_EXTENSIONS], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def scaled(by):
    def decorate(f):
        @functools.wraps(f)
        def call(x):
            return f(x) * by["k"]

        return call

    return decorate


BY = {"k": 2.0}


@scaled(BY)
def decorated(x):
    return x * FACTOR


def test_a_decorator():
    check_followed(lambda x: decorated(x), putting(BY, "k", 3.0))
    check_followed(decorated, setting(HERE, "FACTOR", 3.0))


def test_partials():
    options = {"k": 2.0}
    weights = np.array([1.0, 2.0, 3.0])
    first = functools.partial(with_default, k=3.0)
    check_followed(lambda x: first(x), putting(first.keywords, "k", 4.0))
    second = functools.partial(lambda o, x: x * o["k"], options)
    check_followed(lambda x: second(x), putting(options, "k", 3.0))
    check_followed(second, putting(options, "k", 3.0))
    third = functools.partial(np.multiply, weights)
    check_followed(lambda x: third(x), putting(weights, 1, 5.0))

    def replaced():
        before = first.__reduce__()[2]
        first.__setstate__((other_helper, (), {}, None))
        return lambda: first.__setstate__(before)

    check_followed(lambda x: first(x), replaced)


@functools.lru_cache
def cached(n):
    return n * FACTOR


def test_a_cached_function_does_not_answer_for_what_was():
    compiled = jacrs.compile(lambda x: x * cached(2))
    same(compiled(X), 4 * X)
    undo = setting(HERE, "FACTOR", 3.0)()
    try:
        same(compiled(X), 6 * X)
    finally:
        undo()
        cached.cache_clear()


@functools.singledispatch
def dispatched(kind):
    return 2.0


def test_single_dispatch():
    def change():
        dispatched.register(int)(lambda kind: 3.0)
        return lambda: dispatched.register(int)(lambda kind: 2.0)

    check_followed(lambda x: x * dispatched(1), change)


def test_bound_methods_of_containers():
    table, row = {"k": 2.0}, [2.0, 3.0]
    get, item = table.get, row.index
    check_followed(lambda x: x * get("k"), putting(table, "k", 3.0))
    check_followed(lambda x: x * item(3.0), lambda: row.insert(0, 1.0) or (lambda: row.pop(0)))
    weights = np.array([1.0, 2.0, 3.0])
    dot = weights.dot
    check_followed(lambda x: x * dot(x), putting(weights, 0, 5.0))
