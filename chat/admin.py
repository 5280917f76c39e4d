"""``python -m chat.admin``: administer a running or a stopped server."""

import argparse
import json
import socket
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from getpass import getpass
from pathlib import Path
from typing import Any, Final

import msgspec
import segno
from twisted.internet import task
from twisted.internet.defer import Deferred

from chat.client.core.address import AddressError, make_link, parse_address
from chat.client.visible import make_visible
from chat.durations import DurationError, parse_duration
from chat.limits import Limits
from chat.rooms.errors import RequestError
from chat.rooms.roles import Action
from chat.server.administration import backup, requests
from chat.server.administration.console import SOCKET
from chat.server.administration.control import Control
from chat.server.administration.requests import ControlError, Request
from chat.server.connections.proxies import Proxies, parse_proxy
from chat.server.passwords.file import BadPasswordError, PasswordFile
from chat.server.requests.dispatcher import Dispatcher
from chat.server.settings import ConfigurationError
from chat.server.state.directory import (
    PROXIES,
    STORE,
    StateDirectory,
    default_state_path,
    store_url,
)
from chat.store.interface import StoreError
from chat.store.registry import has_search, open_store, put_temporary_files_in

__all__ = ["main", "parse_arguments"]

_TIMEOUT: Final = 30.0
"""Seconds to wait for a running server's answer."""

_TIMES: Final = ("time", "until")
"""Columns in milliseconds since 1970 UTC; 0 for never."""

_DO: Final = {
    Action.OP: "make NICK an operator of the server",
    Action.DEOP: "remove NICK as an operator of the server",
    Action.BAN: "ban NICK, with every key of the account",
    Action.UNBAN: "lift the ban of NICK",
    Action.MUTE: "stop NICK from posting, in every room",
    Action.UNMUTE: "let NICK post again",
}


def _duration(text: str) -> int:
    try:
        return parse_duration(text)
    except DurationError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text)):
        raise argparse.ArgumentTypeError(f"{text!a} is not a positive number")
    return int(text)


def _address(text: str) -> str:
    try:
        return str(parse_address(text))
    except AddressError as error:
        raise argparse.ArgumentTypeError(f"{text!a}: {error}") from None


def _anywhere() -> argparse.ArgumentParser:
    """Return the options allowed both before and after a command; the last one counts."""
    options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    options.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="the server's state directory (default: $ENCCHAT_STATE, or in the user's data"
        " directory)",
    )
    options.add_argument("--json", action="store_true", help="print JSON, for other programs")
    return options


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the parsed command line; exits with status 2 if it is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m chat.admin",
        parents=[_anywhere()],
        description="Administer a running or stopped encchat server. Exit status: 0 done, 1 not"
        " done, 2 wrong arguments.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(
        name: str, help: str, make: Callable[[argparse.Namespace], Request] | None
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help, description=help, parents=[_anywhere()])
        command.set_defaults(make=make)
        return command

    add("status", "show the server's status", lambda _: requests.Status())
    add("users", "list accounts, as `accounts` does", lambda _: requests.Users())
    for name, one, listing, deleting in (
        ("accounts", "NICK", requests.Users, requests.DeleteAccount),
        ("rooms", "ROOM", requests.Rooms, requests.DeleteRoom),
    ):
        group = add(name, f"list {name}, or delete one", _always(listing))
        below = group.add_subparsers(dest="below", metavar="[delete]")
        delete = below.add_parser("delete", help=f"delete {one}", parents=[_anywhere()])
        delete.add_argument("name", metavar=one)
        delete.set_defaults(make=_by_name(deleting))
    add("bans", "list all bans and mutes, on the server and in rooms", lambda _: requests.Bans())
    add("invites", "list invitations", lambda _: requests.Invites())
    audit = add(
        "audit",
        "show the server's audit log, or a room's",
        lambda it: requests.Audit(min(it.count, 1_000), it.room),
    )
    audit.add_argument("--room", default="", help="show this room's audit log instead")
    audit.add_argument("-n", dest="count", type=_count, default=50, metavar="N")
    for action, help in _DO.items():
        doing = add(action.value, help, _make_do(action))
        doing.add_argument("nick", metavar="NICK")
        if action in (Action.BAN, Action.MUTE):
            doing.add_argument("--for", dest="seconds", type=_duration, default=0, metavar="TIME")
        doing.add_argument("--reason", default="")
    own = add("own", "make NICK an owner of the server", lambda it: requests.Own(it.nick))
    own.add_argument("nick", metavar="NICK")
    disown = add(
        "disown", "revoke NICK's ownership of the server", lambda it: requests.Disown(it.nick)
    )
    disown.add_argument("nick", metavar="NICK")
    recover = add(
        "recover",
        "give NICK, whose keys are lost, a new key: print a code for --link",
        lambda it: requests.Recover(it.nick),
    )
    recover.add_argument("nick", metavar="NICK")
    block = add(
        "block",
        "ban an address (for IPv6, its /64)",
        lambda it: requests.Block(it.network, it.seconds, it.reason, it.force),
    )
    block.add_argument("network", metavar="ADDRESS")
    block.add_argument("--for", dest="seconds", type=_duration, default=0, metavar="TIME")
    block.add_argument("--reason", default="")
    block.add_argument(
        "--force", action="store_true", help="even if the address is a proxy's, or your own"
    )
    unblock = add("unblock", "lift the ban of an address", lambda it: requests.Unblock(it.network))
    unblock.add_argument("network", metavar="ADDRESS")
    invite = add(
        "invite",
        "print a new invitation link",
        lambda it: requests.Invite(it.uses, it.seconds, it.room, it.address or ""),
    )
    invite.add_argument("--room", default="", help="invite to this room, not just to the server")
    invite.add_argument("--uses", type=_count, default=1, metavar="N")
    invite.add_argument("--for", dest="seconds", type=_duration, default="7d", metavar="TIME")
    invite.add_argument(
        "--address",
        type=_address,
        metavar="HOST[:PORT]",
        help="where others reach the server (default: the one given last)",
    )
    revoke = add("revoke-invite", "withdraw an invitation", lambda it: requests.Revoke(it.id))
    revoke.add_argument("id", metavar="ID", help="the id that `invites` shows, or its beginning")
    clock = add(
        "clock", "compare the clock with the server's time", lambda it: requests.Clock(it.accept)
    )
    clock.add_argument("--accept", action="store_true", help="trust the clock: it is right")
    add("host-key", "show the host key's fingerprint", lambda _: requests.Fingerprint())
    add("rotate-host-key", "replace the server's host key", lambda _: requests.Rotate())
    saving = add("backup", "back up the server to FILE; it may be running", None)
    saving.add_argument(
        "--encrypt", action="store_true", help="ask for a passphrase, and encrypt FILE with it"
    )
    restoring = add("restore", "restore FILE to the state directory, which must be empty", None)
    verifying = add("verify", "check that FILE is a complete backup", None)
    for command, run in ((saving, _back_up), (restoring, _restore), (verifying, _verify)):
        command.add_argument("file", type=Path, metavar="FILE")
        command.set_defaults(run=run)
    passwd = add("passwd", "set NICK's password, in a file for --auth encchat:FILE", None)
    passwd.add_argument("nick", metavar="NICK")
    passwd.add_argument("--file", type=Path, required=True, metavar="FILE")
    passwd.add_argument("--remove", action="store_true", help="remove the password instead")
    passwd.set_defaults(run=set_password)
    parsed = parser.parse_args(arguments, argparse.Namespace(state=None, json=False))
    if parsed.state is None and parsed.command not in ("passwd", "verify"):
        try:
            parsed.state = default_state_path()
        except ConfigurationError as error:
            parser.error(str(error))
    return parsed


def _always(request: type[Request]) -> Callable[[argparse.Namespace], Request]:
    return lambda _: request()


def _by_name(request: Callable[[str], Request]) -> Callable[[argparse.Namespace], Request]:
    return lambda it: request(it.name)


def _make_do(action: Action) -> Callable[[argparse.Namespace], Request]:
    return lambda it: requests.Do(action, it.nick, getattr(it, "seconds", 0), it.reason)


# --- Passwords ---


def set_password(arguments: argparse.Namespace) -> dict[str, str]:
    """Set or remove a password, and return what was done. Raises ControlError.

    At a terminal it asks twice; otherwise the first line of standard input is the password.
    """
    file = PasswordFile(arguments.file)
    try:
        if arguments.remove:
            if not file.remove(arguments.nick):
                raise ControlError(f"{arguments.nick} has no password in {arguments.file}.")
            return {"removed": arguments.nick}
        file.set(arguments.nick, _read_secret("password", is_new=True))
    except (ConfigurationError, BadPasswordError, RequestError) as error:
        raise ControlError(str(error)) from None
    return {"set": arguments.nick}


def _read_secret(what: str, *, is_new: bool) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    secret = getpass(f"{what.capitalize()}: ")
    if is_new and getpass(f"Repeat the {what}: ") != secret:
        raise ControlError(f"The {what}s differ; nothing was changed.")
    return secret


# --- Backups ---


def _back_up(arguments: argparse.Namespace) -> dict[str, Any]:
    passphrase = None
    if arguments.encrypt:
        passphrase = _read_secret("passphrase", is_new=True)
        if not passphrase:
            raise ControlError("The passphrase is empty; nothing was written.")
    contents = backup.back_up(arguments.state, arguments.file, passphrase)
    return {"backup": str(arguments.file), "encrypted": arguments.encrypt} | _describe(contents)


def _restore(arguments: argparse.Namespace) -> dict[str, Any]:
    contents = backup.restore(arguments.file, arguments.state, _passphrase_of(arguments.file))
    return {"restored": str(arguments.state)} | _describe(contents)


def _verify(arguments: argparse.Namespace) -> dict[str, Any]:
    contents = backup.verify(arguments.file, _passphrase_of(arguments.file))
    return {"whole": str(arguments.file)} | _describe(contents)


def _passphrase_of(file: Path) -> str | None:
    return _read_secret("passphrase", is_new=False) if backup.is_sealed(file) else None


def _describe(contents: backup.Contents) -> dict[str, Any]:
    return {
        "time": contents.time,
        "records": contents.records,
        "bytes": sum(it.size for it in contents.files.values()),
        "files": list(contents.files),
        "fingerprint": contents.fingerprint,
    }


# --- Asking ---


def ask(state: Path, request: Request) -> Any:
    """Send a request to the server that uses a state directory, or run it on its files.

    Raises ControlError.
    """
    answer = _ask_running(state / SOCKET, request)
    if answer is None:
        if not (state / STORE).exists():
            raise ControlError(f"There is no server in {state}.")
        answer = _ask_files(state, request)
    if "error" in answer:
        raise ControlError(answer["error"])
    return answer["done"]


def _ask_running(path: Path, request: Request) -> dict[str, Any] | None:
    """Return a running server's answer; None if no server is running."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_TIMEOUT)
            connection.connect(str(path))
            connection.sendall(msgspec.json.encode(request) + b"\n")
            with connection.makefile("rb") as answers:
                line = answers.readline()
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except OSError as error:
        raise ControlError(f"The server does not answer: {error}.") from None
    if not line:
        raise ControlError("The server ended the connection.")
    answer: dict[str, Any] = json.loads(line)
    return answer


def _ask_files(path: Path, request: Request) -> dict[str, Any]:
    """Run a request on the files of a stopped server."""
    answers: list[dict[str, Any]] = []

    async def run(reactor: Any) -> None:
        try:
            answers.append({"done": await _run_on_files(reactor, path, request)})
        except (ControlError, ConfigurationError, StoreError) as error:
            answers.append({"error": str(error)})

    try:
        task.react(lambda reactor: Deferred.fromCoroutine(run(reactor)))
    except SystemExit:
        if not answers:
            raise
    return answers[0]


async def _run_on_files(reactor: Any, path: Path, request: Request) -> object:
    state = StateDirectory(path)
    try:
        put_temporary_files_in(path)
        url = store_url(path)
        store = open_store(url, reactor, has_search(url))
        try:
            dispatcher = Dispatcher(
                *(store, state.storage_key(), reactor, Limits()),
                is_proxy=_proxies_of(state).are_in,
            )
            await dispatcher.load()
            answer = await Control(
                *(dispatcher.context, state, state.host_key(), lambda _: None), is_running=False
            ).run(request)
            await dispatcher.close()
            return answer
        finally:
            await store.close()
    finally:
        state.close()


def _proxies_of(state: StateDirectory) -> Proxies:
    """Return the trusted proxies of a stopped server. Raises ConfigurationError."""
    try:
        return Proxies([parse_proxy(it) for it in state.proxies()])
    except ValueError:
        raise ConfigurationError(
            f"{state.path / PROXIES} is damaged; the next start of the server writes it again"
        ) from None


# --- Printing ---


def _show(arguments: argparse.Namespace, answer: Any) -> None:
    if arguments.command == "invite":
        token = bytes.fromhex(answer["token"])
        room = arguments.room or None
        address = parse_address(answer["address"])
        answer = {"link": make_link(address, answer["fingerprint"], room, token)}
    if arguments.json:
        print(json.dumps(_with_times(answer), ensure_ascii=True, indent=2))
    elif isinstance(answer, list):
        _show_table(answer)
    else:
        for name, value in answer.items():
            text = _cell(name, value) or "no"
            print(text if name == "done" else f"{name}: {text}")
        if "link" in answer and sys.stdout.isatty():
            segno.make(answer["link"], error="l").terminal(compact=True, border=2)


def _with_times(answer: Any) -> Any:
    """Return an answer with its times in RFC 3339 format; null for never."""
    if isinstance(answer, list):
        return [_with_times(it) for it in answer]
    return {
        name: (_rfc3339(value) if value else None) if name in _TIMES else value
        for name, value in answer.items()
    }


def _rfc3339(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1_000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _show_table(rows: list[dict[str, Any]]) -> None:
    if not rows:
        print("None.")
        return
    cells = [list(rows[0]), *([_cell(*item) for item in row.items()] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    for row in cells:
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join(padded).rstrip())


def _cell(name: str, value: Any) -> str:
    if name in _TIMES:
        moment = datetime.fromtimestamp(value / 1_000, UTC)
        return f"{moment:%Y-%m-%d %H:%M:%S}" if value else "never"
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return make_visible(str(value))


def main() -> None:
    """Run the command, and exit with its status."""
    arguments = parse_arguments()
    try:
        if arguments.make is None:
            answer = arguments.run(arguments)
        else:
            answer = ask(arguments.state, arguments.make(arguments))
        _show(arguments, answer)
    except ControlError as error:
        sys.exit(f"chat.admin: {make_visible(str(error))}")


if __name__ == "__main__":
    main()
