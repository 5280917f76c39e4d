"""Budgets: what others have piled up, ask for, or do not read, costs nobody else anything."""

import time

from chat.wire import messages as m
from tests.attacks.arena import Arena, Fell, RawClient, attack

UNLIMITED = ("messages_per_second=0", "bytes_per_second=0")


def _seconds(client: RawClient, request: m.Request, expected: type) -> float:
    """Return how long an answer takes. Raises Fell if it is another one."""
    began = time.monotonic()
    answer = client.ask(request)
    if not isinstance(answer, expected):
        raise Fell(f"{type(request).__name__} was answered with {answer}")
    return time.monotonic() - began


def _code(answer: object) -> str:
    return str(getattr(answer, "code", type(answer).__name__))


@attack(
    "searches of many one-letter words over crafted posts keep everybody's history waiting",
    "everybody waited for 12 to 19 s, with a phrase of 500 words over 8 MiB",
)
def expensive_searches(arena: Arena) -> str:
    """Fill a room, search it on eight connections at once, and read and search as somebody else."""
    with arena.server(*UNLIMITED) as server:
        eve, bob = arena.client(server, "eve"), arena.client(server, "bob")
        log, other = eve.join("trap"), bob.join("other")
        text = (("a " * 300 + "b ") * 14)[:8_190]
        posts = [eve.post(log, text) for _ in range(600)]
        eve.answer_to(posts[-1].id)
        bob.say(other, "needle")
        eve.ask(m.Search(eve.next_id(), "b"))  # Files them.
        for typed, code in (
            (".".join("a" * 500), "too_many_words"),
            ("a " * 500, "too_many_words"),
            (".".join("ab" * 250), "too_many_words"),
            ("a " * 17, "too_many_phrases"),
        ):
            answer = eve.ask(m.Search(eve.next_id(), typed))
            if _code(answer) != code:
                raise Fell(f"{len(typed)} characters were answered with {answer}")
        crowd = [arena.client(server, "eve", identity=eve.identity) for _ in range(8)]
        dear = (".".join("a" * 61) + ".b.b", " ".join(["a.a.a.b.b"] * 12), ".".join("a" * 64))
        searches = [
            (it, m.Search(it.next_id(), dear[number % 3])) for number, it in enumerate(crowd)
        ]
        for client, request in searches:
            client.send(request)
        history = max(_seconds(bob, m.History(bob.next_id(), other, 5), m.Page) for _ in range(20))
        search = _seconds(bob, m.Search(bob.next_id(), "needle"), m.Page)
        codes = sorted({_code(client.answer_to(request.id)) for client, request in searches})
        if history > 0.5 or search > 3:
            raise Fell(f"history took {history:.2f} s, a search {search:.2f} s")
        return f"history took {history:.3f} s at most, a search {search:.2f} s; eve got {codes}"
