"""Dates, days and times of day of a text."""

import re
from collections.abc import Sequence

from outgate.detectors.paraphrase.words import Words

_MONTHS = {
    name: f"month {number}"
    for number, names in enumerate(
        "january jan,february feb,march,april apr,may,june jun,july jul,august aug,september sept sep,october oct,november nov,"
        "december dec".split(","),
        start=1,
    )
    for name in names.split()
}
_WEEK = "monday tuesday wednesday thursday friday saturday sunday".split()
_DAYS = (
    {day: day for day in _WEEK}
    | {day + "s": day for day in _WEEK}
    | {
        "mon": "monday",
        "tue": "tuesday",
        "tues": "tuesday",
        "wed": "wednesday",
        "thu": "thursday",
        "thur": "thursday",
        "thurs": "thursday",
    }
    | {"fri": "friday"}
)
_OTHERS = {
    word: word
    for word in (
        "today yesterday tomorrow tonight weekend weekday morning afternoon evening night spring summer autumn winter christmas "
        "easter "
        "thanksgiving halloween ancient medieval bc"
    ).split()
} | {"weekends": "weekend", "weekdays": "weekday", "mornings": "morning", "bce": "bc", "noon": "clock 720", "midnight": "clock 0"}
_NAMED = _MONTHS | _DAYS | _OTHERS
_RELATIVE = frozenset({"this", "next", "last", "previous", "past", "current", "coming", "following"})
_SPANS = frozenset("week month year quarter semester century decade weekend summer winter spring night".split()) | set(_WEEK)
_ALIKE = {"previous": "last", "past": "last", "current": "this", "coming": "next", "following": "next"}
_CLOCK = re.compile(r"(\d{1,2})(?::([0-5]\d))?\Z")
_HALF = {"am": 0, "pm": 720, "a.m": 0, "p.m": 720}


def dates_differ(a: Words, b: Words) -> bool:
    """Whether a month, day or time of one text is not in the other: `by Friday`, `tomorrow`, `last year`, `3 pm`."""
    return _dates(a.words) != _dates(b.words)


def _dates(words: Sequence[str]) -> set[str]:
    found = set()
    for at, word in enumerate(words):
        before = words[at - 1] if at else ""
        name = _NAMED.get(word)
        if name is not None and (word != "may" or _month_may(words, at)):
            found.add(name)
        if before in _RELATIVE and word in _SPANS:
            found.add(f"{_ALIKE.get(before, before)} {word}")
        if word in _HALF and (clock := _CLOCK.match(before)):
            found.add(f"clock {int(clock[1]) % 12 * 60 + int(clock[2] or 0) + _HALF[word]}")
        elif ":" in word and (clock := _CLOCK.match(word)) and words[at + 1 : at + 2] not in {("am",), ("pm",), ("a.m",), ("p.m",)}:
            found.add(f"clock {int(clock[1]) * 60 + int(clock[2])}")
    return found


def _month_may(words: Sequence[str], at: int) -> bool:
    near = (*words[max(0, at - 1) : at], *words[at + 1 : at + 2])
    return any(
        each[0].isdigit() or each in {"in", "of", "by", "until", "since", "next", "last", "early", "late", "mid"} for each in near
    )
