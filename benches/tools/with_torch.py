"""torch.func; NumPy's names that torch lacks make a problem one that it cannot read."""

import numpy as np
import torch

from benches.tools import look_up, written_in


def prepare(task):
    """Take the cheaper mode for Jacobians; arrays share memory with NumPy's."""
    f = written_in(torch, task.function)
    constants = [torch.from_numpy(c) if isinstance(c, np.ndarray) else c for c in task.inputs[1:]]
    if task.derivative == "nested":
        return lambda x: f(torch.from_numpy(x), *constants, torch.func.jacfwd).numpy()
    call = look_up(TRANSFORMS, task.derivative)(lambda x: f(x, *constants))
    return lambda x: call(torch.from_numpy(x)).numpy()


def jacobian(f):
    """Return the Jacobian in the cheaper mode."""

    def derivative(x):
        with torch.no_grad():
            wide = f(x).numel() < x.numel()
        return (torch.func.jacrev if wide else torch.func.jacfwd)(f)(x)

    return derivative


def gradient_and_product(f):
    """Return the gradient and the Hessian times ones."""

    def derivative(x):
        return torch.stack(torch.func.jvp(torch.func.grad(f), (x,), (torch.ones_like(x),)))

    return derivative


TRANSFORMS = {
    "jacobian": jacobian,
    "grad": torch.func.grad,
    "hessian": torch.func.hessian,
    "batched_jacobian": lambda f: torch.func.vmap(torch.func.jacfwd(f)),
    "grad_and_hvp": gradient_and_product,
}
