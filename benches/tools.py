"""The tools under test: each takes a function and the name of a derivative, and gives a callable.

A peer takes part when it can be imported; nothing here installs one.
"""

from importlib.util import find_spec
from types import FunctionType

import numpy as np

import jacrs


def recorded(function, derivative):
    """Take jacrs with the function recorded anew at every call."""
    return getattr(jacrs, derivative)(function)


def compiled(function, derivative):
    """Take jacrs with the function recorded once and replayed."""
    return jacrs.compile(getattr(jacrs, derivative)(function))


def written_in(peer_numpy, function):
    """Give the same code with the peer's own module under the name `np`: peers need theirs."""
    return FunctionType(function.__code__, {**function.__globals__, "np": peer_numpy})


def with_autograd(function, derivative):
    """Take autograd, whose derivatives record at every call."""
    import autograd.numpy

    return getattr(autograd, derivative)(written_in(autograd.numpy, function))


def with_jax(function, derivative):
    """Take JAX, jitted, NumPy in and NumPy out."""
    import jax.numpy

    jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - JAX's own signature
    transform = {"jacobian": jax.jacfwd, "grad": jax.grad}[derivative]
    call = jax.jit(transform(written_in(jax.numpy, function)))
    return lambda x: np.asarray(call(x))


def available():
    """Name the tools that can run here."""
    tools = {"jacrs, recorded": recorded}
    if hasattr(jacrs, "compile"):
        tools["jacrs, compiled"] = compiled
    if find_spec("autograd"):
        tools["autograd"] = with_autograd
    if find_spec("jax"):
        tools["jax"] = with_jax
    return tools
