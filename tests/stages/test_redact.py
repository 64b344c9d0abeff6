"""Structured personal data never leaves, wherever in a request it stands; what comes back is the caller's own."""

import asyncio
import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from detectors.fakes import prompt, texts_of
from detectors.pii.disguises import DISGUISES, VALUES
from outgate.detectors.finding import Finding
from outgate.detectors.normalise import fold, unescape
from outgate.detectors.pii.analyzer import PiiAnalyzer
from outgate.detectors.pii.links import is_named
from outgate.detectors.pii.placeholders import NONE, Placeholders
from outgate.detectors.pii.prefilter import ENTITIES
from outgate.errors import WireError
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Prompt
from outgate.model_server.wire import ModelServerDownError
from outgate.pipeline.contract import May
from outgate.stages.admit_parts import AdmitPartsSettings
from outgate.stages.redact import Reads, Redact, RedactSettings
from outgate.stores.memo import Memo
from support.placeholders import SECRET, SHAPE, numbered, placeholder
from support.wire_bodies import ANTHROPIC, ANTHROPIC_RICH, CHAT, EMBEDDINGS, MESSAGES, OPENAI, OPENAI_RICH

_ANALYZER = PiiAnalyzer()


class LocalModels:
    """The model server in this process; remembers what it was asked, and by whom. It goes `down` after so many questions."""

    def __init__(self) -> None:
        self.asked, self.shares = list[str](), set[str]()
        self.questions, self.down = 0, 1_000_000

    async def detect_pii(self, texts: Sequence[str], entities: tuple[str, ...], share: str) -> list[tuple[Finding, ...]]:
        self.questions += 1
        if self.questions > self.down:
            raise ModelServerDownError
        self.asked += texts
        self.shares.add(share)
        return [_ANALYZER.detect(text, entities) for text in texts]


class Redaction:
    """The stage with its ports, run to its end."""

    def __init__(self, **settings: Any) -> None:
        self.models, self.memo = LocalModels(), Memo(bytes(32))
        self.stage = Redact(RedactSettings(**settings), self.models, self.memo, SECRET)

    def __call__(self, given: Prompt, tenant: str = "default", name: str = "w") -> Any:
        *_, self.counts = outputs = asyncio.run(self.stage.run(Reads(given, Principal(name=name, tenant=tenant))))
        return outputs[:2]


@pytest.fixture(name="redact")
def _redact() -> Redaction:
    return Redaction()


def test_values_become_placeholders_that_remember_them(redact: Redaction) -> None:
    redacted, placeholders = redact(prompt("mail jane@example.com", "jane@example.com or eve@example.com", "card 4111111111111111"))
    assert ("mail <EMAIL_1>", "<EMAIL_1> or <EMAIL_2>", "card <CARD_1>") == numbered(*texts_of(redacted))
    assert ["jane@example.com", "eve@example.com", "4111111111111111"] == [placeholders.value(name) for name in placeholders]


def test_a_prompt_without_findings_is_the_same_object(redact: Redaction) -> None:
    given = prompt("hello", "in 2024")
    redacted, placeholders = redact(given)
    assert (True, NONE) == (redacted is given, placeholders)


def test_every_channel_is_judged_member_names_too(redact: Redaction) -> None:
    for channel in set(Channel) - {Channel.SEALED}:
        redacted, _ = redact(prompt("jane@example.com", channel=channel))
        assert ("<EMAIL_1>",) == numbered(*texts_of(redacted))


def test_what_only_the_provider_can_read_comes_back_to_it_unchanged(redact: Redaction) -> None:
    given = prompt("a 4111111111111111 b", channel=Channel.SEALED)

    assert redact(given) == (given, NONE)
    assert [] == redact.models.asked


def _strings(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _strings(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _strings(value, (*path, index))
    elif isinstance(node, str):
        yield path


def _planted(body: Any, path: tuple[Any, ...], value: str) -> bytes:
    body = json.loads(json.dumps(body))
    node = body
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return json.dumps(body).encode()


_BODIES = {
    "openai": (OPENAI, CHAT, OPENAI_RICH),
    "anthropic": (ANTHROPIC, MESSAGES, ANTHROPIC_RICH),
    "embeddings": (OPENAI, EMBEDDINGS, {"model": "e", "input": ["a", "b"], "user": "u"}),
    "embedding": (OPENAI, EMBEDDINGS, {"model": "e", "input": "a"}),
}
_PLACES = [(name, path) for name, (_, _, body) in _BODIES.items() for path in _strings(body) if path != ("model",)]
_PLANTED = {entity: values[-1] for entity, values in VALUES.items()} | {"CREDIT_CARD": "5500-0055-5555-5559"}


@pytest.mark.parametrize(("name", "path"), _PLACES, ids=lambda part: part if isinstance(part, str) else ".".join(map(str, part)))
def test_planted_values_never_leave(name: str, path: tuple[Any, ...]) -> None:
    """Plant at every string of rich bodies: it is refused, or replaced, or lies in a kind of part that policy let pass unread."""
    dialect, operation, body = _BODIES[name]
    for entity, value in _PLANTED.items():
        raw = _planted(body, path, f"see {value} ok")
        try:
            request = dialect.decode(operation, raw)
        except WireError:
            continue
        redact = Redaction()
        redacted, placeholders = redact(request.prompt)
        sent = dialect.encode(operation, redacted, "model", request.params, None).decode()
        if not any(value in leaf.text for leaf in request.prompt.leaves):
            assert request.prompt.unjudged
            assert "data" in path or "file_data" in path, (entity, path)
            continue
        assert value not in sent, entity
        assert value in [placeholders.value(one) for one in placeholders]


def test_names_of_tool_arguments_are_replaced() -> None:
    arguments = json.dumps({"jane@example.com": {"4111111111111111": ["536-90-4399"]}})
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [call]}]}
    request = OPENAI.decode(CHAT, json.dumps(body).encode())
    redacted, _ = Redaction()(request.prompt)
    sent = json.loads(OPENAI.encode(CHAT, redacted, "m", request.params, None))
    (named,) = numbered(sent["messages"][1]["tool_calls"][0]["function"]["arguments"])
    assert {"<EMAIL_1>": {"<CARD_1>": ["<SSN_1>"]}} == json.loads(named)


@pytest.mark.parametrize("entity", VALUES)
@pytest.mark.parametrize("cut", [1, 3, 5, 8])
def test_a_value_split_over_parts_of_a_message_never_leaves(redact: Redaction, entity: str, cut: int) -> None:
    for value in VALUES[entity]:
        pieces = [value[i : i + cut] for i in range(0, len(value), cut)]
        redacted, _ = redact(prompt("it is ", *pieces, " thanks", turn=0))
        assert value not in "".join(texts_of(redacted))
        assert sum(len(text) for text in texts_of(redacted) if "_" not in text) <= len("it is  thanks") + 4


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_disguised_value_is_replaced_as_it_was_written(redact: Redaction, disguise: str) -> None:
    planted = DISGUISES[disguise]("jane.doe@example.com")
    redacted, placeholders = redact(prompt(f"to {planted} now"))
    (name,) = placeholders
    assert f"to {name} now" == fold(texts_of(redacted)[0])
    assert "jane.doe@example.com" not in unescape(texts_of(redacted)[0])
    assert (placeholders.value(name) or "?") in planted


def test_a_longer_conversation_is_redacted_to_a_longer_one(redact: Redaction) -> None:
    turns = ("I am jane@example.com", "hello jane@example.com", "write to eve@example.com")
    first, _ = redact(prompt(*turns[:2]))
    second, _ = redact(prompt(*turns))
    assert texts_of(first) == texts_of(second)[:2]


def test_a_shorter_conversation_is_redacted_as_it_was(redact: Redaction) -> None:
    """An agent drops old turns: what is left, signed reasoning among it, leaves as it did."""
    turns = ("I am jane@example.com", "hello eve@example.com", "write to eve@example.com")
    assert texts_of(redact(prompt(*turns))[0])[1:] == texts_of(redact(prompt(*turns[1:]))[0])


def test_hosts_that_leave_are_named_and_those_in_values_are_not(redact: Redaction) -> None:
    long = "word " * 300
    given = prompt("mail jane@mail.example.com", f"{long} https://shop.example/", "http://93.184.216.34/")
    for _ in range(2):
        _, placeholders = redact(given)
        named = [is_named(host, placeholders.hosts) for host in ("shop.example", "mail.example.com", "93.184.216.34")]
        assert [True, False, False] == named


def test_what_was_judged_before_is_not_asked_about_again(redact: Redaction) -> None:
    history = [f"message {number} of a@b.co" for number in range(5)]
    redact(prompt(*history))
    redact.models.asked.clear()
    redact(prompt(*history, "new: c@d.io"))
    assert {True} == {"new: c@d.io" in text for text in redact.models.asked}


def test_another_tenants_judgement_is_not_used(redact: Redaction) -> None:
    redact(prompt("a@b.co"), tenant="acme")
    redact(prompt("a@b.co"), tenant="emca")
    assert ["a@b.co", "a@b.co"] == redact.models.asked


def test_harmless_text_is_not_asked_about(redact: Redaction) -> None:
    redact(prompt("hello", "how are you?"))
    assert [] == redact.models.asked


def test_a_long_conversation_is_judged_in_pieces_each_remembered_as_it_comes_in(redact: Redaction) -> None:
    """A try that ends early is not lost: the next goes on from there."""
    given = prompt(*("; ".join(f"user{number}.{i}@example.com" for i in range(120)) for number in range(20)))
    tries = 0
    redact.models.down = 3
    while True:
        tries += 1
        try:
            redacted, _ = redact(given)
            break
        except ModelServerDownError:
            redact.models.questions = 0
    assert tries > 2
    assert len(redact.models.asked) == len(set(redact.models.asked)), "asked about twice"
    assert "@" not in "".join(texts_of(redacted))


def test_long_text_is_screened_in_turns_with_others_on_the_event_loop() -> None:
    redact = Redaction()
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def scenario() -> None:
        beside = asyncio.get_running_loop().create_task(others())
        await redact.stage.run(Reads(prompt(*(f"{word} " * 10_000 for word in ("one", "two", "three"))), Principal(name="w")))
        beside.cancel()

    asyncio.run(scenario())
    assert turns >= 3


def test_each_workload_asks_on_its_own_account(redact: Redaction) -> None:
    redact(prompt("a@b.co"), tenant="acme")
    assert {"acme/w"} == redact.models.shares


def test_a_model_server_that_is_down_raises_and_forgets_nothing(redact: Redaction) -> None:
    redact.models.down = 0
    with pytest.raises(ModelServerDownError):
        redact(prompt("a@b.co"))
    redact.models.down = 99
    assert ("<EMAIL_1>",) == numbered(*texts_of(redact(prompt("a@b.co"))[0]))


def test_what_cannot_be_read_is_left_to_admit_parts() -> None:
    given = prompt("hello", unjudged=frozenset({"image", "audio"}))
    assert (given, NONE) == Redaction()(given)
    assert "verdict.parts" in Redaction().stage.contract.reads
    assert "allow_unjudged" not in RedactSettings.model_fields
    assert "allow_unjudged" in AdmitPartsSettings.model_fields


def test_only_the_wanted_entities_are_replaced() -> None:
    redacted, _ = Redaction(entities=["CREDIT_CARD"])(prompt("a@b.co 4111111111111111"))
    assert ("a@b.co <CARD_1>",) == numbered(*texts_of(redacted))
    assert "a@b.co" == texts_of(Redaction(entities=[])(prompt("a@b.co"))[0])[0]
    assert set(ENTITIES) == set(RedactSettings().entities)


def _with_values(text: str, placeholders: Placeholders) -> str:
    return SHAPE.sub(lambda one: placeholders.value(one[0]) or one[0], text)


def test_no_verdict_about_raw_text_is_spoiled(redact: Redaction) -> None:
    """`redact` preserves `verdict.*`: it brings nothing in but placeholders, so that whoever read the raw text has read it all."""
    chance = random.Random(5)
    values = [value for planted in VALUES.values() for value in planted]
    for _ in range(100):
        words = [chance.choice((*values, "and", "<EMAIL_1>", "write to", "Grüße")) for _ in range(6)]
        given = prompt(" ".join(words), words[0], unjudged=frozenset({"image"}))
        redacted, placeholders = redact(given)
        restored = tuple(_with_values(text, placeholders) for text in texts_of(redacted))
        assert (texts_of(given), given.unjudged) == (restored, redacted.unjudged)
    contract = redact.stage.contract
    assert (May.MUTATE, True, ("verdict.*",)) == (contract.may, contract.clears, contract.preserves)


def test_the_inputs_are_unchanged(redact: Redaction) -> None:
    given = prompt("a@b.co")
    redacted, placeholders = redact(given)
    assert ("a@b.co",) == texts_of(given)
    assert (Placeholders({placeholder("a@b.co"): "a@b.co"}), (placeholder("a@b.co"),)) == (placeholders, texts_of(redacted))
