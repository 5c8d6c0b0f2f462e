"""Sums of products by index notation, as products of matrices."""

# ruff: noqa: ARG001 (the signatures are NumPy's)

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from jacrs._adapters import native
from jacrs._adapters.common import (
    Array,
    as_scalar,
    deliver,
    numpy_error,
    operand,
    stand_in,
    to_dtype,
)
from jacrs._adapters.diagonals import diagonal_view
from jacrs._adapters.registry import implements

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Term:
    """An array and the label of each of its axes."""

    array: Array
    labels: tuple[str, ...]

    def size(self) -> int:
        """Return the number of elements."""
        return int(self.array.size)


@implements(np.einsum)
def einsum(
    *operands: Any,
    out: Any = None,
    optimize: Any = False,
    dtype: Any = None,
    order: Any = "K",
    casting: Any = "safe",
) -> Array:
    """Add up products of elements as the labels of axes say."""
    subscripts, given = notation(operands)
    arrays = [operand(x) for x in given]
    if dtype is not None:
        if not all(np.can_cast(x.dtype, dtype, casting) for x in arrays):
            raise numpy_error(np.einsum, *operands, dtype=dtype, casting=casting)
        arrays = [to_dtype(x, dtype) for x in arrays]
    try:
        inputs, output = labelled(subscripts, tuple(x.ndim for x in arrays))
        sizes = label_sizes(inputs, arrays)
    except ValueError:
        raise numpy_error(np.einsum, *operands) from None
    terms = [simplified(x, labels, sizes) for x, labels in zip(arrays, inputs, strict=True)]
    y = finished(contracted_all(terms, output), output, sizes)
    return deliver(as_scalar(y), out, "einsum")


@implements(np.einsum_path)
def einsum_path(
    *operands: Any,
    optimize: Any = "greedy",
    einsum_call: Any = False,
) -> Any:
    """Return the order of contraction that NumPy proposes for these shapes."""
    return np.einsum_path(*(stand_in(x) for x in operands), optimize=optimize)


def notation(operands: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """Return the subscripts as text, and the arrays."""
    if not operands:
        raise ValueError("must specify the einstein sum subscripts string and at least one operand")
    if isinstance(operands[0], str):
        return operands[0].replace(" ", ""), list(operands[1:])
    pairs = list(zip(operands[::2], operands[1::2], strict=False))
    text = ",".join(_letters(labels) for _, labels in pairs)
    if len(operands) % 2:
        text += "->" + _letters(operands[-1])
    return text, [x for x, _ in pairs]


def _letters(labels: Any) -> str:
    return "".join("..." if k is Ellipsis else _LETTERS[k] for k in labels)


@lru_cache(maxsize=256)
def labelled(
    subscripts: str, ndims: tuple[int, ...]
) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """Return the labels of each operand and of the result; those of an ellipsis are numbers."""
    left, arrow, right = subscripts.partition("->")
    parts = left.split(",")
    if len(parts) != len(ndims):
        raise ValueError("number of operands")
    inputs = [_spread(part, ndim) for part, ndim in zip(parts, ndims, strict=True)]
    dots = max((sum(label.isdigit() for label in labels) for labels in inputs), default=0)
    numbers = tuple(str(k) for k in reversed(range(dots)))
    letters = [label for labels in inputs for label in labels if not label.isdigit()]
    if not arrow:
        once = sorted(label for label in set(letters) if letters.count(label) == 1)
        return inputs, (*numbers, *once)
    head, ellipsis, tail = right.partition("...")
    output = (*head, *(numbers if ellipsis else ()), *tail)
    named = {*letters, *numbers}
    if len(set(output)) != len(output) or not named.issuperset(output):
        raise ValueError("output labels")
    if dots and not ellipsis:
        raise ValueError("output has no ellipsis")
    return inputs, output


def _spread(part: str, ndim: int) -> tuple[str, ...]:
    head, ellipsis, tail = part.partition("...")
    if not (head + tail).isalpha() and head + tail:
        raise ValueError("not a letter")
    missing = ndim - len(head) - len(tail)
    if missing < 0 or (missing and not ellipsis):
        raise ValueError("number of labels")
    return (*head, *(str(k) for k in reversed(range(missing))), *tail)


def label_sizes(inputs: list[tuple[str, ...]], arrays: list[Array]) -> dict[str, int]:
    """Return the length behind each label; axes of length one stretch."""
    sizes: dict[str, int] = {}
    for labels, x in zip(inputs, arrays, strict=True):
        for label, n in zip(labels, x.shape, strict=True):
            if sizes.setdefault(label, n) != n:
                if sizes[label] != 1 and n != 1:
                    raise ValueError("lengths differ")
                sizes[label] = n if sizes[label] == 1 else sizes[label]
    return sizes


def simplified(x: Array, labels: tuple[str, ...], sizes: dict[str, int]) -> Term:
    """Return a term in which no label comes twice and no axis stretches."""
    while len(set(labels)) != len(labels):
        label = next(label for label in labels if labels.count(label) > 1)
        first = labels.index(label)
        second = labels.index(label, first + 1)
        x = diagonal_view(x, 0, first, second, writable=True)
        labels = (*(n for k, n in enumerate(labels) if k not in (first, second)), label)
    stretched = [k for k, n in enumerate(labels) if x.shape[k] == 1 and sizes[n] != 1]
    if stretched:
        x = native.reshape(x, tuple(n for k, n in enumerate(x.shape) if k not in stretched))
        labels = tuple(n for k, n in enumerate(labels) if k not in stretched)
    return Term(x, labels)


def contracted_all(terms: list[Term], output: tuple[str, ...]) -> Term:
    """Contract pairs, the one first whose product is smallest beside its factors."""
    terms = [_summed(t, _wanted(terms, (k,), output)) for k, t in enumerate(terms)]
    while len(terms) > 1:
        if len(terms) == 2:
            i, j = 0, 1
        else:
            pairs = itertools.combinations(range(len(terms)), 2)
            i, j = min(pairs, key=lambda pair: _growth(terms, pair, output))
        product = contracted_pair(terms[i], terms[j], _wanted(terms, (i, j), output))
        terms = [t for k, t in enumerate(terms) if k not in (i, j)] + [product]
    return terms[0]


def _wanted(terms: list[Term], used: tuple[int, ...], output: tuple[str, ...]) -> set[str]:
    """Return the labels that are needed beside the used terms."""
    others = (set(t.labels) for k, t in enumerate(terms) if k not in used)
    return set(output).union(*others)


def _growth(terms: list[Term], pair: tuple[int, int], output: tuple[str, ...]) -> int:
    a, b = terms[pair[0]], terms[pair[1]]
    sizes = dict(zip(a.labels + b.labels, (*a.array.shape, *b.array.shape), strict=True))
    kept = sizes.keys() & _wanted(terms, pair, output)
    size: int = math.prod(sizes[label] for label in kept)
    return size - a.size() - b.size()


def _summed(term: Term, wanted: set[str]) -> Term:
    axes = tuple(k for k, label in enumerate(term.labels) if label not in wanted)
    if not axes:
        return term
    labels = tuple(label for label in term.labels if label in wanted)
    return Term(native.reduce("sum", term.array, axes), labels)


def contracted_pair(a: Term, b: Term, wanted: set[str]) -> Term:
    """Multiply two terms and add up over the labels that nobody wants any more."""
    a = _summed(a, wanted.union(b.labels))
    b = _summed(b, wanted.union(a.labels))
    both = [label for label in a.labels if label in b.labels]
    inner = [label for label in both if label not in wanted]
    batch = [label for label in both if label in wanted]
    left = [label for label in a.labels if label not in b.labels]
    right = [label for label in b.labels if label not in a.labels]
    if not inner:
        x = _arranged(a, [*batch, *left], len(right))
        y = _arranged(b, batch, 0, gap=len(left), rest=right)
        return Term(native.ufunc("multiply", x, y), (*batch, *left, *right))
    sizes = dict(zip(a.labels + b.labels, (*a.array.shape, *b.array.shape), strict=True))
    lead = tuple(sizes[label] for label in batch)
    rows, columns, depth = (
        tuple(sizes[label] for label in group) for group in (left, right, inner)
    )
    x = native.reshape(
        _arranged(a, [*batch, *left, *inner], 0), (*lead, math.prod(rows), math.prod(depth))
    )
    y = native.reshape(
        _arranged(b, [*batch, *inner, *right], 0), (*lead, math.prod(depth), math.prod(columns))
    )
    z = native.reshape(native.matmul(x, y), (*lead, *rows, *columns))
    return Term(z, (*batch, *left, *right))


def _arranged(
    term: Term, labels: list[str], after: int, *, gap: int = 0, rest: list[str] | None = None
) -> Array:
    """Return the array with its axes in the order of the labels, with room for other axes."""
    rest = rest or []
    order = tuple(term.labels.index(label) for label in (*labels, *rest))
    x = term.array
    if order != tuple(range(len(order))):
        x = native.transpose(x, order)
    if gap or after:
        head, tail = x.shape[: len(labels)], x.shape[len(labels) :]
        x = native.reshape(x, (*head, *(1,) * gap, *tail, *(1,) * after))
    return x


def finished(term: Term, output: tuple[str, ...], sizes: dict[str, int]) -> Array:
    """Return the array with its axes in the order of the result."""
    missing = [label for label in output if label not in term.labels]
    if missing:  # stretched in every operand that has it
        shape = (*(sizes[label] for label in missing), *term.array.shape)
        term = Term(native.broadcast(term.array, shape), (*missing, *term.labels))
    return _arranged(term, list(output), 0)
