"""Who waits, and who is the first to go. Against a model that counts."""

from collections import Counter
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from chat.server.connections.admission import Waiting
from chat.server.connections.protocol import ChatProtocol


class Stranger:
    """As much of a connection as matters here."""

    def __init__(self, number: int, group: str) -> None:
        self.number = number
        self.group = group

    def __repr__(self) -> str:
        return f"{self.group}{self.number}"


def strangers(groups: str) -> list[ChatProtocol]:
    """Return a connection of each of these groups."""
    return [cast(ChatProtocol, Stranger(number, group)) for number, group in enumerate(groups)]


def waiting_of(everybody: list[ChatProtocol]) -> Waiting:
    """Return these, waiting."""
    waiting = Waiting()
    for protocol in everybody:
        waiting.add(protocol)
    return waiting


def test_the_oldest_of_a_group_goes_first() -> None:
    everybody = strangers("abab")
    waiting = waiting_of(everybody)
    assert waiting.oldest("b") is everybody[1]
    waiting.remove(everybody[1])
    assert waiting.oldest("b") is everybody[3]
    assert (len(waiting), waiting.groups, waiting.count("a"), waiting.count("b")) == (3, 2, 2, 1)


def test_of_all_the_oldest_of_the_largest_group_does() -> None:
    everybody = strangers("abbcb")
    assert waiting_of(everybody).oldest_of_most() is everybody[1]


def test_of_several_that_are_the_largest_the_one_does_that_was_so_first() -> None:
    everybody = strangers("abba")
    waiting = waiting_of(everybody)
    assert waiting.oldest_of_most() is everybody[1]
    waiting.remove(everybody[1])
    assert waiting.oldest_of_most() is everybody[0]
    waiting.remove(everybody[0])
    assert waiting.oldest_of_most() is everybody[2]


def test_who_does_not_wait_can_be_removed_again() -> None:
    first, second = everybody = strangers("aa")
    waiting = waiting_of(everybody)
    for _ in range(2):
        waiting.remove(first)
        assert list(waiting) == [second]
    for _ in range(2):
        waiting.remove(second)
        assert (len(waiting), waiting.groups, waiting.count("a")) == (0, 0, 0)


def test_all_can_be_removed_while_they_are_looked_at() -> None:
    waiting = waiting_of(strangers("abcabc"))
    for protocol in waiting:
        waiting.remove(protocol)
    assert len(waiting) == 0


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 2))))
def test_it_never_counts_wrongly(steps: list[tuple[str, int]]) -> None:
    waiting = Waiting()
    model: list[ChatProtocol] = []
    for protocol, (_, removed) in zip(
        strangers("".join(it[0] for it in steps)), steps, strict=True
    ):
        waiting.add(protocol)
        model.append(protocol)
        for _ in range(min(removed, len(model))):
            oldest = waiting.oldest_of_most()
            sizes = Counter(it.group for it in model)
            assert sizes[oldest.group] == max(sizes.values())
            assert oldest is next(it for it in model if it.group == oldest.group)
            waiting.remove(oldest)
            model.remove(oldest)
        assert sorted(map(repr, waiting)) == sorted(map(repr, model))
        sizes = Counter(it.group for it in model)
        assert (len(waiting), waiting.groups) == (len(model), len(sizes))
        assert all(waiting.count(group) == sizes[group] for group in "abcd")


def test_a_thousand_cost_no_more_than_one() -> None:
    """Nothing is kept of those that are gone."""
    waiting = Waiting()
    for protocol in strangers("ab" * 1_000):
        waiting.add(protocol)
        if len(waiting) > 10:
            waiting.remove(waiting.oldest_of_most())
    assert (waiting.count("a"), waiting.count("b")) == (5, 5)
    assert len(waiting._of_size) == 1
    for protocol in waiting:
        waiting.remove(protocol)
    assert not waiting._of_size and not waiting._groups
