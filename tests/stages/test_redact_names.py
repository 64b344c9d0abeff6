"""Names never leave, wherever in a request they stand: planted at every string of a rich body of each dialect."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from outgate.errors import WireError
from outgate.inference.principal import Principal
from outgate.stages.redact import Reads, Redact, RedactSettings
from outgate.stores.memo import Memo
from outgate.testing.ports import LocalModels
from support.placeholders import SECRET
from support.responses_bodies import RESPONSES_RICH
from support.wire_bodies import ANTHROPIC, ANTHROPIC_RICH, CHAT, MESSAGES, OPENAI, OPENAI_RICH, RESPONSE, RESPONSES

pytestmark = pytest.mark.slow
BODIES = {
    "openai": (OPENAI, CHAT, OPENAI_RICH),
    "anthropic": (ANTHROPIC, MESSAGES, ANTHROPIC_RICH),
    "responses": (RESPONSES, RESPONSE, RESPONSES_RICH),
}
NAMES = ("Maria Gonzalez", "Springfield")
SAID = "My name is Maria Gonzalez and I live in Springfield."
UNREAD = {"data", "file_data"}
"""Members whose bytes nobody reads: they announce themselves, and `admit_parts` refuses them."""


def strings(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(node, str):
        yield path
    for key, inner in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from strings(inner, (*path, key))


def planted(body: Any, path: tuple[Any, ...]) -> bytes:
    body = node = json.loads(json.dumps(body))
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = SAID
    return json.dumps(body).encode()


@pytest.mark.parametrize("name", BODIES)
def test_K4_a_name_in_any_string_is_replaced_refused_or_announced(name: str) -> None:
    dialect, operation, body = BODIES[name]
    models = LocalModels()
    stage = Redact(RedactSettings(entities=("PERSON", "LOCATION")), models, Memo(bytes(32)), SECRET)  # type: ignore[arg-type]
    replaced, left = 0, []
    for path in strings(body):
        try:
            request = dialect.decode(operation, planted(body, path))
        except WireError:
            continue
        prompt, placeholders, _ = asyncio.run(stage.run(Reads(request.prompt, Principal(name="w"))))  # type: ignore[misc]
        sent = dialect.encode(operation, prompt, "model", request.params, None).decode()
        if not any(each in sent for each in NAMES):
            replaced += {*NAMES} <= {placeholders.value(one) for one in placeholders}
        elif not (request.prompt.unjudged and UNREAD & {*path}):
            left.append(path)

    assert [] == left
    assert replaced > 20
