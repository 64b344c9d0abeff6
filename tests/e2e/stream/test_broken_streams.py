"""F2: a broken stream never hangs and never passes for whole. A fault at every event and every text, in every dialect."""

import asyncio
import time
from copy import replace

import anthropic
import openai
import pytest

from e2e.world import STAGES, World, anthropic_client, http, lines, openai_client
from outgate.inference.judge import ON, Judge
from support import behaviours as b
from support.talks import DIALECTS
from support.waiting import until

MESSAGES = [{"role": "user", "content": "hi"}]
_IN_TIME = 10.0
"""Seconds; a stream that nobody ends would stay open until the client gives up, after 20."""
FAULT = {"openai": 503, "anthropic": 503, "responses": 400, "gemini": 503}
"""The status of a fault, by dialect: what lasts is 400 where agents try everything else again."""


class Faulty(Judge):
    """Fails at the event after `good` others, or, with `how`, at the text after so many."""

    def __init__(self, good: int, how: str = "") -> None:
        self.good, self.how = good, how

    def passed(self, event):
        if not self.how:
            self._count()

    def judge(self, part, text, final, /):
        if self.how == "hang" and self.good == 0:
            return asyncio.Event().wait()
        if self.how:
            self._count()
        return ON

    def _count(self):
        if not self.good:
            raise RuntimeError("canary-in-stream")
        self.good -= 1


def faulty(good, how=""):
    """A broken judge on every answer."""
    return {"cache_record": lambda step: replace(step, run=lambda facts: Faulty(good, how), limit=0.05)}


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("streams"), *providers)
    with world.inside(world.policy(STAGES + "\ncache: {}\n")) as gateway:
        gateway.broken = faulty(2)
        for talk in DIALECTS.values():
            with http(gateway) as client:  # certificates are minted, the tokenizer is read
                client.post(talk.to(True), json=talk.ask("hi", True))
        yield gateway


@pytest.fixture(autouse=True)
def _mended(gateway):
    yield
    gateway.broken = {}


def ask(gateway, dialect, *, stream=True):
    """Status, text, and whether the HTTP message came to its proper end; in time."""
    began, talk = time.monotonic(), DIALECTS[dialect]
    with http(gateway) as client:
        reply = client.post(talk.to(stream), json=talk.ask("hi", stream))
    assert time.monotonic() - began < _IN_TIME
    return reply.status_code, reply.text


EVERY = {"": 8, "raise": 6, "hang": 6}
"""Ways to fail, and how many events, or looks at a text, each provider's answer has."""
SHORT = {"gemini": 5}
"""Fewer of both, where no event stands behind the last text."""
FAULTS = [
    (dialect, how, good)
    for dialect in DIALECTS
    for how, most in EVERY.items()
    for good in range(min(most, SHORT.get(dialect, most)))
]


@pytest.mark.parametrize(("dialect", "how", "good"), FAULTS)
def test_a_fault_at_any_event_or_text_ends_the_stream_with_the_dialects_error(gateway, providers, dialect, good, how):
    gateway.broken = faulty(good, how)
    DIALECTS[dialect].provider(providers).script(b.provider(pace=0.01))

    status, text = ask(gateway, dialect)

    assert DIALECTS[dialect].end not in text
    assert "canary" not in text
    assert (FAULT[dialect] if text.startswith("{") else 200) == status
    told = 2 if dialect == "responses" else 1  # `response.failed` stands behind the error
    if status == 200:
        assert 1 == text.count(DIALECTS[dialect].error)
        assert text.rindex("\n\n") == len(text) - 2
        ending = text[text.index(DIALECTS[dialect].error) :]
        assert told == ending.count("\n\n")
    assert ("stage_timeout" if how == "hang" else "stage_failed") in text
    assert how or text.count("data: ") <= good + told, "what came after was not judged"


def test_a_fault_behind_the_last_event_is_told_though_all_was_said(gateway, providers):
    gateway.broken = faulty(SHORT["gemini"])
    DIALECTS["gemini"].provider(providers).script(b.provider())

    status, text = ask(gateway, "gemini")

    assert (200, 1) == (status, text.count(DIALECTS["gemini"].error))
    assert text.index(DIALECTS["gemini"].end) < text.index(DIALECTS["gemini"].error)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_fault_in_a_whole_answer_is_an_error_answer(gateway, dialect):
    for how in ("", "raise", "hang"):
        gateway.broken = faulty(0, how)

        status, text = ask(gateway, dialect, stream=False)

        assert FAULT[dialect] == status
        assert ("stage_timeout" if how == "hang" else "stage_failed") in text
        assert "Hello" not in text


@pytest.mark.parametrize("good", [0, 2, 5])
def test_the_sdks_raise(gateway, providers, good):
    gateway.broken = faulty(good)
    for provider in providers:
        provider.script(b.provider(pace=0.02))

    with pytest.raises(openai.APIError):
        list(openai_client(gateway).chat.completions.create(model="gpt-4o-mini", messages=MESSAGES, stream=True))
    with (
        pytest.raises(anthropic.APIError),
        anthropic_client(gateway).messages.stream(model="claude-sonnet-4-5", max_tokens=9, messages=MESSAGES) as stream,
    ):
        stream.get_final_message()


def test_every_one_of_them_has_its_closing_line(gateway):
    gateway.broken = faulty(2)
    before = {line["id"] for line in lines(gateway.world)}

    ask(gateway, "openai")

    assert until(lambda: len({line["id"] for line in lines(gateway.world)} - before) == 1)
    assert until(lambda: not gateway.gateway.exchanges)
