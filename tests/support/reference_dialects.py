"""The page of docs/reference on dialects: what each API is, from its SPEC."""

from collections.abc import Iterable, Iterator

from outgate.dialects.registry import SPECS
from outgate.dialects.spec import PathTemplate, Spec

INTRO = """# Dialects

The APIs that the gateway reads. A provider's `dialect` is the API that it serves, together with those that name it below. Every
other path of a provider is opaque: refused, unless a route admits it unread. Header fields that are named here cross the gateway in
requests and answers of that API only, beside those that every API has.
"""


def dialects_page() -> str:
    pages = (f"## {spec.name}\n\n" + "\n".join(_rows(spec)) + "\n" for spec in SPECS if spec.paths)
    return "\n".join((INTRO, *pages))


def _rows(spec: Spec) -> Iterator[str]:
    fields = (*spec.response_fields, *(f"{prefix}*" for prefix in spec.response_prefixes))
    told = {
        "is read": ", ".join(map(_path, spec.paths)),
        "also at": ", ".join(f"`{template.line}`" for template in spec.also),
        "served by providers of the dialect": f"`{spec.provider}`",
        "clients present their key in": _names(f"{field.name}: {field.prefix}…" for field in spec.keys),
        "providers get theirs in": f"`{spec.credential.name}: {spec.credential.prefix}…`",
        "request fields": _names(spec.request_fields),
        "of them kept to one provider": _names(spec.account_fields),
        "answer fields": _names(fields),
        "error types": ", ".join(f"{status} `{kind}`" for status, kind in sorted(spec.error_types.items())),
        "why an answer ends": ", ".join(f"`{word}` ({finish})" for word, finish in spec.finishes.items()),
    }
    yield from ("| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in told.items() if value))


def _path(template: PathTemplate) -> str:
    queries = _names(f"{name}={value}" for name, value in (template.query or {}).items())
    return f"`{template.line}`" + (f" (also with {queries})" if queries else "")


def _names(values: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" for value in sorted(values))
