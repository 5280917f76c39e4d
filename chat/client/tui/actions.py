"""What one does with a message: answer, edit, react, delete, copy; and the input's part in it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from chat.client.core import commands
from chat.client.core.model import Message, MessageState
from chat.client.core.rooms import Room
from chat.client.look import Role, format_moment
from chat.client.tui.bars import Bar, Piece
from chat.client.tui.bodies import code_blocks, fold
from chat.client.tui.client import RoomsClient
from chat.client.tui.dialogs import Confirm
from chat.client.tui.keys import key_words
from chat.client.tui.paint import shown
from chat.client.tui.picker import Choice, Picker
from chat.client.visible import shorten
from chat.limits import REACTION_BYTES

if TYPE_CHECKING:
    from chat.client.tui.screen import RoomScreen

__all__ = ["MessageActions"]

_SIGNS: Final = (
    *("👍 thumbs up", "❤️ heart", "😂 laughing", "🎉 party", "👀 looking", "✅ done"),
    *("🙏 thanks", "😢 sad", "🤔 thinking", "👎 thumbs down"),
)
"""Reactions that are offered; any other can be typed."""


class MessageActions:
    """Acts on the message that is selected on a screen, and sends what its input has."""

    def __init__(self, screen: "RoomScreen") -> None:
        self._screen = screen
        self._reply: Message | None = None
        self._editing: Message | None = None
        self._kept = ""
        """What was written before a message was edited."""

    # --- The input ---

    def draft(self) -> str:
        """Return what is written and not sent, for the room it is for."""
        return self._kept if self._editing is not None else self._screen.composer.text

    def reset(self) -> None:
        """Answer and edit nothing: another room is shown."""
        self._reply = self._editing = None
        self._kept = ""
        self._draw()

    def cancel(self) -> None:
        """Go out of a reply or an edit."""
        if self._editing is not None:
            self._screen.composer.put(self._kept)
        self.reset()

    @property
    def is_idle(self) -> bool:
        """Whether no message is answered or edited."""
        return self._reply is None and self._editing is None

    def submit(self, text: str, *, is_literal: bool) -> None:
        """Send what is written: a command, a message, an answer or an edit."""
        screen, client = self._screen, self._screen.client
        if client is None or not text.strip():
            return
        if self._editing is not None:
            self._submit_edit(client, self._editing, text)
            return
        # Emptied first: what comes of it may want to give the text back.
        reply = self._reply
        screen.composer.put("")
        self.reset()
        handle = None if reply is None else reply.handle
        sentence = client.submit(text, is_literal=is_literal, reply_to=handle)
        if sentence is not None:
            screen.composer.put(text, is_literal=is_literal)
            self._reply = reply
            self._draw()
            screen.complain(sentence)
            return
        screen.composer.remember(text)
        screen.log_view.action_end()

    def _submit_edit(self, client: RoomsClient, message: Message, text: str) -> None:
        kept = self._kept
        self.reset()
        self._screen.composer.put(kept)
        if text == message.text:
            return

        def refused(sentence: str) -> None:
            if client is self._screen.client and self.is_idle:
                self._edit(message)
                self._screen.composer.put(text, is_literal=True)
            self._screen.complain(sentence)

        client.edit(message.handle, text, refused)

    def edit_last(self) -> None:
        """Edit the last message of one's own."""
        room = self._screen.room
        message = None if room is None else room.timeline.last(is_own=True)
        if message is not None:
            self._edit(message)

    def _draw(self) -> None:
        bar = self._screen.query_one("#about", Bar)
        if self._editing is not None:
            quoted = _quoted(self._editing)
            bar.show(
                Piece("editing ", Role.ACCENT),
                Piece(quoted, Role.DIM, can_shrink=True),
                Piece("  Esc gives up", Role.DIM, "cancel"),
            )
        elif self._reply is not None:
            quoted = _quoted(self._reply)
            bar.show(
                Piece(f"to {shown(self._reply.author.nick)} ", Role.ACCENT),
                Piece(quoted, Role.DIM, can_shrink=True),
                Piece("  Esc gives up", Role.DIM, "cancel"),
            )
        else:
            bar.show()

    # --- The message that is selected ---

    def pieces(self, message: Message) -> Sequence[Piece]:
        """Return what can be done with a message, for the bar above the input."""
        pieces: list[Piece] = []
        for action, words in self._offers(message).items():
            keys = key_words(self._screen.host.keys[action][:1])
            pieces.append(Piece(f"{keys} ", Role.ACCENT, action, is_bold=True))
            pieces.append(Piece(f"{words}  ", Role.DIM, action))
        when = ""
        if message.time:
            when = format_moment(message.time, self._screen.zone)
        return [*pieces, Piece(when, Role.DIM, can_shrink=True)]

    def _offers(self, message: Message) -> dict[str, str]:
        """Return what can be done with a message, in words."""
        if message.state is MessageState.REFUSED:
            return {"edit": "edit", "again": "try again", "delete": "give up", "copy": "copy"}
        if message.is_deleted:
            return {"info": "info"}
        offers = {"reply": "reply"}
        if message.is_own:
            offers |= {"edit": "edit", "delete": "delete"}
        offers |= {"react": "react", "copy": "copy"}
        if message.reply is not None:
            offers["origin"] = "origin"
        return offers | {"info": "info"}

    def do(self, action: str) -> None:
        """Do something with the message that is selected."""
        if action == "cancel":
            self.cancel()
            return
        message = self._screen.log_view.selected_message
        room = self._screen.room
        if message is None or room is None:
            return
        acts: dict[str, Callable[[Message, Room], None]] = {
            "reply": self._answer,
            "edit": lambda it, _: self._edit(it),
            "react": self._react,
            "delete": self._delete,
            "copy": self._copy,
            "info": self._info,
            "origin": self._origin,
            "again": self._again,
        }
        if action in acts and action in self._offers(message):
            acts[action](message, room)

    def _answer(self, message: Message, room: Room) -> None:
        if self._editing is not None:
            self.cancel()
        self._reply = message
        self._to_input()

    def _edit(self, message: Message) -> None:
        composer, client = self._screen.composer, self._screen.client
        if client is None:
            return
        if message.state is MessageState.REFUSED:
            client.discard(message)
            composer.put(message.text, is_literal=True)
        else:
            if self._editing is None:
                self._kept = composer.text
            self._reply, self._editing = None, message
            composer.put(message.text, is_literal=True)
        self._to_input()

    def _to_input(self) -> None:
        self._screen.log_view.deselect()
        self._draw()
        self._screen.set_focus(self._screen.composer)

    def _react(self, message: Message, room: Room) -> None:
        own = self._screen.client.core.account.account if self._screen.client is not None else b""
        choices = [Choice(it.split(" ", 1)[0], it) for it in _SIGNS]
        if any(it.author.account == own for it in message.reactions):
            choices.insert(0, Choice("", "take your reaction back"))

        def free(query: str) -> Choice | None:
            sign = query.strip()
            is_fit = 0 < len(sign.encode(errors="replace")) <= REACTION_BYTES
            return Choice(sign, shown(sign), "as it is typed") if is_fit else None

        def chosen(sign: str | None) -> None:
            if sign is not None and self._screen.client is not None:
                self._screen.client.do(commands.React(message.handle, sign))

        picker = Picker("React with", choices, self._screen.look, free=free)
        self._screen.app.push_screen(picker, chosen)

    def _delete(self, message: Message, room: Room) -> None:
        client = self._screen.client
        if client is None:
            return
        if message.state is MessageState.REFUSED:
            client.discard(message)
            self._to_input()
            return

        def answered(is_wanted: bool | None) -> None:
            if is_wanted:
                client.do(commands.Delete(message.handle))
                self._to_input()

        quoted = _quoted(message)
        self._screen.app.push_screen(Confirm(f"Delete {quoted} for everybody?", "Delete"), answered)

    def _copy(self, message: Message, room: Room) -> None:
        blocks = code_blocks(message.text)
        if not blocks:
            self._copied(message.text)
            return
        texts = [message.text, *blocks]
        choices = [Choice("0", "the whole message")]
        for number, block in enumerate(blocks, 1):
            choices.append(Choice(str(number), f"code: {shown(shorten(block.strip()))}"))

        def chosen(key: str | None) -> None:
            if key is not None:
                self._copied(texts[int(key)])

        self._screen.app.push_screen(Picker("Copy", choices, self._screen.look), chosen)

    def _copied(self, text: str) -> None:
        self._screen.app.copy_to_clipboard(text)
        self._screen.notify("Copied, if the terminal allows it.", markup=False, timeout=3)

    def _info(self, message: Message, room: Room) -> None:
        lines = [f"by {shown(message.author.nick)}"]
        if message.time:
            lines.append(format_moment(message.time, self._screen.zone))
        if message.handle.seq:
            lines.append(f"number {message.handle.seq} in {shown(room.name)}")
        if message.is_edited:
            lines.append("edited")
        lines += [f"{shown(it.sign)} {shown(it.author.nick)}" for it in message.reactions]
        if fold(message.text)[1]:
            lines += ["", *(shown(line) for line in message.text.split("\n"))]
        self._screen.read_text("About this message", "\n".join(lines))

    def _origin(self, message: Message, room: Room) -> None:
        if message.reply is not None and self._screen.client is not None:
            self._screen.going.to_message(self._screen.client, room, message.reply.seq)

    def _again(self, message: Message, room: Room) -> None:
        if self._screen.client is not None:
            self._screen.client.try_again(message)
            self._to_input()


def _quoted(message: Message) -> str:
    """Return enough of a message to recognise it, on one line."""
    return shown(shorten(" ".join(message.text.split())))
