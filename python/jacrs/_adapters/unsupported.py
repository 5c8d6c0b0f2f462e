"""What the adapters leave out, and why."""

from __future__ import annotations

import numpy as np

_FACTORISATIONS = "comes with the matrix factorisations"
_FOURIER = "comes with complex numbers and the Fourier transforms"
_COMPLEX = "returns complex numbers outside of the real domain; use np.{} itself"
_RECORDS = "recorded arrays have no fields"
_FILES = "writes to a file, which a recorded value is not ready for; return it and write it then"
_DATES = "works on dates, which are not recorded"
_BITS = "works on bits of bytes, which are not recorded"

_GROUPS: tuple[tuple[str, str, str], ...] = (
    (
        "linalg",
        "cholesky cond det eig eigh eigvals eigvalsh inv lstsq matrix_rank pinv qr slogdet solve "
        "svd svdvals tensorinv tensorsolve",
        _FACTORISATIONS,
    ),
    ("", "roots polyfit", _FACTORISATIONS),
    (
        "fft",
        "fft fft2 fftn fftshift hfft ifft ifft2 ifftn ifftshift ihfft irfft irfft2 irfftn rfft "
        "rfft2 rfftn",
        _FOURIER,
    ),
    ("", "sort_complex", _FOURIER),
    ("", "save savetxt savez savez_compressed", _FILES),
    ("", "busday_count busday_offset is_busday datetime_as_string isnat", _DATES),
    ("", "packbits unpackbits bitwise_count", _BITS),
    ("", "gcd lcm", "works on integers alone; compute it from arrays that are not recorded"),
    ("", "nextafter spacing", "steps between neighbouring floats have no derivative"),
    ("", "i0", "comes with the special functions"),
    ("", "histogram2d histogramdd", "use np.histogram, or np.searchsorted with np.bincount"),
    ("", "unique_all unique_counts unique_inverse", "use np.unique with return_...=True"),
    *((("", "in1d", "use np.isin"),) if hasattr(np, "in1d") else ()),
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
        found[f"lib.scimath.{name}"] = _COMPLEX.format(name)
    found["lib.scimath.logn"] = "use np.log(x) / np.log(n)"
    return found


REASONS: dict[str, str] = _reasons()
"""Name below `numpy` (as in "linalg.inv") -> why it is not supported, and what to use."""
