"""Run every way into the extension under valgrind: `python scripts/check_bindings.py`.

Memcheck tells reads and writes outside of what was allocated, decisions on values that were never
set, and memory that the extension took and nobody refers to at the end. Python's own allocator is
replaced by the system's, so that objects count as well; instructions that valgrind does not know
are left out. With `--inside` the calls are made in this process, without valgrind.
"""

import gc
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np

import jacrs

EXTENSION = "_jacrs."
MEMCHECK = (
    "valgrind --tool=memcheck --quiet --xml=yes --num-callers=40 --leak-check=full "
    "--show-leak-kinds=definite"
).split()


def require(condition: bool) -> None:  # noqa: FBT001
    """Fail where a call did not do what it should."""
    if not condition:
        raise AssertionError


def given() -> dict[str, Any]:
    """Return arrays of every kind that a call may be given."""
    rng = np.random.default_rng(0)
    plain = rng.normal(size=(4, 6))
    read_only = plain.copy()
    read_only.flags.writeable = False
    bytes_apart = np.zeros(97, np.uint8)[1:].view(np.float64)
    bytes_apart[:] = 0.5
    record = np.zeros(5, [("a", "f8"), ("b", "f4")])
    return {
        "plain": plain,
        "strided": plain[::2, ::-3],
        "transposed": plain.T,
        "Fortran": np.asfortranarray(plain),
        "read-only": read_only,
        "byte-swapped": plain.astype(plain.dtype.newbyteorder()),
        "misaligned": bytes_apart,
        "field": record["a"],
        "repeated": np.broadcast_to(plain[0], (3, 6)),
        "0-d": np.array(0.5),
        "empty": np.zeros((0, 3)),
        "float32": plain.astype(np.float32),
        "large": rng.normal(size=20_000),
        "large strided": rng.normal(size=40_000)[::2],
        "number": 0.5,
        "list": [0.5, 0.25],
    }


def call(x: Any) -> None:
    """Call each transform with one argument."""

    def scalar(x: Any) -> Any:
        return np.sum(np.sin(x) * x + 1.5)

    def vector(x: Any) -> Any:
        return np.exp(np.ravel(x)[:3]) * 2.0

    results = [jacrs.grad(scalar)(x), *jacrs.value_and_grad(scalar)(x)]
    results += [jacrs.jacobian(vector)(x), jacrs.jacrev(vector)(x)]
    y, pullback = jacrs.vjp(vector, x)
    results += [y, pullback(np.ones(y.shape, y.dtype))]
    results.append(pullback.batched(np.ones((5, *y.shape), y.dtype)))
    results += jacrs.jvp(scalar, (x,), (x,))
    _, linear = jacrs.linearize(vector, x)
    results += [linear @ np.ones(linear.shape[1]), np.ones(linear.shape[0]) @ linear]
    results.append(linear @ np.ones((linear.shape[1], 3)))
    if np.size(x) > 2:
        results.append(linear[1:2, 2:3])
    if 0 < np.size(x) < 100:
        results += [jacrs.hessian(scalar)(x), linear.dense()]
    # Decides on every element: what was never written shows.
    require(all(np.all(np.isfinite(result)) for result in results))


def numbers(x: Any) -> Any:
    """Use the slots of a tracer that Python asks for."""
    y = (x[0] + 1) * 2.5 - x[1] / 3.0
    y = -(y**2) + abs(x[2]) % 0.7 - 3.0 // (x[0] + 9.0)
    if y > 0 or not bool(x[1] == 2.0):
        y = y * x[-1]
    z = np.zeros(5)
    z[1:3] = x[:2]
    z[[0, 4]] += y
    z[z > 0.5] *= 2
    view = z[1:][::-1]
    view += 1.0
    len(x), x.shape, x.dtype, x.strides, repr(x), str(y), f"{float(jacrs.stop_gradient(y)):.2f}"
    order = np.argsort(z)
    return np.sum(z[order][: int(np.sum(z > 0))]) + sum(v for v in x) + np.sort(x)[1]


def linear_algebra(a: Any) -> Any:
    """Factor, solve and take apart a matrix."""
    s = a @ a.T + 3 * np.eye(3)
    parts = np.linalg.solve(s, a).sum() + np.linalg.slogdet(s)[1] + np.linalg.det(a)
    return parts + np.linalg.svd(a)[1].sum() + np.linalg.eigh(s)[0][0] + np.linalg.inv(s)[0, 1]


def failures() -> None:
    """Fail in the middle of a recording, of a run and of an argument; keep what was recorded."""
    kept: list[Any] = []

    def leaks(x: Any) -> Any:
        kept.append(x * 2)
        return x @ x

    def fails(x: Any) -> Any:
        kept.append(x[1:])
        raise ValueError(x)

    jacrs.grad(leaks)(np.ones(3))
    bad: list[Any] = [
        lambda: jacrs.grad(fails)(np.ones(3)),
        lambda: jacrs.grad(lambda x: x[7])(np.ones(3)),
        lambda: jacrs.grad(lambda x: x * kept[0])(np.ones(3)),
        lambda: jacrs.jacobian(np.linalg.inv)(np.ones((2, 2))),
        lambda: jacrs.jacobian(np.linalg.inv)(np.ones((3, 2, 2))),
        lambda: jacrs.grad(np.linalg.eigvals)(np.eye(2)),
        lambda: jacrs.grad(np.sum)(np.ones(3, complex)),
        lambda: jacrs.grad(np.sum)(np.ones(3), out=np.ones(4)),
        lambda: jacrs.vmap(lambda x: x if x > 0 else -x)(np.array([1.0, -1.0])),
        lambda: kept[0] + 1,
        lambda: float(kept[1]),
    ]
    for wrong in bad:
        try:
            wrong()
        except Exception:  # noqa: S112 - any error will do: none may harm memory
            continue
        require(False)  # noqa: FBT003 - it did not raise
    require(repr(kept[0]) != "")


def outputs() -> None:
    """Write derivatives into arrays of the caller's."""
    x = np.linspace(0.0, 1.0, 6)
    wide = np.zeros((6, 12))
    for out in (np.zeros((6, 6)), wide[:, ::2], np.zeros((6, 6), order="F")):
        require(jacrs.jacobian(np.sin, chunk_size=1)(x, out=out) is out)
    jacrs.grad(np.sum)(x, out=x)
    jacrs.jacobian(np.cos)(np.linspace(0.0, 1.0, 40))  # several panels


def several() -> None:
    """Record in several threads, nested, over lanes and on a tape."""
    x = np.linspace(0.1, 1.0, 4)
    rows = np.linspace(0.0, 1.0, 12).reshape(3, 4)
    jacrs.vmap(jacrs.grad(numbers_of_lanes))(rows)
    jacrs.jacobian(jacrs.vmap(lambda row: row @ x))(rows)
    jacrs.grad(lambda z: np.sum(jacrs.jacobian(np.tanh)(z)))(x)
    jacrs.hvp(numbers, (x,), (x,))
    with jacrs.Tape() as tape:
        source = tape.watch(x)
        y = np.sum(source**3)
        slope = tape.gradient(y, source)[0]
    tape.gradient(slope, source)
    threads = [threading.Thread(target=jacrs.grad(numbers), args=(x + k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def numbers_of_lanes(x: Any) -> Any:
    """Compute what does not branch, since lanes may differ."""
    return np.sum(np.where(x > 0.5, np.exp(x), x**3)) + x[0]


def inside() -> None:
    """Make all calls; a tracer, a pullback and an unfinished recording are left for the exit."""
    for x in given().values():
        call(x)
    jacrs.grad(numbers)(np.linspace(0.1, 1.0, 4))
    jacrs.grad(linear_algebra)(np.linspace(0.1, 1.0, 9).reshape(3, 3) ** 2)
    failures()
    outputs()
    several()
    gc.collect()
    left: Any = jacrs
    left.kept_for_the_exit = [jacrs.vjp(np.sin, np.ones(3))[1], jacrs.Tape().__enter__()]
    left.kept_for_the_exit.append(left.kept_for_the_exit[1].watch(np.ones(3)))


def problems(report: Path) -> Iterator[str]:
    """Yield what memcheck says that is not the interpreter's own."""
    for error in ET.parse(report).iter("error"):  # noqa: S314 - valgrind wrote it
        kind = error.findtext("kind", "")
        frames = [
            (frame.findtext("obj", ""), frame.findtext("fn", "?"))
            for frame in error.find("stack") or ()
        ]
        ours = any(EXTENSION in library for library, _ in frames)
        innermost = Path(frames[0][0]).name if frames else ""
        if kind.startswith("Leak"):
            counts = ours
        elif kind.startswith(("Uninit", "Syscall")):
            # Python reads the digit of an integer that has none, and then does not use it.
            counts = ours or not innermost.startswith(("libpython", "python"))
        else:
            counts = ours or not innermost.startswith("ld-")  # reads strings by the word
        if counts:
            what = error.findtext("what") or error.findtext("xwhat/text")
            yield "\n    ".join([f"{kind}: {what}", *(f"{fn} ({lib})" for lib, fn in frames)])


def main() -> int:
    """Start valgrind over this program; return how many problems it found."""
    from numpy._core._multiarray_umath import __cpu_features__ as features

    unknown = [name for name, found in features.items() if found and name.startswith("AVX512")]
    environment = {
        "PYTHONMALLOC": "malloc",
        "PYTHONWARNINGS": "ignore",
        "OPENBLAS_CORETYPE": "Haswell",
        "JACRS_SIMD": "avx2",
        "JACRS_NUM_THREADS": "2",
        "NPY_DISABLE_CPU_FEATURES": " ".join(unknown),
    }
    program = [sys.executable, __file__, "--inside"]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "memcheck.xml"
        command = [*MEMCHECK, f"--xml-file={report}", *program]
        done = subprocess.run(command, env=os.environ | environment, check=False)
        found = list(problems(report))
    print(*found, f"{len(found)} problems, exit code {done.returncode}", sep="\n\n")
    return int(bool(found) or done.returncode != 0)


if __name__ == "__main__":
    if sys.argv[1:] == ["--inside"]:
        inside()
    else:
        sys.exit(main())
