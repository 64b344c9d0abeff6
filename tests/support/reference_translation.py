"""The matrix of translations in docs/reference: what becomes of each feature of a request at the providers of other dialects."""

from collections.abc import Iterator

import orjson

from outgate.dialects.registry import SPECS, conversations, dialect, operation_for
from outgate.dialects.spec import RequestLine, Target
from outgate.dialects.translated import translated
from outgate.dialects.translation import HARMLESS, LOSSES
from outgate.errors import WireError
from outgate.net.headers import Headers
from support.bedrock_answers import MODEL as BEDROCK_MODEL
from support.talks import DIALECTS
from support.translations import FEATURES

_APIS = [spec.name for spec in SPECS if spec.converter is not None]
_CLIENTS = [name for name in _APIS if name in conversations()]
_MODEL = {
    "openai": "gpt-5",
    "responses": "gpt-5",
    "anthropic": "claude-sonnet-4-5",
    "gemini": "gemini-2.5-flash",
    "bedrock": BEDROCK_MODEL,
}


def cell(client: str, feature: str, api: str) -> str:
    """`yes`, what is dropped, or what must stand under `translation.drop` for the request to pass."""
    path = DIALECTS[client].path
    line = RequestLine("POST", path, operation_for("POST", path))
    request = dialect(client).decode(line, Headers(), orjson.dumps(FEATURES[client][feature]))
    try:
        made = translated(request, Target(_MODEL[api]), api)
    except WireError as error:
        return f"refused: `{error.code}`"
    lost = list(dict.fromkeys(loss.what for loss in made.losses))
    listed = [f"`{what}`" for what in lost if what not in HARMLESS]
    if listed:
        return f"needs {', '.join(listed)}"
    return f"dropped: {', '.join(f'`{what}`' for what in lost)}" if lost else "yes"


def _table(client: str) -> Iterator[str]:
    others = [api for api in _APIS if api != client]
    yield f"\n## From `{client}`\n"
    yield f"| feature | {' | '.join(f'to `{api}`' for api in others)} |"
    yield f"|---|{'---|' * len(others)}"
    for feature in FEATURES[client]:
        yield f"| {feature} | {' | '.join(cell(client, feature, api) for api in others)} |"


def translation_page() -> str:
    """The page without its notice."""
    head = (
        "# Translation matrix\n\n`yes`: it reaches the provider. `needs`: the request is refused, unless the provider's "
        "`translation.drop` names this. `dropped`: left out and counted, whatever the policy says. "
        "Asked are `gpt-5`, `claude-sonnet-4-5`, the latter at `bedrock`, too, and `gemini-2.5-flash`. See "
        "[translation](../translation.md).\n"
    )
    tables = [line for client in _CLIENTS for line in _table(client)]
    losses = [f"| `{what}` | {meaning} | {'yes' if what in HARMLESS else ''} |" for what, meaning in sorted(LOSSES.items())]
    return "\n".join((head, *tables, "\n## Losses\n", "| name | meaning | always dropped |", "|---|---|---|", *losses, ""))
