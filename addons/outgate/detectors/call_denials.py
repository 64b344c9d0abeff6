"""Conditions of rules that deny, on one value: satisfied by any reading of it (`call_readings`).

A value at a named place that cannot be told, say a text where a number is compared, or a path that climbs from nobody knows where,
satisfies them too: its client may know better.
"""

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import re2

from outgate.detectors.call_readings import forms_of, numbers_in, plain, texts_of
from outgate.detectors.normalise import unescape

type Test = Callable[[Any], bool]
_OUTSIDE = r"[^a-z0-9_.-]"
_FILE = re.compile(r"^file:(//[^/]*)?(?=/)")


def denying(test: str, stated: Any, *, placed: bool) -> Test:
    """What a condition of a rule that denies asks of a value; `placed` says that it names where the value stands."""
    return _TESTS[test](stated, placed)


def expression(pattern: str) -> Any:
    """A compiled RE2. Raises ValueError for what is none."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise ValueError(f"`{pattern}` is no regular expression: {error}") from None


def _among(values: Sequence[Any], placed: bool) -> Test:  # noqa: ARG001, FBT001
    known = frozenset(form for each in values for form in forms_of(each))
    return lambda value: not known.isdisjoint(forms_of(value))


def _starting(text: str, placed: bool) -> Test:  # noqa: ARG001, FBT001
    begins = (text.casefold(), _inner(text))

    def starts(value: Any) -> bool:
        told = [*map(str.casefold, texts_of(value)), *(_paths(value) if text.startswith("/") else ())]
        return any(each.startswith(begins) for each in told)

    return starts


def _containing(text: str, placed: bool) -> Test:  # noqa: ARG001, FBT001
    parts = (text.casefold(), _inner(text))
    return lambda value: any(part in told.casefold() for told in texts_of(value) for part in parts)


def _inner(text: str) -> str:
    """The text in plain characters, with a blank where it begins or ends in some."""
    return plain(f"x{text}x")[1:-1]


def _found(pattern: str, placed: bool) -> Test:  # noqa: ARG001, FBT001
    compiled = expression(pattern)
    return lambda value: any(compiled.search(told) is not None for told in texts_of(value))


def _below_folder(folder: str, placed: bool) -> Test:  # noqa: FBT001
    folder = posixpath.normpath(folder).casefold()
    prefix = folder.rstrip("/") + "/"

    def is_below(value: Any) -> bool:
        climbs = placed and isinstance(value, str) and _climbs(value)
        return climbs or any(path == folder or path.startswith(prefix) for path in _paths(value))

    return is_below


def _paths(value: Any) -> Iterator[str]:
    """The absolute paths that a text may be, without regard to case."""
    for told in texts_of(value) if isinstance(value, str) else ():
        path = _FILE.sub("", told.casefold().strip().replace("\\", "/").replace("\0", ""))
        if path.startswith("/"):
            yield "/" + posixpath.normpath(path).lstrip("/")


def _climbs(text: str) -> bool:
    """Whether a path begins at a folder that is not known here, and may lead anywhere."""
    path = unescape(text).strip().replace("\\", "/")
    return not path.startswith("/") and (path.startswith(("~", "$")) or ".." in path.split("/"))


def _of_hosts(patterns: tuple[str, ...], placed: bool) -> Test:  # noqa: ARG001, FBT001
    stars = {"**": "[a-z0-9_.-]*", "*": "[a-z0-9_-]*"}
    parts = (re.split(r"(\*\*|\*)", pattern.casefold()) for pattern in patterns)
    hosts = "|".join("".join(stars.get(part, re.escape(part)) for part in each) for each in parts)
    found = expression(rf"(?:^|{_OUTSIDE})(?:{hosts})\.?(?:{_OUTSIDE}|$)")

    def is_of(value: Any) -> bool:
        forms = [told.casefold() for told in texts_of(value)] if isinstance(value, str) else []
        return any(found.search(form) is not None for form in (*forms, *("".join(form.split()) for form in forms)))

    return is_of


def _compared(holds: Callable[[float], bool], placed: bool) -> Test:  # noqa: FBT001
    def satisfied(value: Any) -> bool:
        numbers = numbers_in(value)
        return any(map(holds, numbers)) or (placed and not numbers and value is not None)

    return satisfied


_TESTS: dict[str, Callable[[Any, bool], Test]] = {
    "one_of": _among,
    "starts_with": _starting,
    "contains": _containing,
    "matches": _found,
    "under": _below_folder,
    "hosts": _of_hosts,
    "at_least": lambda least, placed: _compared(lambda number: number >= least, placed),
    "at_most": lambda most, placed: _compared(lambda number: number <= most, placed),
}
