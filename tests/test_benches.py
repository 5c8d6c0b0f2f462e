"""The problems of benches: what they are compared with is right, and every tool here agrees."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import jacrs
from benches import count, large, problems, tools
from benches.harness import report
from benches.harness.child import comparable
from benches.harness.machine import Machine
from benches.harness.parent import Measured, Stopped, measure, note
from benches.problems.references import Along
from tests.differences import richardson_jacobian

ROOT = Path(__file__).parents[1]
PEERS = [name for name, tool in tools.installed().items() if tool.file != "own"]
NESTED = ("saddle", "particle")
NEEDED = {"sparse_jacobian": "sparse_jacobian", "batched_jacobian": "vmap"}
FAILING = [("autograd", "gmm")]  # it cannot assign to arrays
SMOOTH = [name for name in problems.NAMES if name not in NESTED]


def derivative(case, tool):
    return comparable(tools.TOOLS[tool].load()(case.task)(case.inputs[0]))


def differences(case):
    """The derivative of the plain function by differences, in the form of the reference."""
    x, *constants = case.inputs

    def f(x):
        return case.module.function(x, *constants)

    def slope(x):
        return richardson_jacobian(f, x, 1e-4, 2)  # short steps: clusters must not change

    match case.derivative:
        case "hessian" | "sparse_hessian":
            return richardson_jacobian(slope, x, 1e-4, 2)
        case "grad_and_hvp":
            return np.stack([slope(x), richardson_jacobian(slope, x, 1e-4, 2).sum(axis=1)])
        case "batched_jacobian":
            return np.stack([richardson_jacobian(f, row) for row in x])
        case _:
            return richardson_jacobian(f, x)


@pytest.mark.parametrize("name", SMOOTH)
def test_a_reference_agrees_with_differences(name):
    case = problems.small(name)
    expected, found = case.reference, differences(case)
    if isinstance(expected, Along):
        expected, found = expected.products, expected.directions @ found
    dense = expected.toarray() if hasattr(expected, "toarray") else expected
    assert dense.shape == found.shape
    np.testing.assert_allclose(found, dense, rtol=1e-6, atol=1e-6 * np.abs(dense).max())


@pytest.mark.parametrize("name", problems.NAMES)
def test_jacrs_agrees_with_the_reference(name):
    case = problems.small(name)
    needed = NEEDED.get(case.derivative, "jacobian")
    if hasattr(jacrs, needed):
        assert case.deviation(derivative(case, "jacrs")) <= 1
    else:
        with pytest.raises(AttributeError, match=f"no attribute '{needed}'"):
            derivative(case, "jacrs")


@pytest.mark.parametrize("name", ["bratu", "brusselator", "ba", "satellites"])
def test_dense_jacobians_agree_where_sparse_ones_or_many_are_meant(name):
    case = problems.small(name)
    x, *constants = case.inputs
    jacobian = jacrs.jacobian(case.module.function)
    many = case.derivative == "batched_jacobian"
    found = np.stack([jacobian(row) for row in x]) if many else jacobian(x, *constants)
    assert case.deviation(found) <= 1


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("tool", PEERS)
def test_a_peer_agrees_with_the_reference_or_cannot(tool, name):
    case = problems.small(name)
    try:
        result = derivative(case, tool)
    except tools.UnableError:
        return
    except Exception:
        if (tool, name) not in FAILING:
            raise
        return
    assert (tool, name) not in FAILING
    assert case.deviation(result, tools.TOOLS[tool].tolerance) <= 1


@pytest.mark.parametrize("name", problems.NAMES)
def test_a_wrong_result_is_noticed(name):
    case = problems.small(name)
    right = case.reference
    if isinstance(right, Along):
        right = np.linalg.lstsq(right.directions, right.products)[0]
        assert case.deviation(right) <= 1
    else:
        assert case.deviation(right) == 0
        assert case.deviation(right[:-1]) == np.inf
    assert case.deviation(right * (1 + 1e-5)) > 1


def test_the_larger_sizes_have_labels_of_their_own():
    labels = [(case.name, case.label) for case in problems.cases()]
    assert len(set(labels)) == len(labels) >= len(problems.NAMES)
    with pytest.raises(ModuleNotFoundError):
        list(problems.cases(["no such problem"]))


def test_code_written_in_another_numpy_has_it_in_its_helpers_too():
    from benches.problems import mixture

    class Counting:
        calls = 0

        def __getattr__(self, name):
            Counting.calls += 1
            return getattr(np, name)

    case = problems.small("mixture")
    f = tools.written_in(Counting(), mixture.function)
    assert f(*case.inputs) == mixture.function(*case.inputs)
    assert Counting.calls == 2 + 2 + 2 * 4  # the function: sum, exp, sum, sum; its helper twice


def test_nested_programs_end_where_the_suite_says():
    ends = {case.name: case.reference for case in problems.cases(list(NESTED))}
    np.testing.assert_allclose(ends["particle"], [0.2071918746486116], rtol=1e-9)
    np.testing.assert_allclose(ends["saddle"], np.full(4, 8.246324826140356e-06), rtol=1e-9)


# --- the harness


def test_a_case_is_measured_in_a_process_of_its_own():
    case = next(problems.cases(["square"]))
    measured = measure(case, ["f itself", "jacrs", "differences"], seconds=0.01, limit=60)
    assert measured.bytes == 96
    own = measured.rows["jacrs"]
    assert own.why is None
    assert 0 < own.fastest <= own.median
    assert own.first > 0
    assert report.ratio(measured, own) == 1


def test_a_tool_that_takes_too_long_is_cut_and_the_others_go_on():
    case = next(problems.cases(["particle"]))
    measured = measure(case, ["f itself", "jacrs"], seconds=0.01, limit=0.05)
    assert measured.rows["jacrs"].why == "cut after 0.05 s"
    assert "function of the whole argument" in measured.rows["f itself"].why


def test_a_child_that_fails_without_a_tool_is_an_error():
    with pytest.raises(Stopped):
        measure(problems.Case("square", (), "no such label"), ["f itself"], 0.01, 60)


MACHINE = Machine("a processor", 2, "avx2+fma", 1e9, {100: 1e9, 1000: 1e8})


def test_a_floor_is_the_larger_of_moving_and_computing():
    assert MACHINE.floor(50, 0) == 50 / 1e9
    assert MACHINE.floor(500, 0) == 500 / 1e8
    assert MACHINE.floor(5000, 10) == 5000 / 1e8
    assert MACHINE.floor(50, 1000) == 1000 / 1e9


def example():
    measured = Measured("square", "n = 3", "jacobian")
    note(measured, {"event": "case", "bytes": 80, "operations": 3})
    for tool, median in {"f itself": 1e-6, "jacrs": 2e-6, "JAX": 5e-6}.items():
        note(measured, {"event": "first", "tool": tool, "seconds": 0.1})
        note(measured, {"event": "times", "tool": tool, "median": median, "fastest": median / 2})
    note(measured, {"event": "unable", "tool": "asdex", "why": "sparse Jacobians only"})
    return measured


def test_tables_say_times_ratios_and_reasons():
    text = "\n".join(report.aligned(report.lines(example(), MACHINE)))
    assert [line.split()[-1] for line in text.splitlines()[1:4]] == ["machine", "ms", "ms"]
    assert "5 us      2.50   2.5 us      100 ms" in text
    document = "\n".join(report.document([example()], MACHINE))
    assert "| square, n = 3 | 80 ns | 1 us | 2 us | 5 us (2.5) |" in document
    assert "- asdex: sparse Jacobians only (square)" in document


def test_results_are_read_as_they_were_written(tmp_path):
    from benches import run

    file = tmp_path / "results.json"
    run.save([example()], MACHINE, file)
    assert run.load(file) == ([example()], MACHINE)
    assert json.loads(file.read_text())["results"][0]["rows"]["asdex"]["median"] is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (2.0, "2 s"), (1.234e-3, "1.23 ms"), (9.9996e-4, "1 ms"), (5e-9, "5 ns")],
)
def test_times_are_readable(seconds, text):
    assert report.readable(seconds) == text


def test_a_million_unknowns_fit_into_a_gigabyte():
    facts = large.measure(1000)
    assert facts["unknowns"] == 10**6
    assert facts["entries"] == 5 * 10**6 - 4 * 1000
    assert facts["peak of calls"] < 2**30
    assert facts["peak of calls"] > facts["before"] + facts["result"]
    text = "\n".join(" ".join(row) for row in large.table(facts))
    assert "1000000 unknowns, 4996000 entries" in text


# --- counts of instructions


def test_counts_may_move_by_the_tolerance_and_no_more(capsys):
    committed = {"near": 1000, "more": 1000, "fewer": 1000}
    assert count.compared({"near": 1019}, committed)
    assert count.compared({"near": 981}, committed)
    assert not count.compared({"near": 1000, "more": 1021}, committed)
    assert not count.compared({"fewer": 979}, committed)
    assert not count.compared({"unknown": 1}, committed)
    assert capsys.readouterr().out.count("OFF") == 3


def test_committed_counts_are_those_of_the_programs():
    source = (ROOT / "rust" / "jacrs" / "benches" / "count.rs").read_text(encoding="utf-8")
    kept = json.loads(count.COUNTS.read_text(encoding="utf-8"))
    assert set(kept["counts"]) == set(re.findall(r'^    \("([a-z-]+)", ', source, re.MULTILINE))
    assert kept["compiler"].startswith("rustc ")


def test_without_valgrind_counting_is_skipped_and_says_so(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["count.py"])
    monkeypatch.setattr(count.shutil, "which", lambda _name: None)
    count.main()
    assert "valgrind, which is not installed" in capsys.readouterr().out
