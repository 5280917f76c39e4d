"""What the server sends, and whom it is for."""

from msgspec import Struct

from chat.client.arrival import Arriving
from chat.client.membership import Membership
from chat.client.posts import Posts
from chat.client.reading import Reading
from chat.client.visit import Visit
from chat.wire import messages
from chat.wire.records import Delivered

__all__ = ["Incoming"]


class Incoming:
    """Hands on answers, events and records. What nobody knows is skipped."""

    def __init__(
        self,
        visit: Visit,
        posts: Posts,
        reading: Reading,
        arriving: Arriving,
        membership: Membership,
    ) -> None:
        self._visit = visit
        self._posts = posts
        self._reading = reading
        self._arriving = arriving
        self._membership = membership

    def received(self, message: Struct) -> None:
        """Hand on a message."""
        match message:
            case messages.Posted():
                self._posts.posted(message)
            case messages.Refused(id=number):
                if not self._posts.refused(message):
                    self._visit.asking.answered(number, message)
            case (
                messages.Ok(id=number)
                | messages.Welcome(id=number)
                | messages.LogList(id=number)
                | messages.RoomList(id=number)
                | messages.Joined(id=number)
                | messages.Members(id=number)
                | messages.Page(id=number)
                | messages.CodeIssued(id=number)
                | messages.DeviceList(id=number)
                | messages.TokenIssued(id=number)
            ):
                self._visit.asking.answered(number, message)
            case messages.Opened(log=log):  # After `Joined`, which is one, too.
                self._arriving.opened_meanwhile(log)
                self._membership.opened(message)
            case messages.Removed():
                self._membership.removed(message)
            case messages.Notice(text=text):
                self._visit.note(f"* {text}")
            case messages.Invited():
                self._membership.invited(message)

    def delivered(self, delivered: Delivered) -> None:
        """Hand on a record: of an answer, or a new one."""
        if delivered.page:
            self._visit.asking.record(delivered)
        else:
            self._reading.delivered(delivered)
