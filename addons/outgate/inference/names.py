"""Types of the names that settings hold, so that what a policy names can be looked up in it.

`policy/references.py` walks the types of all settings, the stages' own included: a setting whose type is one of these needs no
check of its own.
"""

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
