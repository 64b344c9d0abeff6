"""Registry of dialects, and the operation of a request from its method and target alone.

Only exact spellings are inference, with any query. A target that a server may normalise into another one is refused outright, and
so is another spelling of a known path (case, a last slash, parameters): no path is judged as one thing here and served as another
there. Any other path that no template matches is opaque.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple
from urllib.parse import unquote

from outgate.dialects import anthropic, bedrock, gemini, opaque, openai, responses
from outgate.dialects.spec import Dialect, KeyField, PathTemplate, RequestLine, Spec
from outgate.errors import WireError
from outgate.inference.operation import Kind, Operation

SPECS: tuple[Spec, ...] = (
    openai.SPEC,
    responses.SPEC,
    anthropic.SPEC,
    gemini.SPEC,
    bedrock.SPEC,
    opaque.SPEC,
)
"""A dialect is its package, and its line here. Where the API of a request is not known, it is answered in the first one's shape."""

_PLAIN = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,=:@/-]|%[0-9A-F]{2})*")
_QUERY = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,=:@/?;\[\]-]|%[0-9A-Fa-f]{2})*")
_AMBIGUOUS = re.compile(r"//|/\.{1,2}(?:/|$)|%(?:2[DEF5]|3[0-9]|[46][1-9A-F]|[57][0-9A]|5[CF]|7[EF]|[01][0-9A-F])")
"""Empty and dot segments; escapes of what needs none, of separators, of `%` itself and of control characters (RFC 3986, 6.2.2)."""
_NAME = re.compile(r"\{([a-z]+)\}")
_VALUE = r"[A-Za-z0-9._~-]+"


class _Template(NamedTuple):
    """A path template that holds names or takes a query, compiled."""

    method: str
    path: re.Pattern[str]
    loose: re.Pattern[str]
    line: str
    query: Mapping[str, re.Pattern[str]] | None
    dialect: str
    provider: str
    kind: Kind

    def operation(self, method: str, path: str, query: str | None) -> Operation | None:
        """The operation of a target that it matches; `query` is None where there is no `?`."""
        if method != self.method or not self._asks(query):
            return None
        found = self.path.fullmatch(path)
        return Operation(self.dialect, self.kind, tuple(found.groupdict().items())) if found is not None else None

    def _asks(self, query: str | None) -> bool:
        if query is None:
            return True
        if self.query is None:
            return True
        given = dict(each.partition("=")[::2] for each in query.split("&"))
        known = all(name in self.query and self.query[name].fullmatch(value) for name, value in given.items())
        return known and len(given) == query.count("&") + 1


class _Tables:
    """What a set of specs knows, ready for look-ups. `exact` holds targets that are spelled in one way only, by provider."""

    def __init__(self, specs: Sequence[Spec]) -> None:
        self.specs = {spec.name: spec for spec in specs}
        self.codecs = {spec.name: spec.codec() for spec in specs}
        self.exact: dict[tuple[str, str], dict[str, Operation]] = {}
        self.templates: list[_Template] = []
        self.spellings: dict[tuple[str, str], str] = {}
        for spec in specs:
            for template in (*spec.paths, *spec.also):
                self._add(spec, template)

    def _add(self, spec: Spec, template: PathTemplate) -> None:
        method, path = template.method, template.path
        if "{" not in path:
            self.spellings.setdefault((method, _bare(path).casefold()), path)
            self.exact.setdefault((method, path), {}).setdefault(spec.provider, Operation(spec.name, template.kind))
        if "{" in path or template.query is None or template.query:
            query = {name: re.compile(value) for name, value in template.query.items()} if template.query is not None else None
            pattern = _compiled(template)
            loose = re.compile(pattern, re.IGNORECASE)
            self.templates.append(
                _Template(method, re.compile(pattern), loose, path, query, spec.name, spec.provider, template.kind)
            )

    def spelled(self, method: str, path: str) -> str:
        """The known path of which this one, that is none, is another spelling; empty where there is none."""
        bare = _bare(path)
        known = self.spellings.get((method, bare.casefold()))
        if known is not None:
            return known
        judged = (each for each in self.templates if each.method == method and each.kind is not Kind.MODELS)
        for each in judged:  # a model that is asked about by its name may be escaped: its answer tells nothing
            if each.loose.fullmatch(bare) and not each.path.fullmatch(path):
                return bare if each.path.fullmatch(bare) else each.line
        return ""


def _compiled(template: PathTemplate) -> str:
    """The pattern of its path."""
    pieces = _NAME.split(template.path)
    names = [f"(?P<{name}>{template.values.get(name, _VALUE)})" for name in pieces[1::2]]
    literals = [re.escape(piece) for piece in pieces[::2]]
    return "".join(literal + name for literal, name in zip(literals, [*names, ""], strict=True))


@cache
def _tables(specs: tuple[Spec, ...]) -> _Tables:
    return _Tables(specs)


def operation_for(method: str, path: str, hint: str = "none") -> Operation:
    """The operation of a request; `path` is its target in origin form, query included, `hint` the dialect of its destination.

    The hint decides only where APIs share a path (`GET /v1/models`) and for unknown ones. Raises WireError("bad_path") for a
    target that could be normalised into another.
    """
    tables = _tables(SPECS)
    exact = tables.exact.get((method, path))
    if exact is not None:
        return exact.get(hint) or next(iter(exact.values()))
    bare, mark, query = path.partition("?")
    if not _PLAIN.fullmatch(bare) or _AMBIGUOUS.search(bare) or (mark and not _QUERY.fullmatch(query)):
        raise WireError("bad_path", "the request target is not in its normal form")
    found = {
        template.provider: operation
        for template in reversed(tables.templates)
        if (operation := template.operation(method, bare, query if mark else None)) is not None
    }
    if found:
        return found.get(hint) or list(found.values())[-1]
    known = tables.spelled(method.upper(), bare)
    if known:
        raise WireError("bad_path", f"the request target is another spelling of {method.upper()} {known}: ask for that one")
    return Operation(_owner(bare, hint), Kind.OPAQUE)


def _bare(path: str) -> str:
    """A path without what servers overlook, but for case: escapes, parameters, blanks and dots around a segment, a last slash."""
    return "/".join(segment.partition(";")[0].strip(" .") for segment in unquote(path).split("/")).rstrip("/")


def _owner(path: str, hint: str) -> str:
    """The dialect of a path that nobody reads: of the APIs that have it, the destination's own comes first."""
    owners = [spec for spec in SPECS if any(path == each or path.startswith((f"{each}/", f"{each}:")) for each in spec.owns)]
    return next((spec.name for spec in owners if spec.provider == hint), owners[0].name if owners else hint)


def request_line(method: str, target: str, hint: str = "none") -> RequestLine:
    """A request line with what it asks for. Raises WireError("bad_path"), see `operation_for`."""
    return RequestLine(method, target, operation_for(method, target, hint))


def dialect(name: str) -> Dialect:
    """The codec of the dialect of this name. Raises KeyError where there is none."""
    return _tables(SPECS).codecs[name]


def spec(name: str) -> Spec:
    """What is known of the dialect of this name. Raises KeyError where there is none."""
    return _tables(SPECS).specs[name]


def serves(provider: str, name: str) -> bool:
    """Whether a provider of the first dialect serves the API of the second; what nobody knows goes anywhere."""
    return name == opaque.SPEC.name or spec(name).provider == provider


def apis_of(provider: str) -> tuple[str, ...]:
    """The APIs that providers of this dialect may have, the most usual first."""
    return tuple(spec.name for spec in SPECS if spec.provider == provider)


def operations_of(provider: str) -> tuple[tuple[str, Kind], ...]:
    """Every API and kind of work that a provider of this dialect is asked for."""
    return tuple(dict.fromkeys((spec.name, each.kind) for spec in SPECS if spec.provider == provider for each in spec.paths))


def conversations() -> tuple[str, ...]:
    """The APIs that have conversations."""
    return tuple(spec.name for spec in SPECS if any(template.kind is Kind.CHAT for template in spec.paths))


def asked_in(provider: str, apis: Sequence[str], operation: Operation) -> str | None:
    """The dialect in which a provider that has these APIs (empty: all of its dialect) is asked: the caller's own, or that of the
    first API to which a conversation can be translated. None where it cannot be asked.
    """
    if operation.kind is not Kind.CHAT or operation.dialect == opaque.SPEC.name:
        return operation.dialect if operation.dialect in apis or serves(provider, operation.dialect) else None
    offered = apis or apis_of(provider)
    if operation.dialect in offered:
        return operation.dialect
    readable = spec(operation.dialect).converter is not None
    return next((name for name in offered if readable and spec(name).converter is not None), None)


def provider_dialects() -> tuple[str, ...]:
    """What a provider may be said to speak."""
    return tuple(dict.fromkeys(spec.provider for spec in SPECS))


def spoken_to(operation: Operation, provider: str | None) -> str:
    """The dialect in which a caller is answered: that of its path, else of the provider it addresses, else the first one."""
    if operation.dialect != opaque.SPEC.name:
        return operation.dialect
    return SPECS[0].name if provider in (None, opaque.SPEC.name) else provider


def keyed_by_query(method: str, target: str, hint: str) -> Spec | None:
    """The API of a request whose query may hold a key: that of its path, else of its destination; None where no query may."""
    path, mark, _ = target.partition("?")
    if not mark:
        return None
    try:
        named = operation_for(method, path, hint).dialect
    except WireError:  # which is refused as such later on
        named = hint
    found = _tables(SPECS).specs.get(named)
    return found if found is not None and found.key_query else None


def key_fields() -> tuple[KeyField, ...]:
    """Every field in which some client presents a key or some provider gets one; those that hold nothing else come first."""
    fields = [field for spec in SPECS for field in (*spec.keys, spec.credential)]
    return tuple(sorted(dict.fromkeys(fields), key=lambda field: bool(field.prefix)))


def templates() -> tuple[PathTemplate, ...]:
    """Every path template of every dialect."""
    return tuple(template for spec in SPECS for template in (*spec.paths, *spec.also))
