"""The index: of several things with one key, it finds the least id."""

from itertools import permutations
from typing import Final

import pytest

from chat.rooms.index import Index

ORDERS: Final = list(permutations([b"1", b"2", b"3"]))


def index_of(*things: bytes) -> Index[str, bytes]:
    """Return an index with all of these under one key."""
    index = Index[str, bytes](lambda it: it)
    for thing in things:
        index.add("key", thing)
    return index


@pytest.mark.parametrize("things", ORDERS)
def test_the_least_id_is_found_whoever_came_first(things: tuple[bytes, ...]) -> None:
    assert index_of(*things).get("key") == b"1"


@pytest.mark.parametrize("gone", ORDERS)
def test_the_next_is_found_when_one_is_gone(gone: tuple[bytes, ...]) -> None:
    index = index_of(b"2", b"1", b"3")
    left = {b"1", b"2", b"3"}
    for thing in gone:
        index.remove("key", thing)
        left.remove(thing)
        assert index.get("key") == min(left, default=None)


def test_other_keys_are_other_things() -> None:
    index = index_of(b"1")
    index.add("other", b"0")
    assert (index.get("key"), index.get("other"), index.get("no")) == (b"1", b"0", None)
