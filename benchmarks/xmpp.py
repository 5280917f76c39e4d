"""XMPP over TLS (XEP-0368): group chats (XEP-0045) with archives to query (XEP-0313)."""

import re
from collections.abc import Iterator

from benchmarks.keeping import Keeper, KeepingClient
from benchmarks.peer import PeerError

__all__ = ["HOST", "ROOMS", "XmppClient", "XmppServer"]

HOST = "localhost"
ROOMS = "rooms.localhost"
"""The domain of its group chats."""

_STREAM = (
    f"<?xml version='1.0'?><stream:stream to='{HOST}' version='1.0' xmlns='jabber:client'"
    " xmlns:stream='http://etherx.jabber.org/streams'>"
)
_AUTH = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>"
_BIND = "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
_JOIN = "<x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x>"
_LAST = (
    "<query xmlns='urn:xmpp:mam:2'>"
    "<set xmlns='http://jabber.org/protocol/rsm'><max>1</max><before/></set></query>"
)
"""Matches the last message of an archive, with the total count."""
_ENDS = (b"</message>", b"</presence>", b"</iq>")
_FAILED = re.compile(rb"type=['\"]error['\"]|<stream:error|</stream:stream>")
_COUNT = re.compile(rb"<count>(\d+)</count>")
_BODY = re.compile(rb"<body>([^<]*)</body>")


class XmppClient(KeepingClient):
    """A client in a group chat; it takes its own messages coming back as acknowledgements."""

    head = b"<body>"

    def __init__(self, nick: str, room: str | None) -> None:
        super().__init__(nick, room)
        self._address = f"{self.room}@{ROOMS}"
        self.own = f"from='{self._address}/{nick}'".encode("ascii")

    def post(self, text: str) -> None:
        """Post in the group chat."""
        self.posted += 1
        self.write(
            f"<message to='{self._address}' type='groupchat' id='{self.posted}'>"
            f"<body>{text}</body></message>".encode("ascii")
        )

    def whole(self, data: bytes) -> int:
        """Return the length of the complete stanzas."""
        return max(end + len(tag) if (end := data.rfind(tag)) >= 0 else 0 for tag in _ENDS)

    def bodies(self, data: bytes) -> Iterator[bytes]:
        """Yield what others have posted."""
        for stanza in data.split(b"</message>"):
            if self.head in stanza and self.own not in stanza:
                yield stanza.partition(self.head)[2].partition(b"</body>")[0]

    def answer(self, data: bytes) -> None:
        """Count its own messages as acknowledged."""
        if failed := _FAILED.search(data):
            raise PeerError(data[failed.start() :][:300].decode("ascii", "replace"))
        self.acknowledged += data.count(self.own)

    def introduce(self) -> None:
        """Log in anonymously."""
        self.exchange(_STREAM.encode("ascii"), b"</stream:features>")
        self.exchange(_AUTH.encode("ascii"), b"<success")
        self.exchange(_STREAM.encode("ascii"), b"</stream:features>")
        self.exchange(_BIND.encode("ascii"), b"</iq>")

    def join(self) -> None:
        """Enter the group chat; its subject arrives last."""
        to = f"<presence to='{self._address}/{self.nick}'>{_JOIN}</presence>"
        self.exchange(to.encode("ascii"), b"<subject")

    def last_of(self, room: str) -> tuple[int, str]:
        """Return how many messages the archive of a room holds, and the text of the last one."""
        query = f"<iq type='set' id='last' to='{room}@{ROOMS}'>{_LAST}</iq>"
        answer = self.exchange(query.encode("ascii"), b"</iq>")
        count, body = _COUNT.search(answer), _BODY.search(answer)
        if count is None or body is None:
            raise PeerError(f"no archive of {room}: {answer[-300:]!r}")
        return int(count[1]), body[1].decode("ascii", "replace")


class XmppServer(Keeper):
    """A server with archived group chats."""

    share = 0.1

    def enter(self, nick: str, room: str | None) -> XmppClient:
        """Return a new client, in the group chat."""
        client = self._open(nick, room)
        if room is not None:
            client.join()
        client.log_in()
        return client

    def kept(self, room: str) -> tuple[int, str]:
        """Query the archive as a client does (XEP-0313 section 4)."""
        client = self._open("archivist", None)
        try:
            return client.last_of(room)
        finally:
            client.close()

    def _open(self, nick: str, room: str | None) -> XmppClient:
        client = XmppClient(nick, room)
        client.connect(self.port)
        client.encrypt(self.path)
        client.introduce()
        return client
