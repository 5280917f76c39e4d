"""What the changes of tried decisions take away."""

import pytest

from chat.rooms.changes import NOTHING, Change, changed, put
from chat.rooms.hub import Hub
from chat.rooms.roles import Sanction
from chat.rooms.trial import Decide, Losses, Trial, losses, new_logs, try_all
from chat.rooms.values import (
    SERVER,
    BanKey,
    Blocked,
    BlockKey,
    DeviceOf,
    Kind,
    Membership,
    MembershipKey,
    MuteKey,
    RoomKey,
    RoomProfile,
)
from tests.rooms.support import account_id, conversation_of, device, hub_with, log_id, room_of

ANA, BOB, EVA = account_id("ana"), account_id("bob"), account_id("eva")
PYTHON, PRIVATE, NEW = log_id("python"), log_id("ana+bob"), log_id("new")
SANCTION = Sanction(0, "spam")
CREATED = changed(
    [
        put(RoomKey(NEW), RoomProfile(Kind.PUBLIC, "new", ANA)),
        put(MembershipKey(NEW, ANA), Membership()),
    ]
)


def hub() -> Hub:
    """Return a hub with a room, a conversation of ana and bob, and a ban, a mute and a block."""
    hub, (ana, bob, _) = hub_with("ana", "bob", "eva")
    room_of(hub, ana, bob)
    conversation_of(hub, ana, bob)
    for key in (BanKey(SERVER, EVA), MuteKey(SERVER, EVA), MuteKey(PYTHON, BOB)):
        hub.put(key, SANCTION)
    hub.put(BlockKey(BOB, ANA), Blocked(1))
    return hub


def deciding(change: Change) -> Decide:
    """Return a decision with this result."""
    return lambda: change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (NOTHING, Losses()),
        (changed([put(MembershipKey(PYTHON, BOB), None)]), Losses(lost=frozenset([PYTHON]))),
        (changed([put(MembershipKey(PYTHON, EVA), None)]), Losses()),  # She was no member.
        (changed([put(MembershipKey(PYTHON, EVA), Membership())]), Losses()),
        (changed([put(MuteKey(PYTHON, BOB), SANCTION)]), Losses(silenced=frozenset([PYTHON]))),
        (changed([put(MuteKey(PYTHON, BOB), None)]), Losses()),
        (changed([put(MuteKey(SERVER, BOB), SANCTION)]), Losses(silences_all=True)),
        (changed([put(MuteKey(SERVER, EVA), None)]), Losses()),
        (changed([put(BanKey(SERVER, BOB), SANCTION)]), Losses(silences_all=True)),
        (changed([put(BanKey(SERVER, EVA), None)]), Losses()),
        (changed([put(BanKey(PYTHON, BOB), SANCTION)]), Losses()),  # It goes with a membership.
        (changed([put(DeviceOf(device("ana")), None)]), Losses(silences_all=True)),
        (changed([put(BlockKey(ANA, BOB), Blocked(1))]), Losses(silenced=frozenset([PRIVATE]))),
        (changed([put(BlockKey(BOB, ANA), None)]), Losses()),
        (changed([put(BlockKey(ANA, EVA), Blocked(1))]), Losses()),  # They do not converse.
    ],
)
def test_the_rights_that_a_change_takes_away(change: Change, expected: Losses) -> None:
    known = hub()
    assert losses(known, try_all(known, [deciding(change)])) == expected


def test_the_losses_of_several_decisions_are_those_of_each() -> None:
    known = hub()
    changes = [
        changed([put(MembershipKey(PYTHON, BOB), None), put(MuteKey(PYTHON, ANA), SANCTION)]),
        changed([put(BlockKey(ANA, BOB), Blocked(1))]),
    ]
    trials = try_all(known, map(deciding, changes))
    assert losses(known, trials) == Losses(frozenset([PYTHON]), frozenset([PYTHON, PRIVATE]))


def test_a_decision_that_fails_has_its_error_and_takes_nothing_away() -> None:
    known, error = hub(), RuntimeError("a bug")

    def fail() -> Change:
        raise error

    trials = try_all(known, [fail, deciding(CREATED)])
    assert trials[0] == Trial(NOTHING, error=error)
    assert trials[1].error is None
    assert losses(known, trials) == Losses()


def test_logs_are_new_if_their_room_was_not_there() -> None:
    known = hub()
    topic = changed([put(RoomKey(PYTHON), RoomProfile(Kind.PUBLIC, "python", ANA, topic="snakes"))])
    gone = changed([put(RoomKey(PYTHON), None)])
    assert new_logs(try_all(known, [deciding(CREATED)])) == [NEW]
    assert new_logs(try_all(known, [deciding(topic), deciding(gone)])) == []
    assert known.known_room(NEW) is None
