"""autograd, whose derivatives record at every call."""

import autograd
import autograd.numpy
import numpy as np

from benches.tools import look_up, written_in


def prepare(task):
    """Take the transform of the same name."""
    f = written_in(autograd.numpy, task.function)
    constants = task.inputs[1:]
    if task.derivative == "nested":
        return lambda x: f(x, *constants, autograd.grad)
    call = look_up(TRANSFORMS, task.derivative)(lambda x: f(x, *constants))
    return lambda x: np.asarray(call(x))


def gradient_and_product(f):
    """Return the gradient and the Hessian times ones."""
    product = autograd.differential_operators.make_hvp(f)
    gradient = autograd.grad(f)
    return lambda x: [gradient(x), product(x)[0](np.ones_like(x))]


TRANSFORMS = {
    "jacobian": autograd.jacobian,
    "grad": autograd.grad,
    "hessian": autograd.hessian,
    "grad_and_hvp": gradient_and_product,
}
