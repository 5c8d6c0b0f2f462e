"""Whole programs as people write them, from mechanics to statistics; nothing in them knows jacrs.

Each is run plain and recorded. Plain NumPy is the judge of the value, differences of plain runs are
that of both Jacobians, differences of the gradient are that of the Hessian.
"""

import functools
import itertools
import math
from abc import ABC, abstractmethod
from collections import defaultdict, deque
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import pytest

import jacrs
from tests.differences import richardson_jacobian

GENERATOR = np.random.default_rng(0)
INPUTS = GENERATOR.normal(size=(5, 3))
TARGETS = GENERATOR.normal(size=(5, 2))
LABELS = np.array([0, 1, 2, 1, 0])
SAMPLES = GENERATOR.normal(size=12)
STIFFNESS = np.array([[1, -1], [-1, 1]])
THREE = [1.4, 0.3, 0.7]

PROGRAMS = {}


def at(point):
    """Enter the function into the table, with the point where it is differentiated."""

    def enter(f):
        PROGRAMS[f.__name__] = f, np.asarray(point, dtype=float)
        return f

    return enter


# --- differential equations and stencils


@at([1.0, 0.5, 2.0])
def lorenz(y):
    dy = np.zeros(3)
    dy[0] = 10.0 * (y[1] - y[0])
    dy[1] = y[0] * (28.0 - y[2]) - y[1]
    dy[2] = y[0] * y[1] - 8 / 3 * y[2]
    return dy


@at([1.0, 0.5, 0.2, 1.3])
def orbit(state):
    position, velocity = np.split(state, 2)
    return np.hstack((velocity, -position / np.linalg.norm(position) ** 3))


@at([0.4, 1.2])
def runge_kutta(y):
    def rhs(y):
        return np.array([y[1], (1 - y[0] ** 2) * y[1] - y[0]])

    y, h = y.copy(), 0.1
    path = [y.copy()]
    for _ in range(5):
        k1 = rhs(y)
        k2 = rhs(y + h / 2 * k1)
        k3 = rhs(y + h / 2 * k2)
        k4 = rhs(y + h * k3)
        y += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        path.append(y.copy())
    return np.array(path)


@at([0.4, 1.2])
def pendulum_path(y):
    t = np.linspace(0, 1, 6)
    path = np.zeros((t.size, 2))
    path[0] = y
    for i in range(t.size - 1):
        path[i + 1] = path[i] + (t[i + 1] - t[i]) * np.array([path[i, 1], -np.sin(path[i, 0])])
    return path


@at(np.linspace(1, 2, 6) ** 2)
def heat(u):
    du = np.empty_like(u)
    du[1:-1] = (u[2:] - 2 * u[1:-1] + u[:-2]) / 0.1**2
    du[0] = du[-1] = 0
    return du


@at(np.sin(np.arange(12.0)).reshape(3, 4))
def periodic_laplacian(u):
    return sum(np.roll(u, s, axis=a) for s in (1, -1) for a in (0, 1)) - 4 * u


@at(np.sin(np.arange(12.0)).reshape(3, 4))
def laplacian(u):
    out = np.zeros(u.shape)
    out[1:-1, 1:-1] = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1]
    out[0, :] = u[0]
    out[:, -1] = u[:, -1] ** 2
    return out


@at([0.3, 1.0, 2.0, 1.5])
def edges_and_convolution(u):
    padded = np.pad(u, 1, mode="edge")
    return np.convolve(padded, [1, -2, 1.0], mode="valid") * np.trapezoid(u**2, dx=0.1)


# --- mechanics


@at([1.0, 2.0, 3.0])
def spring_chain(stiffness):
    K = np.zeros((4, 4))
    for i, k in enumerate(stiffness):
        K[i : i + 2, i : i + 2] += k * STIFFNESS
    return K


@at([1.0, 2.0, 3.0])
def spring_network(stiffness):
    K = np.zeros((4, 4))
    for k, ends in zip(stiffness, [(0, 1), (1, 2), (0, 3)], strict=True):
        K[np.ix_(ends, ends)] += k * STIFFNESS
    return K


@at([0.3, -0.7, 1.1])
def robot_arm(q):
    def link(theta, offset, length, alpha):
        ct, st, ca, sa = np.cos(theta), np.sin(theta), np.cos(alpha), np.sin(alpha)
        return np.array(
            [
                [ct, -st * ca, st * sa, length * ct],
                [st, ct * ca, -ct * sa, length * st],
                [0, sa, ca, offset],
                [0, 0, 0, 1],
            ]
        )

    T = np.eye(4)
    for theta, length, alpha in zip(q, [0.4, 0.3, 0.2], [np.pi / 2, 0, 0.1], strict=True):
        T = T @ link(theta, 0.1, length, alpha)
    return T[:3, 3]


@at([0.3, -0.7, 1.1])
def rodrigues(w):
    angle = np.linalg.norm(w)
    k = w / angle
    K = np.zeros((3, 3))
    K[0, 1], K[0, 2], K[1, 2] = -k[2], k[1], -k[0]
    K -= K.T.copy()
    return np.eye(3) + np.sin(angle) * K + (1 - np.cos(angle)) * K @ K


@at(GENERATOR.normal(size=(3, 3)))
def lennard_jones(points):
    i, j = np.triu_indices(3, 1)
    r = np.linalg.norm(points[i] - points[j], axis=1)
    return np.sum(4 * (r**-2 - r**-1))


# --- networks and statistics


@at(GENERATOR.normal(size=3 * 4 + 4 + 4 * 2 + 2))
def network(parameters):
    start = 0

    def take(*shape):
        nonlocal start
        size = math.prod(shape)
        start += size
        return parameters[start - size : start].reshape(shape)

    hidden = np.tanh(INPUTS @ take(3, 4) + take(4))
    return np.mean((hidden @ take(4, 2) + take(2) - TARGETS) ** 2)


@at(GENERATOR.normal(size=(3, 3)))
def cross_entropy(weights):
    logits = INPUTS @ weights
    logits -= logits.max(axis=1, keepdims=True)
    p = np.exp(logits)
    p /= p.sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(5), LABELS]).mean()


@at(GENERATOR.normal(size=(3, 2)))
def attention(weights):
    q = INPUTS @ weights
    scores = np.exp(np.einsum("id,jd->ij", q, q) / np.sqrt(q.shape[-1]))
    return np.einsum("ij,jd->id", scores / scores.sum(-1, keepdims=True), q)


@at(GENERATOR.normal(size=(2, 2)))
def convolution_layer(kernel):
    image = np.arange(9.0).reshape(3, 3) / 9
    out = np.zeros((2, 2))
    for i, j in np.ndindex(out.shape):
        out[i, j] = (image[i : i + 2, j : j + 2] * kernel).sum()
    return np.where(out > 0, out, 0.01 * out)


@at([1.0, 0.5, 0.8, 0.2, 0.9])
def kalman_update(v):
    x, P = v[:2], np.array([[v[2], v[3]], [v[3], v[4]]])
    F, H = np.array([[1, 0.1], [0, 1]]), np.array([[1.0, 0]])
    x, P = F @ x, F @ P @ F.T + 0.01 * np.eye(2)
    K = P @ H.T / ((H @ P @ H.T)[0, 0] + 0.3)
    x = x + (K * (1.4 - H @ x)).ravel()
    P = (np.eye(2) - K @ H) @ P
    return np.concatenate([x, P.ravel()])


@at([0.1, 1.3])
def normal_likelihood(parameters):
    mean, deviation = parameters
    z = (SAMPLES - mean) / deviation
    return np.sum(-0.5 * np.log(2 * np.pi) - np.log(deviation) - z**2 / 2)


@at([0.1, -0.3, 0.2])
def logistic_likelihood(b):
    eta = INPUTS @ b
    return np.sum(np.where(LABELS == 1, -np.logaddexp(0, -eta), -np.logaddexp(0, eta)))


@at(THREE)
def garch(parameters):
    level, reaction, memory = np.exp(parameters) / 10
    variance = np.empty(len(SAMPLES))
    variance[0] = np.var(SAMPLES)
    for t in range(1, len(SAMPLES)):
        variance[t] = level + reaction * SAMPLES[t - 1] ** 2 + memory * variance[t - 1]
    return -0.5 * np.sum(np.log(variance) + SAMPLES**2 / variance)


# --- numerics by hand


@at([1.3, 2.6])
def bilinear(p):
    grid = np.arange(25.0).reshape(5, 5) ** 1.5
    i, j = int(np.floor(p[0])), int(p[1])
    u, v = p[0] - i, p[1] - j
    top = (1 - v) * grid[i, j] + v * grid[i, j + 1]
    return (1 - u) * top + u * ((1 - v) * grid[i + 1, j] + v * grid[i + 1, j + 1])


@at(THREE)
def lagrange(values):
    nodes, x, total = [0.0, 1.0, 2.0], 0.4, 0
    for i, value in enumerate(values):
        term = value
        for j, node in enumerate(nodes):
            if j != i:
                term *= (x - node) / (nodes[i] - node)
        total += term
    return total


@at(THREE)
def polynomial_fit(coefficients):
    t = np.linspace(0, 1, 5)
    return np.polyval(coefficients, t) - np.exp(t) + np.interp(t, [0, 0.5, 1], coefficients)


@at(THREE)
def elimination_with_pivots(x):
    A = np.array([[0.1, 1, x[0]], [1, 3, x[1]], [x[2], 1, 5]])
    b = x.copy()
    for k in range(3):
        p = np.argmax(np.abs(A[k:, k])) + k
        if p != k:
            A[[k, p]], b[[k, p]] = A[[p, k]], b[[p, k]]
        for i in range(k + 1, 3):
            m = A[i, k] / A[k, k]
            A[i, k:] -= m * A[k, k:]
            b[i] -= m * b[k]
    z = np.zeros(3)
    for i in range(2, -1, -1):
        z[i] = (b[i] - A[i, i + 1 :] @ z[i + 1 :]) / A[i, i]
    return z


@at(THREE)
def cholesky(x):
    A = np.outer(x, x) + 3 * np.eye(3)
    L = np.zeros_like(A)
    for i in range(3):
        for j in range(i + 1):
            s = A[i, j] - L[i, :j] @ L[j, :j]
            L[i, j] = np.sqrt(s) if i == j else s / L[j, j]
    return L


@at([1.4, 0.3])
def newton(p):
    x = 1.0
    while True:
        residual = x**3 - p[0] * x - p[1]
        if np.abs(residual) < 1e-14:
            return x
        x -= residual / (3 * x**2 - p[0])


@at([1.4, 0.3])
def fixed_point(p):
    x = np.array([0.5, 0.5])
    for _ in range(200):
        new = np.array([0.3 * np.cos(x[1]) * p[0], 0.3 * np.sin(x[0]) + p[1]])
        if np.linalg.norm(new - x) < 1e-15:
            break
        x = new
    return x


# --- arrays changed in place


@at([-1.0, 0.5, 2.0])
def masks(x):
    y = np.exp(x)
    positive = x > 0
    y[positive] = x[positive] ** 2
    y[~positive] *= 3
    y[y > 1] = 1 + np.log(y[y > 1])
    return y


@at([3.0, 0.5, 2.0])
def sorting(x):
    order = np.argsort(x)[::-1]
    y = x**2
    y.sort()
    return np.cumsum(x[order]) * np.cumprod(y)


@at(THREE)
def outputs_given(x):
    y = np.empty(3)
    np.multiply(x, 2, out=y)
    np.sin(y, out=y)
    np.add(y, x, out=y, where=x > 0.5)
    return y


@at(THREE)
def overlapping_updates(x):
    y = x.copy()
    y[1:] += y[:-1]
    y[::-1] = y
    y /= y[0]
    y[0], y[2] = y[2], y[0] * x[0]
    return y


@at(THREE)
def writes_through_views(x):
    y = np.zeros((2, 3))
    row = y[1]
    row += x
    y.T[0] = x[:2]
    y.ravel()[2] = x[2] ** 2
    y.flat[3] *= 2
    return y


@at(GENERATOR.normal(size=(2, 3)))
def many_axes(A):
    B = A[:, None, :] * A[np.newaxis]
    return B.transpose(2, 0, 1).swapaxes(0, 1).reshape(2, -1)[..., ::2]


# --- Python around it


class Oscillator:
    def __init__(self, stiffness, start):
        self.stiffness = stiffness
        self.history = []
        self.state = np.zeros(2)
        self.state[0] = start

    def step(self, h):
        force = -self.stiffness * self.state[0]
        self.state = self.state + h * np.array([self.state[1], force])
        self.history.append(self.state)

    @property
    def energy(self):
        return 0.5 * (self.state**2).sum()


@at([1.0, 2.0, 0.3])
def object_with_state(p):
    oscillator = Oscillator(p[0], start=p[1])
    for _ in range(4):
        oscillator.step(h=p[2])
    return np.append(np.mean(oscillator.history, axis=0), oscillator.energy)


@dataclass
class Decay:
    scale: float
    rates: np.ndarray
    seen: list = field(default_factory=list)

    def model(self, t):
        self.seen.append(self.scale)
        return self.scale * np.exp(-self.rates[0] * t) + self.rates[1]


@at([1.0, 2.0, 0.3])
def data_classes(p):
    decay = Decay(p[0], p[1:])
    doubled = replace(decay, scale=2 * decay.scale, seen=[])
    return doubled.model(np.arange(3)) * doubled.seen[0]


class Point(NamedTuple):
    x: float
    y: float

    def norm(self):
        return math.hypot(*self)


@at([1.0, 2.0, 0.3])
def named_tuples(p):
    first = Point(p[0], p[1])
    return first.x * first._replace(y=p[2]).norm() + first.y**2


class Method(ABC):
    def __init__(self, steps):
        self.steps = steps

    @abstractmethod
    def rhs(self, y): ...

    def run(self, y, h=0.1):
        for _ in range(self.steps):
            y = y + h * self.rhs(y)
        return y


class Pendulum(Method):
    def __init__(self, steps, length):
        super().__init__(steps)
        self.length = length

    def rhs(self, y):
        dy = np.zeros_like(y)
        dy[0], dy[1] = y[1], -9.81 / self.length * np.sin(y[0])
        return dy


PENDULUM = Pendulum(4, length=1.3)


@at([0.3, 0.2])
def inherited_method(y):
    return PENDULUM.run(y, h=0.05)


@at([1.4, 0.3])
def recursion(p):
    def legendre(n):
        if n < 2:
            return p[0] if n else 1.0
        return ((2 * n - 1) * p[0] * legendre(n - 1) - (n - 1) * legendre(n - 2)) / n

    return np.array([p[1] * legendre(n) for n in range(5)])


@at([1.4, 0.3])
def series(p):
    def terms():
        term = 1.0
        for k in itertools.count(1):
            yield term
            term = term * p[0] / k
            if abs(term) < 1e-14:
                return

    return sum(terms()) * p[1]


@at([1.4, 0.3])
def partial_and_reduce(p):
    power = functools.partial(lambda a, b, *, c=1: a * b**c, p[0], c=3)
    return power(p[1]) + functools.reduce(lambda a, b: a * b, [*p, 2])


@at(THREE)
def memoized(x):
    @functools.lru_cache(None)
    def fibonacci(n):
        return x[0] if n < 2 else fibonacci(n - 1) + x[1] * fibonacci(n - 2)

    return fibonacci(8)


@at(THREE)
def collections(x):
    last, sums = deque(maxlen=2), defaultdict(float)
    for i, value in enumerate(x):
        last.append(value)
        sums["even" if i % 2 == 0 else "odd"] += value**2
    named = {"product": sums["even"] * sums["odd"], "difference": last[0] - last[1]}
    named["product"] **= 2
    return np.array([named[k] for k in sorted(named)])


@at(THREE)
def running_list(x):
    out = []
    for value in x:
        out.append(value * (out[-1] if out else 1.0))
    return np.array(list(itertools.accumulate(out, lambda a, b: a * b + 1)))


@at(1.4)
def numbers(x):
    return math.exp(-x) * math.sqrt(x) + math.atan2(x, 2) + math.pow(x, 3) + math.erf(x)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    f, x = PROGRAMS[name]
    x = x if x.ndim else float(x)
    y = np.asarray(f(x))
    J = richardson_jacobian(f, x, step=0.01)
    for transform in (jacrs.jacfwd, jacrs.jacrev):
        np.testing.assert_allclose(transform(f)(x), J, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(jacrs.value_and_jacobian(f)(x)[0], y, rtol=1e-12, atol=1e-14)

    weights = np.cos(np.arange(y.size)).reshape(y.shape)
    direction = np.sin(1 + np.arange(np.size(x))).reshape(np.shape(x))
    along = jacrs.jvp(f, (x,), (direction,))[1]
    back = jacrs.vjp(f, x)[1](weights)
    np.testing.assert_allclose(np.sum(weights * along), np.sum(back * direction), rtol=1e-10)


@pytest.mark.parametrize("name", PROGRAMS)
def test_second_derivatives(name):
    f, x = PROGRAMS[name]
    x = x if x.ndim else float(x)
    weights = np.cos(np.arange(np.size(f(x)))).reshape(np.shape(f(x)))

    def weighted(x):
        return np.sum(weights * f(x))

    H = richardson_jacobian(jacrs.grad(weighted), x, step=0.01)
    np.testing.assert_allclose(jacrs.hessian(weighted)(x), H, rtol=1e-6, atol=1e-6)
