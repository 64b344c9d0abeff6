"""Compile validated sections to a live policy: one plan for tunnels, one for request heads, one per route and provider scope.

Stages with the same settings are one object in all plans. Nothing is opened here: stages are started when the policy takes effect.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from outgate.errors import PolicyError, Problem
from outgate.identity.access import Who
from outgate.inference.prompt import MEDIA
from outgate.pipeline.compiler import REQUEST_ORIGINS, Placement, compile_plan
from outgate.pipeline.facts import Origin
from outgate.pipeline.plan import Plan
from outgate.pipeline.stage import Settings, Stage
from outgate.policy.lint_failures import failing_open
from outgate.policy.live import LivePolicy, LiveRoute
from outgate.policy.references import models_allowed, models_named
from outgate.policy.schema import RouteSection
from outgate.policy.scopes import BOUNDARY, REQUIRED, TIES, Placed, layer, stages_of
from outgate.policy.source import Place, Source
from outgate.policy.stage_types import Ports, build_stage, stage_names, stage_type
from outgate.policy.validate import Validated, canonical, settings_problems
from outgate.policy.validation_messages import nearest
from outgate.policy.values import catalog_of, embedders_of, prices_of, workloads_of

_TUNNEL = frozenset({Origin.OUTSIDE, Origin.CONNECTION})
_TUNNEL_FACTS = frozenset({"destination", "method", "headers"})
_INSTALL = "this installation is not whole: run scripts/setup, or install outgate again"
_SEE = "see docs/reference/stages.md"
_HEAD = _TUNNEL | {Origin.HEAD}


class Builder:
    """Builds one policy. `problems` collects what is wrong; `warnings` too, of every plan."""

    def __init__(self, source: Source, validated: Validated, ports: Ports, revision: str, rules: str) -> None:
        self.problems: list[Problem] = []
        self._source = source
        self._policy = validated.policy
        self._places = validated.route_places
        self._ports = ports
        self._revision, self._rules = revision, rules
        self._complete = True
        self._stages: dict[tuple[str, bytes], Stage] = {}
        self.catalog = catalog_of(source, validated.policy)
        self._workloads = workloads_of(source, validated.policy)
        self._embedders = embedders_of(source, validated.policy)
        self._models = models_named(source)
        self._allowed = models_allowed(source)
        self._prices = ports.prices.under(prices_of(validated.policy))

    def build(self) -> LivePolicy | None:
        """The policy; None where an error was found."""
        gateway = layer({}, self._policy.stages, ("stages",))
        self._check_required(gateway)
        tunnel = {name: gateway[name] for name in REQUIRED if name in gateway}
        head = tunnel | {"close_exchange": gateway.get("close_exchange", Placed({}, ()))}
        if self._policy.stages.get("close_exchange") is False:
            head = tunnel
        connect = self._compile(tunnel, (), given=_TUNNEL, known=_TUNNEL_FACTS, closing=False)
        judged = self._compile(head, (), given=_HEAD)
        routes = [
            route
            for section, place in zip(self._policy.routes, self._places, strict=True)
            for route in self._routes(section, place)
        ]
        if not routes:  # no route was compiled, so that nobody has looked at the settings of most stages yet
            self._settings_of(gateway)
        if connect is None or judged is None or any(problem.is_error for problem in self.problems):
            return None
        return LivePolicy(
            revision=self._revision,
            rules=self._rules,
            gateway=self._policy.gateway,
            catalog=self.catalog,
            workloads=self._workloads,
            connect=connect,
            head=judged,
            routes=tuple(routes),
            stages=tuple(self._stages.values()),
            warnings=tuple(dict.fromkeys(self.problems)),
        )

    def _check_required(self, gateway: Mapping[str, Placed]) -> None:
        """A required stage that is misspelt, or stands in a section that is broken, has its problem already."""
        written = self._source.data.get("stages") if isinstance(self._source.data, dict) else None
        named = written if isinstance(written, dict) else {}
        misspelt = [name for name in named if name not in stage_names()]
        for name in REQUIRED:
            self._complete &= name in gateway
            meant = named.get(name, False) is not False or any(nearest(each, frozenset({name})) for each in misspelt)
            if name not in gateway and not meant:
                message = f"the policy does not configure {name}: nobody would be judged before a body is read"
                self.problems.append(self._source.problem("E_MISSING_STAGE", message, ("stages",), f"add `{name}` under `stages`"))

    def _routes(self, section: RouteSection, place: Place) -> Iterator[LiveRoute]:
        """The route, once per set of stages that the addressed providers' scopes make of it."""
        variants: dict[bytes, tuple[dict[str, Placed], list[str]]] = {}
        for provider in section.match.destinations or self._policy.providers:
            backend = self._policy.providers.get(provider)
            if backend is not None:
                stages = stages_of(self._policy.stages, provider, backend, section, place)
                variants.setdefault(_fingerprint(stages), (stages, []))[1].append(provider)
        for stages, providers in variants.values():
            plan = self._compile(stages, place, section=section, given=REQUEST_ORIGINS)
            if plan is not None:
                yield LiveRoute(
                    name=section.name,
                    plan=plan,
                    destinations=frozenset(providers),
                    matching=section.match,
                    who=Who(workloads=section.match.workloads, groups=section.match.groups),
                    retry=section.retry.policy(),
                    media=_admits_media(stages),
                )

    def _compile(
        self, stages: Mapping[str, Placed], place: Place, *, given: frozenset[Origin], known: frozenset[str] = frozenset(),
        closing: bool = True, section: RouteSection | None = None,
    ) -> Plan | None:  # fmt: skip
        """A plan of these stages; None, and its problems noted, where they make none.

        Where a stage is missing or could not be built, that alone is the problem: what a plan lacks without it is not.
        """
        placements = list(self._placements(stages, place, section))
        if not self._complete or not stages.keys() <= {placement.name for placement in placements}:
            return None
        pin = tuple(name for name in section.pin if name in stage_names()) if section is not None else ()
        try:
            plan = compile_plan(placements, given=given, known=known, pin=pin, revision=self._revision, closing=closing)
        except PolicyError as error:
            told = (self._with_producers(problem) for problem in error.problems)
            self.problems += [self._located(problem, place, section) for problem in told]
            return None
        if section is not None:  # what a tunnel or a head does not know yet, its route will
            self._note(self._located(problem, place, section) for problem in plan.warnings)
        return plan

    def _with_producers(self, problem: Problem) -> Problem:
        """An E_NO_PRODUCER whose repair names the stages that write the fact; any other problem as it is."""
        writers = [f"`{name}`" for name in sorted(stage_names()) if self._writes(name, problem.fact)] if problem.fact else []
        if problem.code != "E_NO_PRODUCER" or not writers:
            return problem
        other = "".join(f", or remove {name}" for name in problem.stages[:1] if name not in BOUNDARY)
        return replace(problem, repair=f"let this route have {' or '.join(writers)}, which gives {problem.fact}{other}")

    def _writes(self, name: str, fact: str) -> bool:
        kind = stage_type(name)
        with suppress(Exception):  # one that needs settings to be built cannot be asked
            return fact in build_stage(kind, kind.settings_type(), Ports(), self._decided()).contract.writes
        return False

    def _located(self, problem: Problem, place: Place, section: RouteSection | None) -> Problem:
        """The problem at the route's line, where the stages it names came by themselves."""
        if problem.file:
            return problem
        message = f"route {section.name!r}: {problem.message}" if section is not None else problem.message
        return replace(problem, message=message, file=self._source.file, line=self._source.line_of(place or ("stages",)))

    def _placements(self, stages: Mapping[str, Placed], place: Place, section: RouteSection | None) -> Iterator[Placement]:
        after = section.after if section is not None else {}
        removed = section.stages if section is not None else {}
        for name, each in self._with_companions(stages, removed):
            stage = self._stage(name, each)
            if stage is not None:
                ties, where = TIES.get(name, ()), self._where(each.place or place)
                yield Placement(name, stage.contract, stage.run, after.get(name, ()), where, ties, stage.streams)

    def _with_companions(self, stages: Mapping[str, Placed], removed: Mapping[str, Any]) -> Iterator[tuple[str, Placed]]:
        """A companion has the settings of its stage where it takes them, else none; one that several bring comes once."""
        brought: set[str] = set()
        for name, placed in stages.items():
            yield name, placed
            kind = stage_type(name) if name in stage_names() else Stage
            for companion in kind.companions_for(placed.settings):
                if companion not in stages and companion not in brought and not self._is_removed(companion, removed):
                    brought.add(companion)
                    shares = stage_type(companion).settings_type is kind.settings_type
                    yield companion, placed if shares else Placed({}, placed.place)

    def _is_removed(self, name: str, route: Mapping[str, Any]) -> bool:
        return route.get(name) is False or (name not in route and self._policy.stages.get(name) is False)

    def _where(self, place: Place) -> str:
        return f"{self._source.file}:{self._source.line_of(place)}" if place else ""

    def _stage(self, name: str, placed: Placed) -> Stage | None:
        """The stage with these settings, made once; None, and its problems noted, where they are wrong."""
        if name not in stage_names():
            if not placed.place:
                self._note([self._source.problem("E_MISSING_STAGE", f"the stage {name} is not installed", ("stages",), _INSTALL)])
            return None
        kind = stage_type(name)
        settings = self._settings(kind, placed)
        if settings is None:
            return None
        key = (name, canonical(settings))
        if key not in self._stages:
            try:
                self._stages[key] = self._made(kind, settings)
            except PolicyError as error:
                self._note(self._located(problem, placed.place, None) for problem in error.problems)
                return None
            except ValueError as error:
                self._note([self._source.problem("E_SETTINGS", f"{name}: {error}", placed.place, _SEE, (name,))])
                return None
            self._note(self._located(warning, placed.place, None) for warning in getattr(self._stages[key], "warnings", ()))
            open_places = failing_open(self._stages[key], settings)
            self._note(self._located(warning, self._stated(placed, within), None) for within, warning in open_places)
        return self._stages[key]

    def _stated(self, placed: Placed, within: Place) -> Place:
        """Where the settings of a stage say this: at its own place, or at one that it inherits from."""
        places = [(*place, *within) for place in (placed.place, *placed.under)]
        return next((place for place in places if place in self._source.lines), placed.place)

    def _settings_of(self, stages: Mapping[str, Placed]) -> None:
        for name, placed in stages.items():
            if name in stage_names():
                self._settings(stage_type(name), placed)

    def _settings(self, kind: type[Stage], placed: Placed) -> Settings | None:
        """Validated; None, and its problems noted, where they are wrong."""
        try:
            return kind.settings_type.model_validate(dict(placed.settings))
        except ValidationError as error:
            self._note(settings_problems(self._source, (placed.place, *placed.under), kind.settings_type, error))
            return None

    def _decided(self) -> dict[str, Any]:
        return {
            "catalog": self.catalog,
            "workloads": self._workloads,
            "prices": self._prices,
            "embedders": self._embedders,
            "models": self._models,
            "allowed": self._allowed,
            "revision": self._revision,
        }

    def _made(self, kind: type[Stage], settings: Settings) -> Stage:
        return build_stage(kind, settings, self._ports, self._decided())

    def _note(self, problems: Iterable[Problem]) -> None:
        self.problems += [problem for problem in problems if problem not in self.problems]


def _admits_media(stages: Mapping[str, Placed]) -> bool:
    admitted = stages["admit_parts"].settings.get("allow_unjudged") if "admit_parts" in stages else None
    return "hydrate" in stages or not MEDIA.isdisjoint(admitted or ())


def _fingerprint(stages: Mapping[str, Placed]) -> bytes:
    import orjson

    return orjson.dumps(sorted((name, placed.settings) for name, placed in stages.items()), option=orjson.OPT_SORT_KEYS)


def sorted_problems(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Without repeats, by file and line, errors before warnings of the same line."""
    return tuple(
        sorted(dict.fromkeys(problems), key=lambda each: (each.file, each.line, not each.is_error, each.code, each.message))
    )
