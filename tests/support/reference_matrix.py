"""The page of docs/reference on guards: what becomes of a text, by dialect, direction, channel and action, as exchanges show it."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping

from outgate.inference.prompt import Channel
from support.guard_exchanges import results
from support.guard_matrix import ACTIONS, REASONS, Cell, cells, dialects, left_behind, outcome, translated_cells

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

TRANSLATED_INTRO = """## Translated conversations

The same where the provider is asked in another API (`to`): requests are withheld, flagged and redacted as above before they are
translated, answers are judged after it, streamed and whole. *Left behind* is what does not reach that API; it is judged all the
same, and told as a [loss](../translation.md#what-is-lost).
"""


def every_cell() -> dict[Cell, tuple[str, ...]]:
    """What is wrong with each cell: some thousand exchanges."""
    return asyncio.run(results([*cells(), *translated_cells()]))


def matrix_page(found: Mapping[Cell, tuple[str, ...]]) -> str:
    reasons = "\n".join(f"* *{reason}*: {why}." for reason, why in REASONS.items())
    own = (line for name in dialects() for line in _dialect(name, found))
    return "\n".join((INTRO, reasons, "", *own, *_translated({cell: told for cell, told in found.items() if cell.to})))


def _dialect(name: str, found: Mapping[Cell, tuple[str, ...]]) -> Iterator[str]:
    for direction, title in (("in", "requests"), ("out", "answers")):
        yield f"## {name}: {title}\n"
        yield f"| channel | {' | '.join(ACTIONS)} |"
        yield "|---" * (len(ACTIONS) + 1) + "|"
        for channel in Channel:
            words = (_word(found, name, direction, channel, action) for action in ACTIONS)
            yield f"| `{channel}` | {' | '.join(words)} |"
        yield ""


def _translated(found: Mapping[Cell, tuple[str, ...]]) -> Iterator[str]:
    """A row for each pair of APIs."""
    channels = tuple(dict.fromkeys(cell.channel for cell in found if cell.direction == "out"))
    yield TRANSLATED_INTRO
    yield f"| from | to | requests | left behind | {' | '.join(f'`{channel}`' for channel in channels)} |"
    yield "|---" * (4 + len(channels)) + "|"
    for one, to in dict.fromkeys((cell.dialect, cell.to) for cell in found):
        mine = [cell for cell in found if (cell.dialect, cell.to) == (one, to)]
        asked = [cell for cell in mine if cell.direction == "in"]
        sent, left = (dict.fromkeys(cell.channel for cell in asked if left_behind(cell) == gone) for gone in (False, True))
        wrong = any(found[cell] for cell in asked)
        told = (_outcomes(found, [cell for cell in mine if cell.direction == "out" and cell.channel is each]) for each in channels)
        passed = "**open**" if wrong else _listed(sent)
        yield f"| `{one}` | `{to}` | {passed} | {_listed(left)} | {' | '.join(told)} |"
    yield ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _outcomes(found: Mapping[Cell, tuple[str, ...]], asked: Iterable[Cell]) -> str:
    return ", ".join(dict.fromkeys("**open**" if found[cell] else outcome(cell) for cell in asked))


def _word(found: Mapping[Cell, tuple[str, ...]], name: str, direction: str, channel: Channel, action: str) -> str:
    both = [Cell(name, streamed, direction, channel, action) for streamed in (False, True)]
    words = ["**open**" if found[cell] else f"*{cell.reason}*" if cell.reason else outcome(cell) for cell in both]
    return " / ".join(dict.fromkeys(words))
