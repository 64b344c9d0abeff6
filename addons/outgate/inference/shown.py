"""Say what of a caller's own words may stand in a message, a closing line or a log: what looks like a name, and no secret.

One rule for all of them, so that no sentence has to be cleared of them later: a model's name, a path, a method. Whatever has not
the form of a name, or has twenty letters and digits in a row, or a number as long as an account's, is hidden.
"""

import re
from functools import lru_cache

HIDDEN = "(hidden)"
_LONGEST = 128
"""Characters of a path; a query may hold keys, and is never shown."""
_LONGEST_NAME = 96 + 21
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9._:/-]{0,95}(@[A-Za-z0-9-]{1,20})?")
_SECRET = re.compile(r"[A-Za-z0-9_]{20}")
_DATE = re.compile(r"(?<![0-9])20[0-9]{2}(-?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12][0-9]|3[01])(?![0-9])")
_LONG_NUMBER = re.compile(r"[0-9](?:[-.]?[0-9]){8}")
_RUN, _LETTER, _DIGIT = re.compile(r"(?:\borg-)?[A-Za-z0-9_+/=]{20,}"), re.compile("[A-Za-z]"), re.compile("[0-9]")
_ACCOUNT = re.compile(r"org-[A-Za-z0-9]{20,32}|proj_[A-Za-z0-9]{20,32}")
_WORDS = re.compile(r"\.?[A-Za-z]{1,19}(?:[._:-][A-Za-z]{1,19})*|v[0-9]{1,2}(?:(?:alpha|beta)[0-9]{0,2})?|")
_VERB = re.compile(r"[A-Za-z]{0,32}")
_METHOD = re.compile(r"[A-Z]{1,16}")
_NAMED = frozenset({"models", "deployments", "engines"})
"""What follows these in a path is the name of a model."""


def holds_long_number(name: str) -> bool:
    """Whether a name has nine digits or more in a row, dates aside: a card, an account, a telephone."""
    return _LONG_NUMBER.search(_DATE.sub("date", name)) is not None


def holds_token(text: str) -> bool:
    """Whether a text has twenty letters and digits mixed in a row, as keys and tokens have; OpenAI's names of accounts aside."""
    return any(_DIGIT.search(run) and _LETTER.search(run) for run in _RUN.findall(text) if not _ACCOUNT.fullmatch(run))


def is_plain(name: str) -> bool:
    """Whether it can be a name, and no secret or personal data."""
    return len(name) <= _LONGEST_NAME and _is_plain(name)


@lru_cache(256)
def _is_plain(name: str) -> bool:
    """The same models are named by every request."""
    return _NAME.fullmatch(name) is not None and _SECRET.search(name) is None and not holds_long_number(name)


def quoted(name: str) -> str:
    """A name for a message."""
    return repr(name) if not name or is_plain(name) else "of that name"


def shown(name: str, *, admitted: bool = False) -> str | None:
    """A name for a line, where policy knows it or it looks like one."""
    return (name or None) if not name or admitted or is_plain(name) else HIDDEN


def shown_method(method: str) -> str | None:
    """A request method: letters, as all that are registered."""
    return method if _METHOD.fullmatch(method) else HIDDEN if method else None


def shown_path(path: str) -> str | None:
    """A path without its query. Plain words, versions and names of models stand as they are, other segments are hidden."""
    return _shown_path(path.partition("?")[0][:_LONGEST])


@lru_cache(256)
def _shown_path(path: str) -> str | None:
    segments = path.split("/")
    before = ["", *segments[:-1]]
    return "/".join(each if _is_told(each, after) else HIDDEN for each, after in zip(segments, before, strict=True)) or None


def _is_told(segment: str, after: str) -> bool:
    name, _, verb = segment.partition(":")  # models/gemini-2.5-pro:generateContent
    is_model = after in _NAMED and (is_plain(segment) or (is_plain(name) and _VERB.fullmatch(verb) is not None))
    return is_model or _WORDS.fullmatch(segment) is not None
