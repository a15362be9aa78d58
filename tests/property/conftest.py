"""How hard the property tests look: HYPOTHESIS_PROFILE is ``fast`` (the default) or ``deep``."""

from __future__ import annotations

import os

from hypothesis import settings

# A deadline for one example fails on a busy machine, not on a slow program.
settings.register_profile("fast", deadline=None)
settings.register_profile("deep", deadline=None, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))
