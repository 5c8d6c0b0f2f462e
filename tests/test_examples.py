"""The examples run, and are as accurate as they and the documents say."""

import importlib.util
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import least_squares, minimize

import jacrs

SMALL = {
    "bratu": (20,),
    "brusselator": (10,),
    "bundle_adjustment": (6, 40),
    "optimal_control": (20,),
}
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
    load(name, tmp_path).main(*SMALL.get(name, ()))
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


def test_bratu_is_solved_as_with_a_dense_matrix_by_hand(tmp_path):
    bratu, side = load("bratu", tmp_path), 12
    found, steps = bratu.newton(np.zeros(side**2))
    line = np.diag(np.full(side, -2.0)) + np.eye(side, k=1) + np.eye(side, k=-1)
    laplace = np.kron(line, np.eye(side)) + np.kron(np.eye(side), line)
    heat = bratu.HEAT / (side + 1) ** 2
    u = np.zeros(side**2)
    for _ in range(8):
        slope = laplace + np.diag(heat * np.exp(u))
        u = u - np.linalg.solve(slope, laplace @ u + heat * np.exp(u))
    np.testing.assert_allclose(found, u, rtol=1e-12)
    assert steps[-1][1] < 1e-9


def test_the_brusselator_ends_where_an_explicit_method_does(tmp_path):
    brusselator, side = load("brusselator", tmp_path), 8
    jac = jacrs.compile(jacrs.sparse_jacobian(brusselator.brusselator, argnums=1, format="csc"))
    states, calls, evaluated, _ = brusselator.solve(side, jac=jac)
    pattern = jacrs.sparsity(brusselator.brusselator, argnums=1)(0.0, states[0])
    _, more, _, _ = brusselator.solve(side, jac_sparsity=pattern.to_scipy())
    assert calls < more
    assert evaluated > 0
    w = brusselator.initial_state(side)
    for span in ((0.0, 1.1), (1.1, 11.5)):
        tight = {"method": "DOP853", "rtol": 1e-10, "atol": 1e-12}
        w = solve_ivp(brusselator.brusselator, span, w, **tight).y[:, -1]
    np.testing.assert_allclose(states[-1], w, rtol=2e-4)


def test_bundle_adjustment_meets_dense_least_squares_by_differences(tmp_path):
    bundle = load("bundle_adjustment", tmp_path)
    truth, guess, views = bundle.scene(4, 24)
    jac = jacrs.compile(jacrs.sparse_jacobian(bundle.residuals))
    found, calls, _ = bundle.adjust(guess, views, jac=jac)
    assert calls == found.nfev
    dense = least_squares(bundle.residuals, guess, "3-point", args=views, method="lm")
    assert found.cost == pytest.approx(dense.cost, rel=1e-3)
    assert bundle.off(found.x, views) < bundle.off(truth, views) < bundle.off(guess, views) / 10


def test_optimal_control_meets_another_method_and_the_motion_itself(tmp_path):
    control = load("optimal_control", tmp_path)
    few = control.guess(8)
    found, steps, _ = control.newton(few)
    assert steps[-1][:2] < (1e-12, 1e-12)
    exact = {"type": "eq", "fun": control.defects}
    options = {"ftol": 1e-13, "maxiter": 500}
    other = minimize(
        control.effort, few, method="SLSQP", jac="3-point", constraints=exact, options=options
    )
    assert control.effort(found) == pytest.approx(other.fun, rel=1e-6)

    def missed(segments):
        """Return how far from the end a solver of high order comes with the force that is found."""
        force = control.newton(control.guess(segments))[0][4::5]
        times = np.linspace(0, control.DURATION, len(force))

        def motion(t, state):
            return control.motion(state[None], np.interp(t, times, force))[0]

        moved = solve_ivp(motion, (0, control.DURATION), control.START, rtol=1e-9, atol=1e-9)
        return np.max(np.abs(moved.y[:, -1] - control.END))

    assert missed(200) < 0.1
    assert missed(400) < missed(200) / 3.5  # collocation is of second order
