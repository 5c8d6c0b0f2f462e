"""Every function that makes an error has a case that raises it, by its whole text."""

import ast
import importlib
import inspect
import pickle
import pkgutil
from pathlib import Path

import pytest

import jacrs
from jacrs import errors
from tests import (
    test_error_texts_calls,
    test_error_texts_compiled,
    test_error_texts_recorded,
    test_error_texts_saved,
    test_error_texts_uses,
)

TABLES = (
    test_error_texts_calls.CASES,
    test_error_texts_compiled.CASES,
    test_error_texts_recorded.CASES,
    test_error_texts_recorded.BROKEN,
    test_error_texts_saved.CASES,
    test_error_texts_uses.CASES,
)
MODULES = pkgutil.iter_modules(errors.__path__, "jacrs.errors.")
FAMILIES = [importlib.import_module(module.name) for module in MODULES]
WORDS = {"describe", "article"}  # they make no errors, but words in them


def makers():
    found = {}
    for family in FAMILIES:
        for name, value in vars(family).items():
            own = inspect.isfunction(value) and value.__module__ == family.__name__
            if own and not name.startswith("_"):
                found[name] = value
    return found


def test_every_text_has_a_case():
    named = {name.partition(":")[0] for table in TABLES for name in table}
    assert named == set(makers()) - WORDS
    assert sum(map(len, TABLES)) == len({name for table in TABLES for name in table})


@pytest.mark.parametrize("name", makers())
def test_every_maker_is_found_in_the_package(name):
    assert getattr(errors, name) is makers()[name]


def test_texts_of_our_own_stand_in_the_package_alone():
    """Elsewhere NumPy's own words are raised, in built-in classes and in those of `linalg`."""
    package = Path(jacrs.__file__).parent
    for path in sorted(package.rglob("*.py")):
        if package / "errors" in path.parents:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)):
                continue
            called, given = ast.unparse(node.exc.func), node.exc.args
            assert called.rpartition(".")[2] not in {*errors.__all__} - {"LinAlgError"}, path
            if called.rpartition(".")[2] == "error":
                assert ast.literal_eval(given[0]) == "linalg", (path, node.lineno)


@pytest.mark.parametrize("name", errors.__all__)
def test_classes_say_where_they_are_imported_from(name):
    cls = getattr(errors, name)
    assert cls is getattr(jacrs, name)
    assert cls.__module__ == "jacrs.errors"
    assert repr(cls) == f"<class 'jacrs.errors.{name}'>"
    again = pickle.loads(pickle.dumps(cls("text")))
    assert (type(again), str(again)) == (cls, "text")
