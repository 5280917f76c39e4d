"""Tests, one file per module of `chat`. Hypothesis tries the same examples in every run."""

from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("ci")
