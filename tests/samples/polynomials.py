"""Polynomials by their coefficients."""

from tests.samples.core import Table, positive, real

SAMPLES = Table()
add = SAMPLES.add
BOTH = {"differentiable": (0, 1)}

for p, x in (((3,), (4,)), ((1,), ()), ((4,), (2, 3)), ((0,), (2,)), ((3,), (0,))):
    add("np.polyval", lambda np_, p, x: np_.polyval(p, x), real(*p), real(*x), **BOTH)
add("np.polyval", lambda np_, x: np_.polyval([1, 2, 3], x), real(3))
add("np.polyval", lambda np_, p: np_.polyval(p, 2.0), real(3))
for m in (0, 1, 2, 5):
    add("np.polyder", lambda np_, p, m=m: np_.polyder(p, m), real(4))
for m in (1, 2):
    add("np.polyint", lambda np_, p, m=m: np_.polyint(p, m), real(3), float32=False)
    add("np.polyint", lambda np_, p, m=m: np_.polyint(p, m, k=3.0), real(3), float32=False)
add("np.polyint", lambda np_, p, k: np_.polyint(p, 2, k=k), real(3), real(2), float32=False, **BOTH)
for a, b in ((3, 3), (2, 4), (4, 1)):
    for name in ("polyadd", "polysub", "polymul"):
        call = lambda np_, x, y, n=name: getattr(np_, n)(x, y)  # noqa: E731
        add(f"np.{name}", call, real(a), real(b), **BOTH)
    add("np.polydiv", lambda np_, x, y: np_.polydiv(x, y), positive(a), positive(b), **BOTH)
for n in (0, 1, 3):
    add("np.poly", lambda np_, x: np_.poly(x), real(n), float32=False)
for keywords in ({}, {"N": 2}, {"N": 4, "increasing": True}, {"N": 0}):
    add("np.vander", lambda np_, x, k=keywords: np_.vander(x, **k), real(3))
