"""The examples run, and are as accurate as they and the documents say."""

import importlib.util
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import jacrs

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


def load(name, folder):
    """Import a copy of an example: its pictures go beside the copy."""
    (path,) = (path for path in EXAMPLES if path.stem == name)
    copy = shutil.copy(path, folder)
    spec = importlib.util.spec_from_file_location(f"example_{name}", copy)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", [path.stem for path in EXAMPLES])
def test_it_runs_and_draws_where_it_can(name, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "settings"))
    load(name, tmp_path).main()
    printed = capsys.readouterr().out
    pictures = list(tmp_path.glob("out/*.png"))
    if find_spec("matplotlib"):  # an extra of its own: the tests do without
        assert pictures
        for picture in pictures:
            assert f"examples/out/{picture.name}" in printed
    else:
        assert not pictures
        assert "matplotlib" in printed


def test_pollu_meets_the_reference_with_fewer_calls(tmp_path):
    pollu = load("pollu", tmp_path)
    jac = jacrs.jacobian(pollu.pollu, argnums=1)
    ours, our_calls, _ = pollu.solve(jac)
    theirs, their_calls, _ = pollu.solve(None)
    for solution in (ours, theirs):
        assert np.max(np.abs(solution.y[:, -1] / pollu.REFERENCE - 1)) < 1e-6
    assert our_calls < 0.8 * their_calls

    for y in (pollu.initial_state(), ours.y[:, -1]):
        assert pollu.worst_relative(jac(0.0, y), pollu.central_differences(y)) < 1e-14


def test_the_picture_in_the_readme_shows_the_pattern(tmp_path):
    pollu = load("pollu", tmp_path)
    y = np.linspace(0.1, 2.0, 20)  # no entry is zero by chance
    entries = np.count_nonzero(jacrs.jacobian(pollu.pollu, argnums=1)(0.0, y))
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert f"The {entries} of 400 entries" in readme


def test_fit_meets_the_certified_values_with_fewer_calls(tmp_path):
    fit = load("fit", tmp_path)
    ours, our_calls = fit.fit(jacrs.jacobian(fit.residuals))
    _, their_calls = fit.fit("2-point")
    assert fit.worst_relative(ours.x, fit.CERTIFIED) < 1e-8
    assert fit.worst_relative(fit.standard_deviations(ours), fit.CERTIFIED_DEVIATION) < 1e-7
    assert our_calls < their_calls / 3
