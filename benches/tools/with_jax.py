"""JAX: jitted, in double precision; arrays among the constants are arguments of the jitted code."""

import jax
import numpy as np

from benches.tools import UnableError, look_up, written_in

jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - JAX's own signature


def readable(task):
    """Return the function in JAX's NumPy, or what the problem writes for JAX."""
    if task.for_jax is None:
        return written_in(jax.numpy, task.function)
    rewritten = written_in(jax.numpy, task.for_jax)
    return lambda *inputs: rewritten(jax, *inputs)


def on_device(task):
    """Split the constants: arrays to be passed along, and a function that puts all in order."""
    constants = task.inputs[1:]
    arrays = [jax.device_put(entry) for entry in constants if isinstance(entry, np.ndarray)]

    def in_order(arrays):
        rest = iter(arrays)
        return [next(rest) if isinstance(entry, np.ndarray) else entry for entry in constants]

    return arrays, in_order


def prepare(task):
    """Take the cheaper mode for Jacobians; nested programs branch on values and run unjitted."""
    if task.derivative == "nested":
        program = written_in(jax.numpy, task.function)
        return lambda x: np.asarray(program(x, *task.inputs[1:], jax.jacfwd))
    if task.derivative.startswith("sparse"):
        raise UnableError("dense derivatives only; with asdex sparse ones")
    f, (arrays, in_order) = readable(task), on_device(task)
    transform = look_up(TRANSFORMS, task.derivative)
    call = jax.jit(lambda x, *arrays: transform(lambda x: f(x, *in_order(arrays)))(x))
    return lambda x: np.asarray(call(x, *arrays))


def jacobian(f):
    """Return the Jacobian in the cheaper mode."""

    def derivative(x):
        wide = jax.eval_shape(f, x).size < x.size
        return (jax.jacrev if wide else jax.jacfwd)(f)(x)

    return derivative


def gradient_and_product(f):
    """Return the gradient and the Hessian times ones."""

    def derivative(x):
        return jax.numpy.stack(jax.jvp(jax.grad(f), (x,), (jax.numpy.ones_like(x),)))

    return derivative


TRANSFORMS = {
    "jacobian": jacobian,
    "grad": jax.grad,
    "hessian": jax.hessian,
    "batched_jacobian": lambda f: jax.vmap(jax.jacfwd(f)),
    "grad_and_hvp": gradient_and_product,
}
