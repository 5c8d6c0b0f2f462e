"""How hypothesis looks for examples, and that Ctrl-C is heard."""

import os
import signal

from hypothesis import settings

# "fixed" repeats itself; HYPOTHESIS_PROFILE=search looks for new programs each time.
settings.register_profile("fixed", deadline=None, derandomize=True, database=None)
settings.register_profile("search", deadline=None, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))

# A job that a shell starts in the background ignores Ctrl-C; the tests are about it.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
