"""Random NumPy programs: drawn a statement at a time, each one tried on plain NumPy at once.

A program is text, so that a failure prints what a user would have written. What NumPy refuses, or
what leaves the numbers that derivatives by differences can judge, is not part of it.
"""

import math
import warnings
from dataclasses import dataclass
from itertools import count

import numpy as np
from hypothesis import strategies as st

LARGEST = 200.0
MOST_ELEMENTS = 24
SHAPES = ((), (0,), (1,), (2,), (3,), (4,), (5,), (2, 2), (2, 3), (3, 2), (3, 1), (1, 4))
BUFFERS = ((2,), (3,), (4,), (6,), (2, 2), (2, 3), (3, 2), (3, 1), (2, 1, 3), (2, 2, 2), (0, 2))

PRELUDE = """
def shift(a):
    a[1:] = a[:-1]
    return a

def swap_ends(a):
    a[0], a[-1] = a[-1], a[0]

def bump(a, by=0.75):
    flat = a.ravel()
    flat += by
    return flat

def running(a):
    total = 0.0
    for item in a.ravel() if a.ndim > 1 else a.flat:
        total = total * 0.5 + item
        yield total

def halves(a):
    return a[: len(a) // 2], a[len(a) // 2 :]

def norm2(a):
    return (a * a).sum()

def choose(a, limit):
    if norm2(a) > limit:
        return np.sin(a)
    return a * 2.0

def depth(a, n):
    return a if n == 0 else depth(np.cos(a) * 0.9, n - 1)
"""

CAPTURED = {
    "C": np.array([[0.6, -1.2, 0.35], [1.7, 0.45, -0.8]]),
    "v": np.array([0.9, -0.55, 1.35]),
    "F": np.asfortranarray(np.array([[1.1, -0.7, 0.25], [0.15, 0.85, -1.45]])),
}
for _array in CAPTURED.values():
    _array.flags.writeable = False


@dataclass(frozen=True)
class Program:
    """The lines of a function of `x`, what it returns, and where it is looked at."""

    lines: tuple[str, ...]
    results: tuple[str, ...]
    x: np.ndarray

    def __repr__(self):
        at = f"np.array({self.x.tolist()!r}, np.{self.x.dtype})"
        return f"{self.text}\nx = {at}"

    @property
    def text(self):
        body = "\n".join(f"    {part}" for line in self.lines for part in line.split("\n"))
        return f"def f(x):\n{body}\n    return ({', '.join(self.results)},)"

    def function(self, text=None):
        """Return the function; its helpers and captured arrays are globals of it."""
        scope = {"np": np, "math": math, **CAPTURED}
        exec(compile(PRELUDE + (text or self.text), "<program>", "exec"), scope)
        return scope["f"]


@st.composite
def programs(draw, dtype=np.float64, statements=10):
    """Draw a program, most of the time of some statements that depend on each other."""
    writer = Writer(draw, dtype)
    for _ in range(draw(st.integers(2, statements))):
        writer.statement()
    return writer.program()


class Writer:
    """Draws lines and runs them."""

    def __init__(self, draw, dtype):
        self.draw = draw
        self.lines = []
        self.fresh = count()
        shape = self.pick(SHAPES)
        size = math.prod(shape)
        grid = np.array([draw(st.integers(-19, 19)) for _ in range(size)])
        # No two inputs, and no input and constant, meet at a kink.
        self.x = ((grid + 0.37 + 0.011 * np.arange(size)) / 10).reshape(shape).astype(dtype)
        self.scope = self._start()

    def _start(self):
        x = self.x.copy()
        x.flags.writeable = False
        scope = {"np": np, "math": math, **CAPTURED, "x": x}
        exec(PRELUDE, scope)
        return scope

    def pick(self, items):
        return self.draw(st.sampled_from(items))

    def maybe(self):
        return self.draw(st.booleans())

    # --- what there is

    def names(self, test):
        """Name what the program has made, the newest first: programs shrink towards their end."""
        found = [k for k, v in self.scope.items() if _is_value(k, v) and test(v)]
        return [k for k in reversed(found) if k not in CAPTURED]

    def floats(self):
        return self.pick(self.names(_is_float))

    def array(self):
        found = self.names(lambda v: _is_float(v) and np.ndim(v) > 0)
        return self.pick(found) if found else self.target()

    def target(self):
        found = self.names(lambda v: isinstance(v, np.ndarray) and v.flags.writeable and v.ndim > 0)
        if found:
            return self.pick(found)
        name = f"y{next(self.fresh)}"
        self.append(f"{name} = np.zeros({self.pick(BUFFERS)})")
        return name

    def scalar(self):
        constants = ["0.5", "-1.25", "2.0", "3", "0.3"]
        scalars = self.names(lambda v: _is_float(v) and np.ndim(v) == 0)
        x = self.scope["x"]
        items = [f"x[{', '.join('0' * x.ndim)}]"] if x.ndim and x.size else []
        return self.pick(items * 2 + scalars + constants)

    def operand(self):
        kind = self.draw(st.integers(0, 7))
        return (
            self.floats()
            if kind > 2
            else self.pick(sorted(CAPTURED))
            if kind == 2
            else self.scalar()
        )

    # --- indices

    def axis(self, ndim):
        return self.draw(st.integers(-ndim, ndim - 1)) if ndim else "None"

    def basic(self, name):
        """Draw an index of integers, slices, new axes and an ellipsis."""
        shape = np.shape(self.scope[name])
        parts = [self.part(n) for n in shape[: self.draw(st.integers(0, len(shape)))]]
        extra = self.draw(st.integers(0, 6))
        if extra == 0:
            parts.insert(self.draw(st.integers(0, len(parts))), "None")
        elif extra == 1 or not parts:
            parts.insert(self.draw(st.integers(0, len(parts))), "...")
        return ", ".join(parts)

    def part(self, n):
        kind = self.draw(st.integers(0, 3))
        if kind == 0 and n:
            return str(self.draw(st.integers(-n, n - 1)))
        return self.pick((":", "::-1", "1:", ":-1", "::2", "-2:", "1::2", "-1:0:-1", "2:0:-1"))

    def advanced(self, name):
        """Draw an index that makes a copy: masks, and integers with duplicates."""
        value = self.scope[name]
        kind = self.draw(st.integers(0, 6))
        n = value.shape[0]
        items = self.draw(st.lists(st.integers(-n, n - 1), min_size=1, max_size=4)) if n else []
        if not n:
            return "np.array([], int)"
        if kind == 0:
            return f"{name} > {self.scalar()}"
        if kind == 1:
            return f"np.abs({name}) < {self.pick(('0.9', '0.2', '5.0'))}"
        if kind == 2 and value.ndim > 1:
            return f"{items}, {self.part(value.shape[1])}"
        if kind == 3 and value.ndim > 1:
            last = value.shape[-1]
            picked = (
                self.draw(st.lists(st.integers(0, last - 1), min_size=1, max_size=3))
                if last
                else []
            )
            return f"..., {picked}"
        if kind == 4 and value.ndim > 1 and value.shape[1]:
            return f"{items}, {[abs(i) % value.shape[1] for i in items]}"
        if kind == 5:
            return f"np.array([{items}, {items[::-1]}], int)"
        return f"np.array({items}, int)" if self.maybe() else str(items)

    # --- running

    def append(self, line):
        """Run a line, and keep it if all is well."""
        try:
            _run(line, self.scope)
            fine = all(_fine(v) for k, v in self.scope.items() if _is_value(k, v))
        except (
            ValueError,
            TypeError,
            IndexError,
            ZeroDivisionError,
            ArithmeticError,
            Warning,
            NameError,
        ):
            fine = False
        if fine:
            self.lines.append(line)
            return
        self.scope = self._start()
        for kept in self.lines:
            _run(kept, self.scope)

    def statement(self):
        line = self.pick(RULES)(self)
        self.append(line)

    def program(self):
        names = self.names(lambda v: isinstance(v, np.ndarray | np.generic))
        results = [n for n in names if n not in CAPTURED and n != "x"]
        return Program(tuple(self.lines), tuple(results) or ("x",), self.x)


def _run(line, scope):
    with np.errstate(all="raise", under="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error")
        exec(compile(line, "<line>", "exec"), scope)


def _is_value(name, value):
    return isinstance(value, np.ndarray | np.generic) and not name.startswith("_")


def _is_float(value):
    return value.dtype.kind == "f"


def _fine(value):
    if value.dtype not in _RECORDED or value.size > MOST_ELEMENTS or value.ndim > 4:
        return False
    if value.dtype.kind == "f":
        return bool(np.all(np.abs(value) < LARGEST))
    return True


_RECORDED = tuple(map(np.dtype, ("float64", "float32", "int64", "bool")))


# --- the statements: each rule writes one


def new(w):
    return f"y{next(w.fresh)}"


def create(w):
    name, shape = new(w), w.pick(BUFFERS)
    a, b, c = w.scalar(), w.scalar(), w.scalar()
    like = w.floats()
    return w.pick(
        (
            f"{name} = np.zeros({shape})",
            f"{name} = np.empty({shape})\n{name}[...] = {a}",
            f"{name} = np.empty({shape})\n{name}.fill({a})",
            f"{name} = np.full({shape}, {a}, float)",
            f"{name} = np.array([{a}, {b}, {c}])",
            f"{name} = np.array([[{a}, 1], [{b}, {c}]])",
            f"{name} = np.asarray([{a}, {b}], float)",
            f"{name} = np.ones({shape}) * {a}",
            f"{name} = np.zeros_like({like})",
            f"{name} = np.full_like({like}, {a})",
            f"{name} = np.eye({len(shape) + 1}) * {a}",
            f"{name} = np.linspace({a}, {b}, 4)",
            f"{name} = np.arange(4.0) * {a}",
            f"{name} = np.array({a})",
            f"{name} = np.zeros({shape}, order='F')",
            f"{name} = np.diag([{a}, {b}])",
        )
    )


def view(w):
    a, name = w.array(), new(w)
    return f"{name} = {a}[{w.basic(a)}]"


def reshaped(w):
    a, name = w.array(), new(w)
    value = w.scope[a]
    shapes = ((-1,), (1, -1), (-1, 1), (2, -1), (-1, 2), (3, -1), (-1, 3), (2, 1, -1), (1, 2, -1))
    n = value.ndim
    return w.pick(
        (
            f"{name} = {a}.reshape({w.pick(shapes)})",
            f"{name} = np.reshape({a}, {w.pick(shapes)})",
            f"{name} = {a}.T",
            f"{name} = np.swapaxes({a}, {w.axis(n)}, {w.axis(n)})",
            f"{name} = np.moveaxis({a}, {w.axis(n)}, {w.axis(n)})",
            f"{name} = {a}.ravel()",
            f"{name} = np.ravel({a})",
            f"{name} = {a}.flatten()",
            f"{name} = {a}.copy()",
            f"{name} = np.array({a})",
            f"{name} = np.copy({a})",
            f"{name} = {a}.copy('K')",
            f"{name} = np.zeros_like({a}) + {w.scalar()}",
            f"{name} = np.asarray({a})",
            f"{name} = np.ascontiguousarray({a})",
            f"{name} = np.expand_dims({a}, {w.axis(n)})",
            f"{name} = np.squeeze({a})",
            f"{name} = np.atleast_2d({a})",
            f"{name} = np.flip({a}, {w.axis(n)})",
            f"{name} = np.broadcast_to({a}, {(2, *value.shape)})",
            f"{name} = np.diagonal({a})",
            f"{name} = np.split({a}, 2)[{w.draw(st.integers(0, 1))}]",
            f"{name}, {new(w)} = halves({a})",
            f"{name} = np.rot90({a})",
            f"{name} = np.transpose({a}, {w.draw(st.permutations(range(n)))})",
        )
    )


def advanced_read(w):
    a, name = w.array(), new(w)
    return f"{name} = {a}[{w.advanced(a)}]"


def write(w):
    a = w.target()
    size = w.scope[a].size  # NumPy lets any value pass that is put into an empty selection
    index = w.advanced(a) if size and w.draw(st.integers(0, 2)) == 0 else w.basic(a)
    return f"{a}[{index}] {w.pick(('=', '=', '+=', '*=', '-='))} {w.operand()}"


def overlapping(w):
    a = w.target()
    first, second = w.pick(
        (("1:", ":-1"), (":-1", "1:"), ("::-1", ":"), (":2", "-2:"), (":", "::-1"))
    )
    return f"{a}[{first}] {w.pick(('=', '+=', '*=', '-='))} {a}[{second}]"


def augmented(w):
    return f"{w.target()} {w.pick(('+=', '*=', '-='))} {w.operand()}"


def into(w):
    a = w.target()
    p, q = w.operand(), w.operand()
    return w.pick(
        (
            f"np.add({p}, {q}, out={a})",
            f"np.multiply({p}, {q}, {a})",
            f"np.sin({a}, out={a})",
            f"np.subtract({a}, {p}, out={a}[...])",
            f"np.add({a}, {p}, out={a}, where={a} > {q})",
            f"np.copyto({a}, {p})",
            f"np.add.at({a}, [0, 0, -1], {w.scalar()})",
            f"{a}.sort()",
            f"shift({a})",
            f"swap_ends({a})",
            f"bump({a})",
            f"np.maximum({a}, {p}, out={a})",
            f"{a}.T[...] = {p}",
            f"np.cumsum({a}, axis=0, out={a})",
            f"np.put_along_axis({a}, np.argmax({a}, axis=0, keepdims=True), {w.scalar()}, axis=0)",
            f"np.fill_diagonal({a}, {w.scalar()})",
        )
    )


UNARY = (
    "np.sin({})", "np.cos({})", "np.sin({0}) * np.cos({0})", "np.tanh({})",
    "np.exp(-{0} * {0})", "np.log1p({0} * {0})",
    "np.sqrt({0} * {0} + 0.3)", "np.abs({})", "-{}", "{} ** 2", "{} ** 3", "1 / (1.2 + {0} * {0})",
    "np.square({})", "+{}", "abs({})", "np.arctan({})", "np.sign({})", "np.floor({})",
    "np.expm1({} * 0.2)", "np.clip({}, -0.8, 1.1)", "2.0 ** ({} * 0.3)", "{} / 3", "2 - {}",
    "np.reciprocal({0} * {0} + 1.1)", "np.where({0} > 0.2, {0}, 0.5 * {0})", "choose({}, 1.5)",
    "depth({}, 3)", "np.nan_to_num({})", "np.positive({})", "np.float64(2.5) * {}",
    "np.astype({}, np.float64)", "{}.astype(float)", "np.maximum({}, 0)",
)  # fmt: skip
BINARY = (
    "{} + {}", "{} - {}", "{} * {}", "{} / (1.5 + np.abs({}))", "np.maximum({}, {})",
    "np.minimum({}, {})", "np.where({0} > {1}, {0} * 2, {1})", "np.hypot({}, {})",
    "np.arctan2({}, 1.2 + {})", "np.power(np.abs({}) + 0.5, {})", "np.fmax({}, {})",
    "np.logaddexp({}, {})", "np.copysign({}, {})", "np.clip({}, -1.0, {})", "({0} < {1}) * {0}",
    "np.heaviside({}, 0.5) * {}", "{} % (np.abs({}) + 2.2)", "np.float_power(np.abs({}) + 0.4, {})",
)  # fmt: skip


def unary(w):
    return f"{new(w)} = " + w.pick(UNARY).format(w.floats())


def binary(w):
    return f"{new(w)} = " + w.pick(BINARY).format(w.floats(), w.operand())


REDUCTIONS = "sum mean prod max min std var ptp median amax".split()


def reduction(w):
    a, name = w.array(), new(w)
    how = w.pick(REDUCTIONS)
    axis = w.pick(("", f", axis={w.axis(np.ndim(w.scope[a]))}", ", axis=0, keepdims=True"))
    if how == "std":
        return f"{name} = np.sqrt(np.var({a}{axis}) + 0.2)"
    if how in ("sum", "mean", "prod", "max", "min") and w.maybe():
        return f"{name} = {a}.{how}({axis[2:]})"
    return f"{name} = np.{how}({a}{axis})"


def product(w):
    a, b, name = w.array(), w.array(), new(w)
    return w.pick(
        (
            f"{name} = {a} @ {b}",
            f"{name} = {a} @ {b}.T",
            f"{name} = np.dot({a}, {b})",
            f"{name} = {a}.dot({b})",
            f"{name} = np.outer({a}, {b})",
            f"{name} = np.inner({a}, {b})",
            f"{name} = np.einsum('i,i', {a}, {b})",
            f"{name} = np.einsum('ij,ij->i', {a}, {b})",
            f"{name} = np.einsum('ij,kj->ik', {a}, {b})",
            f"{name} = C @ {a}",
            f"{name} = {a} @ F.T",
            f"{name} = np.tensordot({a}, {b}, 1)",
            f"{name} = np.linalg.norm({a} + 0.3)",
            f"{name} = np.trace({a})",
            f"{name} = np.cross({a}, {b})",
            f"{name} = np.kron({a}, {b})",
        )
    )


def combine(w):
    a, b, name = w.array(), w.array(), new(w)
    axis = w.axis(np.ndim(w.scope[a]))
    return w.pick(
        (
            f"{name} = np.concatenate([{a}, {b}])",
            f"{name} = np.concatenate(({a}, {a}), axis={axis})",
            f"{name} = np.stack([{a}, {b}])",
            f"{name} = np.stack([{a}, {a} * 2], axis={axis})",
            f"{name} = np.hstack([{a}, {b}])",
            f"{name} = np.vstack([{a}, {b}])",
            f"{name} = np.column_stack([{a}, {b}])",
            f"{name} = np.tile({a}, 2)",
            f"{name} = np.repeat({a}, 2, axis={axis})",
            f"{name} = np.roll({a}, 1)",
            f"{name} = np.roll({a}, -1, axis={axis})",
            f"{name} = np.pad({a}, 1)",
            f"{name} = np.append({a}, {w.scalar()})",
            f"{name} = np.array([{a}, {b}])",
            f"{name} = np.block([{a}, {b}])",
            f"{name} = np.take({a}, [0, 0, -1])",
            f"{name} = np.triu({a})",
            f"{name} = np.select([{a} > 0.4, {a} < -0.4], [{a} ** 2, {a} * 3], {w.scalar()})",
            f"{name} = np.delete({a}, 0)",
            f"{name} = np.insert({a}, 1, {w.scalar()})",
            f"{name} = np.meshgrid({a}, {b})[0]",
            f"{name} = np.interp({w.scalar()}, [-2.0, 0.1, 2.0], [0.4, {w.scalar()}, -0.7])",
        )
    )


def scan(w):
    a, name = w.array(), new(w)
    axis = w.pick(("", f", axis={w.axis(np.ndim(w.scope[a]))}"))
    how = w.pick("cumsum cumprod diff sort gradient flip".split())
    if how in ("cumsum", "cumprod") and w.maybe():
        return f"{name} = {a}.{how}({axis[2:]})"
    if how == "gradient":
        return f"{name} = np.maximum.accumulate({a})"
    return f"{name} = np.{how}({a}{axis})"


def integers(w):
    a, name = w.array(), new(w)
    return w.pick(
        (
            f"{name} = np.argsort({a}, kind='stable')",
            f"{name} = np.argmax({a})",
            f"{name} = {a}[np.argsort({a}[..., 0] if {a}.ndim > 1 else {a}, kind='stable')]",
            f"{name} = {a}.ravel()[np.argmin({a})]",
            f"{name} = {a} > {w.scalar()}",
            f"{name} = ({a} > 0.1) & ({a} < 1.3)",
            f"{name} = np.take_along_axis({a}, np.argsort({a}, axis=0, kind='stable'), axis=0)",
            f"{name} = np.count_nonzero({a} > 0.2) * {w.scalar()}",
            f"{name} = {a}[np.nonzero({a} > 0.2)]",
            f"{name} = np.searchsorted([-0.9, 0.2, 1.0], {a}) * {a}",
            f"{name} = np.any({a} > 0.5)",
        )
    )


def block(w, rules, most):
    lines = [w.pick(rules)(w) for _ in range(w.draw(st.integers(1, most)))]
    return "\n".join(f"    {part}" for line in lines for part in line.split("\n"))


def condition(w):
    a = w.array()
    return w.pick(
        (
            f"{w.scalar()} > 0.3",
            f"np.sum({a}) < {w.scalar()}",
            f"{a}.max(initial=-9.0) > 1.0",
            f"np.all({a} < 1.0)",
            f"({a} > 0.2).any()",
            f"len({a}) > 2 and {w.scalar()} < 0",
            f"not {w.scalar()}",
        )
    )


def branch(w):
    first, second = block(w, INNER, 2), block(w, INNER, 2)
    return f"if {condition(w)}:\n{first}\nelse:\n{second}"


def loop(w):
    a = w.target()
    s, name, b = w.scalar(), new(w), w.array()
    return w.pick(
        (
            f"for i in range(len({a})):\n    {a}[i] = {a}[i - 1] * 0.5 + {s}",
            f"for i in range(1, len({a})):\n    {a}[i] += {a}[i - 1]\n    if i > 1:\n        break",
            f"for row in {a}:\n    row *= {s}",
            f"{name} = 0.0\nfor item in {b}:\n    {name} = {name} * 0.5 + item",
            f"{name} = sum(item * item for item in {b})",
            f"{name} = np.array([item * {s} for item in {b}])",
            f"{name} = {s}\nwhile {name} > 0.7:\n    {name} = {name} * 0.4",
            f"{name} = np.array(list(running({b})))",
            f"for i, item in enumerate({b}):\n    {a}[i % len({a})] = item",
            f"for p, q in zip({a}, {b}):\n    p += q",
            f"{name} = max({b}[0], {s}) if {b}.ndim == 1 else {b}[0]",
            f"{name} = {b}\nfor _ in range(2):\n    {name} = np.tanh({name}) + {s}",
        )
    )


def scalars(w):
    s, t, name = w.scalar(), w.scalar(), new(w)
    return w.pick(
        (
            f"{name} = {s} * {t}",
            f"{name} = {s} - {t}",
            f"{name} = math.sin({s}) + {t}",
            f"{name} = math.exp(-{s} ** 2)",
            f"{name} = math.sqrt({s} * {s} + 0.2)",
            f"{name} = max({s}, {t})",
            f"{name} = abs({s}) ** 1.5",
            f"{name} = (abs({s}) + 0.4) ** ({t} * 0.5)",
            f"{name} = {s}\n{name} += {t}",
            f"{name} = math.atan2({s}, 2.5 + {t})",
            f"{name} = {s} if {t} > 0.2 else {t} * {t}",
            f"{name} = np.add({s}, {t})",
            f"{name} = round({s}) * {t}",
            f"{name} = int({s} * 3) * {t}",
            f"{name} = norm2(np.array([{s}, {t}]))",
        )
    )


INNER = (write, augmented, unary, binary, scalars, overlapping, view)
RULES = (
    create, create, view, view, view, reshaped, reshaped, advanced_read, write, write, write,
    overlapping, augmented, augmented, into, into, unary, unary, binary, binary, reduction, product,
    combine, combine, scan, integers, branch, loop, loop, scalars,
)  # fmt: skip
