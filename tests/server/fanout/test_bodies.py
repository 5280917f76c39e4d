"""Bodies, and what the store keeps beside them, for every happening."""

from typing import Final

import pytest

from chat.content import Content
from chat.ids import LogId
from chat.rooms.happenings import (
    Arrived,
    Deleted,
    Departed,
    Edited,
    Happening,
    Kept,
    Passing,
    Ranked,
    Reacted,
    Renamed,
    Said,
    TopicSet,
    Writing,
)
from chat.rooms.roles import Role
from chat.server.fanout.bodies import Beside, beside, body_of
from chat.store.interface import RecordKind
from chat.testing.ids import ANY_ACCOUNT
from chat.wire.messages import (
    Body,
    DeleteBody,
    EditBody,
    JoinedBody,
    LeftBody,
    ReactionBody,
    RenamedBody,
    RoleBody,
    TextBody,
    TopicBody,
    TypingBody,
)

WHO: Final = (LogId(b"l" * 16), ANY_ACCOUNT)
HEAD: Final = (5, ANY_ACCOUNT, "alice")
TEXT: Final = RecordKind.TEXT
EDIT: Final = RecordKind.EDIT


@pytest.mark.parametrize(
    ("happening", "body", "known"),
    [
        (Said(*WHO, Content("hi"), 0), TextBody(*HEAD, "hi"), Beside(TEXT, "hi")),
        (Said(*WHO, Content("hi"), 7), TextBody(*HEAD, "hi", 7), Beside(TEXT, "hi")),
        (Edited(*WHO, 7, "ho"), EditBody(*HEAD, 7, "ho"), Beside(EDIT, "ho", replaces=7)),
        (Deleted(*WHO, 7), DeleteBody(*HEAD, 7), Beside(erases=7)),
        (Reacted(*WHO, 7, "+"), ReactionBody(*HEAD, 7, "+"), Beside()),
        (TopicSet(*WHO, "chess"), TopicBody(*HEAD, "chess"), Beside()),
        (Arrived(*WHO), JoinedBody(*HEAD), Beside()),
        (Departed(*WHO), LeftBody(*HEAD), Beside()),
        (Arrived(*WHO, is_new=True), JoinedBody(*HEAD, new=True), Beside()),
        (Departed(*WHO, is_gone=True), LeftBody(*HEAD, gone=True), Beside()),
        (Writing(*WHO), TypingBody(*HEAD), Beside()),
        (Ranked(*WHO, Role.HOST), RoleBody(*HEAD, "host"), Beside()),
        (Renamed(*WHO, "al", "alice"), RenamedBody(*HEAD, "al"), Beside()),
    ],
)
def test_every_happening_has_its_body_and_what_is_known_beside_it(
    happening: Happening, body: Body, known: Beside
) -> None:
    assert body_of(happening, "alice", 5) == body
    assert beside(happening) == known


def test_who_is_renamed_is_told_under_the_name_of_that_change() -> None:
    # Another rename may have followed before it is sealed.
    body = body_of(Renamed(*WHO, "al", "alice"), "alicia", 5)
    assert body == RenamedBody(5, ANY_ACCOUNT, "alice", "al")


def test_no_happening_is_forgotten() -> None:
    kinds = [*Kept.__subclasses__(), *Passing.__subclasses__()]
    assert {kind.__name__ for kind in kinds} == {
        *("Arrived", "Deleted", "Departed", "Edited", "Ranked", "Reacted", "Renamed", "Said"),
        *("TopicSet", "Writing"),
    }
    with pytest.raises(TypeError, match="no body for Happening"):
        body_of(Happening(*WHO), "alice", 5)
