"""What of Python and SciPy cannot be recorded: these errors name the place in the user's code."""

from __future__ import annotations

from typing import Any

from jacrs._jacrs import error


def no_array_of(dtype: Any) -> Exception:
    """Report an array of texts, bytes or records among whose elements is a recorded value."""
    return error(
        "type",
        f"an array of dtype {dtype} cannot hold recorded values: keep them in a list, or make an "
        "array of dtype float or object",
    )


def axes_in_index(name: str) -> Exception:
    """Report `np.r_["0,2", x]`."""
    text = f"np.{name} with a string of axes cannot be recorded; use np.concatenate or np.stack"
    return error("unsupported", text)


def vectorize_signature() -> Exception:
    """Report `np.vectorize(f, signature=...)`."""
    return error(
        "unsupported",
        "np.vectorize: signature= is not supported while recording; call the function in a loop "
        "over the leading axes, and np.stack the results",
    )


def second_matrix(function: str) -> Exception:
    """Report a generalised eigenvalue problem."""
    return error(
        "unsupported",
        f"scipy.linalg.{function} with b is not supported while recording; with L = cholesky(b, "
        "lower=True), take the matrix L^-1 a L^-T",
    )
