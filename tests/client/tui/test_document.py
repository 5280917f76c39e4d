"""The rows of a room, in whatever order messages come."""

import random

import pytest

from chat.client.core.model import Author, Handle, Message, MessageState
from chat.client.core.rooms import Room
from chat.client.tui.document import Document
from chat.client.tui.rows import Note, NoteKind, Presence
from chat.content import Content
from chat.ids import AccountId, RecordId
from chat.limits import ClientLimits
from chat.testing.ids import ANY_ACCOUNT, ANY_LOG
from chat.wire.messages import Opened, TextBody
from chat.wire.records import Delivered

BOB = AccountId(b"b" * 16)


def make_room(*seqs: int, since: int = 0, limits: ClientLimits | None = None) -> Room:
    opened = Opened(ANY_LOG, "public", "lobby", since, since, 1, "")
    room = Room(opened, ANY_ACCOUNT, limits or ClientLimits())
    for seq in seqs:
        add(room, seq)
    return room


def add(room: Room, seq: int, text: str = "hi") -> Message:
    body = TextBody(seq * 1_000, BOB, "bob", text)
    room.timeline.take(seq, RecordId(seq.to_bytes(16, "big")), body)
    message = room.timeline.message(seq)
    assert message is not None
    return message


def waiting(room: Room, number: int) -> Message:
    handle = Handle(room.log, RecordId(number.to_bytes(16, "little")), 0)
    message = Message(
        *(handle, Author(ANY_ACCOUNT, "ana"), 0, Content("mine"), True),
        state=MessageState.WAITING,
    )
    room.timeline.wait(message)
    return message


def seqs(document: Document) -> list[int]:
    return [document.key(at) for at in range(len(document)) if document.key(at) > 0]


def note(text: str = "note") -> Note:
    return Note(NoteKind.ANSWER, text, 0)


@pytest.mark.parametrize("seed", range(20))
def test_rows_are_in_the_order_of_the_log(seed: int) -> None:
    rng = random.Random(seed)
    room = make_room()
    document = Document(room)
    numbers = rng.sample(range(1, 500), 60)
    for number in numbers:
        if rng.random() < 0.2:
            document.note(note())
        if rng.random() < 0.2:
            document.presence(f"n{number}", number, is_here=True)
        document.add([add(room, number)])
    assert seqs(document) == sorted(numbers)
    for number in numbers:
        index = document.index(number)
        assert index is not None and document.key(index) == number
    assert document.index(501) is None


def test_a_page_goes_in_at_once_and_twice_is_once() -> None:
    room = make_room(50, 60)
    document = Document(room)
    page = [add(room, seq) for seq in (10, 20, 30, 50)]
    document.add(page)
    document.add(page)
    assert seqs(document) == [10, 20, 30, 50, 60]
    assert len(document.heights) == len(document) == 5


def test_a_note_stays_where_it_was_said() -> None:
    room = make_room(10)
    document = Document(room)
    document.note(note("between"))
    document.add([add(room, 20)])
    document.add([add(room, 5)])
    keys = [document.key(at) for at in range(len(document))]
    assert [key > 0 for key in keys] == [True, True, False, True]


def test_what_is_not_stored_comes_last_and_then_takes_its_place() -> None:
    room = make_room(10)
    document = Document(room)
    mine = waiting(room, 1)
    document.send(mine)
    document.add([add(room, 20)])
    document.note(note())
    keys = [document.key(at) for at in range(len(document))]
    assert keys[:2] == [10, 20] and document.message(keys[-1]) == mine
    document.settle(mine.handle.record, 15)
    document.add([add(room, 15)])
    assert seqs(document) == [10, 15, 20] and document.became == {keys[-1]: 15}


def test_who_comes_and_goes_is_one_row_until_somebody_speaks() -> None:
    room = make_room(10)
    document = Document(room)
    for nick, is_here in (("ana", True), ("bob", True), ("ana", False)):
        document.presence(nick, 0, is_here=is_here)
    assert len(document) == 2
    row = document.row(1)
    assert isinstance(row, Presence) and row.is_here == {"bob": True, "ana": False}
    document.add([add(room, 20)])
    document.presence("carol", 0, is_here=True)
    assert len(document) == 4


def test_the_first_new_message_is_found() -> None:
    room = make_room(10, 20, 30)
    document = Document(room)
    assert document.first_new() is None
    document.mark(10, 40)
    assert document.first_new() == 1 and document.shown_new() == 2
    document.mark(30, 0)
    assert document.first_new() is None


@pytest.mark.parametrize(
    ("time", "expected"), [(0, 10), (10_000, 10), (10_001, 20), (29_999, 30), (30_001, None)]
)
def test_a_day_is_found(time: int, expected: int | None) -> None:
    document = Document(make_room(10, 20, 30))
    document.note(note())
    at = document.near(time)
    found = None if at is None else document.key(at)
    assert found == expected or (expected is None and (found is None or found < 0))


def test_rows_go_that_the_timeline_forgets() -> None:
    room = make_room(limits=ClientLimits(timeline=100))
    document = Document(room)
    for seq in range(1, 400):
        document.add([add(room, seq)])
        if seq % 7 == 0:
            document.presence(f"n{seq}", 0, is_here=True)
    assert seqs(document) == list(room.timeline.window.numbers)
    assert len(document) == len(document.heights) < 130


def delivered(seq: int) -> Delivered:
    body = TextBody(seq * 1_000, BOB, "bob", "hi")
    return Delivered(ANY_LOG, seq, RecordId(seq.to_bytes(16, "big")), body)


def test_it_follows_where_the_timeline_goes() -> None:
    room = make_room(since=500)
    for seq in range(501, 520):
        add(room, seq)
    document = Document(room)
    document.note(note("behind 519"))
    mine = waiting(room, 1)
    document.send(mine)
    timeline = room.timeline
    timeline.show([delivered(seq) for seq in range(100, 110)], is_whole=False, more=True)
    document.rebuild()
    assert seqs(document) == list(range(100, 110)) and len(document) == 10
    document.add([add(room, 520)])  # What comes meanwhile is not here.
    document.note(note("behind 520"))
    document.send(waiting(room, 2))
    assert len(document) == 10 and not document.is_at_end
    timeline.extend_forward([delivered(seq) for seq in range(110, 120)], more=True)
    document.add(message for seq in range(110, 120) if (message := timeline.message(seq)))
    assert seqs(document) == list(range(100, 120))
    timeline.show_end()
    document.rebuild()
    rows = [document.row(at) for at in range(len(document))]
    assert seqs(document) == list(range(501, 521))
    texts = [row.text for row in rows if isinstance(row, Note)]
    assert texts == ["behind 519", "behind 520"]
    assert isinstance(rows[19], Note) and isinstance(rows[21], Note)
    assert [row.handle for row in rows[22:] if isinstance(row, Message)] == [
        mine.handle,
        waiting(room, 2).handle,
    ]


def test_paging_back_beyond_what_is_kept_drops_the_end() -> None:
    room = make_room(since=10_000, limits=ClientLimits(timeline=50, window=200))
    for seq in range(10_001, 10_040):
        add(room, seq)
    document = Document(room)
    timeline = room.timeline
    for begin in range(9_951, 9_000, -50):
        records = [delivered(seq) for seq in range(begin, begin + 50)]
        timeline.extend_back(records, more=True)
        document.add(message for it in records if (message := timeline.message(it.seq)))
        assert seqs(document) == list(timeline.window.numbers)
        assert len(document.heights) == len(document)
    assert not document.is_at_end and len(document) <= 200


def test_notes_are_bounded() -> None:
    room = make_room(10)
    document = Document(room)
    for number in range(1_200):
        document.note(note(str(number)))
    assert len(document) < 600
    last = document.row(len(document) - 1)
    assert isinstance(last, Note) and last.text == "1199"


def test_an_edit_and_what_quotes_it_are_drawn_anew() -> None:
    document = Document(make_room(10, 20))
    document.changed.clear()
    version = document.version
    document.touch_quoted(10)
    assert document.changed == {10} and document.requoted == {10}
    assert document.version > version
