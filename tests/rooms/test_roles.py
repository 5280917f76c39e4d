"""Roles and sanctions: who outranks whom, and what expires."""

import pytest

from chat.rooms.errors import NotAllowedError
from chat.rooms.roles import (
    Action,
    Role,
    Sanction,
    Standing,
    check_above,
    reason,
    role_called,
    until,
)
from tests.rooms.support import account_id

ANA, BOB = account_id("ana"), account_id("bob")


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


def test_a_role_has_a_word_and_no_other_word_is_a_role() -> None:
    assert [role.word for role in Role] == ["member", "operator", "owner", "host"]
    assert [role_called(role.word) for role in Role] == list(Role)
    assert role_called("Owner") is role_called("") is Role.MEMBER


def test_a_sanction_ends_by_itself() -> None:
    muted, banned = Sanction(1_000, "noise"), Sanction()
    standing = Standing(muted={BOB: muted}, banned={BOB: banned})
    assert standing.mute(BOB, 999) == muted
    assert standing.mute(BOB, 1_000) is None
    assert standing.ban(BOB, 10**15) == banned
    assert standing.mute(ANA, 0) is standing.ban(ANA, 0) is None
    # Looking it up removes nothing.
    assert standing == Standing(muted={BOB: muted}, banned={BOB: banned})


def test_who_has_no_role_is_a_member() -> None:
    standing = Standing({ANA: Role.OWNER})
    assert (standing.role(ANA), standing.role(BOB)) == (Role.OWNER, Role.MEMBER)


def test_sentences_say_how_long_and_why() -> None:
    assert until(Sanction()) == "permanently"
    assert until(Sanction(1_700_000_000_000)) == "until 2023-11-14 22:13 UTC"
    assert (reason(Sanction()), reason(Sanction(0, "", "ana"))) == (".", ".")
    assert reason(Sanction(0, "spam", "ana")) == '. ana wrote: "spam"'
    assert reason(Sanction(0, "spam")) == '. The reason given was: "spam"'
