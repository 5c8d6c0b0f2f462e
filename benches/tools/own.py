"""jacrs, and NumPy itself with the function alone: how long it takes to compute nothing else."""

import numpy as np

import jacrs
from benches.tools import UnableError


def plain(task):
    """Take the function itself."""
    if task.derivative in ("batched_jacobian", "nested"):
        raise UnableError("f is no function of the whole argument alone")
    constants = task.inputs[1:]
    return lambda x: task.function(x, *constants)


def recorded(task):
    """Take jacrs with the function recorded anew at every call."""
    transform = transformed(task)
    constants = task.inputs[1:]
    return lambda x: transform(x, *constants)


def compiled(task):
    """Take jacrs with the function recorded once and replayed."""
    transform = jacrs.compile(transformed(task))
    constants = task.inputs[1:]
    return lambda x: transform(x, *constants)


def transformed(task):
    """Return the derivative as a function of the same arguments."""
    f = task.function
    match task.derivative:
        case "batched_jacobian":
            return jacrs.vmap(jacrs.jacobian(f))
        case "grad_and_hvp":
            return gradient_and_product(f)
        case "nested":
            return lambda x, *constants: f(x, *constants, jacrs.jacfwd)
        case name:
            return getattr(jacrs, name)(f)


def gradient_and_product(f):
    """Return the gradient and the Hessian times ones, from one run."""

    def both(x, *constants):
        gradient = jacrs.grad(f)
        return jacrs.jvp(lambda x: gradient(x, *constants), (x,), (np.ones_like(x),))

    return both
