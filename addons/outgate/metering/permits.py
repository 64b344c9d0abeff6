"""Permits for refused requests: the line of a policy, or the command, for each reason that has one.

It is what the caller asked for and no more: it names the workload, the provider, the path and the model of the closing line. What
the line hides or does not know stands as a word in capitals, which allows nothing until somebody writes a name in its place.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from outgate.inference.shown import HIDDEN
from outgate.metering.words import entries, verdicts

type Line = Mapping[str, Any]

_BODILESS = frozenset({"GET", "HEAD", "DELETE"})
"""Methods of requests that name no model in a body."""


class Permit(NamedTuple):
    """Where it is written (a place in a policy; empty for a command), and what."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"under `{self.where}`:  {self.what}" if self.where else f"run `{self.what}`"


def permit(line: Line, providers: Mapping[str, str]) -> Permit | None:
    """The permit for what a line says was refused; None where policy alone cannot give one. `providers`: names by `host:port`."""
    make = _PERMITS.get(str(line.get("outgate.denial.code")))
    return make(line, providers) if make is not None else None


def _access(line: Line, providers: Mapping[str, str]) -> Permit | None:
    provider, path = _provider(line, providers), _path(line) or "PATH"
    asked, method = line.get("outgate.model.requested"), str(line.get("http.request.method"))
    what = {"methods": method} if not asked and method in _BODILESS else {"models": _known(asked, "MODEL")}
    return Permit(
        "stages.authorize.allow", f"- {_flow({'workloads': _workload(line), 'providers': provider, 'paths': path} | what)}"
    )


def _model(line: Line, _: Mapping[str, str]) -> Permit | None:
    model = line.get("gen_ai.request.model")
    if not model or model == HIDDEN:
        return None
    provider = _known(line.get("gen_ai.provider.name"), "PROVIDER")
    rule = {"workloads": _workload(line), "providers": provider, "models": model}
    return Permit("stages.authorize_model.allow", f"- {_flow(rule)}")


def _destination(line: Line, _: Mapping[str, str]) -> Permit | None:
    host, port = str(line.get("server.address") or "").rpartition(":")[::2]
    if not host or ":" in host or host.replace(".", "").isdecimal():
        return None
    name = (host.split(".")[-2:] or [host])[0]
    where = f"host: {host}" + (f", port: {port}" if port != "443" else "")
    return Permit("providers", f"{name}: {{{where}, {_spoken(line, name)}}}")


def _spoken(line: Line, name: str) -> str:
    """The dialect of what was asked, with a credential; `none` where no dialect has such a path, and a CONNECT does not say."""
    operation = line.get("gen_ai.operation.name")
    if operation == "opaque":
        return "dialect: none"
    key = f"credential: {{env: {name.upper().replace('-', '_')}_API_KEY}}"
    return f"dialect: openai, {key}" if operation else f"dialect: DIALECT, {key}"


def _route(line: Line, providers: Mapping[str, str]) -> Permit | None:
    path, method = _path(line), line.get("http.request.method")
    if not path:
        return None
    methods = {"methods": method} if method != HIDDEN else {}
    match = _flow({"destinations": _provider(line, providers), "paths": path} | methods)
    return Permit("routes", f"- {{name: NAME, match: {match}}}")


def _rule(line: Line, _: Mapping[str, str]) -> Permit | None:
    for guard, verdict in verdicts(line):
        found = entries(verdict, "matches", "rule")
        rules = dict.fromkeys(match["rule"] for match in found if match.get("action", "denied") == "denied")
        if verdict.get("action") == "denied" and rules:
            return Permit(f"stages.{guard}.rules", ", ".join(f"{rule}: flag" for rule in rules))
    return None


def _unjudged(line: Line, _: Mapping[str, str]) -> Permit | None:
    kinds = dict.fromkeys(str(each["kind"]) for each in entries(_parts(line), "unjudged", "kind"))
    return Permit("stages.admit_parts", f"allow_unjudged: [{', '.join(kinds)}]") if kinds else None


def _state(line: Line, _: Mapping[str, str]) -> Permit | None:
    names = dict.fromkeys(
        str(each["rule"]) for each in entries(_parts(line), "matches", "rule") if each.get("kind") == "server_state"
    )
    return Permit("stages.admit_parts", f"allow_server_state: [{', '.join(names)}]") if names else None


def _budget(line: Line, _: Mapping[str, str]) -> Permit | None:
    name = str(line.get("outgate.denial.cause") or "").removeprefix("budget ")
    return Permit("stages.token_budget.limits", f"more `tokens` for {name}") if name else None


def _token(line: Line, _: Mapping[str, str]) -> Permit | None:
    name, cause = line.get("presented.name"), line.get("outgate.denial.cause")
    if not name or name == HIDDEN:
        return None
    rotate = f"outgate workload rotate {name} --keep-old"  # others may hold the token that works
    commands = {"unknown name": f"outgate workload add {name}", "wrong token": rotate, "expired token": rotate}
    return Permit("", commands[cause]) if cause in commands else None


def _path(line: Line) -> str:
    return str(line.get("url.path") or "").replace(HIDDEN, "SEGMENT")


def _provider(line: Line, providers: Mapping[str, str]) -> str:
    return providers.get(str(line.get("server.address")), "PROVIDER")


def _workload(line: Line) -> str:
    return _known(line.get("outgate.workload"), "WORKLOAD")


def _known(name: Any, otherwise: str) -> str:
    return str(name) if name and name != HIDDEN else otherwise


def _parts(line: Line) -> Line:
    return dict(verdicts(line)).get("parts", {})


def _flow(rule: Mapping[str, Any]) -> str:
    """A mapping of YAML on one line, each value in a list of its own; what is not known is left out."""
    told = (f"{name}: [{_scalar(str(value))}]" for name, value in rule.items() if value)
    return f"{{{', '.join(told)}}}"


def _scalar(value: str) -> str:
    plain = value.replace("-", "").replace("_", "").replace("/", "").replace(".", "").isalnum() and value[0] not in "-."
    return value if plain and not value.replace(".", "").isdecimal() else "'" + value.replace("'", "''") + "'"


_PERMITS: dict[str, Callable[[Line, Mapping[str, str]], Permit | None]] = {
    "not_authorized": _access,
    "model_not_authorized": _model,
    "destination_denied": _destination,
    "no_route": _route,
    "prompt_refused": _rule,
    "unjudged_content": _unjudged,
    "server_state": _state,
    "budget_exhausted": _budget,
    "proxy_authentication_required": _token,
}
