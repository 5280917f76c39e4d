"""Requests of a connection that wait for their answers. (Posts wait in the `outbox`.)

Every request is answered once. When the connection is lost, what was asked because of a typed line
comes back as that line, to be typed again on the next one; the rest is forgotten, because a new
connection begins with asking it anyway.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from msgspec import Struct

from chat.client.core.interfaces import Link, TypedLine
from chat.wire.messages import Page, Refused, Request
from chat.wire.records import Delivered

__all__ = ["Asking"]

T = TypeVar("T", bound=Struct)

OnRefused = Callable[[Refused], None]
OnPage = Callable[[list[Delivered], bool], None]


@dataclass(frozen=True, slots=True)
class _Asked:
    take: Callable[[Struct], bool]
    """Takes the answer, if it is one to this."""
    refused: OnRefused
    line: TypedLine | None
    is_barrier: bool


class Asking:
    """Asks, and hands each answer to whom it is for."""

    def __init__(self) -> None:
        self._link: Link | None = None
        self._last_id = 0
        self._waiting: dict[int, _Asked] = {}
        self._page: Page | None = None
        self._records: list[Delivered] = []

    def attach(self, link: Link) -> None:
        """Use this connection from now on."""
        self._link = link

    def detach(self) -> list[TypedLine]:
        """The connection is gone. Return the lines to be typed again, in order."""
        self._link = self._page = None
        self._records = []
        waiting, self._waiting = self._waiting, {}
        return [asked.line for asked in waiting.values() if asked.line is not None]

    @property
    def is_idle(self) -> bool:
        """Whether no answer is waited for."""
        return not self._waiting

    @property
    def lines(self) -> int:
        """How many answers to typed lines are waited for."""
        return sum(
            asked.line is not None and asked.line.number > 0 for asked in self._waiting.values()
        )

    @property
    def has_barrier(self) -> bool:
        """Whether what is typed next depends on an answer that is waited for."""
        return any(asked.is_barrier for asked in self._waiting.values())

    def next_id(self) -> int:
        """Return an id that no request of this process had."""
        self._last_id += 1
        return self._last_id

    def send(self, message: Struct) -> None:
        """Send what has no answer, or one that is not waited for here. Not while detached."""
        assert self._link is not None
        self._link.send(message)

    def expect(
        self,
        number: int,
        expected: type[T],
        take: Callable[[T], None],
        refused: OnRefused,
        *,
        line: TypedLine | None = None,
        is_barrier: bool = False,
    ) -> None:
        """Let `take` have the answer of type `expected` to the request `number`."""

        def take_if_expected(answer: Struct) -> bool:
            if not isinstance(answer, expected):
                return False
            take(answer)
            return True

        self._waiting[number] = _Asked(take_if_expected, refused, line, is_barrier)

    def ask(
        self,
        request: Request,
        expected: type[T],
        take: Callable[[T], None],
        refused: OnRefused,
        *,
        line: TypedLine | None = None,
        is_barrier: bool = False,
    ) -> None:
        """Send a request; `take` gets its answer, or `refused` does.

        `line` is what was typed to cause it. Until a barrier is answered, no line after it must be
        taken: it may be meant for the room that is being joined.
        """
        self.expect(request.id, expected, take, refused, line=line, is_barrier=is_barrier)
        self.send(request)

    def ask_page(
        self,
        request: Request,
        take: OnPage,
        refused: OnRefused,
        *,
        line: TypedLine | None = None,
        is_barrier: bool = False,
    ) -> None:
        """Send a request that is answered with records; `take` gets them all at once."""

        def end(page: Page) -> None:
            records, self._records = self._records, []
            take(records, page.more)

        self.ask(request, Page, end, refused, line=line, is_barrier=is_barrier)

    def answered(self, number: int, answer: Struct) -> None:
        """Hand on an answer; one that nobody waits for is skipped."""
        if isinstance(answer, Page) and answer.count > len(self._records):
            self._page = answer  # Its records follow; until then, it is not answered.
            return
        asked = self._waiting.pop(number, None)
        if asked is None:
            return
        if isinstance(answer, Refused):
            asked.refused(answer)
        elif not asked.take(answer):
            asked.refused(Refused(number, "", "The server gave an answer that does not fit."))

    def record(self, delivered: Delivered) -> None:
        """Take a record that is part of a page; hand on the page when it is the last."""
        page = self._page
        if page is None or delivered.page != page.id:
            return
        self._records.append(delivered)
        if len(self._records) == page.count:
            self._page = None
            self.answered(page.id, page)
            self._records = []
