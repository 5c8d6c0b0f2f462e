"""What a sample is, and how to make its inputs."""

import dataclasses
import itertools
from collections.abc import Callable

import numpy as np


@dataclasses.dataclass(frozen=True)
class Sample:
    """A valid call of a function with arrays."""

    name: str  # as one writes it: "np.sum", "ndarray.sum", "np.add.reduce"
    call: Callable  # (np_, *inputs) -> result; `np_` is NumPy or what stands for it
    inputs: tuple
    differentiable: tuple[int, ...] = (0,)  # the inputs with a derivative; zero for integer results
    smooth: bool = True  # differences make sense here (not where a result is float32)
    kink: str = ""  # what the derivative is by convention, where there is none or several
    plain: tuple[int, ...] = ()  # inputs that stay arrays: their values decide shapes
    float32: bool = True  # also valid with all floats as float32

    @property
    def title(self):
        shapes = ",".join(str(np.shape(x)).replace(" ", "") for x in self.inputs)
        return f"{self.name}-{shapes}"


class Table(list):
    """The samples of a family."""

    def add(self, name, call, *inputs, **facts):
        inputs = tuple(np.asarray(x) for x in inputs)
        self.append(Sample(name, call, inputs, **facts))

    def over(self, name, call, inputs, **facts):
        """Add one sample for each of a list of single inputs."""
        for x in inputs:
            self.add(name, call, x, **facts)


_seeds = itertools.count()


def real(*shape, low=-1.0, high=1.0):
    """Different numbers, the same at each run."""
    return np.random.default_rng(next(_seeds)).uniform(low, high, shape)


def positive(*shape):
    return real(*shape, low=0.5, high=2.0)


def holes(*shape):
    """Numbers with NaN at every third place."""
    x = real(*shape)
    x.reshape(-1)[1::3] = np.nan
    return x


def mask(*shape):
    return real(*shape) > 0


def strided(x):
    """The same values, laid out backwards with gaps."""
    if x.ndim == 0:
        return x
    room = np.zeros(tuple(2 * n for n in x.shape), x.dtype)
    view = room[tuple(slice(None, None, -2) for _ in x.shape)]
    view[...] = x
    return view


VARIANTS = {
    "float64": lambda x: x,
    "float32": lambda x: x.astype(np.float32) if x.dtype == float else x,
    "strided": strided,
    "transposed": lambda x: x.T.copy().T,
}


def variant(sample, kind):
    """The sample with inputs of another dtype or layout."""
    change = VARIANTS[kind]
    return dataclasses.replace(sample, inputs=tuple(map(change, sample.inputs)))
