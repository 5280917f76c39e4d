"""Carries out what is typed. Every line ends in exactly one `Visit.line_done`.

A line is taken only when what it means is certain: not while one is on the way to another room, and
not "my last message" while that has no number yet. `run` says so, and the line is kept.
"""

from typing import assert_never

from chat.client import devices
from chat.client.commands import (
    HELP,
    Command,
    CommandError,
    Delete,
    Devices,
    Edit,
    Help,
    History,
    Invite,
    Join,
    Leave,
    Link,
    MakeInvitation,
    Moderate,
    Quit,
    React,
    Rename,
    Reply,
    Revoke,
    Rooms,
    Say,
    Search,
    Slow,
    Tell,
    Topic,
    Who,
)
from chat.client.core.interfaces import TypedLine
from chat.client.line.display import make_visible
from chat.client.listing import Listing
from chat.client.login import LoginRequests
from chat.client.logs import LogView
from chat.client.membership import Membership
from chat.client.moderating import Moderating
from chat.client.parsing import parse_line
from chat.client.posts import Posts
from chat.client.reading import Reading
from chat.client.visit import Visit
from chat.wire import messages

__all__ = ["Actions"]


class Actions:
    """Does what a line asks for."""

    def __init__(
        self,
        visit: Visit,
        posts: Posts,
        reading: Reading,
        membership: Membership,
        login: LoginRequests,
        moderating: Moderating,
    ) -> None:
        self._visit = visit
        self._posts = posts
        self._reading = reading
        self._login = login
        self._membership = membership
        self._moderating = moderating
        self._devices = devices.Devices(visit, login)
        self._listing = Listing(visit, reading)
        self.has_quit = False

    def run(self, line: TypedLine) -> bool:
        """Do what `line` asks for. Return False, with nothing done, if it has to wait."""
        if self._visit.asking.has_barrier:
            return False
        try:
            command = parse_line(line.text)
            if command is None:
                self._visit.line_done()
                return True
            return self._run(command, line)
        except CommandError as error:
            self._visit.reject(str(error), line)
            return True

    def _run(self, command: Command, line: TypedLine) -> bool:
        match command:
            case Say(text):
                self._post(self._room(), text, line)
            case Tell(nick, text):
                self._tell(nick, text, line)
            case Edit() | Delete() | Reply() | React():
                return self._refer(command, line)
            case History():
                return self._older(command, line)
            case Join(room, is_invite_only):
                self._membership.join(room, line, is_invite_only=is_invite_only)
            case Leave(name):
                self._membership.leave(self._named(name), line)
            case Topic(""):
                view = self._room()
                topic = f"is about: {view.topic}" if view.topic else "has no topic."
                self._visit.screen.show(make_visible(f"* {view.name} {topic}"))
                self._visit.line_done()
            case Topic(topic):
                self._membership.set_topic(self._room(), topic, line)
            case Invite(nick):
                self._membership.invite(self._room(), nick, line)
            case Moderate(on_server=on_server):
                where = None if on_server else self._room()
                self._moderating.moderate(command, where, line)
            case Slow(seconds):
                self._moderating.slow(self._room(), seconds, line)
            case MakeInvitation(on_server=on_server):
                where = None if on_server else self._room()
                self._moderating.invitation(command, where, line)
            case Link():
                self._devices.link(line)
            case Devices():
                self._devices.list(line)
            case Revoke(key):
                self._devices.revoke(key, line)
            case Rooms():
                self._listing.rooms(line)
            case Who():
                self._listing.who(self._room(), line)
            case Search(words):
                self._listing.search(words, line)
            case Rename(nick):
                self._login.rename(nick, line)
            case Help():
                self._visit.screen.show(HELP)
                self._visit.line_done()
            case Quit():
                self.has_quit = True
                self._visit.line_done()
            case _:
                assert_never(command)
        return True

    def _room(self) -> LogView:
        view = self._visit.book.current
        if view is None:
            raise CommandError("You are in no room; /join ROOM enters one.")
        return view

    def _named(self, name: str) -> LogView:
        if not name:
            return self._room()
        view = self._visit.book.room(name)
        if view is None:
            raise CommandError(f"You are not in {name}.")
        return view

    def _post(self, view: LogView, text: str, line: TypedLine) -> None:
        number, message = self._posts.next_ids()
        self._posts.add(messages.Post(number, view.log, message, text), line)

    def _tell(self, nick: str, text: str, line: TypedLine) -> None:
        view = self._visit.book.private(nick)
        if view is None:
            self._membership.open_private(nick, line, lambda opened: self._post(opened, text, line))
        else:
            self._post(view, text, line)

    def _refer(self, command: Edit | Delete | Reply | React, line: TypedLine) -> bool:
        """Do something to a message of the room; False if it is not certain yet to which."""
        view = self._room()
        is_own = isinstance(command, Edit | Delete)
        seq = command.seq
        if seq is None:
            if is_own and self._visit.outbox.of(view.log):
                return False
            seq = view.texts.last(self._visit.account, is_own=is_own)
        if seq is None:
            whose = "message of yours" if is_own else "message of somebody else"
            raise CommandError(
                f"There is no {whose} here; /history shows the numbers of older ones."
            )
        number, message = self._posts.next_ids()
        log = view.log
        match command:
            case Edit(text=text):
                self._posts.add(messages.Edit(number, log, message, seq, text), line)
            case Delete():
                self._posts.add(messages.Delete(number, log, message, seq), line)
            case Reply(text=text):
                self._posts.add(messages.Post(number, log, message, text, seq), line)
            case React(sign=sign):
                self._posts.add(messages.React(number, log, message, seq, sign), line)
            case _:
                assert_never(command)
        return True

    def _older(self, command: History, line: TypedLine) -> bool:
        """Show a page of what was said before; False while the first is still being waited for."""
        if command.is_private:
            view = self._visit.book.private(command.name)
            if view is None:
                raise CommandError(f"There is no conversation with {command.name}.")
        else:
            view = self._named(command.name)
        if view.wanted:
            return False
        self._reading.older(view, line)
        return True
