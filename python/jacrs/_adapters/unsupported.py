"""What the adapters leave out, and why: computed as it is where nothing recorded goes in."""

from __future__ import annotations

from typing import Any

import numpy as np

from jacrs import errors
from jacrs._adapters import native

_OTHERS = "compose it of functions that have one, or pass jacrs.stop_gradient(x)"
_EIGENVALUES = (
    "eigenvalues of matrices that are not symmetric may be complex; "
    "for symmetric ones use np.linalg.{}"
)
_FOURIER = (
    "complex numbers and Fourier transforms are not differentiated yet; "
    "multiply by matrices of the cosines and sines"
)
_COMPLEX = "returns complex numbers outside of the real domain; use {}"
_RECORDS = "recorded arrays have no fields; keep an array for each field"
_FILES = "writes to a file, which a recorded value is not ready for; return it and write it then"
_ELSEWHERE = "compute it from arrays that are not recorded"
_DATES = f"works on dates, which are not recorded; {_ELSEWHERE}"
_BITS = f"works on bits of bytes, which are not recorded; {_ELSEWHERE}"

_GROUPS: tuple[tuple[str, str, str], ...] = (
    ("linalg", "eig", _EIGENVALUES.format("eigh")),
    ("linalg", "eigvals", _EIGENVALUES.format("eigvalsh")),
    (
        "",
        "roots",
        "roots may be complex, and are eigenvalues of a matrix that is not symmetric; for real "
        "ones take r = np.roots(jacrs.stop_gradient(p)), and then one step of Newton, "
        "r - np.polyval(p, r) / np.polyval(np.polyder(p), r)",
    ),
    (
        "",
        "polyfit",
        "it solves a least-squares problem; use np.linalg.lstsq(np.vander(x, deg + 1), y)[0]",
    ),
    (
        "fft",
        "fft fft2 fftn hfft ifft ifft2 ifftn ihfft irfft irfft2 irfftn rfft rfft2 rfftn",
        _FOURIER,
    ),
    ("fft", "fftshift ifftshift", "it moves elements around the end; use np.roll"),
    ("", "sort_complex", "complex numbers are not differentiated yet; use np.sort"),
    ("", "save savetxt savez savez_compressed", _FILES),
    ("", "busday_count busday_offset is_busday datetime_as_string isnat", _DATES),
    ("", "packbits unpackbits bitwise_count", _BITS),
    ("", "gcd lcm", f"works on integers alone; {_ELSEWHERE}"),
    (
        "",
        "nextafter spacing",
        "steps between neighbouring floats have no derivative; pass jacrs.stop_gradient(x)",
    ),
    (
        "",
        "i0",
        "this special function is not differentiated yet; it is the mean of np.exp(x * np.cos(t)) "
        "over t from 0 to pi",
    ),
    (
        "",
        "histogram2d histogramdd",
        "it counts in several dimensions at once; use np.searchsorted with np.bincount",
    ),
    (
        "",
        "unique_all unique_counts unique_inverse",
        "it is a part of np.unique; use that with return_...=True",
    ),
    *((("", "in1d", "NumPy has renamed it; use np.isin"),) if hasattr(np, "in1d") else ()),
    (
        "lib.stride_tricks",
        "sliding_window_view",
        "overlapping views are not recorded; index with np.arange(n)[:, None] + np.arange(width)",
    ),
    (
        "lib.recfunctions",
        "append_fields apply_along_fields assign_fields_by_name drop_fields find_duplicates "
        "join_by merge_arrays rec_append_fields rec_drop_fields rec_join recursive_fill_fields "
        "rename_fields repack_fields require_fields stack_arrays structured_to_unstructured "
        "unstructured_to_structured",
        _RECORDS,
    ),
)


def _reasons() -> dict[str, str]:
    found = {}
    for module, names, reason in _GROUPS:
        for name in names.split():
            found[f"{module}.{name}".removeprefix(".")] = reason
    for name in "arccos arcsin arctanh log log10 log2 power sqrt".split():
        found[f"lib.scimath.{name}"] = _COMPLEX.format(f"np.{name} itself")
    found["lib.scimath.logn"] = _COMPLEX.format("np.log(x) / np.log(n)")
    return found


REASONS: dict[str, str] = _reasons()
"""Name below `numpy` (as in "linalg.inv") -> why it is not supported, and what to use."""


def call(function: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Compute a function without an adapter, if no argument depends on what is differentiated."""
    if _is_active((*args, *keywords.values())):
        raise _refusal(function)
    plain = {name: _plain(value) for name, value in keywords.items()}
    return _recordable(function(*_plain(args), **plain))


def _refusal(function: Any) -> Exception:
    name = getattr(function, "__name__", "?")
    if isinstance(function, np.ufunc):
        full = f"the ufunc {name}"
    else:
        full = f"{getattr(function, '__module__', None) or 'numpy'}.{name}"
    reason = REASONS.get(full.removeprefix("numpy."), REASONS.get(name))
    if reason is None:
        reason = f"it has no derivative rule yet; {_OTHERS}"
    return errors.not_recorded(full, reason)


def _is_active(items: Any) -> bool:
    return any(
        item.active
        if isinstance(item, native.Tracer)
        else isinstance(item, list | tuple) and _is_active(item)
        for item in items
    )


def _plain(value: Any) -> Any:
    if isinstance(value, native.Tracer):
        return native.value(value)
    if isinstance(value, list):
        return list(map(_plain, value))
    # A named tuple of results stays what it is: its items are plain already.
    return tuple(map(_plain, value)) if type(value) is tuple else value


def _recordable(result: Any) -> Any:
    """Return fresh float arrays as recorded ones, which recorded values can be written into."""
    if type(result) is np.ndarray and result.dtype in (np.float64, np.float32):
        return native.lift(result, writable=True)
    return result
