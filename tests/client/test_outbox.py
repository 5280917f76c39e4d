"""What is on its way, and the cursor that own records are measured by."""

from chat.client.logs import LogView
from chat.client.outbox import Outbox

from chat.client.core.interfaces import TypedLine
from chat.ids import AccountId, LogId, MessageId
from chat.limits import ClientLimits
from chat.testing.ids import ANY_RECORD
from chat.wire.messages import Opened, Post, TextBody
from chat.wire.records import Delivered, record_id

LOG, OTHER_LOG = LogId(bytes(16)), LogId(bytes(15) + b"\x01")
ANA, BOB = AccountId(bytes(15) + b"\x01"), AccountId(bytes(16))


def post(number: int) -> Post:
    return Post(number, LOG, MessageId(number.to_bytes(16, "big")), "text")


def test_posts_leave_by_request_or_by_record() -> None:
    outbox = Outbox()
    for number in (1, 2, 3):
        outbox.add(post(number), TypedLine("text", number))
    assert outbox.line(2) == TypedLine("text", 2) and outbox.line(4) is None
    assert outbox.take_record(ANA, record_id(ANA, post(2).message)) == post(2)
    assert outbox.take_record(ANA, record_id(ANA, post(2).message)) is None
    assert outbox.take_record(BOB, record_id(ANA, post(3).message)) is None
    assert outbox.of(LOG) == [post(1), post(3)] and outbox.of(OTHER_LOG) == []
    assert outbox.take(1) == post(1) and outbox.take(1) is None
    assert len(outbox) == 1


def record(seq: int) -> Delivered:
    return Delivered(LOG, seq, ANY_RECORD, TextBody(0, ANA, "ana", "text"))


def test_the_cursor_passes_over_what_came_from_here() -> None:
    view = LogView(Opened(LOG, "public", "lobby", 10, 10, 1, ""), ClientLimits())
    view.acknowledged(16)
    view.acknowledged(9)
    assert [view.advance(record(seq)) for seq in (10, 13, 13, 16, 0, 19)] == [
        *(False, True, False, False, True, True)
    ]
    view.acknowledged(25)
    view.reached(22)
    view.refresh(Opened(LOG, "public", "lobby", 22, 28, 1, ""))
    assert [view.advance(record(seq)) for seq in (25, 28)] == [False, True]
