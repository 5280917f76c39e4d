"""A pytest plugin that keeps Hypothesis from shrinking the first failing example.

Shrinking can take minutes, and a fault that is already found would count as a timeout.
"""

from hypothesis import Phase, settings

# Importing `tests` has loaded the usual profile; its other settings still apply.
settings.register_profile(
    "hasty", settings(), phases=(Phase.explicit, Phase.generate), print_blob=False
)
settings.load_profile("hasty")
