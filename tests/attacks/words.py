"""Words meant for one place, and words that could be taken for somebody else's."""

from chat.wire import messages as m
from tests.attacks.arena import Arena, Fell, RawClient, attack


@attack(
    "a script joins a room that it may not join, and goes on talking",
    "the lobby read the door code",
)
def script_astray(arena: Arena) -> str:
    """Let scripts fail at their first command in several ways; nobody may read what follows."""
    with arena.server() as server:
        ana = arena.client(server, "ana")
        ana.join("lobby")
        ana.join("secret", "invite")
        tries = ("/join secret", "/join sceret", "/jion secret", "/leave", "/create secret")
        for number, command in enumerate(tries):
            done = arena.script(
                *(server, "--nick", f"bot{number}"),
                lines=f"{command}\nthe door code is 4711\n",
            )
            is_told = done.returncode == 1 and "Nothing after line 1 was sent." in done.stderr
            if not is_told and command != "/leave":
                raise Fell(f"{command}: {done.returncode}, {done.stderr}")
        done = arena.script(server, "--nick", "bot", "--room", "secret", lines="it is 4711\n")
        if done.returncode != 1 or "Nothing was sent." not in done.stderr:
            raise Fell(f"--room: {done.returncode}, {done.stderr}")
        ana.ask(m.Rooms(ana.next_id()))  # What was posted before has come before the answer.
        heard = [it for it in ana.records if "4711" in getattr(it.body, "text", "")]
        if heard:
            raise Fell(f"the lobby read {len(heard)} of them")
    return f"{len(tries) + 1} scripts went astray, and nobody read a word"


def _notices(client: RawClient, count: int) -> list[str]:
    """Wait for so many notices, and return all that came."""
    client.wait(lambda: len(client.all(m.Notice)) >= count)
    return [it.text for it in client.all(m.Notice)]


@attack("a mistyped time mutes somebody", "0s, 10 minutes, 30, 1.5h, -5m muted for good")
def unclear_time(arena: Arena) -> str:
    """Mute with times that are none; then with some that are."""
    with arena.server("notices_per_room=20") as server:
        ana = arena.client(server, "ana")
        lobby = ana.join("lobby")
        eve = arena.client(server, "eve")
        eve.join("lobby")
        for time in ("0s", "30", "1.5h", "-5m", "3rd warning", "2h30", "1e3s"):
            done = arena.script(server, "--nick", "boss", lines=f"/mute eve {time}\n")
            if "is no time" not in done.stderr and "longer than 0" not in done.stderr:
                raise Fell(f"{time}: {done.stderr}")
        if not isinstance(eve.say(lobby, "still here"), m.Posted):
            raise Fell("eve was muted")
        arena.script(server, "--nick", "boss", lines="/create den\n")
        eve.join("den")
        for number, time in enumerate(("10 minutes", "2h30m", "1 week 2 days", "90s"), 1):
            lines = f"/mute eve {time} spam\n/unmute eve\n"
            done = arena.script(server, "--nick", "boss", "--room", "den", lines=lines)
            said = [it for it in _notices(eve, 2 * number) if "until" in it]
            if done.returncode or len(said) != number or '"spam"' not in said[-1]:
                raise Fell(f"{time}: {done.stderr}, {said}")
    return "7 of 7 were refused; 4 of 4 others muted for that long"


@attack("names that look like others or like the client", "paypal. and You could be had")
def lookalike_names(arena: Arena) -> str:
    """Try to register names that could be taken for something else."""
    names = ("You", "the", "Your", "paypal.", "pay\u0335pal", "a\u20dd", "\U0001042cva", "bob-")
    with arena.server("login_failures_free=1000") as server:
        for name in names:
            answer = arena.client(server, name).answer
            if not isinstance(answer, m.Refused):
                raise Fell(f"{name!a} could be had")
        ana = arena.client(server, "ana")
        if not isinstance(ana.ask(m.Join(ana.next_id(), "private", "public")), m.Refused):
            raise Fell("a room is called private")
    return f"{len(names)} names and a room called private were refused"


@attack("posts that show nothing", "U+3164 and U+2800 were posted")
def empty_posts(arena: Arena) -> str:
    """Post what shows nothing, and edit something into it."""
    texts = ("\u3164", "\u2800\u2800", "\u200b", "\u0301", " \t ", "\u115f", "\U000e0041", "\ufe0f")
    with arena.server() as server:
        ana = arena.client(server, "ana")
        lobby = ana.join("lobby")
        for text in texts:
            if not isinstance(ana.say(lobby, text), m.Refused):
                raise Fell(f"{text!a} was posted")
    return f"{len(texts)} of {len(texts)} were refused"
