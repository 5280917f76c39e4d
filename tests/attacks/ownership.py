"""Who may: a right is a key's or an account's, and never a name's."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from msgspec import UNSET

from benchmarks.server import ServerProcess
from chat.client.core.address import parse_address
from chat.wire import messages as m
from chat.wire.identity import Identity, identity_fingerprint
from tests.attacks.arena import PATIENCE, Arena, Fell, RawClient, attack, until

_CLAIM: Final = re.compile(r'Become the owner with: .* -m chat\.client "(encchat://.*)"')


def token_of(server: ServerProcess) -> bytes:
    """Return the token that a server without an owner has logged."""
    until(lambda: bool(_CLAIM.findall(server.log())))
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


@attack(
    "an operator who was deopped, kicked, banned, or left goes on inviting by link",
    "links and invitations went on after their maker was deopped or banned",
)
def dead_invitations(arena: Arena) -> str:
    """Let makers of links lose their rights in five ways, and use the links."""
    worked = []
    with arena.server("login_failures_free=1000") as server:
        root = arena.client(server, "root", token=token_of(server))
        for number, loss in enumerate(("deop", "kick", "ban", "leave", "server ban")):
            log = root.join(f"den{number}", "invite")
            maker = arena.client(server, f"maker{number}")
            root.ask(m.Invite(root.next_id(), log, f"maker{number}"))
            maker.join(f"den{number}")
            root.ask(m.Moderate(root.next_id(), "op", f"maker{number}", log))
            link = maker.ask(m.Token(maker.next_id(), 9, 3_600, log))
            if not isinstance(link, m.TokenIssued):
                raise Fell(f"no link: {link}")
            if loss == "leave":
                maker.ask(m.Leave(maker.next_id(), log))
            else:
                where = UNSET if loss.startswith("server") else log
                action = loss.removeprefix("server ")
                root.ask(m.Moderate(root.next_id(), action, f"maker{number}", where))
            guest = arena.client(server, f"guest{number}", token=link.token)
            worked += [loss] if isinstance(guest.answer, m.Welcome) else []
    if worked:
        raise Fell(f"links went on after: {', '.join(worked)}")
    return "0 of 5 links worked after their makers lost the right"


@attack(
    "an account that was banned from a room, and one from the server, visit with its link",
    "19 refused visits used up a link for 20",
)
def refused_visits(arena: Arena) -> str:
    """Visit 19 times each, and then let a guest come with the same link."""
    with arena.server() as server:
        root = arena.client(server, "root", token=token_of(server))
        log = root.join("den", "invite")
        link = root.ask(m.Token(root.next_id(), 4, 3_600, log))
        if not isinstance(link, m.TokenIssued):
            raise Fell(f"no link: {link}")
        evil = [arena.client(server, f"evil{it}", token=link.token) for it in range(3)]
        evil[0].join("den")
        root.ask(m.Moderate(root.next_id(), "ban", "evil0", log))
        root.ask(m.Moderate(root.next_id(), "ban", "evil1"))
        for client in evil:  # The third is invited, and does not come in.
            for _ in range(19):
                arena.client(server, "evil", identity=client.identity, token=link.token).close()
        guest = arena.client(server, "guest", token=link.token)
        if not isinstance(guest.answer, m.Welcome):
            raise Fell(f"the guest is refused: {guest.answer}")
    return "57 visits used up nothing"


@attack(
    "strangers guess an owner's code for another device, and the operator's for a lost key",
    "five guesses by anybody used it up",
)
def burnt_codes(arena: Arena) -> str:
    """Guess six times from each of ten addresses, then use the right code from another."""
    with arena.server() as server:
        owner = arena.client(server, "ana", source="127.0.0.2")
        issued = owner.ask(m.Code(owner.next_id()))
        if not isinstance(issued, m.CodeIssued):
            raise Fell(f"no code: {issued}")
        codes = [issued.code]
        for device in range(2):
            for host in range(10):
                for _ in range(6):
                    source = f"127.0.1.{10 * device + host}"
                    arena.client(server, "ana", code="AAAAA-AAAAA", source=source).close()
            phone = arena.client(server, "ana", code=codes[-1], source=f"127.0.2.{device}")
            if not isinstance(phone.answer, m.Welcome):
                raise Fell(f"the right code is refused: {phone.answer}")
            said = admin(arena.directory / "state", "--json", "recover", "ana")
            codes.append(json.loads(said)["code"])
    return "2 of 2 codes good after 60 guesses each"


@attack(
    "operators ban networks that are their own, the machine's, or everybody's",
    "one ban shut out everybody behind the proxy, and the operator",
)
def shared_networks(arena: Arena) -> str:
    """Try it as an owner, and with the admin tool; then force it, and ban a stranger's."""
    with arena.server() as server:
        root = arena.client(server, "root", token=token_of(server), source="127.0.0.1")
        arena.client(server, "bob", source="127.0.0.1")
        refused = []
        for _ in range(2):
            ban = m.Moderate(root.next_id(), "ban", "bob", reason="spam", network=True)
            refused.append(root.ask(ban))
        if any(getattr(it, "code", "") != "shared_network" for it in refused):
            raise Fell(f"the owner's own network is banned: {refused}")
        state = arena.directory / "state"
        for address in ("127.0.0.1", "127.0.0.9", "::1", "::ffff:127.0.0.1"):
            said = admin(state, "block", address)
            if "--force" not in said:
                raise Fell(f"{address} is banned: {said}")
        if isinstance(root.ask(m.Devices(root.next_id())), m.Refused) or root.is_over:
            raise Fell("the owner was shut out")
        if "None." not in admin(state, "bans"):
            raise Fell("something was banned")
        admin(state, "block", "203.0.113.9")
        admin(state, "block", "127.0.0.9", "--force")
        bans = admin(state, "bans")
        if "203.0.113.9" not in bans or "127.0.0.9" not in bans:
            raise Fell(f"a stranger's network, or a forced one, is not banned: {bans}")
    return "6 of 6 refused with a sentence; a stranger's and a forced one are banned"


@attack(
    "the owner of a room hides what an operator did on the server behind actions in the room",
    "own-room actions pushed the server's entries out of the audit log's view",
)
def hidden_audit(arena: Arena) -> str:
    """Change a room 1,100 times, and look for the one entry of the server."""
    with arena.server(options=("--keep-records", "500")) as server:
        arena.client(server, "bob")
        state = arena.directory / "state"
        admin(state, "mute", "bob", "--reason", "noise")
        eve = arena.client(server, "eve")
        log = eve.join("evesroom")
        for number in range(1_100):
            eve.send(m.Slow(eve.next_id(), log, number % 2 + 1))
        eve.ask(m.Devices(eve.next_id()))
        entries = json.loads(admin(state, "--json", "audit", "-n", "50"))
        hers = json.loads(admin(state, "--json", "audit", "-n", "1000", "--room", "evesroom"))
        if not any(it["detail"] == "noise" for it in entries) or len(hers) < 900:
            raise Fell(f"of the server's entries are left: {entries}; of the room's {len(hers)}")
        server.kill()
        server.start()
        arena.client(server)

        def left_over() -> int:
            printed = admin(state, "--json", "audit", "-n", "1000", "--room", "evesroom")
            return len(json.loads(printed))

        until(lambda: left_over() <= 500)
        left = left_over()
        if left > 500:
            raise Fell(f"retention left {left} entries of 500")
    return f"1 of 1 entries in view behind {len(hers)}; retention left {left} of these"


@attack(
    "a stranger tries logins with public keys, to learn which of them are registered",
    "from the sixth try on, bad_signature for a known key, and too_many_attempts for others",
)
def known_keys(arena: Arena) -> str:
    """Try the key of somebody, and three that nobody has, ten times each."""
    with arena.server() as server:
        ana = arena.client(server, "ana", source="127.0.0.1")
        others = [Identity.generate() for _ in range(3)]
        seen = []
        for number, identity in enumerate((ana.identity, *others)):
            codes = []
            for _ in range(10):
                guess = arena.client(server, source=f"127.0.3.{number}")
                login = m.Login(guess.next_id(), f"eve{number}", identity.public, bytes(64))
                guess.socket.sendall(guess.connection.login(login))
                codes.append(getattr(guess.answer_to(login.id), "code", "let in"))
                guess.close()
            seen.append(codes)
        if any(codes != seen[0] for codes in seen) or "let in" in seen[0]:
            raise Fell(f"the answers differ: {seen}")
    return f"the same 10 answers for 4 keys, of which 1 is registered: {', '.join(seen[0][4:6])}"
