"""Message texts for benchmarks: 100 bytes of ordinary words, because a server may index them."""

from random import Random
from typing import Final

__all__ = ["TEXT_BYTES", "number_of", "text"]

TEXT_BYTES: Final = 100

_LIST: Final = """
about above across actually after again against almost already always among another answer
anything around asked away because become before began behind being believe below better between
board book both bring build called came cannot carry certain change children city close cold
come complete could country course cover cross decide deep different does done door down draw
during each early earth east easy enough even evening every example face fact family farm fast
father feel field figure final find first follow food form found four friend from front full
game gave girl give gold good great green ground group grow half hand happen hard head hear heat
help here high hold home horse hour house however hundred idea inside island just keep kind knew
know land language large last late later laugh lead learn leave left letter life light like line
list listen little live long look lost made main make many mark matter mean measure might mile
mind minute money moon more morning most mother mountain move much music must name near need
never next night north nothing notice number often once only open order other over page paper
part pass pattern people perhaps person picture piece place plan plant play point power present
press problem question quick quiet rain reach read ready real remember rest river road rock room
round same school second sentence several shape
"""
_WORDS: Final = _LIST.split()
_TAILS: Final = 1_024
_HEAD: Final = 9
"""Eight digits and a space."""


def _tail(random: Random) -> str:
    words = " ".join(random.choices(_WORDS, k=TEXT_BYTES // 3))
    return words[: TEXT_BYTES - _HEAD - 1] + "."


_tails: Final = [_tail(Random(seed)) for seed in range(_TAILS)]


def text(number: int) -> str:
    """Return the text of a message: its number in eight digits, a space, and words."""
    return f"{number:08d} {_tails[number % _TAILS]}"


def number_of(said: str) -> int:
    """Return the number of a text. Raises ValueError if the text is not the one for that number."""
    number = int(said[: _HEAD - 1])
    if said != text(number):
        raise ValueError("the text is not the one that was posted")
    return number
