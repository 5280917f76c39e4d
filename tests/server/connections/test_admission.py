"""Which connections are half-open, and which one goes first, against a model that counts."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from chat.rooms.addresses import AddressGroup
from chat.server.connections.admission import HalfOpen

A, B = AddressGroup("a"), AddressGroup("b")


class Stranger:
    """The part of a connection that matters here."""

    def __init__(self, number: int, group: str) -> None:
        self.number = number
        self.group = AddressGroup(group)

    def __repr__(self) -> str:
        return f"{self.group}{self.number}"


def strangers(groups: str) -> list[Stranger]:
    """Return one connection from each of these groups."""
    return [Stranger(number, group) for number, group in enumerate(groups)]


def queue_of(everybody: list[Stranger]) -> HalfOpen[Stranger]:
    """Return a queue of these connections, all half-open."""
    queue: HalfOpen[Stranger] = HalfOpen()
    for stranger in everybody:
        queue.add(stranger)
    return queue


def test_the_oldest_of_a_group_goes_first() -> None:
    everybody = strangers("abab")
    queue = queue_of(everybody)
    assert queue.oldest(B) is everybody[1]
    queue.remove(everybody[1])
    assert queue.oldest(B) is everybody[3]
    assert (len(queue), queue.groups, queue.count(A), queue.count(B)) == (3, 2, 2, 1)


def test_of_all_the_oldest_of_the_largest_group_does() -> None:
    everybody = strangers("abbcb")
    assert queue_of(everybody).oldest_of_most() is everybody[1]


def test_of_several_that_are_the_largest_the_one_does_that_was_so_first() -> None:
    everybody = strangers("abba")
    queue = queue_of(everybody)
    assert queue.oldest_of_most() is everybody[1]
    queue.remove(everybody[1])
    assert queue.oldest_of_most() is everybody[0]
    queue.remove(everybody[0])
    assert queue.oldest_of_most() is everybody[2]


def test_who_is_not_there_can_be_removed_again() -> None:
    first, second = everybody = strangers("aa")
    queue = queue_of(everybody)
    for _ in range(2):
        queue.remove(first)
        assert list(queue) == [second]
    for _ in range(2):
        queue.remove(second)
        assert (len(queue), queue.groups, queue.count(A)) == (0, 0, 0)


def test_all_can_be_removed_while_they_are_looked_at() -> None:
    queue = queue_of(strangers("abcabc"))
    for stranger in queue:
        queue.remove(stranger)
    assert len(queue) == 0


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 2))))
def test_it_never_counts_wrongly(steps: list[tuple[str, int]]) -> None:
    queue = queue_of([])
    model: list[Stranger] = []
    for stranger, (_, removed) in zip(
        strangers("".join(it[0] for it in steps)), steps, strict=True
    ):
        queue.add(stranger)
        model.append(stranger)
        for _ in range(min(removed, len(model))):
            oldest = queue.oldest_of_most()
            sizes = Counter(it.group for it in model)
            assert sizes[oldest.group] == max(sizes.values())
            assert oldest is next(it for it in model if it.group == oldest.group)
            queue.remove(oldest)
            model.remove(oldest)
        assert sorted(map(repr, queue)) == sorted(map(repr, model))
        sizes = Counter(it.group for it in model)
        assert (len(queue), queue.groups) == (len(model), len(sizes))
        for group in map(AddressGroup, "abcd"):
            assert queue.count(group) == sizes[group]


def test_a_thousand_cost_no_more_than_one() -> None:
    """Closed connections leave nothing behind."""
    queue = queue_of([])
    for stranger in strangers("ab" * 1_000):
        queue.add(stranger)
        if len(queue) > 10:
            queue.remove(queue.oldest_of_most())
    assert (queue.count(A), queue.count(B)) == (5, 5)
    assert len(queue._of_size) == 1
    for stranger in queue:
        queue.remove(stranger)
    assert not queue._of_size and not queue._groups
