"""CasADi: functions of symbols, derived once and evaluated in its virtual machine."""

import casadi
import numpy as np

from benches.tools import UnableError, look_up


def prepare(task):
    """Derive what the problem writes for CasADi."""
    if task.symbolic is None:
        raise UnableError("the problem is not written for CasADi")
    first, *constants = task.inputs
    rows = first.shape[-1]
    x = getattr(casadi, task.symbol).sym("x", rows)
    derive, convert = look_up(WAYS, task.derivative)
    call = casadi.Function("derivative", [x], [derive(task.symbolic(casadi, x, *constants), x)])
    return convert(call, first)


def dense(call, _first):
    """Return a call with an array as its result."""
    return lambda x: np.asarray(call(x).full())


def flat(call, _first):
    """Return a call with a vector as its result."""
    return lambda x: np.asarray(call(x).full()).ravel()


def as_scipy(call, _first):
    """Return a call with SciPy's matrix as its result."""
    return lambda x: call(x).sparse()


def for_each_row(call, first):
    """Return a call for all rows at once; the blocks lie side by side."""
    mapped = call.map(len(first))
    rows, columns = call.size_out(0)
    shape = len(first), columns, rows

    def batched(x):
        blocks = np.asarray(mapped(x.T).full())
        return blocks.T.reshape(shape).swapaxes(1, 2)

    return batched


WAYS = {
    "jacobian": (casadi.jacobian, dense),
    "grad": (casadi.gradient, flat),
    "hessian": (lambda y, x: casadi.hessian(y, x)[0], dense),
    "sparse_jacobian": (casadi.jacobian, as_scipy),
    "sparse_hessian": (lambda y, x: casadi.hessian(y, x)[0], as_scipy),
    "batched_jacobian": (casadi.jacobian, for_each_row),
}
