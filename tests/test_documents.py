"""The documents say what is so: tables are run, names exist, links lead somewhere."""

import math
import re
import threading
from pathlib import Path

import numpy as np
import pytest

import jacrs
from jacrs import functional
from scripts import check_stages

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
CONVENTIONS = ROOT / "docs" / "conventions.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
TEXTS = [*DOCUMENTS, *sorted(ROOT.glob("docs/*.svg"))]
ENGINE = ROOT / "rust" / "jacrs" / "src"

FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")


def text_of(path):
    return path.read_text(encoding="utf-8")


def rows_of(text, *head):
    """The rows below each table head that starts with these cells, as lists of cells."""
    found, inside = [], False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and tuple(cells[: len(head)]) == head:
            inside = True
        elif not line.startswith("|"):
            inside = False
        elif inside and not set(line) <= set("|-: "):
            found.append(cells)
    return found


# --- the tables of docs/conventions.md

DERIVATIVES = rows_of(text_of(CONVENTIONS), "call", "at `x =`", "derivative", "why")
NAMES = {"np": np, "math": math, "inf": np.inf, "nan": np.nan}


@pytest.mark.parametrize("transform", [jacrs.jacfwd, jacrs.jacrev], ids=["forward", "reverse"])
@pytest.mark.parametrize(("call", "point", "derivative"), [row[:3] for row in DERIVATIVES])
def test_a_derivative_is_as_the_table_says(call, point, derivative, transform):
    f = eval(f"lambda x: {call.strip('`')}", NAMES)
    x = np.array(eval(point.strip("`"), NAMES))
    expected = eval(derivative.strip("`"), NAMES)
    np.testing.assert_array_equal(transform(f)(x), expected)


def test_the_tables_are_all_there():
    assert len(DERIVATIVES) == len(re.findall(r"^\| `", text_of(CONVENTIONS), re.MULTILINE)) > 60


# --- what the prose of docs/conventions.md says


def test_a_fresh_array_without_values_is_zero_and_an_integer_array_keeps_integers():
    def f(x):
        empty, whole = np.empty(2), np.zeros(2, dtype=int)
        empty[0] = x[0]
        whole[:] = int(x[0]), 0
        whole[1] = x[1]
        return empty, whole

    x = np.array([1.5, 2.5])
    (empty, whole), (slopes, steps) = jacrs.value_and_jacobian(f)(x)
    assert empty.tolist() == [1.5, 0]
    assert slopes.tolist() == [[1, 0], [0, 0]]
    assert whole.dtype == int
    assert whole.tolist() == [1, 2]
    assert steps.tolist() == [[0, 0], [0, 0]]


def test_results_share_no_memory_with_arguments():
    x = np.array([1.0, 2.0])
    y, pullback = jacrs.vjp(lambda x: x, x)
    assert not np.shares_memory(y, x)
    assert not np.shares_memory(pullback(x), x)


def test_products_of_the_function_itself_are_those_of_numpy():
    value, slope = jacrs.value_and_jacobian(lambda x: 0.0 * (1.0 / x))(0.0)
    assert np.isnan(value)
    assert slope == 0


def test_a_value_is_computed_once_however_often_it_is_asked_for():
    def f(x):
        y = np.sum(x)
        for _ in range(20_000):  # linear: 20 000 questions about a growing recording
            y = y + 1.0 if y > 0 else y
        return y

    assert jacrs.grad(f)(np.array([1.0, 2.0])).tolist() == [1, 1]


def test_a_recorded_value_raises_after_its_recording_and_in_other_threads():
    kept, caught = [], []

    def use(x):
        try:
            return x + 1
        except jacrs.TraceError as error:
            caught.append(error)

    def f(x):
        kept.append(x)
        thread = threading.Thread(target=use, args=(x,))
        thread.start()
        thread.join()
        return x

    jacrs.jacobian(f)(1.0)
    use(kept[0])
    assert len(caught) == 2


BUFFER = np.zeros(2)
LOSING = {
    "float": lambda x: x * float(x[0]),
    "complex": lambda x: x * complex(x[0]),
    "an element of an outer array": lambda x: BUFFER.__setitem__(0, x[0]),
    "an outer array": lambda x: BUFFER.__setitem__(slice(None), x),
    "an output array": lambda x: np.multiply(x, 2, out=BUFFER),
}


@pytest.mark.parametrize("case", LOSING)
def test_what_would_lose_a_derivative_raises(case):
    with pytest.raises((jacrs.TraceError, ValueError)) as caught:
        jacrs.jacobian(LOSING[case])(np.array([3.0, 4.0]))
    assert isinstance(caught.value, jacrs.TraceError) or caught.value.__cause__ is not None


# --- the README


def test_every_public_name_is_in_the_table_and_every_name_there_exists():
    cells = [row[0] for row in rows_of(text_of(README), "name", "gives")]
    named = {re.match(r"\w+", code)[0] for cell in cells for code in CODE.findall(cell)}
    errors = {name for name in jacrs.__all__ if name.endswith("Error")}
    assert named == set(jacrs.__all__) - errors
    twins = dict(row[:2] for row in rows_of(text_of(README), "name", "gives"))["`functional`"]
    assert {code for code in CODE.findall(twins) if "." not in code} == set(functional.__all__)


def test_what_is_said_to_be_missing_is_missing():
    section = text_of(README).partition("## What it does not do yet")[2].partition("\n## ")[0]
    for name in ("np.linalg.eig", "eigvals"):
        assert f"`{name}`" in section
        with pytest.raises(jacrs.UnsupportedError):
            jacrs.jacobian(getattr(np.linalg, name.rpartition(".")[2]))(np.eye(2))


def test_the_errors_are_also_those_that_numpy_code_expects():
    for name in jacrs.__all__:
        if name.endswith("Error") and name != "JacrsError":
            bases = getattr(jacrs, name).__mro__[1:]
            assert jacrs.JacrsError in bases
            assert {ValueError, TypeError, IndexError, MemoryError, RuntimeError} & set(bases), name


# --- docs/architecture.md


def public_modules():
    return re.findall(r"^pub mod (\w+);", text_of(ENGINE / "lib.rs"), re.MULTILINE)


def test_the_stages_are_those_of_the_engine_in_its_order():
    named = re.findall(r"^### `(\w+)`", text_of(ARCHITECTURE), re.MULTILINE)
    others = set(check_stages.BESIDE).union(*check_stages.FOUNDATION)
    stages = [module for module in public_modules() if module not in others]
    assert [name for name in named if name != "ir"] == stages
    assert named[:2] == ["trace", "ir"]
    planned = [stage for stage in check_stages.STAGES if stage in public_modules()]
    assert stages == planned


def test_the_modules_of_the_rust_side_are_those_of_the_engine_in_their_order():
    first_line = text_of(ARCHITECTURE).split("\n## The Rust side\n\n")[1].split("\n")[0]
    beside = [module for module in public_modules() if module in check_stages.BESIDE]
    assert CODE.findall(first_line) == beside == check_stages.BESIDE


def test_the_types_named_for_each_stage_are_defined_there():
    rows = rows_of(text_of(ARCHITECTURE), "stage", "takes", "gives", "main types")
    assert [row[0].strip("`") for row in rows] == ["trace", "ir", *check_stages_present()]
    for stage, _, _, types in rows:
        folder = ENGINE / stage.strip("`")
        source = "\n".join(text_of(file) for file in folder.rglob("*.rs"))
        for name in CODE.findall(types):
            assert re.search(rf"\b(struct|enum|static) {name}\b", source), (stage, name)


def check_stages_present():
    return [stage for stage in check_stages.STAGES[1:] if stage in public_modules()]


def test_quoted_golden_sections_are_those_of_the_files():
    quotes = re.findall(
        r"`(rust/jacrs/tests/golden/\w+\.txt)`, section\s+`([^`]+)`.*?```text\n(.*?)```",
        text_of(ARCHITECTURE),
        re.DOTALL,
    )
    assert quotes
    for file, section, quoted in quotes:
        kept = text_of(ROOT / file).split(f"=== {section}\n")[1].split("\n=== ")[0]
        assert kept.strip() == quoted.strip(), (file, section)


def test_numbers_quoted_from_the_engine_are_its_own():
    quotes = re.findall(r"(\d+)[^()]{0,40}\(`(\w+) = (\d+)`,\s+`([^`]+)`\)", text_of(ARCHITECTURE))
    assert len(quotes) == 2
    for said, constant, value, file in quotes:
        assert said == value
        assert f"{constant}: usize = {value};" in text_of(ROOT / file), constant


def test_the_rust_example_is_one_that_the_crate_runs():
    (quoted,) = re.findall(r"```rust\n(.*?)```", text_of(README), re.DOTALL)
    documented = re.sub(r"^//! ?", "", text_of(ENGINE / "lib.rs"), flags=re.MULTILINE)
    assert f"```\n{quoted}" in documented


# --- CONTRIBUTING.md


def test_the_checklist_of_a_structural_operation_is_complete():
    """Every file of the engine that names the worked example is in the list, and no other."""
    listed = {row[0].strip("`") for row in rows_of(text_of(CONTRIBUTING), "file", "what is there")}
    naming = {
        file.relative_to(ROOT).as_posix()
        for folder in ("src", "tests")
        for file in (ENGINE.parent / folder).rglob("*.rs")
        if re.search(r"\bConcat\b|\bconcat\(%", text_of(file))
    }
    assert naming == listed


def test_the_quoted_row_is_in_the_table():
    (row,) = re.findall(r'^ *Log1p "log1p".*;$', text_of(CONTRIBUTING), re.MULTILINE)
    assert row.strip() in text_of(ENGINE / "ops" / "elementwise" / "table.rs")


def test_the_quoted_adapter_and_its_sample_are_there():
    text = text_of(CONTRIBUTING)
    (adapter,) = re.findall(r"```text\n(@implements.*?)```", text, re.DOTALL)
    (sample,) = re.findall(r"^add\(.*\)$", text, re.MULTILINE)
    adapters = (ROOT / "python" / "jacrs" / "_adapters").glob("*.py")
    assert any(adapter in text_of(file) for file in adapters)
    name = re.match(r'add\("([^"]+)"', sample)[1]
    samples = (ROOT / "tests" / "samples").glob("*.py")
    assert any(f'"{name}"' in text_of(file) for file in samples)


def test_paths_and_targets_exist():
    targets = re.findall(r"^([\w-]+):", text_of(ROOT / "Makefile"), re.MULTILINE)
    for document in DOCUMENTS:
        text = text_of(document)
        for target in re.findall(r"(?:`|^)make ([\w-]+)", text, re.MULTILINE):
            assert target in targets, (document.name, target)
        for path in CODE.findall(FENCE.sub("", text)):
            folder, slash, _ = path.partition("/")
            known = folder in {"rust", "python", "tests", "benches", "examples", "scripts", "docs"}
            if slash and known and re.fullmatch(r"[\w./-]+", path) and "examples/out" not in path:
                assert (ROOT / path).exists(), (document.name, path)


# --- all documents


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    text = FENCE.sub("", text_of(document))
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    for link in links:
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert ROOT in (target, *target.parents), link
        if anchor:
            assert anchor in anchors(text_of(target)), link


def anchors(text):
    """What headings are called in links."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h).strip().lower().replace(" ", "-") for h in headings}


@pytest.mark.parametrize("document", TEXTS, ids=lambda path: path.name)
def test_no_document_names_a_place_outside_the_project(document):
    text = text_of(document)
    assert not re.search(r"(?<![\w.:/<)\]-])/(\w+/|tmp\b|home\b|root\b)", text), "an absolute path"
    assert not re.search(r"\b[A-Z]:\\", text), "an absolute path"
    assert not re.search(r"\blocalhost\b|\b\d+\.\d+\.\d+\.\d+\b|\bfile://", text), "a machine"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_code_blocks_are_run_or_said_to_be_something_else(document):
    """What is called Python is a doctest."""
    for block in re.findall(r"^```python\n(.*?)^```$", text_of(document), re.DOTALL | re.MULTILINE):
        assert block.startswith(">>> "), block


def test_the_picture_of_the_demo_is_small():
    assert (ROOT / "docs" / "pollu_pattern.png").stat().st_size < 100_000
