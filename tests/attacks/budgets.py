"""Budgets: what others have piled up, ask for, or do not read, costs nobody else anything."""

import subprocess
import sys
import time

from benchmarks.server import ServerProcess
from chat.wire import messages as m
from tests.attacks.arena import Arena, Fell, RawClient, attack, until

UNLIMITED = ("messages_per_second=0", "bytes_per_second=0")


def _seconds(client: RawClient, request: m.Request, expected: type) -> float:
    """Return how long an answer takes. Raises Fell if it is another one."""
    began = time.monotonic()
    answer = client.ask(request)
    if not isinstance(answer, expected):
        raise Fell(f"{type(request).__name__} was answered with {answer}")
    return time.monotonic() - began


def _mib(server: ServerProcess) -> float:
    return server.memory_bytes() / 2**20


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
        # A busy machine is slow without an attack, too.
        quiet = max(_seconds(bob, m.History(bob.next_id(), other, 5), m.Page) for _ in range(20))
        alone = _seconds(bob, m.Search(bob.next_id(), "needle"), m.Page)
        for client, request in searches:
            client.send(request)
        history = max(_seconds(bob, m.History(bob.next_id(), other, 5), m.Page) for _ in range(20))
        search = _seconds(bob, m.Search(bob.next_id(), "needle"), m.Page)
        codes = sorted({_code(client.answer_to(request.id)) for client, request in searches})
        seen = (
            f"history took {history:.3f} s at most ({quiet:.3f} s before), a search {search:.2f} s"
            f" ({alone:.2f} s before); eve got {codes}"
        )
        if history > 0.5 + 5 * quiet or search > 3 + 5 * alone:
            raise Fell(seen)
        return seen


@attack(
    "20 clients that read nothing are sent notices, and 20 more ask for histories",
    "+293 MiB of memory with 40 clients and 9.9 MiB of notices, held 20 minutes later",
)
def unread_events(arena: Arena) -> str:
    """Fill what the kernel takes with records; mute the first again and again; let the others ask
    for what they do not take."""
    # The limits on notices are lifted: what is tried is that unread ones are bounded all the same.
    limits = ("notices_per_room=10000", "bans_per_account=2000", "actions_per_account=2000")
    with arena.server(*UNLIMITED, *limits) as server:
        eve = arena.client(server, "eve")
        log = eve.join("room")
        idle = []
        for nick in ("sink", "asker"):
            client = arena.client(server, nick)
            client.join("room")
            for _ in range(20):
                again = arena.client(server, nick, identity=client.identity, receive_bytes=4_096)
                again.ask(m.Read(again.next_id(), log, 0))
                idle.append(again)
        posts = [eve.post(log, "x" * 8_000) for _ in range(350)]
        eve.answer_to(posts[-1].id)
        before = _mib(server)
        reason = "\N{GRINNING FACE}" * 200
        for number in range(1_000):
            action = "unmute" if number % 2 else "mute"
            eve.ask(m.Moderate(eve.next_id(), action, "sink", log, 0, reason))
        told = _mib(server)
        for client in idle[20:]:
            for _ in range(100):
                client.send(m.History(client.next_id(), log, 50))
        ended = 'SLOW_CONSUMER reason="it does not read what it is told"'
        until(lambda: server.log().count(ended) >= 20)
        eve.say(log, "enough")
        asked_for = _mib(server)
        over = server.log().count(ended)
        if told - before > 12 or asked_for - told > 10 or over < 20:
            raise Fell(
                f"+{told - before:.1f} MiB of notices, +{asked_for - told:.1f} MiB of histories, "
                f"{over} connections ended"
            )
        return (
            f"+{told - before:.1f} MiB with 1,000 notices to each, whose connections end; "
            f"+{asked_for - told:.1f} MiB with histories"
        )


class _Guesser:
    """Guesses passwords, one after the other."""

    def __init__(self, client: RawClient) -> None:
        self._client = client
        self._asked = 0
        self.go_on()

    def go_on(self) -> None:
        """Guess again, if the last guess was answered."""
        client = self._client
        client.read()
        if self._asked and client.answer_to(self._asked, 0) is None:
            return
        send = client.connection.send if self._asked else client.connection.login
        self._asked = client.next_id()
        nick = f"guess{client.socket.getsockname()[1]}x{self._asked}"
        signature = client.identity.sign_login(client.connection.binding)
        login = m.Login(self._asked, nick, client.identity.public, signature, password="wrong")
        client.socket.sendall(send(login))


@attack(
    "60 connections from one address guess passwords of names they make up",
    "8 of 8 honest logins failed",
)
def password_queue(arena: Arena) -> str:
    """Guess on all of them without pause, and log in from elsewhere."""
    path = arena.directory / "passwords"
    command = [sys.executable, "-m", "chat.admin", "passwd", "bob", "--file", str(path)]
    subprocess.run(command, input="right horse\n", text=True, check=True, capture_output=True)
    with arena.server(options=("--auth", f"encchat:{path}")) as server:
        crowd = [_Guesser(arena.client(server, source="127.0.7.1")) for _ in range(60)]
        took = []
        for number in range(8):
            began = time.monotonic()
            source = f"127.0.8.{number + 1}"
            client = arena.client(server, "bob", source=source, password="right horse")
            if not isinstance(client.answer, m.Welcome):
                raise Fell(f"an honest login was answered with {client.answer}")
            took.append(time.monotonic() - began)
            for guesser in crowd:
                guesser.go_on()
        return f"{len(took)} of 8 honest logins came through, after {max(took):.1f} s at most"


@attack(
    "words in scripts without spaces, emoji, compatibility forms and phrases are searched for",
    "none of them was found, and the words of a phrase in any order",
)
def words_of_all_scripts(arena: Arena) -> str:
    """Post texts, and search for a part of each; and for what is not in them."""
    cases = [
        ("我家在上海东边。", "上海", True),
        ("検索が東京タワーで", "タワー", True),
        ("검색을 했다", "검색", True),
        ("ภาษาไทยง่าย", "ไทย", True),
        ("ភាសាខ្មែរ", "ខ្មែរ", True),
        ("well done \U0001f44d\U0001f3fd", "\U0001f44d", True),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f469", True),
        ("with \u2764\ufe0f", "\u2764", True),
        ("the \ufb01le", "file", True),
        ("\uff37\uff49\uff44\uff45", "wide", True),
        ("\uff83\uff7d\uff84", "テスト", True),
        ("red green blue", '"green blue"', True),
        ("one two three", '"three two"', False),
        ("我家在上海东边。", "海上", False),
    ]
    with arena.server(*UNLIMITED) as server:
        ana = arena.client(server, "ana")
        log = ana.join("room")
        for text, _, _ in cases:
            ana.say(log, text)
        wrong = []
        for text, typed, is_there in cases:
            answer = ana.ask(m.Search(ana.next_id(), typed))
            if not isinstance(answer, m.Page) or (answer.count > 0) is not is_there:
                wrong.append(f"{typed} in {text}")
        if wrong:
            raise Fell(f"wrong: {', '.join(wrong)}")
        return f"all {len(cases)} were answered rightly"
