"""The order of the pipeline's stages, and that its check sees an offence."""

import shutil

import pytest

from scripts import check_stages

PLANTED = {
    "a plain import": ("trace", "use crate::plan::Plan;"),
    "a path in code": ("optimize", "fn f() { crate::execute::run(); }"),
    "a group over lines": ("plan", "use crate::{\n    ir::{Graph, Op},\n    assemble,\n};"),
    "a path from below": ("sparsity", "use super::super::execute::run;"),
    "a stage in the foundation": ("array", "use crate::trace::Tracer;"),
    "a later part of the foundation": ("simd", "use crate::ir::Graph;"),
    "the pipeline in the tape": ("tape", "use crate::ir::Graph;"),
    "the operations in the scalar rules": ("scalar", "use crate::ops::Fun;"),
    "a later scalar module": ("dual", "use crate::tape::Var;"),
    "a scalar module in a stage": ("plan", "use crate::dual::Dual;"),
    "after a quote in a literal": ("trace", "const Q: char = '\"';\nuse crate::plan::Plan;"),
}

ALLOWED = {
    "an earlier stage": ("plan", "use crate::differentiate::jvp;"),
    "the foundation": ("assemble", "use crate::{array::DType, error::Result, simd};"),
    "plain numbers and dual numbers in the tape": ("tape", "use crate::{dual::Dual, simd};"),
    "itself": ("plan", "use crate::plan::buffers;"),
    "ir and ops know each other": ("ir", "use crate::ops::Fun;"),
    "a comment": ("trace", "/// See [`crate::plan`].\n/* crate::plan */ // crate::plan"),
    "a text": ("trace", 'const T: &str = "crate::plan and \\" crate::plan";'),
    "a nested name": ("optimize", "use crate::ir::{self, plan, execute};"),
    "a name further on": ("optimize", "use crate::{ir::plan, ops::{plan, Fun}};"),
}


def test_the_engine_keeps_the_order(capsys):
    assert check_stages.main([]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("case", PLANTED)
def test_a_planted_offence_is_found(case, tmp_path, capsys):
    sources = shutil.copytree(check_stages.SOURCES, tmp_path / "src")
    module, text = PLANTED[case]
    plant(sources, module, text)
    assert check_stages.main([str(sources)]) == 1
    printed = capsys.readouterr().out
    assert f"planted.rs:{text.count(chr(10), 0, where(text)) + 1}: `{module}`" in printed


@pytest.mark.parametrize("case", ALLOWED)
def test_what_is_allowed_passes(case, tmp_path, capsys):
    plant(tmp_path, *ALLOWED[case])
    assert check_stages.main([str(tmp_path)]) == 0, capsys.readouterr().out


def test_an_unknown_module_is_named(tmp_path, capsys):
    (tmp_path / "helpers.rs").write_text("")
    assert check_stages.main([str(tmp_path)]) == 1
    assert "`helpers` has no place" in capsys.readouterr().out


def test_test_modules_may_look_ahead(tmp_path):
    (tmp_path / "optimize").mkdir()
    (tmp_path / "optimize" / "tests.rs").write_text("use crate::execute::run;")
    assert check_stages.main([str(tmp_path)]) == 0


def plant(sources, module, text):
    (sources / module).mkdir(exist_ok=True)
    (sources / module / "planted.rs").write_text(text)


def where(text):
    """Find the offending name: the last module named in the planted text."""
    return max(text.rfind(stage) for stage in check_stages.KNOWN if stage in text)
