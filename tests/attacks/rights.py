"""Who may: rights are looked at when they are used."""

from chat.wire import messages as m
from tests.attacks.arena import Arena, Fell, attack


@attack(
    "an account uses a connection on which its key was revoked",
    "in 8 of 60 tries a revoked key stayed logged in",
)
def revoked_key(arena: Arena) -> str:
    """Revoke a key while its connection is used, 20 times."""
    with arena.server() as server:
        owner = arena.client(server, "ana")
        stayed = 0
        for _ in range(20):
            issued = owner.ask(m.Code(owner.next_id()))
            if not isinstance(issued, m.CodeIssued):
                raise Fell(f"no code: {issued}")
            other = arena.client(server, "ana", code=issued.code)
            owner.send(m.Revoke(owner.next_id(), other.identity.public))
            answer = other.ask(m.Code(other.next_id()))
            stayed += isinstance(answer, m.CodeIssued) and not other.ends()
        if stayed:
            raise Fell(f"{stayed} of 20 stayed logged in")
        return "0 of 20 stayed logged in"
