"""GradBench's lstm, from ADBench: the gradient of a recurrent network with diagonal weights."""

from itertools import pairwise

import numpy as np

from benches.problems.references import complex_step_along

DERIVATIVE = "grad"
SIZES = {"2 layers, 1024 characters": (2, 1024, 14), "4 layers, 4096 characters": (4, 4096, 14)}
SMALL = (2, 5, 3)
TOLERANCE = 1e-9


def function(parameters, state, sequence):
    """Return the mean loss of predicting each character from those before."""
    layers, bits = state.shape[0] // 2, state.shape[1]
    main = parameters[: 8 * layers * bits].reshape(layers, 2, 4, bits)
    extra = parameters[8 * layers * bits :].reshape(3, bits)
    hidden, cell = list(state[0::2]), list(state[1::2])
    total = 0.0
    for now, following in pairwise(sequence):
        predicted, hidden, cell = predict(now, main, extra, hidden, cell)
        total = total + loss(predicted, following)
    return -total / ((len(sequence) - 1) * bits)


def loss(predicted, following):
    """Return the log-likelihood of a character; the 2 in the sum is the suite's."""
    return np.sum(following * (predicted - np.log(np.sum(np.exp(predicted)) + 2)))


def predict(x, main, extra, hidden, cell):
    """Return the prediction of the next character, and the new state of the layers."""
    x = x * extra[0]
    new_hidden, new_cell = [], []
    for weights, h, c in zip(main, hidden, cell, strict=True):
        x, kept = layer(weights, h, c, x)
        new_hidden.append(x)
        new_cell.append(kept)
    return x * extra[1] + extra[2], new_hidden, new_cell


def layer(parameters, hidden, cell, x):
    """Return what a layer passes on, and what it keeps."""
    weight, bias = parameters
    forget = sigmoid(x * weight[0] + bias[0])
    ingate = sigmoid(hidden * weight[1] + bias[1])
    outgate = sigmoid(x * weight[2] + bias[2])
    change = np.tanh(hidden * weight[3] + bias[3])
    cell = cell * forget + ingate * change
    return outgate * np.tanh(cell), cell


def sigmoid(x):
    """Return the logistic function."""
    return 1 / (1 + np.exp(-x))


def for_jax(jax, parameters, state, sequence):
    """Return the same for JAX: a scan, because an unrolled loop compiles for minutes."""
    layers, bits = state.shape[0] // 2, state.shape[1]
    main = parameters[: 8 * layers * bits].reshape(layers, 2, 4, bits)
    extra = parameters[8 * layers * bits :].reshape(3, bits)

    def advance(state, characters):
        now, following = characters
        predicted, hidden, cell = predict(now, main, extra, *state)
        return (hidden, cell), loss(predicted, following)

    start = list(state[0::2]), list(state[1::2])
    _, losses = jax.lax.scan(advance, start, (sequence[:-1], sequence[1:]))
    return -losses.sum() / ((len(sequence) - 1) * bits)


def inputs(layers, characters, bits):
    """Return parameters, the first state, and a text of random bits: the suite's is a novel."""
    generator = np.random.default_rng(31337)
    parameters = generator.uniform(size=(8 * layers + 3) * bits)
    state = generator.uniform(size=(2 * layers, bits))
    return parameters, state, generator.integers(0, 2, size=(characters, bits)).astype(float)


def reference(parameters, state, sequence):
    """Return the gradient along some directions, by complex steps."""
    return complex_step_along(function, parameters, state, sequence)


def operations(layers, characters, bits):
    """Count the operations of a least program: about 20 a weight set, and twice that back."""
    return 3 * 20 * layers * characters * bits
