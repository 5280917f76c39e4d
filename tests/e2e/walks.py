"""Walks through the full screen in tmux, as a person takes them: ``python -m tests.e2e.walks``.

Each is a few captures of the screen, at three sizes, in `tests/e2e/walks/`. Without an argument all
are taken anew and written (``make walks``); with ``--pictures``, some are drawn as SVG into
`docs/pictures/` (``make pictures``).
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import which
from time import monotonic, sleep
from typing import Final

from chat.wire.hostkey import HostKey
from tests.e2e.programs import CHECKOUT, Program, Programs, has_entered

__all__ = ["SIZES", "WALKS", "has_tmux", "take_walk", "walk_path"]

SIZES: Final = ((80, 24), (40, 20), (160, 50))
"""Columns and rows."""

_PATIENCE: Final = 60.0
"""Seconds: a walk goes through real programs, and the machine may be busy."""

_STILL: Final = 0.4
"""Seconds for which a screen has to stay the same before it is captured."""

_SETTINGS: Final = """
set -g status off
set -g escape-time 0
set -g default-terminal tmux-256color
set -g focus-events off
set -g remain-on-exit on
"""

_CHANGING: Final = (
    (r"localhost:\d{5}", "localhost:55555"),
    (r"/tmp/tmp\w{8}", "/tmp/tmp12345678"),
    (r"\b\d\d:\d\d\b", "12:34"),
    (r"token=[\w-]+", "token=…"),
    (r"(● ana at \S+ \w+) .*$", r"\1 …"),  # And how long the server takes to answer.
    (r"(○ ana at \S+) .*$", r"\1 …"),  # Waiting, or trying again.
    (r"\b\d+ ms\b", "9 ms"),
    (r"#\d+\b", "#9"),
    (r"\b\w+day, \d{1,2} \w+.*$", "today …"),
)
"""What is another at each walk, and what stands for it."""


def has_tmux() -> bool:
    """Return whether there is a tmux."""
    return which("tmux") is not None


class Tmux:
    """A terminal in a tmux of its own."""

    def __init__(self, directory: Path, columns: int, rows: int) -> None:
        self._socket = directory / "tmux"
        self._size = columns, rows
        self._directory = directory
        (directory / "tmux.conf").write_text(_SETTINGS)

    def _tmux(self, *arguments: str) -> str:
        command = ("tmux", "-S", str(self._socket), "-f", str(self._directory / "tmux.conf"))
        run = subprocess.run(
            [*command, *arguments], check=True, capture_output=True, text=True, timeout=_PATIENCE
        )
        return run.stdout

    def start(self, command: Sequence[str], home: Path) -> None:
        """Start a program."""
        environment = {
            "ENCCHAT_HOME": str(home),
            "HOME": str(home),
            "PYTHONPATH": str(CHECKOUT),
            "LANG": "C.UTF-8",
            "COLORTERM": "truecolor",
            "TZ": "UTC",
        }
        columns, rows = self._size
        self._tmux(
            *("new-session", "-d", "-s", "walk", "-x", str(columns), "-y", str(rows)),
            *(part for item in environment.items() for part in ("-e", "=".join(item))),
            *command,
        )

    def press(self, *keys: str) -> None:
        """Press keys, by the names that tmux has for them."""
        self._tmux("send-keys", "-t", "walk", *keys)

    def type(self, text: str) -> None:
        """Type a text."""
        self._tmux("send-keys", "-t", "walk", "-l", text)

    def capture(self, *, has_colours: bool = False) -> str:
        """Return the screen."""
        return self._tmux("capture-pane", "-p", "-t", "walk", *["-e"] * has_colours)

    def close(self) -> None:
        """End it, and what runs in it."""
        subprocess.run(
            ["tmux", "-S", str(self._socket), "kill-server"],
            check=False,
            capture_output=True,
            timeout=_PATIENCE,
        )


class Walk:
    """One walk: a server, somebody at the full screen, and others with line clients."""

    def __init__(self, directory: Path, columns: int, rows: int) -> None:
        self._directory = directory
        self._columns = columns
        self._tmux = Tmux(directory, columns, rows)
        self._programs = Programs(directory)
        self.captures: list[tuple[str, str]] = []
        """Names, and screens with colours."""
        self._port = 0
        self._server: Program
        (directory / "state").mkdir(mode=0o700)
        key = HostKey.from_seed(bytes(range(32)))  # One that everybody knows.
        path = directory / "state" / "host_key.pem"
        path.write_text(key.to_pem())
        path.chmod(0o600)
        self.start_server()

    @property
    def address(self) -> str:
        """Where the server is."""
        return f"localhost:{self._port}"

    # --- Others ---

    def start_server(self) -> None:
        """Start the server, or start it again."""
        listen = f"tcp:{self._port}:interface=127.0.0.1"
        self._server = self._programs.server(listen=(listen,))
        self._port = int(self._server.says(r"Listening on .*:(\d+)$")[1])

    def kill_server(self) -> None:
        """Kill it."""
        self._server.clean_up()

    def other(self, nick: str, *arguments: str) -> Program:
        """Return somebody else, who is in the lobby."""
        client = self._programs.client(f"encchat://{self.address}", "--nick", nick, *arguments)
        has_entered(client)
        return client

    # --- The person at the screen ---

    def start(self, *arguments: str) -> None:
        """Start the client."""
        home = self._directory / "screen"
        home.mkdir()
        self._tmux.start([sys.executable, "-m", "chat.client", *arguments], home)

    def come(self, nick: str = "ana") -> None:
        """Be in the lobby."""
        self.start(self.address, "--nick", nick)
        self.shows("● ana at")

    def press(self, *keys: str) -> None:
        """Press keys, and wait until everything that they do is done."""
        self._tmux.press(*keys)
        self._rest()

    def type(self, text: str) -> None:
        """Type a text, and wait until it is there."""
        self._tmux.type(text)
        self.shows(re.escape(text[-12:]))

    def enter(self, text: str) -> None:
        """Type a text and Enter."""
        self.type(text)
        self.press("Enter")

    def shows(self, pattern: str) -> None:
        """Wait until the screen shows something."""
        self._wait(lambda text: re.search(pattern, text) is not None, pattern)

    def shows_not(self, pattern: str) -> None:
        """Wait until the screen shows something no more."""
        self._wait(lambda text: re.search(pattern, text) is None, f"end of {pattern}")

    def _wait(self, condition: Callable[[str], bool], what: str) -> None:
        deadline = monotonic() + _PATIENCE
        while not condition(text := self._tmux.capture()):
            assert monotonic() < deadline, f"no {what} in\n{text}"
            sleep(0.05)

    def look(self, name: str) -> None:
        """Capture the screen when it has come to rest, and nothing on it goes away by itself."""
        self.shows_not(r"(?m)^.{26,}▌" if self._columns >= 80 else r"(?m)^.{2,}▌")
        self._rest()
        self.captures.append((name, self._tmux.capture(has_colours=True)))

    def _rest(self) -> None:
        """Wait until the screen stays as it is."""
        deadline = monotonic() + _PATIENCE
        before, since = "", monotonic()
        while (now := normalised(self._tmux.capture())) != before or monotonic() - since < _STILL:
            assert monotonic() < deadline, f"no rest in\n{now}"
            if now != before:
                before, since = now, monotonic()
            sleep(0.05)

    def close(self) -> None:
        """End everything."""
        self._tmux.close()
        self._programs.clean_up()

    @property
    def text(self) -> str:
        """All captures, without colours."""
        plain = (
            (name, re.sub(r"\x1b\[[0-9;:]*m|\x1b\]8;[^\x1b]*\x1b\\", "", screen))
            for name, screen in self.captures
        )
        return "".join(f"=== {name}\n{normalised(screen)}\n" for name, screen in plain)


def normalised(screen: str) -> str:
    """Return a screen without what is another each time."""
    for pattern, stands_for in _CHANGING:
        screen = re.sub(pattern, stands_for, screen, flags=re.MULTILINE)
    return "\n".join(line.rstrip() for line in screen.split("\n")).rstrip()


# --- The walks ---


def first_run(walk: Walk) -> None:
    """Somebody who has never been here starts the client, and types what it asks for."""
    walk.start()
    walk.shows("(?i)address|invitation")
    walk.look("nothing is known yet")
    walk.type(walk.address)
    walk.press("Tab")
    walk.type("ana")
    walk.look("where and who")
    walk.press("Enter")
    walk.shows("● ana at")
    walk.look("in the lobby")


def by_link(walk: Walk) -> None:
    """Somebody was sent a link into a room."""
    bob = walk.other("bob")
    bob.type("/create garden\n/topic Tomatoes and beans\n/invitation\n")
    link = bob.says(r"encchat://\S+")[0]
    bob.type("Welcome to the garden\n")
    walk.start(link)
    walk.shows("(?i)name")
    walk.look("only the name is asked for")
    walk.type("ana")
    walk.press("Enter")
    walk.shows("● ana at")
    walk.look("in the garden")


def three(walk: Walk) -> None:
    """Three people chat: replies, reactions, an edit."""
    bob, carol = walk.other("bob"), walk.other("carol")
    walk.come()
    bob.type("hi ana, coffee at ten?\n")
    walk.shows("coffee at ten")
    carol.type("I am in, **gladly**\n")
    walk.shows("gladly")
    walk.enter("half past is better")
    bob.says("half past")
    bob.type("/react +1\n")
    walk.shows(r"\+1")
    carol.type("/me fetches the cups\n")
    walk.shows("fetches the cups")
    walk.look("what was said")
    walk.press("BTab")
    walk.shows("reply")
    walk.look("a message is selected")
    walk.press("r")
    walk.type("do you take milk?")
    walk.look("a reply is written")
    walk.press("Enter")
    walk.shows("carol")
    walk.look("it is said")


def search(walk: Walk) -> None:
    """Somebody looks for what was said."""
    bob = walk.other("bob")
    bob.type("red apples\ngreen apples\nred plums\n")
    bob.says("plums|.")
    walk.come()
    walk.press("C-f")
    walk.look("the search is open")
    walk.type("apples")
    walk.press("Enter")
    walk.shows("green apples")
    walk.look("what was found")


def reconnection(walk: Walk) -> None:
    """The server dies and comes back; what was typed meanwhile is sent."""
    walk.come()
    walk.enter("before it happens")
    walk.shows("before it happens")
    walk.kill_server()
    walk.shows("(?i)again in|reconnect|no connection")
    walk.enter("while it is gone")
    walk.look("the server is gone")
    walk.start_server()
    walk.shows("● ana at")
    walk.shows("while it is gone")
    walk.look("it is back")


def moderation(walk: Walk) -> None:
    """Somebody mutes another in a room of their own."""
    bob = walk.other("bob")
    walk.come()
    walk.enter("/create den")
    walk.shows("#den +open to all")
    bob.type("/join den\n")
    walk.shows("2 members")
    bob.type("noise noise noise\n")
    walk.shows("noise")
    walk.enter("/mute bob 10m")
    walk.look("somebody is muted")
    bob.type("more noise\n")
    bob.notes("may not|muted")
    walk.look("and says nothing any more")


WALKS: Final[dict[str, Callable[[Walk], None]]] = {
    "first-run": first_run,
    "by-link": by_link,
    "three": three,
    "search": search,
    "reconnection": reconnection,
    "moderation": moderation,
}

_PICTURES: Final = {
    "chat": ("three", (100, 28), "it is said"),
    "search": ("search", (100, 28), "what was found"),
    "first-run": ("first-run", (80, 24), "where and who"),
    "narrow": ("three", (40, 20), "what was said"),
}
"""Names of pictures, and of what walk they are, at what size, and which capture."""


def take_walk(name: str, columns: int, rows: int) -> Walk:
    """Take a walk from its beginning to its end."""
    # The path is on the screen, so its length matters.
    with tempfile.TemporaryDirectory(prefix="tmp", dir="/tmp") as directory:
        walk = Walk(Path(directory), columns, rows)
        try:
            WALKS[name](walk)
        finally:
            walk.close()
    return walk


def walk_path(name: str, columns: int, rows: int) -> Path:
    """Return where the captures of a walk are kept."""
    return Path(__file__).parent / "walks" / f"{name}-{columns}x{rows}.txt"


def draw(screen: str, columns: int, title: str) -> str:
    """Return a screen with its colours as SVG."""
    from rich.console import Console
    from rich.text import Text

    with Path("/dev/null").open("w") as nowhere:
        console = Console(record=True, width=columns, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi(screen.rstrip("\n")), no_wrap=True, crop=True)
        svg = console.export_svg(title=title, unique_id="encchat")
    # The reader's own font: nothing is fetched from elsewhere to look at a picture.
    return re.sub(r"\s*@font-face \{[^}]*\}", "", svg).replace("Fira Code", "ui-monospace")


def main() -> None:
    """Write the captures, or the pictures."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.walks")
    parser.add_argument("--pictures", action="store_true")
    parser.add_argument("only", nargs="*", help="names of walks")
    arguments = parser.parse_args()
    if arguments.pictures:
        folder = CHECKOUT / "docs" / "pictures"
        folder.mkdir(exist_ok=True)
        for picture, (name, (columns, rows), capture) in _PICTURES.items():
            walk = take_walk(name, columns, rows)
            screen = normalised(dict(walk.captures)[capture])
            (folder / f"{picture}.svg").write_text(draw(screen, columns, "encchat"))
        return
    for name in arguments.only or WALKS:
        for columns, rows in SIZES:
            path = walk_path(name, columns, rows)
            path.parent.mkdir(exist_ok=True)
            path.write_text(take_walk(name, columns, rows).text)
            print(path)


if __name__ == "__main__":
    main()
