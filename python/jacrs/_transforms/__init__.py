"""The transforms: functions of functions, which record, differentiate and run."""

from jacrs._transforms.control import num_threads, set_num_threads, stop_gradient
from jacrs._transforms.gradients import grad, value_and_grad
from jacrs._transforms.jacobians import hessian, jacfwd, jacobian, jacrev, value_and_jacobian
from jacrs._transforms.linear import linearize
from jacrs._transforms.mapping import vmap
from jacrs._transforms.products import jvp, vjp
from jacrs._transforms.second import hvp, value_grad_and_hessian, vhp
from jacrs._transforms.sparse import (
    sparse_hessian,
    sparse_jacobian,
    value_and_sparse_hessian,
    value_and_sparse_jacobian,
)
from jacrs._transforms.sparsity import sparsity

__all__ = [
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "linearize",
    "num_threads",
    "set_num_threads",
    "sparse_hessian",
    "sparse_jacobian",
    "sparsity",
    "stop_gradient",
    "value_and_grad",
    "value_and_jacobian",
    "value_and_sparse_hessian",
    "value_and_sparse_jacobian",
    "value_grad_and_hessian",
    "vhp",
    "vjp",
    "vmap",
]
