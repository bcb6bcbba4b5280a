"""Numbers on patients' cards: counted up, with a check digit that finds a wrong digit and two swapped neighbours.

The check is Damm's (H. M. Damm, Total anti-symmetrische Quasigruppen, 2004, table of order 10).
"""

_DIGITS = 6
_TABLE = (
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)


def card_number(serial: int) -> str:
    """The card number of a serial number from 1: at least six digits and the check digit."""
    if serial < 1:
        raise ValueError("cards are counted from 1")
    digits = f"{serial:0{_DIGITS}d}"
    return digits + str(_interim(digits))


def is_card_number(text: str) -> bool:
    """Whether the check digit fits."""
    return text.isascii() and text.isdigit() and len(text) > _DIGITS and _interim(text) == 0


def _interim(digits: str) -> int:
    interim = 0
    for digit in digits:
        interim = int(_TABLE[interim][int(digit)])
    return interim
