"""Roles and sanctions: who is above whom, and what ends by itself."""

import pytest

from chat.rooms.errors import NotAllowedError
from chat.rooms.roles import Action, Role, Sanction, Standing, check_above, reason, until

ANA, BOB = b"ana", b"bob"


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("actor", Role)
@pytest.mark.parametrize("target", Role)
def test_one_can_do_things_only_to_those_below(action: Action, actor: Role, target: Role) -> None:
    least = Role.OWNER if action in (Action.OP, Action.DEOP) else Role.OPERATOR
    if actor >= least and actor > target:
        check_above(action, actor, target)
    else:
        with pytest.raises(NotAllowedError):
            check_above(action, actor, target)


def test_a_sanction_ends_by_itself() -> None:
    standing = Standing(owners={ANA})
    standing.apply(Action.MUTE, BOB, Sanction(1_000, "noise"))
    standing.apply(Action.BAN, BOB, Sanction())
    assert standing.mute(BOB, 999) == Sanction(1_000, "noise")
    assert standing.mute(BOB, 1_000) is None and BOB not in standing.muted
    assert standing.ban(BOB, 10**15) == Sanction()
    assert standing.mute(ANA, 0) is standing.ban(ANA, 0) is None


def test_each_action_has_its_opposite() -> None:
    standing = Standing(owners={ANA})
    was = standing.copy()
    for action, opposite in (
        (Action.BAN, Action.UNBAN),
        (Action.MUTE, Action.UNMUTE),
        (Action.OP, Action.DEOP),
    ):
        standing.apply(action, BOB, Sanction())
        assert standing != was
        standing.apply(opposite, BOB, Sanction())
        assert standing == was
        standing.apply(opposite, BOB, Sanction())
        assert standing == was
    standing.apply(Action.KICK, BOB, Sanction())
    assert standing == was


def test_roles() -> None:
    standing = Standing(owners={ANA})
    standing.apply(Action.OP, BOB, Sanction())
    assert [standing.role(who) for who in (ANA, BOB, b"eva")] == [
        Role.OWNER,
        Role.OPERATOR,
        Role.MEMBER,
    ]
    standing.apply(Action.BAN, BOB, Sanction())
    assert standing.role(BOB) is Role.MEMBER


def test_sentences_say_how_long_and_why() -> None:
    assert until(Sanction()) == "for good"
    assert until(Sanction(1_700_000_000_000)) == "until 2023-11-14 22:13 UTC"
    assert (reason(Sanction()), reason(Sanction(0, "spam"))) == (".", ": spam.")
