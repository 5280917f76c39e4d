"""Bodies and entries: every happening has one."""

from typing import Final

import pytest

from chat.rooms.happenings import (
    Deleted,
    Edited,
    Happening,
    Joined,
    Left,
    Passing,
    Reacted,
    Renamed,
    Said,
    TopicSet,
)
from chat.server.fanout.bodies import body_of, entry_of
from chat.store.interface import Entry
from chat.wire.messages import (
    Body,
    DeleteBody,
    EditBody,
    JoinedBody,
    LeftBody,
    ReactionBody,
    RenamedBody,
    TextBody,
    TopicBody,
)

WHO: Final = (b"l" * 16, bytes(16), "alice")
HEAD: Final = (5, bytes(16), "alice")
KEPT: Final = (b"r" * 16, 5, b"sealed")


@pytest.mark.parametrize(
    ("happening", "body", "entry"),
    [
        (Said(*WHO, "hi", 0), TextBody(*HEAD, "hi"), Entry(*KEPT, words="hi")),
        (Said(*WHO, "hi", 7), TextBody(*HEAD, "hi", 7), Entry(*KEPT, words="hi")),
        (Edited(*WHO, 7, "ho"), EditBody(*HEAD, 7, "ho"), Entry(*KEPT, words="ho", replaces=7)),
        (Deleted(*WHO, 7), DeleteBody(*HEAD, 7), Entry(*KEPT, erases=7)),
        (Reacted(*WHO, 7, "+"), ReactionBody(*HEAD, 7, "+"), Entry(*KEPT)),
        (TopicSet(*WHO, "chess"), TopicBody(*HEAD, "chess"), Entry(*KEPT)),
        (Joined(*WHO), JoinedBody(*HEAD), Entry(*KEPT)),
        (Left(*WHO), LeftBody(*HEAD), Entry(*KEPT)),
        (Renamed(*WHO, "al"), RenamedBody(*HEAD, "al"), Entry(*KEPT)),
    ],
)
def test_every_happening_has_its_body_and_entry(
    happening: Happening, body: Body, entry: Entry
) -> None:
    assert body_of(happening, 5) == body
    assert entry_of(happening, *KEPT) == entry


def test_no_happening_is_forgotten() -> None:
    kinds = [*Happening.__subclasses__(), *Passing.__subclasses__()]
    assert {kind.__name__ for kind in kinds} - {"Passing"} == {
        *("Deleted", "Edited", "Joined", "Left", "Reacted", "Renamed", "Said", "TopicSet")
    }
    with pytest.raises(TypeError, match="no body for Happening"):
        body_of(Happening(*WHO), 5)
