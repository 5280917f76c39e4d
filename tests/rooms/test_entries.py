"""Codes and invitations: right once, or so often; not too late; not by trying."""

import pytest

from chat.rooms.entries import CODE_TRIES, Codes, Invitation, Invitations
from chat.rooms.errors import BadCodeError, BadTokenError

ANA, BOB = b"ana", b"bob"


def test_a_code_is_used_up() -> None:
    codes = Codes()
    codes.issue(ANA, b"right", 0, 10)
    codes.redeem(ANA, b"right", 9)
    with pytest.raises(BadCodeError):
        codes.redeem(ANA, b"right", 9)


def test_a_code_is_one_account_s_and_not_for_long() -> None:
    codes = Codes()
    codes.issue(ANA, b"right", 0, 10)
    with pytest.raises(BadCodeError):
        codes.redeem(BOB, b"right", 1)
    for now in (10, 1):  # It is not tried again, either.
        with pytest.raises(BadCodeError):
            codes.redeem(ANA, b"right", now)


def test_a_code_cannot_be_found_by_trying() -> None:
    codes = Codes()
    codes.issue(ANA, b"right", 0, 10)
    for number in range(CODE_TRIES):
        with pytest.raises(BadCodeError):
            codes.redeem(ANA, b"wrong %d" % number, 1)
    with pytest.raises(BadCodeError):
        codes.redeem(ANA, b"right", 1)


def test_a_new_code_takes_the_place_of_the_old_and_old_ones_are_forgotten() -> None:
    codes = Codes()
    codes.issue(ANA, b"first", 0, 10)
    codes.issue(ANA, b"second", 1, 11)
    with pytest.raises(BadCodeError):
        codes.redeem(ANA, b"first", 2)
    codes.redeem(ANA, b"second", 2)
    codes.issue(ANA, b"third", 0, 10)
    codes.issue(BOB, b"bob", 10, 20)
    assert list(codes._codes) == [BOB]


def test_an_invitation_is_good_for_so_many_and_so_long() -> None:
    invitations = Invitations()
    invitations.known = {
        b"good": Invitation(b"", ANA, 1, 10),
        b"used": Invitation(b"", ANA, 0, 10),
        b"old": Invitation(b"", ANA, 1, 5),
    }
    assert invitations.find(b"good", 5).by == ANA
    for hash in (b"used", b"old", b"none"):
        with pytest.raises(BadTokenError):
            invitations.find(hash, 5)
    assert invitations.expired(5) == [b"used", b"old"]
