"""What a request costs where much has piled up. `make bench-state` has all of them."""

import statistics
import time

from chat.ids import LogId
from chat.wire import messages as m
from tests.attacks.arena import Arena, Fell, RawClient, attack

_LOGS = 200


def _wait(client: RawClient, log: LogId) -> float:
    begin = time.perf_counter()
    client.say(log, "hello")
    return time.perf_counter() - begin


@attack(
    "somebody with 200 conversations renames themselves again and again",
    "85 ms for each rename with 1,500 conversations, in which everybody waits",
)
def rename_storm(arena: Arena) -> str:
    """Rename 20 times, while a bystander posts."""
    # Otherwise it could neither have so many requests nor give up so many nicknames.
    with arena.server(f"requests_by_account={_LOGS}", "names_per_account=20") as server:
        eve, bystander = arena.client(server, "eve"), arena.client(server, "bystander")
        log = bystander.join("elsewhere")
        for number in range(_LOGS):
            arena.client(server, f"victim{number}").close()
            eve.ask(m.Private(eve.next_id(), f"victim{number}"))
        quiet = statistics.median(_wait(bystander, log) for _ in range(20))
        waits = []
        for number in range(20):
            eve.send(m.Nick(eve.next_id(), f"eve{number}"))
            waits.append(_wait(bystander, log))
        storm = statistics.median(waits)
        seen = f"posts take {quiet * 1_000:.1f} ms, and {storm * 1_000:.1f} ms meanwhile"
        if storm > 3 * quiet + 0.02:
            raise Fell(seen)
        return seen
