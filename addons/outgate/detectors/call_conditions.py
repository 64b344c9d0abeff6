"""Conditions on the arguments of a tool call: few, each linear in the arguments, none that calls or loops.

A condition is about every value below a place. A rule that allows needs it of all of them, and at least one; a rule that denies is
satisfied with one reading of one (`call_denials`), and finds the place at any depth, in JSON within text too. So arguments of
another shape than was expected are not allowed, and are denied.
"""

import posixpath
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, model_validator

from outgate.detectors.call_denials import denying, expression
from outgate.detectors.call_readings import opened, plain_name
from outgate.detectors.normalise import unescape
from outgate.net.patterns import covers
from outgate.pipeline.stage import Settings

type Scalar = str | int | float | bool | None
type Test = Callable[[Any], bool]
_MOST = 100_000
"""Values that one condition looks at; arguments with more are not known to fit."""


class Condition(Settings):
    """What must be true of the values below `at`; exactly one test."""

    at: str = Field(default="", pattern=r"^(/[^/]+)*$", examples=["/path", "/edits/*/file"])
    """Where the values stand in the arguments: names and positions as in a JSON Pointer, `*` for every one. Empty is all."""
    one_of: tuple[Scalar, ...] = ()
    """They equal one of these."""
    starts_with: str | None = None
    """They are text that begins so."""
    contains: str | None = None
    """They are text that contains this, in any case."""
    matches: Annotated[str, StringConstraints(max_length=1_000)] | None = None
    """They are text in which this regular expression (RE2) is found."""
    under: str | None = Field(default=None, pattern="^/")
    """They are paths of this folder or below it, `..` resolved; links in the file system are not known here."""
    hosts: tuple[str, ...] = ()
    """They are http(s) URLs of these hosts; `*` stands for one label, `**` for any number."""
    at_least: float | None = None
    """They are numbers, and not smaller."""
    at_most: float | None = None
    """They are numbers, and not greater."""

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        stated = [name for name in _TESTS if getattr(self, name) not in (None, ())]
        if len(stated) != 1:
            raise ValueError(f"a condition has one test, of {', '.join(_TESTS)}")
        self._test()
        return self

    def _test(self) -> Test:
        name, stated = self._stated()
        return _TESTS[name](stated)

    def _stated(self) -> tuple[str, Any]:
        return next((name, getattr(self, name)) for name in _TESTS if getattr(self, name) not in (None, ()))

    def _way(self) -> list[str]:
        return [_unescaped(step) for step in self.at.split("/")[1:]]

    def members(self) -> list[str]:
        """The names of members on the way to the place."""
        return [step for step in self._way() if step != "*" and not step.isdecimal()]

    def compiled(self, *, every: bool) -> Callable[[Any], bool]:
        """Whether arguments satisfy it: every value there, or one of them (or of the names of members)."""
        return self._allows() if every else self._denies()

    def _allows(self) -> Callable[[Any], bool]:
        test, way = self._test(), self._way()

        def satisfied(arguments: Any) -> bool:
            values = _scalars(_reached([arguments], way, _below), names=False)
            return bool(values) and all(map(test, values or ()))

        return satisfied

    def _denies(self) -> Callable[[Any], bool]:
        name, stated = self._stated()
        test, way = denying(name, stated, placed=bool(self.at)), [plain_name(step) for step in self._way()]

        def satisfied(arguments: Any) -> bool:
            try:
                told = opened(arguments)
            except RecursionError:
                return True
            begins = _containers(told) if way else [told]
            values = None if begins is None else _scalars(_reached(begins, way, _near), names=True)
            return values is None or any(map(test, values))

        return satisfied


def _reached(found: list[Any], way: Sequence[str], below: Callable[[Any, str], Iterable[Any]]) -> list[Any]:
    for step in way:
        found = [each for one in found for each in below(one, step)]
    return found


def _below(value: Any, step: str) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values() if step == "*" else [value[step]] if step in value else ()
    if isinstance(value, list):
        return value if step == "*" else [value[int(step)]] if step.isdecimal() and int(step) < len(value) else ()
    return ()


def _near(value: Any, step: str) -> Iterable[Any]:
    """The same, under any spelling of the step, and in lists of what has it."""
    if isinstance(value, dict):
        return value.values() if step == "*" else [below for name, below in value.items() if plain_name(name) == step]
    if isinstance(value, list) and step != "*" and not step.isdecimal():
        return [below for each in value if isinstance(each, dict) for below in _near(each, step)]
    return _below(value, step)


def _containers(value: Any) -> list[Any] | None:
    """The value and all objects and lists below it; None where there are too many."""
    found, at = [value], 0
    while at < len(found):
        below = found[at].values() if isinstance(found[at], dict) else found[at]
        found += [each for each in below if isinstance(each, dict | list)]
        at += 1
        if len(found) > _MOST:
            return None
    return found


def _scalars(values: list[Any], *, names: bool) -> list[Any] | None:
    """All scalars below these; None where there are too many."""
    found: list[Any] = []
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
            if names:
                found.extend(value)
        elif isinstance(value, list):
            waiting.extend(value)
        else:
            found.append(value)
        if len(found) + len(waiting) > _MOST:
            return None
    return found


def _unescaped(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")


def _among(values: Sequence[Scalar]) -> Test:
    known = {(value.__class__ is bool, value) for value in values}
    return lambda value: (value.__class__ is bool, value) in known


def _found(pattern: str) -> Test:
    compiled = expression(pattern)
    return lambda value: isinstance(value, str) and compiled.search(value) is not None


def _containing(text: str) -> Test:
    folded = text.casefold()
    return lambda value: isinstance(value, str) and folded in value.casefold()


def _below_folder(folder: str) -> Test:
    folder = posixpath.normpath(folder)
    prefix = folder.rstrip("/") + "/"

    def leads_below(path: str) -> bool:
        resolved = "/" + posixpath.normpath(path).lstrip("/")
        return path.startswith("/") and (resolved == folder or resolved.startswith(prefix))

    def is_below(value: Any) -> bool:
        return isinstance(value, str) and "\0" not in value and all(map(leads_below, {value, unescape(value)}))

    return is_below


def _of_hosts(patterns: tuple[str, ...]) -> Test:
    lowered = tuple(pattern.casefold().replace(".", "/") for pattern in patterns)

    def is_of(value: Any) -> bool:
        host = _host(value)
        return host is not None and covers(lowered, host.replace(".", "/"))

    return is_of


def _host(value: Any) -> str | None:
    """The host of a plain URL. None for what readers of URLs might take for different hosts."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or set(value) & set(' \\"<>^`{|}'):
        return None
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        return None
    plain = url.scheme in ("http", "https") and "@" not in url.netloc and port != 0
    return (url.hostname or "").removesuffix(".") or None if plain else None


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TESTS: dict[str, Callable[[Any], Test]] = {
    "one_of": _among,
    "starts_with": lambda text: lambda value: isinstance(value, str) and value.startswith(text),
    "contains": _containing,
    "matches": _found,
    "under": _below_folder,
    "hosts": _of_hosts,
    "at_least": lambda least: lambda value: _number(value) and value >= least,
    "at_most": lambda most: lambda value: _number(value) and value <= most,
}
