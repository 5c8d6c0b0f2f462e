"""`linearize`: what a lazy Jacobian costs, and what it keeps."""

import gc
import threading
import weakref

import numpy as np
import pytest

import jacrs
from jacrs import _jacrs
from tests.differences import richardson_jacobian
from tests.test_linearize import RNG, X, close, wave

# --- what it costs


def cost(call):
    """Count the element operations that a call runs."""
    before = _jacrs.executed_operations()
    call()
    return _jacrs.executed_operations() - before


def stencil(x):
    return np.exp(x[1:-1]) * (x[2:] - 2 * x[1:-1] + x[:-2])


def around(x):
    return np.sin(np.roll(x, 1)) - np.roll(x, -1) * x


SIZES = (1_000, 100_000)


@pytest.mark.parametrize("f", [stencil, around, np.tanh])
def test_parts_of_a_local_function_cost_what_they_need(f):
    def costs(n):
        _, J = jacrs.linearize(f, np.linspace(0.0, 1.0, n))
        return [
            cost(lambda: J[n // 2, n // 2]),
            cost(lambda: J[0, 0]),
            cost(lambda: J[7]),
            cost(lambda: J[-1]),
            cost(lambda: J.T[:, 5]),
            cost(lambda: J[n // 2 : n // 2 + 10, n // 2 - 3 : n // 2 + 15]),
            cost(lambda: J[[3, n // 2, n - 5], [3, n // 2, n - 5]]),
            cost(lambda: J[[3, n // 2, n - 5]]),
            cost(lambda: J.at(n // 3, n // 3)),
        ]

    small, large = map(costs, SIZES)
    assert small == large
    assert max(small) < 10_000
    assert max(small[:4]) < 200


def test_elements_that_are_zero_cost_nothing():
    n = 100_000
    _, J = jacrs.linearize(stencil, np.linspace(0.0, 1.0, n))
    found = []
    assert cost(lambda: found.append(J[5, 100])) == 0
    assert cost(lambda: found.append(J[10:20, 5000:6000])) == 0
    assert cost(lambda: found.append(J[5, [0, 1, 2, 900]])) == 0
    assert not any(np.any(part) for part in found)


def test_a_column_costs_one_sweep():
    costs = []
    for n in SIZES:
        _, J = jacrs.linearize(stencil, np.linspace(0.0, 1.0, n))
        costs.append(cost(lambda J=J: J[:, 5]) / n)
    assert costs[1] < 1.1 * costs[0] < 50


def test_a_row_of_a_product_with_a_matrix_reads_one_row():
    for n in (100, 400):
        A = RNG.normal(size=(n, n))
        _, J = jacrs.linearize(lambda x, A=A: A @ np.sin(x), RNG.normal(size=n))
        assert cost(lambda J=J: J[3]) < 20 * n
        assert cost(lambda J=J: J.dense()) > n * n


def test_an_item_of_a_stack_costs_its_own_branch():
    def f(x):
        deep = x[0]
        for _ in range(1000):
            deep = np.sin(deep)
        return np.stack([deep, x[1] ** 2, x[2] * x[0]])

    _, J = jacrs.linearize(f, X)
    assert cost(lambda: J[1]) < 50
    assert cost(lambda: J[2, 0]) < 50
    assert cost(lambda: J[0]) > 1000


def test_rows_picked_by_known_indices_stay_local():
    costs = []
    for n in SIZES:
        neighbours = np.clip(np.arange(n)[:, None] + [-1, 0, 1], 0, n - 1)

        def f(x, neighbours=neighbours):
            y = np.zeros(x.size)
            np.add.at(y, neighbours[:, 0], np.sin(x))
            return np.exp(x)[neighbours].prod(axis=1) + y

        _, J = jacrs.linearize(f, np.linspace(0.0, 1.0, n))
        close(J[n // 2, n // 2 - 3 : n // 2 + 4], richardson_row(f, np.linspace(0.0, 1.0, n)), 1e-8)
        costs.append(cost(lambda J=J, n=n: J[n // 2]))
    assert costs[0] == costs[1] < 1000


def richardson_row(f, x):
    """Return the middle row at the seven elements in the middle, by differences."""
    middle = x.size // 2

    def part(u):
        moved = x.copy()
        moved[middle - 3 : middle + 4] = u
        return f(moved)[middle : middle + 1]

    return richardson_jacobian(part, x[middle - 3 : middle + 4])[0]


def test_products_do_not_compute_values_again():
    n = 1000

    def f(x):
        for _ in range(20):
            x = np.exp(np.sin(x)) - 1
        return x

    x, u = np.linspace(0.0, 1.0, n), np.ones(n)
    prepared = cost(lambda: jacrs.linearize(f, x))
    _, J = jacrs.linearize(f, x)
    single = cost(lambda: J @ u)
    assert single <= 0.5 * prepared
    assert cost(lambda: J @ u) == single
    back = cost(lambda: u @ J)
    assert cost(lambda: u @ J) == back <= 0.5 * prepared
    # A panel of 16 costs 16 products, and the residuals are read, not computed.
    assert cost(lambda: J @ np.ones((n, 16))) < 18 * single
    assert cost(lambda: J @ np.ones((n, 33))) < 36 * single


def test_the_diagonal_of_a_local_function_is_linear_in_its_length():
    costs = []
    for n in (1_000, 4_000):
        _, J = jacrs.linearize(stencil, np.linspace(0.0, 1.0, n))
        costs.append(cost(lambda J=J: J.diagonal(1)) / n)
    assert costs[1] < 1.2 * costs[0] < 3000


# --- what it keeps


LARGE = 20_000  # more bytes than are copied without being asked to


@pytest.mark.parametrize("size", [4, LARGE])
def test_a_later_change_of_the_arguments_does_not_reach_it(size):
    x, weights = np.linspace(0.1, 1.0, size), np.linspace(1.0, 2.0, size)
    _, J = jacrs.linearize(lambda x: weights * np.sin(x) ** 2, x)
    slopes = weights * np.sin(2 * x)
    x[:], weights[:] = 5.0, 7.0
    u = np.ones(size)
    for _ in range(2):
        close(J @ u, slopes)
        close(u @ J, slopes)
        close(J[3, 3], slopes[3])
        close(J[2], slopes[2] * (np.arange(size) == 2))
        close(J.at(1, 1), slopes[1])
        close(J[1:3, 0:4], np.diag(slopes[:4])[1:3])


def test_it_answers_from_any_thread():
    _, J = jacrs.linearize(wave, X)
    D = J.dense()
    found, threads = [], []

    def ask():
        for k in range(30):
            found.append(np.max(np.abs(J @ X - D @ X)))
            found.append(np.max(np.abs(J[k % 9] - D[k % 9])))
            found.append(np.max(np.abs(J @ np.eye(4) - D)))
            found.append(np.max(np.abs(J.dense() - D)))

    for _ in range(6):
        threads.append(threading.Thread(target=ask))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert len(found) == 6 * 30 * 4
    assert max(found) < 1e-12


def test_it_keeps_nothing_of_the_caller():
    class Model:
        def __init__(self):
            self.weights = np.ones(LARGE)

        def __call__(self, x):
            return self.weights * x**2

    model, x = Model(), np.ones(LARGE)
    _, J = jacrs.linearize(model, x)
    watched = [weakref.ref(model), weakref.ref(model.weights), weakref.ref(x)]
    del model, x
    gc.collect()
    assert [ref() for ref in watched] == [None] * 3
    assert J[7, 7] == 2.0


def test_a_result_too_large_for_memory_is_refused():
    n = 2_000
    _, J = jacrs.linearize(np.sin, np.ones(n))
    before = jacrs.config.memory_limit
    jacrs.config.memory_limit = 10_000_000
    try:
        whole = r"a part of a Jacobian of shape \(2000,2000\)"
        with pytest.raises(jacrs.MemoryLimitError, match=whole):
            J.dense()
        with pytest.raises(jacrs.MemoryLimitError, match=r"a result of shape \(2000,900\)"):
            J @ np.ones((n, 900))
        assert J[3, 3] == np.cos(1.0)
    finally:
        jacrs.config.memory_limit = before
