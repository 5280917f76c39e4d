"""How pages of older records are shown: each message once, as it reads now."""

from collections.abc import Callable

from chat.client.line.display import format_body, make_visible
from chat.client.texts import Texts
from chat.ids import AccountId
from chat.wire.messages import (
    Body,
    DeleteBody,
    EditBody,
    ReactionBody,
    TextBody,
    Unknown,
)
from chat.wire.records import Delivered

__all__ = ["format_found", "format_page"]

Prefix = Callable[[Body | Unknown], str]
"""What tells where a record belongs."""


def format_page(
    records: list[Delivered], texts: Texts, prefix: Prefix, *, is_numbered: bool
) -> list[str]:
    """Return the lines of a page of one log, ascending; `texts` learns what it says.

    Edits and deletions in the page, and newer ones that are known, are applied: an edited message
    says so, a deleted one is absent. Reactions stand below what they are about.
    """
    now = texts.copy(len(records))
    for record in records:
        now.take(record.seq, record.body)
        texts.take(record.seq, record.body)
    said = {record.seq for record in records if isinstance(record.body, TextBody)}
    reactions = _reactions(records)
    lines = []
    for record in records:
        line = _line(record, now, said)
        if line is None:
            continue
        number = f"#{record.seq} " if is_numbered else ""
        lines.append(make_visible(number + prefix(record.body) + line))
        if record.seq in reactions:
            lines.append(make_visible("    " + ", ".join(reactions[record.seq])))
    return lines


def format_found(record: Delivered, prefix: str) -> str | None:
    """Return the line for something that was searched for."""
    line = format_body(record.body, Texts(0))
    return None if line is None else make_visible(f"#{record.seq} {prefix}{line}")


def _line(record: Delivered, now: Texts, said: set[int]) -> str | None:
    match record.body:
        case TextBody() as body:
            current = now.get(record.seq)
            if current is None:
                return None
            line = format_body(body, now)
            if current.edited and line is not None:
                line = f"{line.removesuffix(body.text)}{current.text} (edited)"
            return line
        case EditBody(seq=seq) if seq in said:
            return None
        case DeleteBody() | ReactionBody():
            return None
        case EditBody(nick=nick, seq=seq, text=text):
            return f"* {nick} edited #{seq}: {text}"
        case body:
            return format_body(body, now)


def _reactions(records: list[Delivered]) -> dict[int, list[str]]:
    """Return who reacted how, by message. An account has at most one reaction to each."""
    latest: dict[int, dict[AccountId, str]] = {}
    for record in records:
        match record.body:
            case ReactionBody(account=account, nick=nick, seq=seq, reaction=sign):
                by_account = latest.setdefault(seq, {})
                by_account.pop(account, None)
                if sign:
                    by_account[account] = f"{sign} {nick}"
    return {seq: list(signs.values()) for seq, signs in latest.items() if signs}
