"""Reached through another module only."""

from numpy import linspace


def deep(x):
    y = linspace(0.0, 1.0, 3)
    y[2] = x[2] * x[1]
    return y
