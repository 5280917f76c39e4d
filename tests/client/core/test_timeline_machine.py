"""The order in which records come makes no difference: a timeline against a naive reading."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec import UNSET

from chat.client.core.timeline import Timeline
from chat.ids import AccountId, RecordId
from chat.testing.ids import ANY_LOG
from chat.wire.messages import Body, DeleteBody, EditBody, ReactionBody, TextBody
from tests import machine
from tests.client.core.naive import read, shown

ANA, BOB = AccountId(bytes(16)), AccountId(bytes(15) + b"\x01")
WHO = st.sampled_from([ANA, BOB])
ANY = st.integers(0, 99)


class Orders(RuleBasedStateMachine):
    """A log grows, and its records come to a timeline in any order, some of them twice."""

    def __init__(self) -> None:
        super().__init__()
        self.log: dict[int, Body] = {}
        self.come_so_far: dict[int, Body] = {}
        self.timeline = Timeline(ANY_LOG, ANA)

    def add(self, body: Body) -> int:
        seq = 3 * len(self.log) + 3
        self.log[seq] = body
        return seq

    @property
    def texts(self) -> list[int]:
        return [seq for seq, body in self.log.items() if isinstance(body, TextBody)]

    @property
    def edits(self) -> list[int]:
        """Edits that have come: that they are gone cannot be known before."""
        return [seq for seq, body in self.come_so_far.items() if isinstance(body, EditBody)]

    @rule(account=WHO, answered=ANY, is_reply=st.booleans())
    def say(self, account: AccountId, answered: int, is_reply: bool) -> None:
        reply = 3 * (answered % (len(self.log) + 1)) + 3 if is_reply else UNSET
        self.add(TextBody(0, account, "", f"text {len(self.log)}", reply))

    @precondition(lambda self: self.texts)
    @rule(which=ANY)
    def edit(self, which: int) -> None:
        target = self.texts[which % len(self.texts)]
        self.add(EditBody(0, ANA, "", target, f"edit {len(self.log)}"))

    @precondition(lambda self: self.texts)
    @rule(which=ANY)
    def delete(self, which: int) -> None:
        self.add(DeleteBody(0, ANA, "", self.texts[which % len(self.texts)]))

    @precondition(lambda self: self.edits)
    @rule(which=ANY)
    def delete_an_edit(self, which: int) -> None:
        self.add(DeleteBody(0, ANA, "", self.edits[which % len(self.edits)]))

    @precondition(lambda self: self.texts)
    @rule(account=WHO, which=ANY, sign=st.sampled_from(["👍", "♥", ""]))
    def react(self, account: AccountId, which: int, sign: str) -> None:
        self.add(ReactionBody(0, account, "", self.texts[which % len(self.texts)], sign))

    @precondition(lambda self: self.log)
    @rule(which=st.lists(ANY, min_size=1, max_size=6))
    def come(self, which: list[int]) -> None:
        # The server keeps no edit that was deleted, so none comes again.
        gone = {it.seq for it in self.log.values() if isinstance(it, DeleteBody)}
        numbers = [seq for seq in self.log if seq not in gone.intersection(self.edits)]
        for number in which:
            seq = numbers[number % len(numbers)]
            self.come_so_far[seq] = self.log[seq]
            self.timeline.take(seq, RecordId(seq.to_bytes(16, "big")), self.log[seq])

    @invariant()
    def reads_the_same(self) -> None:
        assert shown(self.timeline) == read(self.come_so_far)
        for message in self.timeline:
            assert message.is_own == (message.author.account == ANA)
            assert self.timeline.find(message.handle) == message


Orders.TestCase.settings = machine(40, 40)
TestOrders = Orders.TestCase
