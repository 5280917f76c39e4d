"""Failed logins: who has to wait, how long, and who never does. On a manual clock."""

from collections.abc import Iterator
from itertools import product

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from chat.limits import Limits
from chat.rooms.addresses import address_group
from chat.rooms.failures import LoginFailures

HOME = "192.0.2.1"
AWAY = "198.51.100.1"


def strangers(count: int) -> Iterator[str]:
    """Return a number of addresses in different groups."""
    hosts = (f"203.0.{third}.{fourth}" for third, fourth in product(range(100), range(100)))
    return (host for host, _ in zip(hosts, range(count), strict=False))


class FailuresCase(SynchronousTestCase):
    """Failures, and a door that considers attempts only when allowed."""

    def setUp(self) -> None:
        """Start without failures."""
        self.clock = Clock()
        self.open(Limits())

    def open(self, limits: Limits) -> None:
        """Start without failures, with these limits."""
        self.limits = limits
        self.failures = LoginFailures(limits, self.clock.seconds)

    def fail_as(self, nick: str, address: str) -> bool:
        """Try a wrong login. Return whether it was considered."""
        if self.failures.wait(address, nick):
            return False
        self.failures.failed(address, nick)
        return True

    def log_in(self, nick: str, address: str) -> None:
        """Log in, without waiting."""
        assert self.failures.wait(address, nick) == 0
        self.failures.succeeded(address, nick)


class BackOffTests(FailuresCase):
    """Five are free; then 1, 2, 4, … up to 60 seconds."""

    def waits(self, attempts: int, address: str, nick: str) -> list[float]:
        """Return the waits before each of a number of wrong attempts."""
        waits = []
        for _ in range(attempts):
            waits.append(self.failures.wait(address, nick))
            self.clock.advance(waits[-1])
            assert self.fail_as(nick, address)
        return waits

    def test_each_failure_doubles_the_wait(self) -> None:
        expected = [0] * 5 + [1, 2, 4, 8, 16, 32, 60, 60, 60]
        assert self.waits(14, HOME, "ana") == expected

    def test_an_address_waits_whoever_it_tries_to_be(self) -> None:
        for number in range(5):
            assert self.fail_as(f"ana{number}", HOME)
        assert self.failures.wait(HOME, "bob") == 1
        assert self.failures.wait(AWAY, "bob") == 0

    def test_an_ipv6_network_waits_as_one(self) -> None:
        for number in range(5):
            assert self.fail_as(f"ana{number}", f"2001:db8::{number}")
        assert self.failures.wait("2001:db8::ffff", "bob") == 1
        assert self.failures.wait("2001:db8:0:1::", "bob") == 0

    def test_an_account_waits_wherever_it_is_tried_and_however_it_is_written(self) -> None:
        for nick, host in zip(
            ("ana", "Ana", " ana ", "ANA", "\uff41na"), strangers(5), strict=True
        ):
            assert self.fail_as(nick, host)
        assert self.failures.wait(AWAY, "aNa") == 1
        assert self.failures.wait(AWAY, "bob") == 0

    def test_what_is_no_nickname_is_no_account(self) -> None:
        for host in strangers(50):
            assert self.fail_as("two words", host)
            assert self.fail_as("\ufdfa" * 5_000, host)
        assert self.failures.sizes() == (50, 0, 0, 0)
        assert self.waits(6, HOME, "")[-1] == 1

    def test_a_loopback_address_is_everybody_behind_a_proxy(self) -> None:
        for number in range(50):
            assert self.fail_as(f"ana{number}", "127.0.0.1")
            assert self.fail_as("", "::1")
        assert self.failures.sizes() == (0, 50, 0, 0)
        assert self.waits(6, "127.0.0.1", "eva")[-1] == 1

    def test_failures_are_forgotten_one_after_the_other(self) -> None:
        for _ in range(4):
            self.fail_as("ana", HOME)
        self.clock.advance(2 * self.limits.login_forget_seconds)
        assert self.waits(4, HOME, "ana") == [0, 0, 0, 1]
        self.clock.advance(100 * self.limits.login_forget_seconds)
        assert self.waits(6, HOME, "ana") == [0] * 5 + [1]

    def test_a_long_attack_is_forgotten_in_an_hour(self) -> None:
        self.waits(100, HOME, "ana")
        self.clock.advance(3_600)
        assert self.waits(6, HOME, "ana") == [0] * 5 + [1]

    def test_who_is_told_to_wait_does_not_wait_longer_for_asking(self) -> None:
        for _ in range(7):
            self.clock.advance(self.failures.wait(HOME, "ana"))
            self.fail_as("ana", HOME)
        waits = []
        for _ in range(4):
            waits.append(self.failures.wait(HOME, "ana"))
            self.clock.advance(1)
        assert waits == [4, 3, 2, 1]

    def test_of_many_attempts_at_once_one_is_looked_at(self) -> None:
        for _ in range(7):
            self.clock.advance(self.failures.wait(HOME, "ana"))
            self.fail_as("ana", HOME)
        self.clock.advance(4)
        assert [self.failures.wait(HOME, "ana") for _ in range(3)] == [0, 4, 4]
        self.clock.advance(1)
        self.failures.failed(HOME, "ana")
        assert self.failures.wait(HOME, "ana") == 8

    def test_all_is_settable(self) -> None:
        self.open(Limits(login_failures_free=1, login_wait_first=3, login_wait_last=10))
        assert self.waits(5, HOME, "ana") == [0, 3, 6, 10, 10]
        self.open(Limits(login_failures_free=1, login_wait_first=7, login_wait_last=2))
        assert self.waits(3, HOME, "ana") == [0, 2, 2]


class OwnerTests(FailuresCase):
    """An account can log in again from where it has logged in before."""

    def hammer(self, nick: str, address: str, attempts: int = 20) -> None:
        """Fail as often as allowed."""
        for _ in range(attempts):
            self.clock.advance(self.failures.wait(address, nick))
            assert self.fail_as(nick, address)

    def test_who_is_attacked_from_elsewhere_does_not_wait(self) -> None:
        self.log_in("ana", HOME)
        self.hammer("ana", AWAY)
        assert self.failures.wait("192.0.2.2", "ana") > 0
        self.log_in("Ana", HOME)

    def test_who_has_a_bad_neighbour_does_not_wait(self) -> None:
        self.log_in("ana", HOME)
        self.hammer("bob", HOME)
        assert self.failures.wait(HOME, "eva") > 0
        self.log_in("ana", HOME)

    def test_who_is_attacked_from_the_same_address_waits_a_minute_at_most(self) -> None:
        self.log_in("ana", HOME)
        self.hammer("ana", HOME)
        assert self.failures.wait(HOME, "ana") == 60
        assert self.failures.sizes() == (0, 0, 1, 1)
        self.clock.advance(60)
        self.log_in("ana", HOME)
        assert self.failures.sizes() == (0, 0, 0, 1)

    def test_a_login_buys_no_guesses_at_somebody_else(self) -> None:
        for _ in range(5):
            self.fail_as("ana", AWAY)
        self.clock.advance(1)
        self.log_in("mallory", AWAY)
        assert self.failures.wait(AWAY, "ana") > 0
        assert self.failures.wait(AWAY, "bob") > 0

    def test_the_last_eight_addresses_are_known(self) -> None:
        hosts = list(strangers(8))
        self.log_in("ana", HOME)
        for host in [*hosts, hosts[0], hosts[0]]:
            self.log_in("ana", host)
        self.hammer("ana", AWAY)
        assert [self.failures.wait(host, "ana") > 0 for host in hosts] == [False] * 8
        assert self.failures.wait(HOME, "ana") > 0

    def test_a_new_name_has_the_same_addresses(self) -> None:
        self.log_in("ana", HOME)
        self.failures.renamed("ana", "Eva")
        self.failures.renamed("nobody", "bob")
        self.hammer("eva", AWAY)
        self.log_in("eva", HOME)
        assert self.failures.sizes()[3] == 1


class AttackTests(FailuresCase):
    """Ten thousand wrong logins: bounded memory, bounded rate, and nobody else notices."""

    def check_bystanders(self) -> None:
        """Check that owners can log in from where they always did, and others elsewhere."""
        self.log_in("ana", HOME)
        self.log_in("bob", HOME)
        self.log_in("eva", "2001:db8::1")

    def test_against_one_account_from_many_addresses(self) -> None:
        self.log_in("ana", HOME)
        looked_at = 0
        for host in strangers(10_000):
            looked_at += self.fail_as("ana", host)
            self.clock.advance(0.06)
        # Ten minutes: five at once, then after 1, 2, 4, 8, 16, 32 seconds, then one per minute.
        assert looked_at == 5 + 6 + 8
        assert max(self.failures.sizes()) <= looked_at
        self.check_bystanders()

    def test_against_many_accounts_from_one_address(self) -> None:
        self.log_in("ana", HOME)
        looked_at = 0
        for number in range(10_000):
            looked_at += self.fail_as(f"c{number}", AWAY)
            self.clock.advance(0.06)
        assert looked_at == 5 + 6 + 8
        self.check_bystanders()

    def test_against_many_accounts_from_many_addresses(self) -> None:
        self.log_in("ana", HOME)
        for number, host in enumerate(strangers(10_000)):
            assert self.fail_as(f"c{number}", host)
        assert self.failures.sizes() == (4_096, 4_096, 0, 1)
        self.check_bystanders()

    def test_by_many_with_accounts_of_their_own(self) -> None:
        self.open(Limits(login_known_kept=100))
        for number, host in enumerate(strangers(1_000)):
            self.log_in(f"c{number}", host)
            assert self.fail_as(f"c{number}", host)
        assert self.failures.sizes() == (0, 0, 1_000, 100)
        self.check_bystanders()


class CodeTests(FailuresCase):
    """Wrong codes delay only the network they come from."""

    def guess(self, address: str, attempts: int) -> int:
        """Try wrong codes; return how many were checked."""
        looked_at = 0
        for _ in range(attempts):
            if not self.failures.wait(address, "ana", True):
                self.failures.failed(address, "ana", True)
                looked_at += 1
        return looked_at

    def test_strangers_make_nobody_wait_elsewhere(self) -> None:
        assert [self.guess(host, 10) for host in strangers(50)] == [5] * 50
        assert self.failures.wait(HOME, "ana", True) == 0
        assert self.failures.wait(HOME, "ana") == 0  # Nor for a password.

    def test_a_proxy_s_guessers_wait_as_well(self) -> None:
        for proxy in ("127.0.0.1", "::1", "a local socket"):
            assert self.guess(proxy, 10) == 5
            assert self.failures.wait(proxy, "bob", True) == 0
        assert self.failures.wait(HOME, "ana", True) == 0

    def test_where_somebody_has_been_other_s_failures_do_not_count(self) -> None:
        self.log_in("ana", HOME)
        for nick in ("eva", "max", "eva", "max", "eva", "max"):
            self.fail_as(nick, HOME)
        assert self.failures.wait(HOME, "eva", True) > 0
        assert self.failures.wait(HOME, "ana", True) == 0

    def test_guesses_in_a_day_are_few(self) -> None:
        looked_at = 0
        for _ in range(86_400):
            looked_at += self.guess(AWAY, 1)
            self.clock.advance(1)
        assert looked_at < 1_500


class NetworkTests(FailuresCase):
    """Where an account logged in last."""

    def test_the_latest_group_of_addresses_counts(self) -> None:
        assert self.failures.network("ana") is None
        self.log_in("ana", HOME)
        assert self.failures.network("ana") == address_group(HOME)
        self.log_in("ana", AWAY)
        assert self.failures.network("ana") == address_group(AWAY)
        self.log_in("ana", HOME)
        assert self.failures.network("ana") == address_group(HOME)
        assert self.failures.network("bob") is None

    def test_it_goes_with_a_nickname(self) -> None:
        self.log_in("ana", HOME)
        self.failures.renamed("ana", "anna")
        assert self.failures.network("anna") == address_group(HOME)
        assert self.failures.network("ana") is None
