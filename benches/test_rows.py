"""Whole derivatives by jacrs, NumPy in and fresh result out, beside the function itself.

The smallest size of every problem, in the form that versions are compared by; what other tools make
of the same problems is measured by `benches/run.py`.
"""

import pytest

from benches import tools
from benches.harness.child import comparable
from benches.problems import NAMES, cases

CASES = {name: next(cases([name])) for name in NAMES}
OWN = [name for name, tool in tools.installed().items() if tool.file == "own"]


@pytest.mark.parametrize("tool", OWN)
@pytest.mark.parametrize("problem", CASES)
def test_derivative(problem, tool, benchmark):
    case = CASES[problem]
    try:
        call = tools.TOOLS[tool].load()(case.task)
    except (tools.UnableError, AttributeError) as error:
        pytest.skip(str(error))  # the table of benches/run.py says the same
    result = call(case.inputs[0])
    if tool != "f itself":
        assert case.deviation(comparable(result)) <= 1
    benchmark.group = problem
    if case.derivative == "nested":  # takes seconds
        benchmark.pedantic(call, (case.inputs[0],), rounds=3)
    else:
        benchmark(call, case.inputs[0])
