"""Memory: asked for before it is taken, refused with shape and bytes, never an abort."""

import sys
import tracemalloc

import numpy as np
import pytest

import jacrs
from tests.robust.processes import run

N = 200_000
X = np.ones(N)

TOO_LARGE = {
    "a dense Jacobian": (
        lambda: jacrs.jacobian(np.sin)(X),
        "a dense Jacobian of shape (200000,200000) would take 320000000000 bytes of memory",
    ),
    "a Hessian": (
        lambda: jacrs.hessian(lambda x: np.sum(np.sin(x)))(X),
        "a dense Jacobian of shape (200000,200000) would take 320000000000 bytes of memory",
    ),
    "intermediate values": (
        lambda: jacrs.grad(lambda x: np.sum(np.cumsum(np.outer(x, x), 0)))(X),
        "bytes of scratch, would take 960000000000 bytes of memory",
    ),
    "a value": (
        lambda: jacrs.vjp(lambda x: np.outer(x, x), X),
        "a result of shape (200000,200000) would take 320000000000 bytes of memory",
    ),
    "two values": (
        lambda: jacrs.jvp(lambda x: np.outer(x, x), (X,), (X,)),
        "a result of shape (200000,200000), (200000,200000) would take 640000000000 bytes",
    ),
    "a value that a branch needs": (
        lambda: jacrs.grad(lambda x: x[0] if (np.outer(x, x) > 0).all() else x[1])(X),
        "an array of shape (200000,200000) that a branch or an index depends on would take",
    ),
    "an inner Jacobian": (
        lambda: jacrs.grad(lambda x: jacrs.jacobian(np.sin)(x).sum())(X),
        "would take 640",
    ),
    "more than can be counted": (
        lambda: jacrs.grad(lambda x: np.sum(np.kron(np.kron(x, x), np.kron(x, x))))(X),
        "is larger than any memory",
    ),
    "repetitions beyond counting": (
        lambda: jacrs.grad(lambda x: np.sum(np.broadcast_to(x[0], (2**31, 2**31))))(X),
        "is larger than any memory",
    ),
}


def test_the_memory_of_strips_is_asked_for():
    # All between the argument and the result is in strips: there is no other scratch.
    def products():
        return jacrs.jvp(lambda x: np.sum(np.sin(x), axis=1), (x,), (x,))

    x = np.ones((4000, 50))
    jacrs.config.memory_limit = 64_000  # the result
    try:
        with pytest.raises(jacrs.MemoryLimitError, match=r" 0 bytes of scratch, would take \d{6} "):
            products()
    finally:
        jacrs.config.memory_limit = None
    np.testing.assert_allclose(products(), np.full((2, 4000), [[np.sin(1.0)], [np.cos(1.0)]]) * 50)


@pytest.mark.parametrize("case", TOO_LARGE)
def test_refused_before_it_is_taken(case):
    call, text = TOO_LARGE[case]
    tracemalloc.start()
    try:
        with pytest.raises(jacrs.MemoryLimitError) as info:
            call()
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()
    assert text in str(info.value)
    assert "\n  at " in str(info.value)
    assert isinstance(info.value, MemoryError)


SMALL = np.ones(2000)
OVER_LIMIT = {
    "a Jacobian": (lambda: jacrs.jacobian(np.sin)(SMALL), "shape (2000,2000)", 32_000_000),
    "scratch": (lambda: jacrs.grad(lambda x: np.sum(np.cumsum(np.outer(x, x), 0)))(SMALL), "", 0),
    "a value": (lambda: jacrs.vjp(lambda x: np.outer(x, x), SMALL), "(2000,2000)", 32_000_000),
    "a demand": (
        lambda: jacrs.grad(lambda x: x[0] if np.outer(x, x).sum() > 0 else x[1])(SMALL),
        "(2000,2000)",
        32_000_000,
    ),
}


@pytest.fixture
def limit():
    jacrs.config.memory_limit = 10_000_000
    yield 10_000_000
    jacrs.config.memory_limit = None


@pytest.mark.parametrize("case", OVER_LIMIT)
def test_the_limit_of_the_configuration(limit, case):
    call, text, size = OVER_LIMIT[case]
    with pytest.raises(jacrs.MemoryLimitError) as info:
        call()
    assert f"and {limit} are available" in str(info.value)
    assert text in str(info.value)
    assert not size or f"{size} bytes" in str(info.value)
    jacrs.config.memory_limit = None
    call()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the address space")
def test_memory_that_the_system_refuses():
    """The process may not have it: an error like any other, and work goes on."""
    run(
        """
        import resource
        import numpy as np
        import jacrs

        jacrs.set_num_threads(1)
        x = np.ones(3000)
        jacrs.grad(lambda x: np.sum(x * x))(x)
        with open("/proc/self/statm") as file:
            size = int(file.read().split()[0]) * 4096
        resource.setrlimit(resource.RLIMIT_AS, (size + 60_000_000,) * 2)
        calls = [
            lambda: jacrs.jacobian(np.sin)(x),
            lambda: jacrs.grad(lambda x: np.sum(np.cumsum(np.outer(x, x), 0)))(x),
            lambda: jacrs.jvp(lambda x: np.outer(x, x), (x,), (x,)),
            lambda: jacrs.vjp(lambda x: np.cumsum(np.outer(x, x), 0), x),
            lambda: jacrs.grad(lambda x: x[0] if np.outer(x, x).sum() > 0 else x[1])(x),
            lambda: jacrs.grad(lambda x: np.sort(np.outer(x, x).ravel())[0])(x),
            lambda: jacrs.grad(lambda x: np.outer(x, x)[np.outer(x, x) > 0].sum())(x),
        ]
        for _ in range(2):
            for call in calls:
                try:
                    call()
                except MemoryError as error:
                    assert "memory" in str(error) or "allocate" in str(error), error
                else:
                    raise AssertionError("there was memory")
            assert jacrs.grad(lambda x: np.sum(x * x))(x)[0] == 2.0
        """
    )
