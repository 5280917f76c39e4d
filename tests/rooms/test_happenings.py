"""What happens in a log."""

import pytest

from chat.content import Content
from chat.rooms.happenings import Said
from tests.rooms.support import account_id, log_id


@pytest.mark.parametrize("content", [Content("waves", is_action=True), Content("hi"), Content("")])
def test_what_was_said_has_a_text(content: Content) -> None:
    said = Said(log_id("python"), account_id("ana"), content, 0)
    assert said.text == content.text
