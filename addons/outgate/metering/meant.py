"""The names that a refused request may have meant: known, and spelt almost like the one that it gives.

Names that differ in a number, or by a part behind them, are other names: `gpt-5.4` is no slip of `gpt-5.5`, nor `gpt-4o-audio`
of `gpt-4o`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, NamedTuple

from outgate.dialects.registry import SPECS
from outgate.inference.shown import HIDDEN
from outgate.metering import price_list

type Line = Mapping[str, Any]

_LIKE = 0.8
_NUMBERS = re.compile(r"[0-9]+")


class Names(NamedTuple):
    """What a policy names: providers by `host:port`, aliases too; workloads; models in its rules, targets and prices."""

    providers: Mapping[str, str] = {}
    workloads: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()


class Meant(NamedTuple):
    """The name that may be meant, and why the one that was given is none."""

    name: str
    why: str

    def __str__(self) -> str:
        return f"did you mean {self.name}? {self.why}"


def meant(line: Line, names: Names) -> Meant | None:
    """What the request of a closing line may have meant; None where nothing is near, or nothing is misspelt."""
    return next(filter(None, (ask(line, names) for ask in _ASKED.get(str(line.get("outgate.denial.code")), ()))), None)


def near(name: Any, known: Iterable[str]) -> str:
    """The known name of which this one may be a slip; empty where it is known itself, hidden, or near to none."""
    return _nearest(name, (each for each in known if each == name or _may_be(str(name), each)))


def _nearest(name: Any, known: Iterable[str]) -> str:
    if not isinstance(name, str) or not name or HIDDEN in name:
        return ""
    alike = get_close_matches(name.lower(), sorted(known), n=1, cutoff=_LIKE)
    return alike[0] if alike and alike[0] != name else ""


def _may_be(name: str, known: str) -> bool:
    """Whether numbers are the same, an `o` read as a zero or not, and neither goes on where the other ends."""
    same = any(_NUMBERS.findall(name.replace(*o)) == _NUMBERS.findall(known.replace(*o)) for o in (("", ""), ("o", "0")))
    return same and not name.startswith(f"{known}-") and not known.startswith(f"{name}-")


def _model(line: Line, names: Names) -> Meant | None:
    asked = line.get("outgate.model.requested") or line.get("gen_ai.request.model")
    if not isinstance(asked, str) or asked in price_list.names():
        return None
    found = near(asked, names.models) or (near(asked, price_list.names()) if asked not in names.models else "")
    return Meant(found, f"Neither the policy nor the list of prices knows {asked}") if found else None


def _path(line: Line, _: Names) -> Meant | None:
    path = line.get("url.path")
    found = _nearest(path, _paths())
    return Meant(found, f"No API that the gateway reads has the path {path}") if found else None


def _host(line: Line, names: Names) -> Meant | None:
    asked = line.get("server.address")
    found = near(asked, names.providers)
    return Meant(found, f"No provider of the policy is at {asked}, {names.providers[found]} is there") if found else None


def _workload(line: Line, names: Names) -> Meant | None:
    asked = line.get("presented.name")
    found = near(asked, names.workloads)
    return Meant(found, f"The policy has no workload {asked}") if found else None


@cache
def _paths() -> frozenset[str]:
    """Paths without a name in them."""
    return frozenset(each.path for spec in SPECS for each in (*spec.paths, *spec.also) if "{" not in each.path)


_ASKED: Mapping[str, tuple[Callable[[Line, Names], Meant | None], ...]] = {
    "not_authorized": (_model, _path),
    "model_not_authorized": (_model,),
    "model_not_found": (_model,),
    "no_route": (_path, _model),
    "unjudged_content": (_path,),
    "destination_denied": (_host,),
    "proxy_authentication_required": (_workload,),
}
