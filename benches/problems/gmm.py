"""GradBench's gmm, from ADBench: a Gaussian mixture with full covariances and a Wishart prior."""

import math

import numpy as np

DERIVATIVE = "grad"
SIZES = {"d = 10, k = 25, n = 1000": (10, 25, 1000), "d = 32, k = 25, n = 1000": (32, 25, 1000)}
SMALL = (3, 4, 9)
TOLERANCE = 1e-10
GAMMA, M = 1.0, 0


def function(parameters, points, k):
    """Return the logarithm of the posterior, up to what no parameter changes.

    The inverse covariance of a component is `Q.T @ Q` with a lower triangular `Q`: the exponentials
    of `q` are its diagonal, `low` is what lies below, column by column.
    """
    d = points.shape[1]
    alpha, mu, q, low = split(parameters, k, d)
    Q = np.zeros((k, d, d))
    columns, rows = np.triu_indices(d, 1)
    Q[:, rows, columns] = low
    Q[:, np.arange(d), np.arange(d)] = np.exp(q)
    return log_posterior(points, alpha, mu, q, low, Q)


def split(parameters, k, d):
    """Return the parameters by what they mean."""
    below = d * (d - 1) // 2
    sizes = k, k * d, k * d, k * below
    first, second, third, _ = (sum(sizes[: i + 1]) for i in range(4))
    alpha = parameters[:first]
    mu = parameters[first:second].reshape(k, d)
    q = parameters[second:third].reshape(k, d)
    return alpha, mu, q, parameters[third:].reshape(k, below)


def log_posterior(points, alpha, mu, q, low, Q):
    """Return the likelihood of the points and the prior of the factors."""
    n, d = points.shape
    z = Q @ (points.T - mu[:, :, None])
    log_determinants = np.sum(q, axis=1)
    terms = (alpha + log_determinants)[:, None] - 0.5 * np.sum(z * z, axis=1)
    likelihood = np.sum(logsumexp(terms)) - n * logsumexp(alpha)
    prior = 0.5 * GAMMA**2 * (np.sum(np.exp(q) ** 2) + np.sum(low * low)) - M * np.sum(
        log_determinants
    )
    return likelihood - prior - 0.5 * n * d * math.log(2 * math.pi)


def logsumexp(terms):
    """Return the logarithm of the sum of exponentials along the first axis."""
    top = np.max(terms, axis=0)
    return np.log(np.sum(np.exp(terms - top), axis=0)) + top


def for_jax(jax, parameters, points, k):
    """Return the same for JAX, whose arrays are not written to."""
    d = points.shape[1]
    alpha, mu, q, low = split(parameters, k, d)
    columns, rows = np.triu_indices(d, 1)
    Q = jax.numpy.zeros((k, d, d)).at[:, rows, columns].set(low)
    Q = Q.at[:, np.arange(d), np.arange(d)].set(np.exp(q))
    return log_posterior(points, alpha, mu, q, low, Q)


def inputs(d, k, n):
    """Return parameters, points and the number of components."""
    generator = np.random.default_rng(31337)
    points = generator.normal(size=(n, d))
    mu = generator.uniform(size=k * d)
    q, low = generator.normal(size=k * d), generator.normal(size=k * d * (d - 1) // 2)
    return np.concatenate([generator.normal(size=k), mu, q, low]), points, k


def reference(parameters, points, k):
    """Return the gradient, by hand: sums weighted by how much a component answers for a point."""
    n, d = points.shape
    alpha, mu, q, low = split(parameters, k, d)
    columns, rows = np.triu_indices(d, 1)
    Q = np.zeros((k, d, d))
    Q[:, rows, columns] = low
    Q[:, range(d), range(d)] = np.exp(q)
    centred = points.T - mu[:, :, None]
    z = Q @ centred
    terms = (alpha + q.sum(axis=1))[:, None] - 0.5 * np.sum(z * z, axis=1)
    answers = np.exp(terms - terms.max(axis=0))
    answers /= answers.sum(axis=0)
    shares = np.exp(alpha - alpha.max())
    weighted = answers[:, None, :] * z
    by_Q = -weighted @ centred.transpose(0, 2, 1)
    by_alpha = answers.sum(axis=1) - n * shares / shares.sum()
    by_mu = np.einsum("kij,kin->kj", Q, weighted)
    on_diagonal = np.einsum("kii->ki", by_Q) * np.exp(q) + answers.sum(axis=1)[:, None]
    by_q = on_diagonal - GAMMA**2 * np.exp(2 * q) + M
    by_l = by_Q[:, rows, columns] - GAMMA**2 * low
    return np.concatenate([part.ravel() for part in (by_alpha, by_mu, by_q, by_l)])


def operations(d, k, n):
    """Count the operations of a least program: three triangular products for each component."""
    return 3 * n * k * d * d + 4 * n * k * d
