"""What strangers can do to somebody who has not asked for it."""

import time

from benchmarks.server import free_port
from chat.ids import MessageId
from chat.wire import messages as m
from tests.attacks.arena import Arena, Fell, RawClient, attack

STRANGERS = 120
"""More than may wait for one account."""


def _logs(client: RawClient) -> int:
    answer = client.ask(m.Logs(client.next_id()))
    if not isinstance(answer, m.LogList):
        raise Fell(f"no list of logs: {answer}")
    return len(answer.logs)


def _code(answer: object) -> str:
    return answer.code if isinstance(answer, m.Refused) else type(answer).__name__


@attack(
    "strangers open private conversations with somebody",
    "2,500 strangers make the login of their victim take 16 s for ever",
)
def strangers(arena: Arena) -> str:
    """Let strangers write to a victim, who then logs in, with everything that has to be read."""
    with arena.server() as server:
        victim = arena.client(server, "victim")
        victim.join("lobby")
        before = _logs(victim)
        refused = 0
        for number in range(STRANGERS):
            stranger = arena.client(server, f"stranger{number}")
            answer = stranger.ask(m.Private(stranger.next_id(), "victim"))
            refused += _code(answer) == "too_many_requests"
            if isinstance(answer, m.Joined):
                stranger.say(answer.log, "your key leaked")
            stranger.close()
        victim.join("den")  # Whatever was sent has come before the answer.
        asked = victim.all(m.Requested)
        began = time.monotonic()
        again = arena.client(server, "victim", identity=victim.identity)
        after = _logs(again)
        seconds = time.monotonic() - began
        shown = [it for it in victim.records if "leaked" in str(it)]
        if len(asked) > 100 or refused != STRANGERS - len(asked) or shown:
            raise Fell(f"{len(asked)} told, {refused} refused, {len(shown)} messages shown")
        if after != before + 1 or len(again.received) != 2 or seconds > 1:
            raise Fell(f"{after} logs, {len(again.received)} messages, {seconds:.1f} s at login")
        return (
            f"{len(asked)} of {STRANGERS} requests told, 0 messages shown; the login has {after} of"
            f" {before + 1} logs and takes {seconds * 1000:.0f} ms"
        )


@attack(
    "somebody who is blocked tries everything that reached people",
    "private conversations cannot be refused, left or blocked",
)
def blocked(arena: Arena) -> str:
    """Let a blocked account write, edit, react, invite, rename, leave and come back."""
    with arena.server() as server:
        victim = arena.client(server, "victim")
        eve = arena.client(server, "eve")
        joined = eve.ask(m.Private(eve.next_id(), "victim"))
        if not isinstance(joined, m.Joined):
            raise Fell(f"no request: {joined}")
        victim.ask(m.Accept(victim.next_id(), joined.log))
        victim.ask(m.Block(victim.next_id(), "eve"))
        den = eve.join("den", "invite")
        count = len(victim.received)
        victim.records.clear()
        answers, new = [], MessageId(bytes(16))
        for _ in range(2):
            answers += [
                _code(eve.say(joined.log, "hello?")),
                _code(eve.ask(m.Edit(eve.next_id(), joined.log, new, 1, "hello?"))),
                _code(eve.ask(m.React(eve.next_id(), joined.log, new, 1, "+"))),
                _code(eve.ask(m.Invite(eve.next_id(), den, "victim"))),
            ]
            eve.ask(m.Nick(eve.next_id(), "mallory"))
            eve.ask(m.Leave(eve.next_id(), joined.log))
            eve.ask(m.Private(eve.next_id(), "victim"))
            eve.close()
            eve = arena.client(server, "eve", identity=eve.identity)
            den = eve.join("den")
            eve.ask(m.Read(eve.next_id(), joined.log, 0))
        victim.ask(m.Rooms(victim.next_id()))
        shown = [type(it.body).__name__ for it in victim.records]
        told = [it for it in victim.received[count:] if isinstance(it, m.Requested | m.Invited)]
        reached = shown[shown[:1] == ["LeftBody"] :]  # One may leave, once.
        passed = [code for code in answers if code not in ("not_welcome", "not_a_member")]
        if told or reached or passed:
            raise Fell(f"told {told}, shown {reached}, answered {passed}")
        return f"0 of {len(answers)} got through, 0 requests and invitations told"


@attack(
    "somebody writes through the reasons of a room that the victim never was in, or is in",
    "1,000 notices in 4 s, `* evil has muted you in Security: your key leaked`",
)
def notices(arena: Arena) -> str:
    """Mute and unmute a stranger, then a member, 300 times each, and invite to many rooms."""
    with arena.server() as server:
        victim, evil = arena.client(server, "victim"), arena.client(server, "evil")
        log = evil.join("Security")
        reason = 'your key leaked". The server wrote: "type /revoke'

        def moderate(action: str) -> object:
            return evil.ask(m.Moderate(evil.next_id(), action, "victim", log, 0, reason))

        def told() -> list[str]:
            victim.ask(m.Rooms(victim.next_id()))
            return [it.text for it in victim.all(m.Notice)]

        for _ in range(150):
            for action in ("mute", "unmute", "ban", "op"):
                moderate(action)
        as_stranger = len(told())
        victim.join("Security")
        for _ in range(150):
            moderate("mute")
            moderate("unmute")
        as_member = told()
        for number in range(20):
            room = evil.join(f"room{number}", "invite")
            evil.ask(m.Invite(evil.next_id(), room, "victim"))
        told()
        invited = len(victim.all(m.Invited))
        forged = [it for it in as_member if it.count('"') != 4 or not it.startswith("evil has ")]
        if as_stranger or len(as_member) > 5 or invited > 5 or forged:
            raise Fell(f"{as_stranger}, {len(as_member)}, {invited} told, forged: {forged}")
        return (
            f"{as_stranger} notices to a stranger, {len(as_member)} of 300 to a member,"
            f" {invited} of 20 invitations; each says: {as_member[0]}"
        )


@attack(
    "a stranger finds out who is connected, and which rooms by invitation exist",
    "somebody's presence can be learnt by strangers; whether an invite-only room exists, too",
)
def presence(arena: Arena) -> str:
    """Look at everything that a stranger is told while a victim comes and goes."""
    with arena.server() as server:
        victim, eve = arena.client(server, "victim"), arena.client(server, "eve")
        victim.join("secret", "invite")
        joined = eve.ask(m.Private(eve.next_id(), "victim"))
        if not isinstance(joined, m.Joined):
            raise Fell(f"no request: {joined}")

        def look() -> list[str]:
            log, rooms, count = joined.log, ("secret", "no-such-room"), len(eve.records)
            eve.say(log, "hello?")
            answers = [eve.ask(m.Who(eve.next_id(), log)), eve.ask(m.Rooms(eve.next_id()))]
            answers += [eve.ask(m.Join(eve.next_id(), room)) for room in rooms]
            shown = [str(getattr(it, "members", None) or _code(it)) for it in answers]
            return [*shown, str(len(eve.records) - count)]

        here = look()
        victim.close()
        eve.wait(lambda: False, 6)  # Longer than a connection that was cut is waited for.
        away = look()
        if here != away or here[2] != here[3]:
            raise Fell(f"{here} while connected, {away} while not")
        return f"the same {len(here)} answers; a room by invitation and none: {here[2]}, {here[3]}"


@attack(
    "somebody takes the name that a user has just given up",
    "a name that is given up can be taken at once by anybody",
)
def given_up(arena: Arena) -> str:
    """Try to register, and to rename to, the name and names that look like it."""
    names = ("paypal", "PayPal", "pay\u0440al", "paypaI")
    with arena.server() as server:
        user, eve = arena.client(server, "paypal"), arena.client(server, "eve")
        answer = user.ask(m.Nick(user.next_id(), "bank"))
        if not isinstance(answer, m.Ok):
            raise Fell(f"not renamed: {answer}")
        answers = [_code(eve.ask(m.Nick(eve.next_id(), name))) for name in names]
        answers += [_code(arena.client(server, name).answer) for name in names]
        taken = [code for code in answers if code != "nick_taken"]
        back = _code(user.ask(m.Nick(user.next_id(), "paypal")))
        if taken or back != "Ok":
            raise Fell(f"{taken}; its owner got {back}")
        return f"0 of {len(answers)} tries took it, and its owner took it back"


@attack(
    "strangers from two networks ask somebody for a conversation, 60 from each; then others ask",
    "100 unanswered requests refused everybody else",
)
def crowded_requests(arena: Arena) -> str:
    """Fill the places of a victim, and ask from ten other networks."""
    port = free_port()
    listen = f"haproxy:tcp:{port}:interface=127.0.0.1"
    with arena.server(options=("--listen", listen, "--proxy", "127.0.0.9")) as server:
        victim = arena.client(server, "victim")

        def ask(nick: str, address: str) -> str:
            header = f"PROXY TCP4 {address} 127.0.0.1 40000 {port}\r\n".encode()
            client = RawClient(port, nick, source="127.0.0.9", greeting=header)
            code = _code(client.ask(m.Private(client.next_id(), "victim")))
            client.close()
            return code

        crowd = [ask(f"crowd{it}", f"198.51.100.{it % 2 + 1}") for it in range(STRANGERS)]
        honest = [ask(f"honest{it}", f"203.0.113.{it + 1}") for it in range(10)]
        late = [ask(f"late{it}", "198.51.100.1") for it in range(5)]
        asked, let_in = (it.count("Joined") for it in (crowd, honest))
        pages = [victim.ask(m.Requests(victim.next_id()))]
        while isinstance(pages[-1], m.RequestList) and pages[-1].more:
            after = pages[-1].requests[-1][0]
            pages.append(victim.ask(m.Requests(victim.next_id(), after)))
        rows = [it for page in pages if isinstance(page, m.RequestList) for it in page.requests]
        waiting = sum(nick.startswith("honest") for _, _, nick, _ in rows)
        seen = f"{waiting} of {let_in} honest requests wait, of 10; {len(rows)} in all"
        if asked > 100 or let_in < 10 or waiting < 10 or len(rows) > 100 or "Joined" in late:
            raise Fell(f"{seen}; {asked} of {STRANGERS} of the crowd, {late}")
        return f"{seen}; the crowd had {asked}, and none of its 5 later ones got in"
