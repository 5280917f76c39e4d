"""Values: an invitation is good until it is used up or expired."""

import pytest

from chat.ids import NOBODY, LogId
from chat.rooms.values import Invitation


@pytest.mark.parametrize(
    ("uses", "now", "is_good"), [(1, 9, True), (1, 10, False), (0, 9, False), (2, 0, True)]
)
def test_an_invitation_is_good_for_so_many_and_so_long(uses: int, now: int, is_good: bool) -> None:
    assert Invitation(LogId(b""), NOBODY, uses, 10).is_good(now) is is_good
