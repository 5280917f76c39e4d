"""Sums of heights, against a plain list."""

from hypothesis import given
from hypothesis import strategies as st

from chat.client.tui.heights import Heights

SIZES = st.lists(st.integers(0, 9), max_size=40)


def check(heights: Heights, expected: list[int]) -> None:
    assert len(heights) == len(expected) and heights.total == sum(expected)
    tops = [sum(expected[:at]) for at in range(len(expected) + 1)]
    assert [heights.top(at) for at in range(len(expected))] == tops[:-1]
    line = 0
    for at, height in enumerate(expected):
        for inside in range(height):
            assert heights.find(line) == (at, inside)
            line += 1
    assert heights.find(line) == (len(expected), 0)


@given(SIZES, st.data())
def test_it_is_a_list_of_heights(sizes: list[int], data: st.DataObject) -> None:
    heights, expected = Heights(sizes * 40), sizes * 40
    for _ in range(5):
        at = data.draw(st.integers(0, len(expected)))
        match data.draw(st.sampled_from(["set", "insert", "delete"])):
            case "set" if at < len(expected):
                height = data.draw(st.integers(0, 9))
                assert heights.set(at, height) == height - expected[at]
                expected[at] = height
            case "insert":
                new = data.draw(SIZES)
                heights.insert(at, new)
                expected[at:at] = new
            case "delete":
                count = data.draw(st.integers(0, 600))
                heights.delete(at, count)
                del expected[at : at + count]
    assert len(heights) == len(expected) and heights.total == sum(expected)
    at = data.draw(st.integers(0, max(0, len(expected) - 60)))
    for index in range(at, min(at + 60, len(expected))):
        assert heights.top(index) == sum(expected[:index])
        if expected[index]:
            assert heights.find(heights.top(index)) == (index, 0)


@given(SIZES)
def test_a_line_is_found(sizes: list[int]) -> None:
    check(Heights(sizes), sizes)


def test_a_height_has_two_bytes() -> None:
    assert Heights([100_000]).total == 65_535
