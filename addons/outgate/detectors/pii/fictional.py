"""Numbers that are nobody's, in the form of one that is somebody's: phones, cards, accounts, addresses of networks.

Sources: NANPA 555-0100 to 0199; Ofcom, Arcep, BNetzA, ACMA, ComReg and PTS on numbers for drama; RFC 5737 and 3849; ISO/IEC 7812
(9999: no country has the number 999); the SSA (areas from 900 on are not given out, group 0x to no taxpayer either).
"""

import re
from collections.abc import Callable

from outgate.detectors.pii.ibans import check_digits

type Digits = Callable[[int], str]
"""Gives so many digits, other ones for each value."""
type Fiction = Callable[[str, Digits], str | None]
"""A number in the form of this one; None where it has a form that is not known."""

_AREAS = (
    "201202203206207208212213215216217301302303304305307312313314401402404406412415501502503505512601602603605612617701702703713801802803"
    "808816901907913914"
)
"""Area codes of North America."""
_DRAMA = {
    "33": (9, "63998"),
    "353": (9, "2091"),
    "44": (10, "7700900"),
    "46": (9, "7017406"),
    "49": (0, "3023125"),
    "61": (9, "25550"),
}
"""By calling code: how long a number is (0: of any length), and how those begin that nobody has."""
_CODE = re.compile(r"(?:\+|00)[ (]?(1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[2-9]\d\d)")
_NORTH_AMERICA = re.compile(r"(?:1[ .-])?\(?[2-9]\d\d\)?[ .-]{0,2}\d{3}[ .-]\d{4}(?!\d)")
_NATIONAL = ((re.compile(r"0[1-9](?:[ .-]?\d\d){4}\Z"), "063998"), (re.compile(r"07\d{3} ?\d{3} ?\d{3}\Z"), "07700900"))
"""Forms of numbers without a calling code that one country has: France in pairs, British mobiles."""
_PHONE = re.compile(r"[+(]{0,2}[0-9][0-9 .\-/()\n\t]*(?:(?: ?,? ?)(?:x|ext\.?|extension|#)[ :]?[0-9]{1,6})?", re.IGNORECASE)
_GROUPS = re.compile(r"[0-9](?:[ .\-]?[0-9])+")
"""Digits and signs; of a value in a disguise not every sign would be replaced."""
_FOUR = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_SIX = re.compile(r"[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+")
_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")
_ACCOUNT = re.compile(r"[A-Za-z]{2}[A-Za-z0-9 .\-\n\t]+")
_LONGEST_CARD, _SSN = 19, 9


def written_like(value: str, digits: str) -> str:
    """These digits, in order, where the value has its own."""
    given = iter(digits)
    return "".join(next(given) if char.isascii() and char.isdigit() else char for char in value)


def phone(value: str, digits: Digits) -> str | None:
    """A number of the same country that films use, else one that begins with zeros, as none does."""
    if not _PHONE.fullmatch(value):
        return None
    length = sum(map(str.isdigit, value))
    begins = _phone_begins(value, length, digits)
    return written_like(value, (begins + digits(length - len(begins)))) if len(begins) < length else None


def _phone_begins(value: str, length: int, digits: Digits) -> str:
    if (code := _CODE.match(value.lstrip("("))) is not None:
        ahead = ("00" if code[0].startswith("00") else "") + code[1]
        trunk = "0" if "(0)" in value else ""
        if code[1] == "1":
            return f"{ahead}{_area(digits)}55501"
        fits, begins = _DRAMA.get(code[1], (0, "00"))
        return (
            ahead + trunk + (begins if fits in (0, length - len(ahead + trunk)) and length > len(ahead + trunk + begins) else "00")
        )
    if _NORTH_AMERICA.match(value):
        return ("1" if length > 10 and value.startswith("1") else "") + f"{_area(digits)}55501"
    if length == 7:
        return "55501"
    return next((begins for form, begins in _NATIONAL if form.fullmatch(value)), "000")


def _area(digits: Digits) -> str:
    first = int(digits(6)) % (len(_AREAS) // 3) * 3
    return _AREAS[first : first + 3]


def card(value: str, digits: Digits) -> str | None:
    """A number with a right check digit, of an issuer that there is not."""
    length = sum(map(str.isdigit, value))
    if not 12 <= length <= _LONGEST_CARD or not _GROUPS.fullmatch(value):
        return None
    body = "9999" + digits(length - 5)
    return written_like(value, body + _luhn(body))


def _luhn(body: str) -> str:
    """The check digit behind these."""
    doubled = [sum(divmod(int(digit) * (2 - at % 2), 10)) for at, digit in enumerate(reversed(body))]
    return str(-sum(doubled) % 10)


def social_security_number(value: str, digits: Digits) -> str | None:
    """One with an area that is not given out."""
    if not _GROUPS.fullmatch(value) or sum(map(str.isdigit, value)) != _SSN:
        return None
    given = digits(7)
    return written_like(value, f"9{given[:2]}0{int(given[2]) % 9 + 1}{given[3:]}")


def iban(value: str, digits: Digits) -> str | None:
    """An account of the same country at a bank without a number, with right check digits."""
    if not _ACCOUNT.fullmatch(value):
        return None
    bare = [char for char in value if char.isalnum()]
    given, country, rest = iter(digits(len(bare))), "".join(bare[:2]).upper(), bare[4:]
    account = "".join("0" if at < 4 and char.isdigit() else "X" if char.isalpha() else next(given) for at, char in enumerate(rest))
    number = iter(country + check_digits(country, account) + account)
    return "".join(next(number) if char.isalnum() else char for char in value)


def address(value: str, digits: Digits) -> str | None:
    """An address of a network for documentation."""
    if _FOUR.fullmatch(value):
        return f"{_NETWORKS[int(digits(6)[:3]) % 3]}.{int(digits(3)) % 254 + 1}"
    groups = [f"{int(digits(15)[at : at + 5]) % 0xFFFF + 1:x}" for at in (0, 5, 10)]
    return f"2001:db8:{groups[0]}:{groups[1]}::{groups[2]}" if _SIX.fullmatch(value) else None


FICTIONS: dict[str, Fiction] = {
    "PHONE_NUMBER": phone, "CREDIT_CARD": card, "US_SSN": social_security_number, "IBAN_CODE": iban, "IP_ADDRESS": address,
}  # fmt: skip
