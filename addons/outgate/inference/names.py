"""Types of the names that settings hold, so that what a policy names can be looked up in it.

`policy/references.py` walks the types of all settings, the stages' own included: a setting whose type is one of these needs no
check of its own.
"""

import re
from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True, slots=True)
class NameOf:
    """Metadata of a type: its values name a `thing`. With `*`, `?` or `[` in it, a value of a `pattern` names none by itself."""

    thing: str
    pattern: bool = False


type StageName = Annotated[str, NameOf("stage")]
type ProviderName = Annotated[str, NameOf("provider")]
type WorkloadName = Annotated[str, NameOf("workload")]
type WorkloadPattern = Annotated[str, NameOf("workload", pattern=True)]
type GroupName = Annotated[str, NameOf("group")]
type ModelName = Annotated[str, NameOf("model")]
type ModelPattern = Annotated[str, NameOf("model", pattern=True)]


_DATE = re.compile(r"(?<![0-9])20[0-9]{2}(-?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12][0-9]|3[01])(?![0-9])")
_LONG_NUMBER = re.compile(r"[0-9](?:[-.]?[0-9]){8}")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._:/-]{0,63}")
_SECRET = re.compile(r"[A-Za-z0-9_]{20}")


def holds_long_number(name: str) -> bool:
    """Whether a name has nine digits or more in a row, dates aside: a card, an account, a telephone."""
    return _LONG_NUMBER.search(_DATE.sub("date", name)) is not None


def quoted(name: str) -> str:
    """A name that a caller gave, for a message: only where it can be a model's name, and no secret or personal data."""
    plain = _PLAIN.fullmatch(name) and not _SECRET.search(name) and not holds_long_number(name)
    return repr(name) if plain else "of that name"
