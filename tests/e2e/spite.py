"""A server that says nothing but what might act on a terminal: ``python -m tests.e2e.spite``.

It is the model server, with hostile values wherever others choose a text: rooms, nicknames, topics,
messages, edits, reactions, links, notices, invitations, requests, refusals. Prints its port.
"""

from typing import Any, Final, cast

from msgspec import UNSET, Struct
from twisted.internet import reactor

from chat.ids import AccountId, LogId
from chat.wire import messages as m
from tests.client.model import ModelServer, Session
from tests.client.serve import serve

__all__ = ["HARMLESS", "HOSTILE", "MARK"]

MARK: Final = "Xyzzy"
"""Follows every hostile sequence, so that it is found wherever it went through."""

_SEQUENCES: Final = (
    *("\x1b[2J", "\x1b[H", "\x1b[3;3H", "\x1b[?1049l", "\x1b[?1000h", "\x1b[31;5m", "\x1b[6n"),
    *(
        "\x1bc",
        "\x1b7",
        "\x1b#8",
        "\x1b(0",
        "\x1b[!p",
        "\x1b[c",
        "\x1b[21t",
        "\x1b[?2004l",
        "\x1b[4h",
    ),
    *(
        "\x1b[4h",
        "\x1b]0;title\x07",
        "\x1b]2;title\x1b\\",
        "\x1b]52;c;aGk=\x07",
        "\x1b]9;hello\x1b\\",
    ),
    *("\x1b]8;;http://evil.example\x1b\\", "\x1b]1337;File=:AAAA\x07", "\x1bP+q544e\x1b\\"),
    *("\x1b_Ga=T;AAAA\x1b\\", "\x1b^privacy\x1b\\", "\x1bX\x1b\\", "\x9b2J", "\x9d52;c;aGk=\x9c"),
    *("\x90+q544e\x9c", "\x8e", "\x85", "\x84", "\x9f", "\x98"),
    *("\r", "\n", "\x08", "\x0b", "\x0c", "\x0e", "\x0f", "\x7f", "\x05", "\x07", "\x00", "\t"),
    *("\u202e", "\u202d", "\u202b", "\u2066", "\u2067", "\u2068", "\u2069", "\u200f", "\u200e"),
    *("\u061c", "\u2028", "\u2029"),
)

HOSTILE: Final = tuple(
    sequence + MARK
    for sequence in dict.fromkeys(
        (
            *_SEQUENCES,
            *map(chr, range(0x20)),
            *map(chr, range(0x7F, 0xA0)),
        )
    )
)
"""Texts that no terminal should ever be sent: all of C0 and C1, sequences of each kind, and
characters that change the direction of text."""

HARMLESS: Final = "nothing in this one"

_NAMES: Final = 6
"""Rooms, and people."""


class Spite(ModelServer):
    """Refuses some requests with hostile sentences, and says more of the kind after each login."""

    def _login(self, session: Session, login: m.Login) -> None:
        self.accounts[login.key] = self.account(login.nick)
        super()._login(session, login)
        for text in HOSTILE[:_NAMES]:
            session.say(m.Notice(text))
            session.say(m.Invited(text, text))
            session.say(m.Requested(LogId(bytes(16)), AccountId(bytes(16)), text))

    def handle(self, session: Session, request: Struct) -> None:
        """Answer, or refuse what changes anything but the room."""
        if isinstance(request, m.Moderate | m.Invite | m.Block):
            text = "".join(HOSTILE[20:40])
            session.say(m.Refused(request.id, text, text))
        else:
            super().handle(session, request)


def fill(model: ModelServer) -> None:
    """Fill a model with rooms that somebody called ana is in."""
    ana = model.account("ana")
    for number in range(_NAMES):
        some = HOSTILE[number::_NAMES]
        name = "lobby" if not number else some[0] + some[1]
        nick = some[2] + some[3]
        log = model.room(name)
        log.topic = "".join(some[:12])
        who = model.account(nick)
        log.members |= {ana, who}
        log.seen[ana] = 10**9
        last = 0
        for text in (*some, "".join(some), "x" * 8_192, "\u4f60" * 2_730, "\u0301" * 4_000):
            last = model.add(log, m.TextBody(0, who, nick, text, last or UNSET))
        model.add(log, m.TextBody(0, who, nick, "waves " + some[4], me=True))
        model.add(log, m.EditBody(0, who, nick, last, some[5]))
        model.add(log, m.ReactionBody(0, who, nick, last, some[6][:8]))
        model.add(log, m.TopicBody(0, who, nick, some[7]))
        for text in (
            f"https://evil.example/{some[8]}",
            f"[safe](https://evil.example/{some[9]})",
            f"`{some[10]}` **{some[11]}** ```\n{some[3]}\n```",
            "[red]x[/red] [@click=app.quit]y[/] [/x] $(reboot) %s {0}",
            HARMLESS,
        ):
            model.add(log, m.TextBody(0, who, nick, text))


if __name__ == "__main__":
    spite = Spite()
    fill(spite)
    serve(cast(Any, reactor), spite)
