"""I4 and I6: a server that is killed under traffic loses nothing that it has acknowledged."""

from benchmarks.kills import run


def test_i4_i6_what_was_acknowledged_survives_kills() -> None:
    """The same as ``make bench-kills``, but smaller."""
    run(clients=4, lines=150, kills=2)
