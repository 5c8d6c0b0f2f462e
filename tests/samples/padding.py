"""Padding, and cutting off zeros."""

from tests.samples.core import Table, real

SAMPLES = Table()
add = SAMPLES.add
MODES = "constant edge reflect symmetric wrap linear_ramp mean maximum minimum".split()

for mode in MODES:
    for width in (1, (2, 1), ((1, 2), (0, 3)), 0):
        call = lambda np_, x, m=mode, w=width: np_.pad(x, w, m)  # noqa: E731
        add("np.pad", call, real(3, 4))
        if not isinstance(width, tuple) or not isinstance(width[0], tuple):
            add("np.pad", call, real(5))
    add("np.pad", lambda np_, x, m=mode: np_.pad(x, ((7, 5),), m), real(3))
for value in (2.0, (1.0, 2.0), ((1.0, 2.0), (3.0, 4.0))):
    add("np.pad", lambda np_, x, v=value: np_.pad(x, 1, constant_values=v), real(2, 3))
    call = lambda np_, x, v=value: np_.pad(x, 2, "linear_ramp", end_values=v)  # noqa: E731
    add("np.pad", call, real(2, 3))
for length in (1, 2, (1, 2), 9):
    for mode in ("mean", "maximum", "minimum"):
        call = lambda np_, x, m=mode, n=length: np_.pad(x, 2, m, stat_length=n)  # noqa: E731
        add("np.pad", call, real(4, 3))
add("np.pad", lambda np_, x, v: np_.pad(x, 1, constant_values=v), real(2, 3), real(),
    differentiable=(0, 1))  # fmt: skip
add("np.pad", lambda np_, x, v: np_.pad(x, 1, "linear_ramp", end_values=v), real(2, 3), real(2),
    differentiable=(0, 1))  # fmt: skip
add("np.pad", lambda np_, x: np_.pad(x, (1, 2)), real(0))
add("np.pad", lambda np_, x: np_.pad(x, 2, "empty")[2:-2], real(3))
for x in ([0.0, 0.0, 1.0, 0.0, 2.0, 0.0], [1.0, 2.0], [0.0, 0.0]):
    for trim in ("fb", "f", "b"):
        add("np.trim_zeros", lambda np_, x, t=trim: np_.trim_zeros(x, t), x, smooth=False)
