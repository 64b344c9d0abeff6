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
_SHORT = {
    "mon": "monday",
    "tue": "tuesday",
    "tues": "tuesday",
    "wed": "wednesday",
    "thu": "thursday",
    "thurs": "thursday",
    "fri": "friday",
}
_DAYS = {day: day for day in _WEEK} | {day + "s": day for day in _WEEK} | _SHORT
_OTHERS = {
    word: word
    for word in "yesterday tomorrow weekend weekday spring summer autumn winter christmas easter halloween medieval bc".split()
} | {"weekends": "weekend", "weekdays": "weekday", "bce": "bc"}
_NAMED = _MONTHS | _DAYS | _OTHERS
_PARTS = {
    "morning": "morning", "mornings": "morning", "noon": "noon", "midday": "noon", "afternoon": "afternoon", "midnight": "night",
    "evening": "night", "night": "night", "nights": "night", "tonight": "night", "nighttime": "night", "overnight": "night",
    "today": "today", "ancient": "ancient", "modern": "modern",
}  # fmt: skip
_RELATIVE = frozenset({"this", "next", "last", "previous", "past", "current", "coming", "following"})
_SPANS = frozenset("week month year quarter semester century decade weekend summer winter spring night".split()) | set(_WEEK)
_ALIKE = {"previous": "last", "past": "last", "current": "this", "coming": "next", "following": "next"}
_CLOCK = re.compile(r"(\d{1,2})(?::([0-5]\d))?\Z")
_HALF = {"am": 0, "pm": 720}


def dates_differ(a: Words, b: Words) -> bool:
    """Whether a month or day of one text is not in the other, or both say a time and not the same: by Friday, at 3 pm."""
    if _days(a.words) != _days(b.words):
        return True
    return any(_apart(times(a.words), times(b.words)) for times in (_clocks, _parts))


def _apart(ours: set[str], theirs: set[str]) -> bool:
    return bool(ours and theirs) and ours.isdisjoint(theirs)


def _days(words: Sequence[str]) -> set[str]:
    found = set()
    for at, word in enumerate(words):
        name = _NAMED.get(word)
        if name is not None and (word != "may" or _month_may(words, at)):
            found.add(name)
        before = words[at - 1] if at else ""
        if before in _RELATIVE and word in _SPANS:
            found.add(f"{_ALIKE.get(before, before)} {word}")
    return found


def _parts(words: Sequence[str]) -> set[str]:
    return {_PARTS[word] for word in words if word in _PARTS}


def _clocks(words: Sequence[str]) -> set[str]:
    """Times of day in minutes; without am or pm, one before noon may be after it."""
    found = set()
    for at, word in enumerate(words):
        clock = _CLOCK.match(word)
        half = _HALF.get(words[at + 1]) if at + 1 < len(words) else None
        if clock is not None and half is not None:
            found.add(str(int(clock[1]) % 12 * 60 + int(clock[2] or 0) + half))
        elif clock is not None and clock[2]:
            found.add(str(int(clock[1]) * 60 + int(clock[2])))
        elif word in {"noon", "midday"}:
            found.add("720")
    return found


def _month_may(words: Sequence[str], at: int) -> bool:
    near = (*words[max(0, at - 1) : at], *words[at + 1 : at + 2])
    return any(
        each[0].isdigit() or each in {"in", "of", "by", "until", "since", "next", "last", "early", "late", "mid"} for each in near
    )
