"""The warning before the disk is full, with a disk of the test's own."""

from pathlib import Path

from twisted.internet.defer import fail
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from chat.files import free_bytes
from chat.limits import Limits
from chat.server.state.space import SECONDS, SpaceWatch
from chat.server.state.trouble import RETRY_SECONDS, Trouble
from chat.store.interface import DiskFullError, StoreError
from tests.server.cases import ServerCase, chat_lines

MIB = 2**20
PATH = Path("/srv/chat")


class SpaceTests(ServerCase):
    """What is logged, look by look."""

    def setUp(self) -> None:
        """Watch a disk with much space."""
        self.clock = Clock()
        self.free: int | None = 10**12
        self.written = 0
        self.is_broken = False
        self.trouble = Trouble(self.clock, lambda: None)
        self.watch = SpaceWatch(
            *(PATH, Limits(disk_warning_bytes=100 * MIB), self.trouble),
            *(self.write, self.clock, self.measure),
        )

    def measure(self, path: Path) -> int:
        """Return what is free."""
        assert path == PATH
        if self.free is None:
            raise OSError("no such directory")
        return self.free

    async def write(self) -> None:
        """Count the attempts."""
        self.written += 1
        if self.is_broken:
            await fail(StoreError("no"))
        self.trouble.end()

    def look(self, *free: int | None) -> list[str]:
        """Return what is logged when that much is free."""
        with capturedLogs() as events:
            for self.free in free:
                self.clock.advance(SECONDS)
        return chat_lines(events)

    def test_it_warns_when_little_is_left_and_again_at_half(self) -> None:
        self.watch.start()
        assert self.look(10**12, 100 * MIB) == []
        [line] = self.look(99 * MIB)
        assert line == (
            "The disk is getting full: 99.0 MiB are free in /srv/chat, less than"
            f" disk_warning_bytes={100 * MIB}"
        )
        assert self.look(99 * MIB, 98 * MIB, 60 * MIB, 50 * MIB) == []
        assert len(self.look(49 * MIB, 48 * MIB, 24 * MIB, 0, 0, 0)) == 3
        assert self.look(99 * MIB, 105 * MIB, 99 * MIB) == []
        assert self.look(111 * MIB) == ["111.0 MiB of the disk are free again"]
        assert len(self.look(1, 1)) == 1
        self.watch.stop()
        self.watch.stop()
        assert self.look(0) == []

    def test_it_warns_at_the_start(self) -> None:
        for free, lines in ((0, 1), (100 * MIB - 1, 1), (100 * MIB, 0)):
            self.setUp()
            self.free = free
            with capturedLogs() as events:
                self.watch.start()
            assert len(chat_lines(events)) == lines, free

    def test_a_disk_that_cannot_be_measured(self) -> None:
        self.watch.start()
        assert self.look(None, None) == []
        assert len(self.look(1)) == 1

    def test_while_the_store_fails_it_is_tried(self) -> None:
        self.watch.start()
        self.look(1, 1)
        assert self.written == 0
        for error in (StoreError("I/O error"), DiskFullError("full")):
            self.written, self.is_broken = 0, True
            if isinstance(error, DiskFullError):
                self.trouble.begin(error)
                self.clock.advance(RETRY_SECONDS)
            else:
                self.trouble.failed(error)
            self.look(1, 1)
            assert self.written == 2 and self.trouble.is_on
            self.is_broken = False
            assert "The store works again; whatever waited is being stored" in self.look(1, 1)
            assert self.written == 3


def test_what_is_free_here(tmp_path: Path) -> None:
    """It is a number of bytes, and changes by itself."""
    assert 0 <= free_bytes(tmp_path) < 10**18
