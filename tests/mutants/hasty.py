"""A plugin of pytest: Hypothesis looks for no simpler example than the first that fails.

That can take minutes, in which a fault that is found already would count as one without an end.
"""

from hypothesis import Phase, settings

# Importing `tests` has chosen the usual profile by now; what it says otherwise still holds.
settings.register_profile(
    "hasty", settings(), phases=(Phase.explicit, Phase.generate), print_blob=False
)
settings.load_profile("hasty")
