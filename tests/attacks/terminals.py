"""What a person at a terminal without a full screen sees, types, and is asked."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Final

from wcwidth import wcwidth

from benchmarks.server import ServerProcess
from chat.wire import messages as m
from tests.attacks.arena import PATIENCE, Arena, Fell, RawClient, attack, until

_ROWS: Final = 24
_ENGLAND: Final = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


class Terminal:
    """The real client on a terminal that can move no cursor."""

    def __init__(
        self, arena: Arena, server: ServerProcess, *arguments: str, columns: int = 80
    ) -> None:
        self._fd, slave = pty.openpty()
        self.columns = columns
        size = struct.pack("HHHH", _ROWS, columns, 0, 0)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
        environment = {name: it for name, it in os.environ.items() if name != "COLUMNS"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "chat.client", f"localhost:{server.port}", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**environment, "TERM": "dumb", "ENCCHAT_HOME": str(arena.directory / "home")},
        )
        os.close(slave)
        self._seen = b""
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        """Take what it shows: a terminal that nobody reads stops the client."""
        with suppress(OSError):  # It has ended.
            while chunk := os.read(self._fd, 65_536):
                self._seen += chunk

    @property
    def text(self) -> str:
        """Everything that it has shown, with what was typed."""
        return self._seen.decode(errors="replace").replace("\r\n", "\n")

    def rows(self) -> list[str]:
        """Return the rows of the screen, as the terminal breaks them."""
        rows = []
        for line in self.text.split("\n"):
            row, width = "", 0
            for character in line:
                columns = max(wcwidth(character), 0)
                if width + columns > self.columns:
                    rows.append(row)
                    row, width = "", 0
                row, width = row + character, width + columns
            rows.append(row)
        return rows

    def shows(self, pattern: str, times: int = 1) -> bool:
        """Wait until it has shown something so often. Return whether it has."""
        return until(lambda: len(re.findall(pattern, self.text)) >= times)

    def expect(self, pattern: str, times: int = 1) -> None:
        """Wait until it has shown something so often. Raises Fell if it never does."""
        if not self.shows(pattern, times):
            raise Fell(f"the terminal does not show {pattern!r} but\n{self.text[-600:]}")

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._fd, line.encode() + b"\n")

    def end(self) -> None:
        """End the client."""
        self.process.kill()
        self.process.wait()
        self._reader.join(PATIENCE)
        os.close(self._fd)


@contextmanager
def _terminal(
    arena: Arena, server: ServerProcess, *arguments: str, columns: int = 80
) -> Iterator[Terminal]:
    terminal = Terminal(arena, server, *arguments, columns=columns)
    try:
        yield terminal
    finally:
        terminal.end()


@attack(
    "texts that would be lines of somebody else's, or of the client's, at 40, 80 and 132 columns",
    "`ok`, 73 spaces and `bob: yes, pay eve` was a line of bob's",
)
def spoofed_lines(arena: Arena) -> str:
    """Say such texts, and look at each row of the terminal."""
    forged = "bob: yes, pay eve"
    notice = "* the operator says so"
    tried = 0
    with arena.server(*("messages_per_second=0", "bytes_per_second=0")) as server:
        eve = arena.client(server, "eve")
        lobby = eve.join("lobby")
        for columns in (40, 80, 132):
            with _terminal(arena, server, "--nick", f"ana{columns}", columns=columns) as ana:
                ana.expect("You are ana")
                texts = [
                    f"ok{gap * count}{said}"
                    for said in (forged, notice)
                    for gap in (" ", "\u00a0", "\u3000")
                    for count in range(columns // 2 - 12, columns + 4)
                ]
                texts += [
                    f"ok{end}{said}"
                    for said in (forged, notice)
                    for end in ("\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x1b[2K\r")
                ]
                wide = "\u4e2d" * columns
                texts += [f"{wide}{forged}", f"{wide[::2]}{'-' * (columns - 7)}{forged}"]
                for text in texts:
                    eve.post(lobby, text)
                eve.say(lobby, "the end")
                ana.expect("eve: the end")
                wrong = [row for row in ana.rows() if row.startswith((forged[:5], notice))]
                if wrong:
                    raise Fell(f"{columns} columns: {len(wrong)} rows such as {wrong[0]!a}")
                tried += len(texts)
        with _terminal(arena, server, "--nick", "dan") as dan:
            dan.expect("You are dan")
            for text in (f"go {_ENGLAND}", "\u202egnp.exe", "\u05d0\u200f!"):
                eve.say(lobby, text)
            dan.expect(f"go {_ENGLAND}")
            eve.say(lobby, "all")
            dan.expect("eve: all")
            if "\u202e" in dan.text or "\\u200f" in dan.text:
                raise Fell("a direction is reversed, or a mark shown as its number")
    return f"0 rows of {tried} texts could be taken for another's; a flag and a mark are shown"


def _texts(client: RawClient) -> list[str]:
    said = (getattr(record.body, "text", "") for record in client.records)
    return [text for text in said if text]


def _heard(speaker: Terminal, reader: RawClient, line: str, end: str) -> list[str]:
    """Type a line and another one; return what is read until that comes."""
    before = len(_texts(reader))
    speaker.type(line)
    speaker.type(end)
    reader.wait(lambda: end in _texts(reader)[before:])
    return _texts(reader)[before:]


@attack(
    "lines of up to 12,000 bytes are typed at a terminal; a script begins with a byte order mark,"
    " and searches for what it has just said",
    "cut at 4,095 bytes; 1,500 characters of Chinese were not UTF-8; the search found nothing",
)
def typed_lines(arena: Arena) -> str:
    """Type lines, each of which must arrive whole or be refused; then run the script."""
    lines = [letter * count for letter in "xé中" for count in (1_000, 1_400, 1_500, 2_100, 4_000)]
    lines += ["y" * count for count in (4_090, 4_094, 4_095, 4_096, 5_000, 12_000)]
    with arena.server() as server:
        ana = arena.client(server, "ana")
        ana.join("lobby")
        whole = 0
        with _terminal(arena, server, "--nick", "bob") as bob:
            bob.expect("You are bob")
            for number, line in enumerate(lines):
                said = _heard(bob, ana, line, f"after {number}")
                if said not in ([line, f"after {number}"], [f"after {number}"]):
                    raise Fell(f"{len(line)} times {line[0]}: {[len(it) for it in said]} said")
                whole += len(said) - 1
            refused = len(lines) - whole
            bob.expect("may have cut that line", refused)
        for number in range(3):
            done = arena.script(
                *(server, "--nick", f"bot{number}"),
                lines=f"\ufeff/create den{number}\nsearched word{number}\n/search word{number}\n",
            )
            if done.returncode or f"#1 bot{number}: searched word{number}\n" not in done.stdout:
                raise Fell(f"a script: {done.returncode}, {done.stdout}, {done.stderr}")
    return f"{whole} arrived whole, {refused} were refused; 3 of 3 scripts found what they said"


@attack(
    "a password server, a server by invitation, and a wrong code for another device, at a terminal",
    "no question, or the same one for ever",
)
def asked_questions(arena: Arena) -> str:
    """Answer wrongly, then rightly; come without an invitation; give a wrong code."""
    path = arena.directory / "passwords"
    command = [sys.executable, "-m", "chat.admin", "passwd", "ana", "--file", str(path)]
    subprocess.run(command, input="right horse\n", text=True, check=True, capture_output=True)
    with (
        arena.server(options=("--auth", f"encchat:{path}")) as server,
        _terminal(arena, server, "--nick", "ana") as ana,
    ):
        for number, password in enumerate(("wrong horse", "", "right horsé", "right horse"), 1):
            ana.expect("Password: ", number)
            ana.type(password)
        ana.expect("You are ana")
        if "hors" in ana.text:
            raise Fell("a password was shown")
        ana.type("/link")
        ana.expect(r'python -m chat\.client "encchat://\S+" --nick ana --link \S+')
    open_state = arena.directory / "state"
    open_state.rename(arena.directory / "other")
    refused = 0
    with arena.server(options=("--registration", "invite")) as server:
        for arguments, sentence in (
            (("--nick", "bob"), "by invitation only"),
            (("--nick", "cat", "--link", "AAAA-BBBB-CC"), "That code is wrong"),
            (("--nick", "dan", "--link", "x"), "That code is wrong"),
        ):
            with _terminal(arena, server, *arguments) as terminal:
                terminal.expect(sentence)
                try:
                    status = terminal.process.wait(PATIENCE)
                except subprocess.TimeoutExpired:
                    raise Fell(f"{arguments}: asks again and again") from None
                if status != 1:
                    raise Fell(f"{arguments}: status {status}")
                refused += 1
    return f"asked 4 times, 0 letters shown, then in; {refused} of 3 others got a sentence"


def _talk(speaker: Terminal, person: RawClient, name: str) -> None:
    """Begin a conversation with somebody, who accepts it."""
    speaker.type(f"/msg {name} hello")
    person.wait(lambda: bool(person.all(m.Requested)))
    [request] = person.all(m.Requested)
    person.ask(m.Accept(person.next_id(), request.log))


def _take(arena: Arena, server: ServerProcess, name: str) -> RawClient:
    """Take a name as soon as it is free."""
    clients = [arena.client(server)]

    def is_taken() -> bool:
        clients.append(arena.client(server, name))
        return isinstance(clients[-1].answer, m.Welcome)

    if not until(is_taken):
        raise Fell(f"{name} is never free: {clients[-1].answer}")
    return clients[-1]


@attack(
    "somebody takes a name that is free again, and waits for what was meant for its last owner",
    "whoever had the name read it",
)
def taken_names(arena: Arena) -> str:
    """Talk to three people; let others have their names; talk to them again."""
    names = ("bob", "paypal", "Zo\u00eb")
    told = "is another account now"
    # The names are free again after a second.
    with arena.server("name_days=0.00001", "login_failures_free=1000") as server:
        people = [arena.client(server, name) for name in names]
        with _terminal(arena, server, "--nick", "ana") as ana:
            ana.expect("You are ana")
            for number, (name, person) in enumerate(zip(names, people, strict=True)):
                _talk(ana, person, name)
                person.ask(m.Nick(person.next_id(), f"other{number}"))
            others = [_take(arena, server, name) for name in names]
            for number, name in enumerate(names):
                for typed in (name, name.upper()):
                    ana.type(f"/msg {typed} the door code is 4711")
                ana.expect(told, 2 * number + 2)
            ana.type(f"/known {names[0]}")
            ana.type(f"/msg {names[0]} hello again")
            others[0].wait(lambda: bool(others[0].all(m.Requested)))
        asked = [len(it.all(m.Requested)) for it in others]
    if asked != [1, 0, 0]:
        raise Fell(f"they were told of {asked} requests")
    return f"0 of {2 * len(names)} messages reached the {len(names)} others; 1 after /known"
