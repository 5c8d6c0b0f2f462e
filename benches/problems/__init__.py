"""The problems, one a file: ordinary NumPy code, its inputs, and its derivative by other means.

A file says

- `DERIVATIVE`: which one is meant: "jacobian", "grad", "hessian", "sparse_jacobian",
  "sparse_hessian", "batched_jacobian" (one Jacobian for each row of the argument), "grad_and_hvp"
  (the gradient, and the Hessian times ones) or "nested" (a program that takes derivatives itself);
- `function(x, *constants)`, differentiated by its first argument;
- `inputs(*size)`: the first argument and the constants; `SIZES` by label, and `SMALL` for tests;
- `reference(x, *constants)`: the derivative in closed form or by complex steps, and the `TOLERANCE`
  of a comparison, relative to its largest entry;
- `operations(*size)`: how many a least program of the derivative needs, a multiplication or an
  exponential counted as one; a program whose length depends on values has none;
- where a peer cannot read the code: `symbolic(casadi, x, *constants)` and the same for JAX,
  `for_jax(jax, x, *constants)`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from benches.problems.references import Along
from benches.tools import Task

# The rows that other documents of the kind have, then those of GradBench and ADBench.
NAMES = (
    "square kinetics layers pairwise rosenbrock_gradient mixture runge_kutta rosenbrock_hessian "
    "bratu brusselator membrane satellites "
    "llsq lse det gmm ba kmeans ode lstm ht particle saddle"
).split()


@dataclass(frozen=True)
class Case:
    """A problem at one size."""

    name: str
    size: tuple[int, ...]
    label: str = ""

    @property
    def module(self) -> ModuleType:
        """The file of the problem."""
        return import_module(f"benches.problems.{self.name}")

    @property
    def task(self) -> Task:
        """What a tool is to do."""
        module = self.module
        return Task(
            module.function,
            self.derivative,
            self.inputs,
            symbolic=getattr(module, "symbolic", None),
            for_jax=getattr(module, "for_jax", None),
            symbol=getattr(module, "CASADI_SYMBOL", "SX"),
            pattern=lambda: self.reference,
        )

    @property
    def derivative(self) -> str:
        """Which derivative is meant."""
        return self.module.DERIVATIVE

    @cached_property
    def inputs(self) -> tuple[Any, ...]:
        """The argument and the constants; the same objects each time."""
        return self.module.inputs(*self.size)

    @cached_property
    def reference(self) -> Any:
        """The derivative by other means."""
        return self.module.reference(*self.inputs)

    @property
    def operations(self) -> int | None:
        """How many operations a least program needs, where that is known."""
        count = getattr(self.module, "operations", None)
        return count(*self.size) if count else None

    @property
    def bytes(self) -> int:
        """How many bytes at least come in and go out."""
        expected = self.reference
        result = self.inputs[0] if isinstance(expected, Along) else expected
        arrays = [entry for entry in self.inputs if isinstance(entry, np.ndarray)]
        return sum(array.nbytes for array in arrays) + result.data.nbytes  # of values, if sparse

    def deviation(self, found: Any, tolerance: float | None = None) -> float:
        """Return how far a result is off, in units of the tolerance: right means at most 1."""
        expected = self.reference
        if isinstance(expected, Along):
            found, expected = expected.directions @ found, expected.products
        if found.shape != expected.shape:
            return np.inf
        largest = abs(expected).max()
        error = abs(found - expected).max() / (largest if largest > 0 else 1.0)
        return float(error / (tolerance or self.module.TOLERANCE))


def cases(names: list[str] | None = None) -> Iterator[Case]:
    """Yield every problem, or those named, at every size."""
    for name in names or NAMES:
        for label, size in import_module(f"benches.problems.{name}").SIZES.items():
            yield Case(name, size, label)


def small(name: str) -> Case:
    """Return a problem at the size for tests."""
    return Case(name, import_module(f"benches.problems.{name}").SMALL, "small")
