"""Conditions of rules and targets: on the caller, its header fields and claims, and on the size and kind of its request."""

from typing import Annotated, NamedTuple

from pydantic import Field, StringConstraints

from outgate.identity.access import Who
from outgate.inference.principal import Principal
from outgate.net.headers import Headers
from outgate.net.patterns import covers

type FieldName = Annotated[str, StringConstraints(to_lower=True, pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]


class When(Who):
    """All that is written must hold; `workloads` and `groups` as everywhere. Without anything it always holds."""

    headers: dict[FieldName, str] = Field(default_factory=dict)
    """Header fields of the request, by name: a value or a pattern, in which `*` stands for anything but a slash."""
    claims: dict[str, str] = Field(default_factory=dict)
    """Claims of the caller's JWT, by name: a value or a pattern."""

    def holds(self, principal: Principal, headers: Headers | None) -> bool:
        return (
            self.covers(principal)
            and all(headers is not None and _any(pattern, headers.all(name)) for name, pattern in self.headers.items())
            and all(_any(pattern, _claims(principal, name)) for name, pattern in self.claims.items())
        )


class Size(NamedTuple):
    """Measures of a request; tokens are estimated."""

    tools: bool
    media: bool
    input_tokens: int
    output_tokens: int


class RequestWhen(When):
    """Conditions on the caller and on the request."""

    tools: bool | None = None
    """Whether it offers tools."""
    media: bool | None = None
    """Whether it holds images, audio or files."""
    input_tokens: Annotated[int, Field(ge=1)] | None = None
    """Tokens up to the last question, at least; estimated, one for 3.5 bytes."""
    output_tokens: Annotated[int, Field(ge=1)] | None = None
    """Tokens of the answer that it asks for, at least."""

    def fits(self, size: Size) -> bool:
        return (
            self.tools in (None, size.tools)
            and self.media in (None, size.media)
            and (self.input_tokens is None or size.input_tokens >= self.input_tokens)
            and (self.output_tokens is None or size.output_tokens >= self.output_tokens)
        )


def _any(pattern: str, values: tuple[str, ...]) -> bool:
    return any(covers((pattern,), value) for value in values)


def _claims(principal: Principal, name: str) -> tuple[str, ...]:
    return tuple(value for claim, value in principal.claims if claim == name)
