"""The page of docs/reference on guards: what becomes of a text, by dialect, direction, channel and action, as exchanges show it."""

import asyncio
from collections.abc import Iterator, Mapping

from outgate.inference.prompt import Channel
from support.guard_exchanges import results
from support.guard_matrix import ACTIONS, REASONS, Cell, cells, dialects, outcome

INTRO = """# Guard matrix

What becomes of a text that a guard finds: by dialect, direction, channel and action. Each cell is an exchange, streamed and
whole, that the tests run: a marker stands in one place of the channel, and what the provider got, what the client got and the
verdict are compared. Every kind of work of every dialect that has texts has its cells.
`a / b` is whole / streamed. In requests `prompt_guard` and `redact` act; in answers `output_phrases` (deny,
redact), `output_pii` (answer, flag) and `tool_policy` (withhold).

In requests, what was said before is withheld where a new text would end the request; where no sentence can stand in the place of
a text, `withhold` denies. What is no conversation is not answered in words: `answer` denies a request, and its answer is `ended`
by an error. A `sealed` text that does not look like ciphertext is judged as reasoning.
"""


def matrix_page() -> str:
    found = asyncio.run(results(cells()))
    reasons = "\n".join(f"* *{reason}*: {why}." for reason, why in REASONS.items())
    return "\n".join((INTRO, reasons, "", *(line for name in dialects() for line in _dialect(name, found))))


def _dialect(name: str, found: Mapping[Cell, tuple[str, ...]]) -> Iterator[str]:
    for direction, title in (("in", "requests"), ("out", "answers")):
        yield f"## {name}: {title}\n"
        yield f"| channel | {' | '.join(ACTIONS)} |"
        yield "|---" * (len(ACTIONS) + 1) + "|"
        for channel in Channel:
            words = (_word(found, name, direction, channel, action) for action in ACTIONS)
            yield f"| `{channel}` | {' | '.join(words)} |"
        yield ""


def _word(found: Mapping[Cell, tuple[str, ...]], name: str, direction: str, channel: Channel, action: str) -> str:
    both = [Cell(name, streamed, direction, channel, action) for streamed in (False, True)]
    words = ["**open**" if found[cell] else f"*{cell.reason}*" if cell.reason else outcome(cell) for cell in both]
    return " / ".join(dict.fromkeys(words))
