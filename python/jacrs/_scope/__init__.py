"""The recording scope: ordinary functions, run so that the tracer sees all they do.

The names of a recorded function that are NumPy, or `math`, mean recording versions while it is
recorded, for this recording alone. The function runs as a copy of itself over substituted names;
so do the functions, methods and objects that it reaches. NumPy and the user's modules are never
changed, except by what the function itself writes.
"""

from jacrs._scope.scope import follow_argument, recording_scope, substitute
from jacrs._scope.substitutes import namespace_of, register

__all__ = ["follow_argument", "namespace_of", "recording_scope", "register", "substitute"]
