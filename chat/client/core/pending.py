"""Requests that wait for their answers. (What is said waits in the outbox.)

Every request is answered once. When the connection is lost, what a user asked for is asked again on
the next one; the rest is forgotten, because a new connection begins with asking it anyway.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from msgspec import Struct

from chat.client.core.interfaces import Link
from chat.client.core.model import Refusal
from chat.wire.errors import LocalProtocolError, MessageError
from chat.wire.messages import Page, Refused, Request, decode_client_message, encode
from chat.wire.records import Delivered

__all__ = ["UNFIT", "PendingRequests", "Task"]

T = TypeVar("T", bound=Struct)

UNFIT = Refusal("invalid", "That is too long, is not text, or is out of range.")
"""For what fits no message of the protocol."""

_STRANGE = Refusal("invalid", "The server gave an answer that does not fit.")


@dataclass(eq=False, slots=True)
class Task:
    """Something a user asked for, in one request or several."""

    run: Callable[["Task"], None]
    """Asks; called again on the next connection if this one is lost meanwhile."""
    done: Callable[[object], None]
    """Gets the outcome, or a `Refusal`, once."""
    key: object = None
    """Only one task with the same key runs at a time; None for those that may."""
    runs: int = 0
    """How often it was run."""
    memo: object = None
    """What `run` found out the last time."""


@dataclass(frozen=True, slots=True)
class _Pending:
    take: Callable[[Struct], bool]
    """Takes the answer, if it is one to this."""
    refused: Callable[[Refusal], None]
    task: Task | None


class PendingRequests:
    """Sends requests, and hands each answer to whom it is for."""

    def __init__(self) -> None:
        self._link: Link | None = None
        self._last_id = 0
        self._pending: dict[int, _Pending] = {}
        self._page: Page | None = None
        self._records: list[Delivered] = []

    def attach(self, link: Link) -> None:
        """Use this connection from now on."""
        self._link = link

    def detach(self) -> deque[Task]:
        """The connection is gone. Return the tasks to be run again, in order."""
        self._link = self._page = None
        self._records = []
        pending, self._pending = self._pending, {}
        return deque(dict.fromkeys(it.task for it in pending.values() if it.task is not None))

    @property
    def is_idle(self) -> bool:
        """Whether no answer is waited for."""
        return not self._pending

    def has(self, key: object) -> bool:
        """Return whether a task with this key is running."""
        return any(it.task is not None and it.task.key == key for it in self._pending.values())

    def next_id(self) -> int:
        """Return an id that no request of this core had."""
        self._last_id += 1
        return self._last_id

    def send(self, message: Struct) -> None:
        """Send what has no answer, or one that is not waited for here.

        Not while detached. Raises LocalProtocolError for what a server would not take: that would
        cost the connection.
        """
        assert self._link is not None
        try:
            decode_client_message(encode(message))
        except MessageError as error:
            raise LocalProtocolError(str(error)) from None
        self._link.send(message)

    def expect(
        self,
        number: int,
        expected: type[T],
        take: Callable[[T], None],
        refused: Callable[[Refusal], None],
        task: Task | None = None,
    ) -> None:
        """Let `take` have the answer of type `expected` to the request `number`."""

        def take_if_expected(answer: Struct) -> bool:
            if not isinstance(answer, expected):
                return False
            take(answer)
            return True

        self._pending[number] = _Pending(take_if_expected, refused, task)

    def ask(
        self,
        request: Request,
        expected: type[T],
        take: Callable[[T], None],
        task: Task | None = None,
        refused: Callable[[Refusal], None] | None = None,
    ) -> None:
        """Send a request; `take` gets its answer.

        A refusal is the outcome of the `task`, unless `refused` takes it.
        """
        if refused is None:
            assert task is not None
            refused = task.done
        try:
            self.send(request)
        except LocalProtocolError:
            refused(UNFIT)
        else:
            self.expect(request.id, expected, take, refused, task)

    def ask_page(
        self,
        request: Request,
        take: Callable[[list[Delivered], bool], None],
        task: Task,
    ) -> None:
        """Send a request that is answered with records; `take` gets them all at once."""

        def end(page: Page) -> None:
            records, self._records = self._records, []
            take(records, page.more)

        self.ask(request, Page, end, task)

    def answered(self, number: int, answer: Struct) -> None:
        """Hand on an answer; one that nobody waits for is skipped."""
        if isinstance(answer, Page) and answer.count > len(self._records):
            self._page = answer  # Its records follow; until then, it is not answered.
            return
        pending = self._pending.pop(number, None)
        if pending is None:
            return
        if isinstance(answer, Refused):
            pending.refused(Refusal(answer.code, answer.text))
        elif not pending.take(answer):
            pending.refused(_STRANGE)

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
