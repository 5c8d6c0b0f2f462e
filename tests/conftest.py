"""How hypothesis looks for examples."""

import os

from hypothesis import settings

# "fixed" repeats itself; HYPOTHESIS_PROFILE=search looks for new programs each time.
settings.register_profile("fixed", deadline=None, derandomize=True, database=None)
settings.register_profile("search", deadline=None, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))
