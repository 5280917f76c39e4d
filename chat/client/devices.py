"""One's devices: the keys of one's account."""

from collections.abc import Callable
from datetime import UTC, datetime

from msgspec import Struct

from chat.client.core.interfaces import TypedLine
from chat.client.login import LoginRequests
from chat.client.visit import Visit
from chat.wire import messages
from chat.wire.identity import identity_fingerprint

__all__ = ["Devices"]


class Devices:
    """Asks for a code for another one, lists them, takes one away."""

    def __init__(self, visit: Visit, login: LoginRequests) -> None:
        self._visit = visit
        self._login = login

    def link(self, line: TypedLine) -> None:
        """Show a code with which another device becomes one's own."""
        visit = self._visit

        def take(issued: messages.CodeIssued) -> None:
            minutes = issued.seconds // 60
            visit.tell(f"* On the other device, within {minutes} minutes, start the client with")
            visit.screen.show(f"--nick {visit.nick} --link {issued.code}")
            visit.line_done()

        request = messages.Code(visit.asking.next_id())
        visit.asking.ask(request, messages.CodeIssued, take, visit.refusing(line), line=line)

    def list(self, line: TypedLine) -> None:
        """Show all, this one marked."""

        def take(listed: messages.DeviceList) -> None:
            for key, added, is_here in listed.devices:
                day = datetime.fromtimestamp(added / 1_000, UTC).strftime("%Y-%m-%d")
                state = "this one" if self._login.is_own(key) else "here" if is_here else "away"
                shown = f"* {identity_fingerprint(key)} since {day} ({state})"
                self._visit.screen.show(shown)
            self._visit.line_done()

        self._ask_list(line, take)

    def revoke(self, beginning: str, line: TypedLine) -> None:
        """Take away the device whose key's fingerprint begins so."""
        visit = self._visit

        def take(listed: messages.DeviceList) -> None:
            begins = "SHA256:" + beginning.removeprefix("SHA256:")
            found = [
                key for key, *_ in listed.devices if identity_fingerprint(key).startswith(begins)
            ]
            if len(found) != 1:
                how_many = "more than one of your devices" if found else "none of your devices"
                visit.reject(f"{beginning} is {how_many}; /devices lists them.", line)
                return
            request = messages.Revoke(visit.asking.next_id(), found[0])
            visit.asking.ask(request, messages.Ok, done, visit.refusing(line), line=line)

        def done(_: Struct) -> None:
            visit.tell("* That device is none of yours any more.")
            visit.line_done()

        self._ask_list(line, take)

    def _ask_list(self, line: TypedLine, take: Callable[[messages.DeviceList], None]) -> None:
        visit = self._visit
        request = messages.Devices(visit.asking.next_id())
        visit.asking.ask(request, messages.DeviceList, take, visit.refusing(line), line=line)
