"""A policy on one screen: a line for each route, with the order of its stages, then what each workload may use."""

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import takewhile

from outgate.cli.screen import table
from outgate.identity.workloads import Workload
from outgate.inference.principal import Principal
from outgate.pipeline.stage import Stage
from outgate.policy.live import LivePolicy, LiveRoute
from outgate.stages.authorize import Authorize
from outgate.stages.authorize_model import AuthorizeModel
from outgate.stages.model_map import ModelMap
from outgate.stages.token_budget import TokenBudget
from outgate.stores.limits import Limit

_MORE = "--why: reasons of the order; --retry: what is tried again; --json: all; --route NAME: one route"


def overview(policy: LivePolicy, route: str | None = None) -> list[str]:
    """Lines of text, of all routes or of one."""
    routes = [each for each in policy.routes if route in (None, each.name)]
    lines = [f"revision {policy.revision}; the first route that matches takes the request", ""]
    lines += _told(routes)
    rows = [row for workload in policy.workloads.all for row in _rows(workload, routes)]
    heads = ("workload", "routes", "models", "budgets", "fallbacks")
    told = table(heads, rows, len(heads)) if rows else ["no workload may call: `outgate workload add` adds one"]
    return [*lines, "", *told, "", _MORE]


def _told(routes: Sequence[LiveRoute]) -> Iterator[str]:
    """What each route takes, and below it the order of its stages; with which stages all of them end is said once."""
    orders = [[step.name for step in route.plan.request] for route in routes]
    steps = zip(*map(reversed, orders), strict=False) if len(orders) > 1 else ()
    shared = len(list(takewhile(lambda names: len(set(names)) == 1, steps)))
    for route, order in zip(routes, orders, strict=True):
        yield f"{route.name}: {_takes(route)}"
        yield "    " + " → ".join([*order[: len(order) - shared], *["…"] * bool(shared)])
    if shared:
        yield f"… {' → '.join(orders[0][-shared:])}"


def _takes(route: LiveRoute) -> str:
    match = route.matching
    kinds = [kind.value for kind in match.kinds]
    what = (*match.methods, *kinds, ", ".join(match.paths) or ("" if kinds else "any path"))
    who = (*match.workloads, *(f"group {group}" for group in match.groups))
    asked = f"models {', '.join(match.models)}" if match.models else ""
    called = f"for {', '.join(who)}" if who else ""
    return " ".join(filter(None, (*what, asked, f"at {', '.join(sorted(route.destinations))}", called)))


def _rows(workload: Workload, routes: Iterable[LiveRoute]) -> Iterator[tuple[str, ...]]:
    """A row for each set of routes that come to the same for it."""
    caller = workload.principal("token")
    found: dict[tuple[str, ...], list[str]] = {}
    for route in routes:
        if route.who.covers(caller):
            stages = list(_stages(route))
            told = (_models(caller, stages), _budgets(caller, stages), _fallbacks(stages))
            found.setdefault(tuple("; ".join(dict.fromkeys(each)) or "-" for each in told), []).append(route.name)
    for what, names in found.items() or ((("-",) * 3, ["-"]),):
        yield (workload.name, ", ".join(dict.fromkeys(names)), *what)


def _stages(route: LiveRoute) -> Iterator[Stage]:
    owners = (getattr(step.run, "__self__", None) for step in route.plan.request)
    return (owner for owner in owners if isinstance(owner, Stage))


def _models(caller: Principal, stages: list[Stage]) -> Iterator[str]:
    """What `authorize_model` allows; where it does not run, what `authorize` does."""
    rules = [rule for stage in stages if isinstance(stage, AuthorizeModel) for rule in stage.rules]
    for rule in rules or [rule for stage in stages if isinstance(stage, Authorize) for rule in stage.rules]:
        if rule.covers(caller):
            yield ", ".join(rule.models) + (f" of {', '.join(rule.providers)}" if rule.providers else "")


def _budgets(caller: Principal, stages: list[Stage]) -> Iterator[str]:
    for limit in (limit for stage in stages if isinstance(stage, TokenBudget) for limit in stage.limits):
        if fnmatchcase(caller.name, limit.workload) and fnmatchcase(caller.tenant, limit.tenant):
            yield _budget(limit)


def _budget(limit: Limit) -> str:
    window = limit.window if isinstance(limit.window, str) else f"{limit.window} s"
    models = f" for {limit.model}" if limit.model != "*" else ""
    own = f", each {' and '.join(limit.per)}" if limit.per else ""
    return f"{limit.name}: {limit.tokens:,} a {window}{models}{own}"


def _fallbacks(stages: list[Stage]) -> Iterator[str]:
    for stage in stages:
        if isinstance(stage, ModelMap):
            yield from stage.aliases.chains()
