"""The rules, one by one, on a state in memory."""

from collections.abc import Callable

import pytest

from chat.ids import RecordId
from chat.store.interface import (
    AUDIT,
    Commit,
    Epoch,
    Head,
    Outcome,
    Place,
    ReadMarker,
    Record,
    RecordKind,
    StateChange,
    Trim,
    Value,
    Void,
)
from chat.store.memory import MemoryStore
from chat.store.rules import apply, decide
from chat.store.state import Decided
from tests.store.commits import AUTHORS, LOGS, append, delete, edit, fired, record, see, trim

LOG, OTHER_LOG = LOGS
ME, OTHER = AUTHORS
STALE, GONE = Void.STALE, Void.GONE


@pytest.fixture
def store() -> MemoryStore:
    """Return an empty store."""
    return MemoryStore()


def change(store: MemoryStore, base: int, change: StateChange) -> Outcome:
    """Commit a change."""
    return fired(store.commit(Commit(base, change=change)))


def test_sequence_numbers_have_no_gaps(store: MemoryStore) -> None:
    places = append(
        store,
        record(1),
        record(1, OTHER_LOG),
        record(2)._replace(epoch=3),
        record(1),
        record(3),
        edit(4, 9),
        record(5),
    )
    assert places == [
        Place(1, 1_001, True),
        Place(1, 1_001, True),
        STALE,
        Place(1, 1_001, False),
        Place(2, 1_003, True),
        GONE,
        Place(3, 1_005, True),
    ]
    assert fired(store.head(LOG)) == Head(3, 1_005)


def test_what_is_repeated_is_never_stale_or_gone(store: MemoryStore) -> None:
    append(store, record(1), delete(2, 1))
    change(store, 0, StateChange(silenced=frozenset({LOG}), silences_all=True))
    for again in (record(1), record(1)._replace(epoch=9, time=0), edit(2, 99)):
        [place] = append(store, again)
        assert isinstance(place, Place) and not place.is_new


def test_void_records_may_come_again(store: MemoryStore) -> None:
    assert append(store, edit(1, 1)) == [GONE]
    assert append(store, record(1)._replace(epoch=1)) == [STALE]
    assert fired(store.head(LOG)) == Head()
    assert append(store, record(1)) == [Place(1, 1_001, True)]


def test_time_may_step_back_by_a_second_and_is_kept_from_decreasing(store: MemoryStore) -> None:
    append(store, record(1)._replace(time=5_000))
    places = append(
        store,
        record(2)._replace(time=3_999),
        record(3)._replace(time=4_000),
        record(4)._replace(time=5_001),
        record(5)._replace(time=4_000),
        record(6)._replace(time=4_001),
    )
    assert places == [
        *(STALE, Place(2, 5_000, True), Place(3, 5_001, True)),
        *(STALE, Place(4, 5_001, True)),
    ]


def test_epochs_and_fences(store: MemoryStore) -> None:
    def post(number: int, base: int, epoch: int) -> Place | Void:
        [place] = append(store, record(number)._replace(epoch=epoch), base=base)
        return place

    assert change(store, 0, StateChange(epochs=[Epoch(LOG, 1, b"k")])).base == 1
    assert post(1, 0, 0) == post(1, 1, 2) == STALE
    assert post(1, 0, 1) == Place(1, 1_001, True)
    change(store, 1, StateChange(silenced=frozenset({LOG})))
    assert fired(store.head(LOG)) == Head(1, 1_001, 1, 2)
    assert post(2, 1, 1) == STALE
    assert post(2, 2, 1) == Place(2, 1_002, True)
    change(store, 2, StateChange(epochs=[Epoch(LOG, 2, b"l")]))
    assert fired(store.head(LOG)) == Head(2, 1_002, 2, 2), "a new epoch is no fence"
    assert post(3, 2, 1) == post(3, 9, 1) == STALE
    assert post(3, 2, 2) == Place(3, 1_003, True)
    change(store, 3, StateChange(epochs=[Epoch(LOG, 3, b"m")], silenced=frozenset({LOG})))
    assert fired(store.head(LOG)) == Head(3, 1_003, 3, 4)
    assert post(4, 3, 3) == post(4, 4, 2) == STALE and post(4, 4, 3) == Place(4, 1_004, True)
    assert append(store, record(1, OTHER_LOG)) == [Place(1, 1_001, True)], "not fenced"
    change(store, 4, StateChange(silences_all=True))
    assert append(store, record(2, OTHER_LOG), base=4) == [STALE]
    assert append(store, record(2, OTHER_LOG), base=5) == [Place(2, 1_002, True)]
    assert fired(store.head(OTHER_LOG)) == Head(2, 1_002), "the fence is the server's"


def test_a_log_may_be_silenced_before_it_begins(store: MemoryStore) -> None:
    change(store, 0, StateChange(silenced=frozenset({LOG})))
    assert append(store, record(1), base=0) == [STALE]
    assert append(store, record(1), base=1) == [Place(1, 1_001, True)]


def test_epochs_of_which_no_record_is_left_are_forgotten(store: MemoryStore) -> None:
    def begin(*numbers: int) -> list[int]:
        """Begin epochs, with a record in each even one; return which are kept."""
        for number in numbers:
            change(store, fired(store.base()), StateChange(epochs=[Epoch(LOG, number, b"k")]))
            if number % 2 == 0:
                text = record(number)._replace(epoch=number)
                append(store, text, base=fired(store.base()))
        return kept()

    def kept() -> list[int]:
        return [it.number for it in fired(store.epochs(LOG, range(20)))]

    def erase(number: int, seq: int) -> None:
        gone = delete(number, seq)._replace(epoch=fired(store.head(LOG)).epoch)
        [place] = append(store, gone, base=fired(store.base()))
        assert isinstance(place, Place) and place.is_new

    assert begin(1, 2, 3) == [2, 3]
    assert begin(4, 5, 6, 7) == [2, 4, 6, 7]
    erase(50, 2)
    assert kept() == [2, 6, 7]
    erase(51, 3)
    erase(52, 1)
    assert kept() == [7], "which what was erased is told in"
    assert begin(8, 9) == [7, 8, 9]
    assert trim(store, keep=1) == 6
    assert kept() == [8, 9]
    assert trim(store, keep=0) == 1
    assert kept() == [9], "the latest is always kept"


def test_audits_are_never_stale(store: MemoryStore) -> None:
    append(store, record(5_000, AUDIT))
    change(store, 0, StateChange(silenced=frozenset({AUDIT}), silences_all=True))
    assert append(store, record(1, AUDIT), record(2, AUDIT)._replace(epoch=4)) == [
        Place(2, 6_000, True),
        Place(3, 6_000, True),
    ]
    assert append(store, delete(3, 99, AUDIT)) == [GONE], "that rule holds"


@pytest.mark.parametrize(
    ("target", "by", "may_replace", "may_erase"),
    [
        (1, ME, True, True),  # My own TEXT.
        (1, OTHER, False, False),
        (2, OTHER, True, True),  # Somebody else's TEXT.
        (3, ME, False, True),  # My own EDIT.
        (3, OTHER, False, False),
        (4, ME, False, False),  # My own, but of kind OTHER.
        (5, ME, False, False),  # Erased.
        (6, ME, False, False),  # An EDIT of the erased record.
        (7, ME, False, False),  # The record that erased it.
        (8, ME, False, False),  # Itself.
        (9, ME, False, False),
        (-1, ME, False, False),
        (2**63, ME, False, False),
    ],
)
def test_what_may_be_removed(target: int, by: bytes, may_replace: bool, may_erase: bool) -> None:
    for may, removing in ((may_replace, edit(50, target)), (may_erase, delete(50, target))):
        store = MemoryStore()
        append(
            store,
            record(1),
            record(2)._replace(author=OTHER),
            edit(3, 1),
            record(4)._replace(kind=RecordKind.OTHER),
            record(5),
            edit(6, 5),
            delete(7, 5),
        )
        author = ME if by == ME else OTHER
        [place] = append(store, removing._replace(author=author))
        assert place == (Place(8, 1_050, True) if may else GONE)


def test_both_have_to_be_there(store: MemoryStore) -> None:
    append(store, record(1), record(2))
    both = record(3)._replace(replaces=1, erases=2)
    for missing in (both._replace(replaces=9), both._replace(erases=9)):
        assert append(store, missing) == [GONE]
    assert append(store, both) == [Place(3, 1_003, True)]
    assert [it.seq for it in fired(store.read(LOG, 0, 1_000))] == [1, 3]


def test_what_is_of_the_same_commit_is_there(store: MemoryStore) -> None:
    append(store, record(1, words="first"))
    places = append(
        store,
        record(2, words="second"),
        edit(3, 2, words="third"),
        edit(4, 1, words="fourth"),
        edit(5, 3),
        delete(6, 2),
        delete(7, 2),
        delete(8, 3),
        edit(9, 2),
        delete(10, 4),
    )
    seqs = [place.seq if isinstance(place, Place) else place for place in places]
    assert seqs == [2, 3, 4, GONE, 5, GONE, GONE, GONE, 6]
    assert [it.seq for it in fired(store.read(LOG, 0, 1_000))] == [1, 5, 6]
    for words in ("first", "second", "third", "fourth"):
        assert fired(store.search(words, [LOG], 9)) == []


def test_an_edit_that_is_erased_leaves_the_text_that_it_replaced(store: MemoryStore) -> None:
    append(store, record(1, words="red"), edit(2, 1, words="green"), delete(3, 2))
    assert [it.seq for it in fired(store.read(LOG, 0, 1_000))] == [1, 3]
    assert append(store, edit(4, 1, words="blue")) == [Place(4, 1_004, True)]
    assert len(fired(store.search("blue", [LOG], 9))) == 1


def test_a_change_counts_on_the_latest_state_only(store: MemoryStore) -> None:
    put = StateChange([Value(b"a", b"1")])
    for base in (1, -1):
        assert change(store, base, put) == Outcome(0, [], [], None)
    assert change(store, 0, put) == Outcome(1, [], [], [])
    assert change(store, 0, put) == change(store, 2, put) == Outcome(1, [], [], None)
    again = StateChange(
        [Value(b"a", None), Value(b"b", b"2"), Value(b"b", b"3"), Value(b"c", None)]
    )
    assert change(store, 1, again).base == 2
    assert fired(store.scan(b"")) == [(b"b", b"3")]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda it: StateChange(it.values, it.epochs, [record(1), record(2)._replace(epoch=1)]),
        lambda it: StateChange(it.values, it.epochs, [record(1), edit(2, 7)]),
        lambda it: StateChange(it.values, [Epoch(LOG, 2, b"k")], it.records),
        lambda it: StateChange(it.values, [Epoch(LOG, 0, b"k")], it.records),
        lambda it: StateChange(it.values, [*it.epochs, *it.epochs], it.records),
        lambda it: StateChange(it.values, [*it.epochs, Epoch(LOG, 3, b"k")], it.records),
    ],
)
def test_nothing_of_a_void_change_is_left(
    store: MemoryStore, wrong: Callable[[StateChange], StateChange]
) -> None:
    good = StateChange(
        [Value(b"a", b"1")], [Epoch(LOG, 1, b"k")], [record(1)], frozenset({OTHER_LOG})
    )
    beside = record(1, OTHER_LOG)
    commit = Commit(0, [beside], [ReadMarker(LOG, ME, 3)], change=wrong(good))
    assert fired(store.commit(commit)) == Outcome(0, [Place(1, 1_001, True)], [], None)
    assert fired(store.head(LOG)) == Head() and fired(store.epochs(LOG, [1])) == []
    assert fired(store.head(OTHER_LOG)) == Head(1, 1_001) and fired(store.scan(b"")) == []
    assert fired(store.seen()) == [ReadMarker(LOG, ME, 3)], "what is beside it counts"
    assert change(store, 0, good) == Outcome(1, [], [], [Place(1, 1_001, True)])


def test_several_epochs_of_a_log_follow_each_other(store: MemoryStore) -> None:
    epochs = [Epoch(LOG, 1, b"k"), Epoch(OTHER_LOG, 1, b"x"), Epoch(LOG, 2, b"l")]
    assert change(store, 0, StateChange(epochs=epochs)).base == 1
    assert fired(store.head(LOG)).epoch == 2 and fired(store.head(OTHER_LOG)).epoch == 1
    assert fired(store.epochs(LOG, [2, 1])) == [epochs[2]], "nothing was sealed in the first"
    assert fired(store.epochs(OTHER_LOG, [0, 1, 2])) == [epochs[1]]


def test_a_change_comes_after_what_is_beside_it(store: MemoryStore) -> None:
    change_ = StateChange(
        records=[record(2), record(1)], epochs=[Epoch(LOG, 1, b"k")], silenced=frozenset({LOG})
    )
    commit = Commit(0, [record(1)], trims=[Trim(LOG, keep=0)], change=change_)
    places = [Place(2, 1_002, True), Place(3, 1_002, True)]
    # The trim makes the log forget the id of the first one.
    assert fired(store.commit(commit)) == Outcome(1, [Place(1, 1_001, True)], [1], places)


def test_a_repetition_within_a_change(store: MemoryStore) -> None:
    append(store, record(1))
    outcome = change(store, 0, StateChange(records=[record(1), record(2), record(2)]))
    assert outcome.change == [
        Place(1, 1_001, False),
        Place(2, 1_002, True),
        Place(2, 1_002, False),
    ]


def test_the_largest_marker_holds(store: MemoryStore) -> None:
    see(
        store,
        ReadMarker(LOG, ME, 3),
        ReadMarker(LOG, OTHER, 1),
        ReadMarker(OTHER_LOG, ME, 0),
        ReadMarker(LOG, ME, 2),
    )
    see(store, ReadMarker(LOG, ME, 1), ReadMarker(LOG, OTHER, 9))
    seen = fired(store.seen())
    assert set(seen) == {ReadMarker(LOG, ME, 3), ReadMarker(LOG, OTHER, 9)}


@pytest.mark.parametrize(
    ("before_time", "keep", "left", "last"),
    [
        (None, None, [1, 3, 5, 6], 0),
        (0, 99, [1, 3, 5, 6], 0),
        (1_001, None, [1, 3, 5, 6], 0),
        (1_002, None, [3, 5, 6], 1),
        (1_003, 4, [3, 5, 6], 2),
        (1_004, None, [5, 6], 3),
        (None, 3, [3, 5, 6], 1),
        (None, 2, [5, 6], 3),
        (1_002, 2, [5, 6], 3),
        (1_004, 4, [5, 6], 3),
        (None, 0, [], 6),
        (9_999, None, [], 6),
    ],
)
def test_what_a_trim_removes_and_keeps(
    store: MemoryStore,
    before_time: int | None,
    keep: int | None,
    left: list[int],
    last: int,
) -> None:
    append(store, *(record(number, words="red") for number in range(1, 5)))
    append(store, delete(5, 2), delete(6, 4), record(1, OTHER_LOG, words="red"))
    see(store, ReadMarker(LOG, ME, 6))
    before = fired(store.head(LOG))
    assert trim(store, LOG, before_time, keep) == last
    assert [it.seq for it in fired(store.read(LOG, 0, 1_000))] == left
    found = {(it.log, it.stored.seq) for it in fired(store.search("red", LOGS, 9))}
    assert found == {(OTHER_LOG, 1), *((LOG, seq) for seq in left if seq < 5)}
    assert fired(store.head(LOG)) == before and fired(store.seen()) == [ReadMarker(LOG, ME, 6)]
    for number in range(1, 7):
        [place] = append(store, record(number))
        assert isinstance(place, Place) and place.is_new == (number <= last)


def test_trims_follow_one_another(store: MemoryStore) -> None:
    append(store, *map(record, range(1, 6)))
    trims = [Trim(LOG, keep=3), Trim(LOG, keep=3), Trim(LOG, keep=1), Trim(OTHER_LOG, keep=0)]
    assert fired(store.commit(Commit(0, trims=trims))).trimmed == [2, 0, 2, 0]
    assert trim(store, keep=1) == 0
    assert fired(store.head(OTHER_LOG)) == Head() and OTHER_LOG not in store._state.logs


@pytest.mark.parametrize("trim", [Trim(LOG, keep=1), Trim(LOG, before_time=1_006)])
def test_a_trim_may_take_several_commits(store: MemoryStore, trim: Trim) -> None:
    append(store, *map(record, range(1, 6)), delete(6, 2))
    some = trim._replace(most=2)
    left = []
    for removed in (2, 2, 1, 0):
        assert fired(store.commit(Commit(0, trims=[some]))).trimmed == [removed]
        left.append([it.seq for it in fired(store.read(LOG, 0, 1_000))])
    assert left == [[3, 4, 5, 6], [5, 6], [6], [6]]


def test_a_text_has_only_so_many_edits(store: MemoryStore) -> None:
    append(store, record(1), record(2), edit(3, 1), edit(4, 2))
    assert len(append(store, *(edit(number, 1) for number in range(10, 264)))) == 254
    # Edits in one commit count too, and so do erased ones.
    places = append(store, delete(5, 3), edit(264, 1), edit(265, 1), edit(266, 2))
    assert [isinstance(place, Place) for place in places] == [True, True, False, True]
    assert places[2] is Void.TOO_MANY is append(store, edit(265, 1))[0]
    [place] = append(store, edit(264, 1))
    assert isinstance(place, Place) and not place.is_new, "a repetition is none"
    assert isinstance(append(store, delete(267, 1))[0], Place)
    assert append(store, edit(265, 1)) == [GONE]
    assert len(fired(store.read(LOG, 0, 10_000))) == 5


def test_deciding_changes_nothing(store: MemoryStore) -> None:
    append(store, record(1))
    before = repr(store._state.logs)
    records = [record(2), edit(3, 1), delete(4, 2)]
    decided = decide(records, 0, store._state)
    assert repr(store._state.logs) == before
    assert [seq for _, seq, _ in decided.placed] == [2, 3, 4]
    assert decided.hidden == [(LOG, 1)] and decided.erased == [(LOG, 2)]
    assert decided.heads == {LOG: Head(4, 1_004)}
    assert decide([], 0, store._state) == Decided()
    assert decide(records, 0, store._state) == decided
    assert apply(Commit(0, records), store._state).places == decided.places


def test_a_word_about_ids() -> None:
    # An id is known only in its own log, whoever its author is.
    store = MemoryStore()
    other = Record(LOG, RecordId((1).to_bytes(16, "big")), OTHER, RecordKind.OTHER, 0, 1_500, b"x")
    append(store, record(1))
    assert append(store, other) == [Place(1, 1_001, False)]
    assert append(store, other._replace(log=OTHER_LOG)) == [Place(1, 1_500, True)]
