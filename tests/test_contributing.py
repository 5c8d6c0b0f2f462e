"""How the steps of CONTRIBUTING.md are read and taken; `make check-contributing` runs them."""

import pytest

from scripts.check_contributing import ROOT, Step, applied, steps

DOCUMENT = """
```rust into=src/table.rs after=Sin
    Cos;
```
Prose, and a block that is no step:
```rust
    Tan;
```
```rust into=src/table.rs after=end
fn cos() {}
```
"""


def test_only_marked_blocks_are_steps():
    assert list(steps(DOCUMENT)) == [
        Step("src/table.rs", "Sin", "    Cos;\n"),
        Step("src/table.rs", "end", "fn cos() {}\n"),
    ]


def test_steps_change_nothing_but_their_place():
    row, function = steps(DOCUMENT)
    source = "rows {\n    Sin;\n    Exp;\n}\n"
    assert applied(row, source) == "rows {\n    Sin;\n    Cos;\n    Exp;\n}\n"
    assert applied(function, source) == source + "\nfn cos() {}\n"


def test_a_place_that_is_gone_is_an_error():
    with pytest.raises(LookupError, match=r"no line of src/table.rs starts with 'Sin'"):
        applied(next(steps(DOCUMENT)), "rows {\n}\n")


def test_contributing_has_an_example_whose_places_exist():
    found = list(steps((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    assert found
    for step in found:
        assert step.text in applied(step, (ROOT / step.file).read_text(encoding="utf-8"))
