"""A mass-action network of 12 species, written by scalar indexing as chemists write it.

An enzyme turns substrate into product; the product binds an inhibitor or pairs up; the pairs
catalyse A -> B; B ripens to C, which in turn blocks the enzyme.
"""

import numpy as np

DERIVATIVE = "jacobian"
SIZES = {"12 states": ()}
SMALL = ()
TOLERANCE = 1e-14

# Rate constants in the order of the reactions below.
K = [2.0, 0.3, 1.5, 0.8, 0.2, 0.6, 0.1, 1.2, 0.4, 0.9, 0.05, 0.7, 0.25]


def function(y):
    """Return dy/dt."""
    return np.array(rates(y))


def rates(y):
    """Return what changes each species, as a list."""
    enzyme, substrate, loaded = y[0], y[1], y[2]
    product, inhibitor, inhibited = y[3], y[4], y[5]
    pair, a, pair_a = y[6], y[7], y[8]
    b, c, blocked = y[9], y[10], y[11]

    load = K[0] * enzyme * substrate
    unload = K[1] * loaded
    turn = K[2] * loaded
    inhibit = K[3] * product * inhibitor
    release = K[4] * inhibited
    join = K[5] * product**2
    part = K[6] * pair
    bind = K[7] * pair * a
    unbind = K[8] * pair_a
    convert = K[9] * pair_a
    ripen = K[10] * b
    block = K[11] * c * enzyme
    unblock = K[12] * blocked

    return [
        unload + turn + unblock - load - block,
        unload - load,
        load - unload - turn,
        turn + release - inhibit + 2 * part - 2 * join,
        release - inhibit,
        inhibit - release,
        join - part + unbind + convert - bind,
        unbind - bind,
        bind - unbind - convert,
        convert - ripen,
        ripen - block + unblock,
        block - unblock,
    ]


def inputs():
    """Return the input."""
    return (np.linspace(0.2, 1.3, 12),)


def symbolic(casadi, y):
    """Return the same for CasADi."""
    return casadi.vertcat(*rates(y))


def operations():
    """Return the operations of a least program: products and sums of one evaluation, about."""
    return 40


def reference(y):
    """Return the Jacobian, by hand: stoichiometry times the derivatives of the rates."""
    return STOICHIOMETRY @ rate_derivatives(y)


# What each reaction adds to and takes from the species.
CHANGES = [
    {0: -1, 1: -1, 2: +1},  # load
    {0: +1, 1: +1, 2: -1},  # unload
    {0: +1, 2: -1, 3: +1},  # turn
    {3: -1, 4: -1, 5: +1},  # inhibit
    {3: +1, 4: +1, 5: -1},  # release
    {3: -2, 6: +1},  # join
    {3: +2, 6: -1},  # part
    {6: -1, 7: -1, 8: +1},  # bind
    {6: +1, 7: +1, 8: -1},  # unbind
    {6: +1, 8: -1, 9: +1},  # convert
    {9: -1, 10: +1},  # ripen
    {0: -1, 10: -1, 11: +1},  # block
    {0: +1, 10: +1, 11: -1},  # unblock
]

STOICHIOMETRY = np.array([[change.get(i, 0) for change in CHANGES] for i in range(12)])


def rate_derivatives(y):
    """Return the derivative of each rate (row) with respect to each species (column)."""
    d = np.zeros((13, 12))
    d[0, 0], d[0, 1] = K[0] * y[1], K[0] * y[0]
    d[1, 2] = K[1]
    d[2, 2] = K[2]
    d[3, 3], d[3, 4] = K[3] * y[4], K[3] * y[3]
    d[4, 5] = K[4]
    d[5, 3] = 2 * K[5] * y[3]
    d[6, 6] = K[6]
    d[7, 6], d[7, 7] = K[7] * y[7], K[7] * y[6]
    d[8, 8] = K[8]
    d[9, 8] = K[9]
    d[10, 9] = K[10]
    d[11, 10], d[11, 0] = K[11] * y[0], K[11] * y[10]
    d[12, 11] = K[12]
    return d
