"""Who may: a right is a key's or an account's, and never a name's."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.server import ServerProcess
from chat.client.core.address import parse_address
from chat.wire import messages as m
from chat.wire.identity import Identity, identity_fingerprint
from tests.attacks.arena import PATIENCE, Arena, Fell, RawClient, attack

_CLAIM: Final = re.compile(r'Become the owner with: .* -m chat\.client "(encchat://.*)"')


def token_of(server: ServerProcess) -> bytes:
    """Return the token that a server without an owner has logged."""
    found = _CLAIM.findall(server.log())
    token = parse_address(found[-1]).token if found else None
    if token is None:
        raise Fell("the server does not say who becomes its owner, and how")
    return token


def admin(state: Path, *arguments: str) -> str:
    """Run the admin tool, and return what it printed."""
    command = [sys.executable, "-m", "chat.admin", "--state", str(state), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    return done.stdout + done.stderr


def is_owner(client: RawClient, victim: str) -> bool:
    """Tell whether a client may do what only owners of the server may."""
    return isinstance(client.ask(m.Moderate(client.next_id(), "op", victim)), m.Ok)


@attack(
    "strangers take the names of the server's owner, which look like it and which it gave up",
    "a stranger called b0ss was an owner, and so was whoever took the name after a rename",
)
def owner_by_name(arena: Arena) -> str:
    """Name an owner by a key and by the claim, and come with its name in many forms."""
    boss_key = Identity.generate()
    with arena.server(options=("--operator", identity_fingerprint(boss_key.public))) as server:
        arena.client(server, "friend")
        early = [arena.client(server, nick) for nick in ("b0ss", "8oss", "owner", "operator")]
        boss = arena.client(server, "boss1", identity=boss_key)
        boss.ask(m.Nick(boss.next_id(), "elsewhere"))
        late = arena.client(server, "boss1")
        strangers = sum(is_owner(it, "friend") for it in (*early, late))
        if strangers or not is_owner(boss, "friend"):
            raise Fell(f"{strangers} strangers are owners")
        state = arena.directory / "state"
        said = admin(state, "disown", "elsewhere")
        again = arena.client(server, "elsewhere", identity=boss_key)
        if is_owner(boss, "friend") or is_owner(again, "friend"):
            raise Fell(f"who was disowned is an owner: {said}")
        admin(state, "own", "boss")
        if any(is_owner(it, "friend") for it in early):
            raise Fell("chat.admin own boss made somebody else an owner")
    return "0 of 5 names made an owner; a disowned one was none at the next login"


@attack(
    "everybody tries to be the server's first owner: without, with a wrong, with the right token",
    "whoever had the name was, and nothing took it away",
)
def first_owner(arena: Arena) -> str:
    """Use the claim of the first start twice, and that of an earlier start."""
    with arena.server("login_failures_free=1000") as server:
        arena.client(server, "friend")
        old = token_of(server)
        server.kill()
        server.start()
        arena.client(server)
        token = token_of(server)
        refused = []
        for nick, it in (("ana", old), ("bob", bytes(16)), ("eva", token[::-1])):
            refused.append(arena.client(server, nick, token=it).answer)
        boss = arena.client(server, "boss", token=token)
        refused.append(arena.client(server, "late", token=token).answer)
        if not is_owner(boss, "friend"):
            raise Fell(f"who has the token is not the owner: {boss.answer}")
        if any(not isinstance(it, m.Refused) for it in refused):
            raise Fell(f"let in with a token that is none: {refused}")
    return "1 of 5 tokens made an owner, once; the others were refused"
