"""Differences as SciPy's least-squares solvers take them, told where the Jacobian is not zero."""

from scipy import sparse
from scipy.optimize._numdiff import approx_derivative, group_columns

from benches.tools import UnableError


def prepare(task):
    """Take forward differences; columns that share no row are moved together."""
    if task.derivative not in ("jacobian", "sparse_jacobian"):
        raise UnableError("Jacobians only")
    f, constants = task.function, task.inputs[1:]
    if task.derivative == "jacobian":
        return lambda x: approx_derivative(f, x, method="2-point", args=constants)
    pattern = sparse.csr_matrix(task.pattern())
    groups = pattern, group_columns(pattern)
    return lambda x: approx_derivative(f, x, method="2-point", sparsity=groups, args=constants)
