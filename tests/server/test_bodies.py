"""Bodies: every happening has one."""

from typing import Final

import pytest

from chat.rooms.hub import Happening, Joined, Left, Renamed, Said
from chat.server.bodies import body_of
from chat.wire.messages import Body, JoinedBody, LeftBody, RenamedBody, TextBody

WHO: Final = ("lobby", 1, bytes(16), "alice")


@pytest.mark.parametrize(
    ("happening", "body"),
    [
        (Said(*WHO, "hi"), TextBody(5, bytes(16), "alice", "hi")),
        (Joined(*WHO, 3), JoinedBody(5, bytes(16), "alice")),
        (Left(*WHO), LeftBody(5, bytes(16), "alice")),
        (Renamed(*WHO, "al"), RenamedBody(5, bytes(16), "alice", "al")),
    ],
)
def test_every_happening_has_its_body(happening: Happening, body: Body) -> None:
    assert body_of(happening, 5) == body


def test_no_happening_is_forgotten() -> None:
    assert {kind.__name__ for kind in Happening.__subclasses__()} == {
        "Joined",
        "Left",
        "Renamed",
        "Said",
    }
    with pytest.raises(TypeError, match="no body for Happening"):
        body_of(Happening(*WHO), 5)
