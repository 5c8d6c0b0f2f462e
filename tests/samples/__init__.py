"""Valid calls of every supported function, for tests of values, derivatives and batching."""

from tests.samples import (
    creation,
    diagonals,
    einsum,
    elementwise,
    factorisations,
    indexing,
    joining,
    linalg,
    nan,
    padding,
    polynomials,
    products,
    queries,
    reductions,
    scans,
    shapes,
    sorting,
    statistics,
    ufunc_methods,
    writing,
)
from tests.samples.core import VARIANTS, Sample, variant

FAMILIES = {
    module.__name__.rpartition(".")[2]: module.SAMPLES
    for module in (
        creation,
        diagonals,
        einsum,
        elementwise,
        factorisations,
        indexing,
        joining,
        linalg,
        nan,
        padding,
        polynomials,
        products,
        queries,
        reductions,
        scans,
        shapes,
        sorting,
        statistics,
        ufunc_methods,
        writing,
    )
}
SAMPLES: list[Sample] = [sample for table in FAMILIES.values() for sample in table]

__all__ = ["FAMILIES", "SAMPLES", "VARIANTS", "Sample", "variant"]
