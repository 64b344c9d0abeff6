"""Tool calls of an answer, as a policy sees them: whole, and as the client will read them."""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple


class CallKind(StrEnum):
    """Who runs a call, and what its arguments are."""

    FUNCTION = "function"
    """The caller runs it; its arguments are JSON."""
    CUSTOM = "custom"
    """The caller runs it; its input is text of any form."""
    HOSTED = "hosted"
    """The provider runs it, or has run it when the answer tells of it."""
    MCP = "mcp"
    """A tool of an MCP server that the provider calls; its name is `server/tool`."""


class Call(NamedTuple):
    """A call of a tool. `arguments` is JSON text, of a custom tool its input; `fault` says why they cannot be told."""

    name: str
    arguments: str
    kind: CallKind = CallKind.FUNCTION
    fault: str = ""


type Decide = Callable[[Call], str | None]
"""The words that take the place of a call; None lets it go on. Of the same call it says the same."""
