"""The gradient of a Gaussian mixture's likelihood, with a scale for each axis and component."""

import math

import numpy as np

DERIVATIVE = "grad"
SIZES = {"N = 1000, K = 25, D = 10": (1000, 25, 10)}
SMALL = (12, 3, 2)
TOLERANCE = 1e-11


def function(parameters, points, k):
    """Return the log-likelihood of the points."""
    n, d = points.shape
    weights = parameters[:k]
    means = parameters[k : k + k * d].reshape(k, d)
    scales = parameters[k + k * d :].reshape(k, d)
    z = (points[:, None, :] - means) * np.exp(-scales)
    terms = weights - np.sum(scales, axis=1) - 0.5 * np.sum(z * z, axis=2)
    constant = 0.5 * n * d * math.log(2 * math.pi)
    return np.sum(logsumexp(terms)) - n * logsumexp(weights) - constant


def logsumexp(terms):
    """Return the logarithm of the sum of exponentials along the last axis."""
    top = np.max(terms, axis=-1, keepdims=True)
    return np.log(np.sum(np.exp(terms - top), axis=-1)) + top[..., 0]


def inputs(n, k, d):
    """Return parameters, points and the number of components."""
    generator = np.random.default_rng(3)
    parameters = np.concatenate(
        [generator.normal(size=k + k * d), 0.3 * generator.normal(size=k * d)]
    )
    return parameters, generator.normal(size=(n, d)), k


def reference(parameters, points, k):
    """Return the gradient, by hand: sums weighted by how much a component answers for a point."""
    n, d = points.shape
    weights = parameters[:k]
    means, scales = parameters[k:].reshape(2, k, d)
    z = (points[:, None, :] - means) * np.exp(-scales)
    terms = weights - np.sum(scales, axis=1) - 0.5 * np.sum(z * z, axis=2)
    answers = np.exp(terms - terms.max(axis=1, keepdims=True))
    answers /= answers.sum(axis=1, keepdims=True)
    shares = np.exp(weights - weights.max())
    shares /= shares.sum()
    by_weights = answers.sum(axis=0) - n * shares
    by_means = np.einsum("nk,nkd,kd->kd", answers, z, np.exp(-scales))
    by_scales = np.einsum("nk,nkd->kd", answers, z * z - 1)
    return np.concatenate([by_weights, by_means.ravel(), by_scales.ravel()])


def operations(n, k, d):
    """Count the operations of a least program."""
    return n * k * (8 * d + 6)
