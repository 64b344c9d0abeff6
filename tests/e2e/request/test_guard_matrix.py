"""No text of any dialect, channel and direction goes past a guard, streamed or whole; the cells come from the registry."""

import asyncio
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from outgate.dialects import registry
from outgate.dialects.rules import Rule
from outgate.dialects.streams import StreamDecoder
from outgate.errors import WireError
from outgate.inference.operation import Kind
from outgate.inference.prompt import Channel
from outgate.net.headers import Headers
from outgate.pipeline.stage import StreamStage
from outgate.policy.stage_types import stage_names, stage_type
from outgate.stages.output_phrases import OutputPhrasesSettings
from outgate.stages.output_pii import OutputPiiSettings
from outgate.stages.prompt_guard import PromptGuardSettings
from support import guard_matrix
from support.guard_exchanges import results
from support.guard_matrix import (
    ECHO,
    LEFT,
    NO_ACT,
    NO_PLACE,
    NO_STREAM,
    NOT_SHOWN,
    TEXTLESS,
    cells,
    outcome,
    translated_cells,
    unplaced,
)
from support.guard_places import cut
from support.reference_denials import NOTICE
from support.reference_matrix import matrix_page
from support.speech import FIXED, Asked, Speech, Told, carried
from support.speeches import SPEECHES
from support.sse import event
from support.toy_dialect import BIT, SAY, registered

CELLS = cells()
FOUND = [cell for cell in CELLS if not cell.reason]


def toy_speech(tables: tuple[Rule, Rule, Rule]) -> Speech:
    def streamed(text: str) -> bytes:
        return b"".join(event({"bit": piece}) for piece in cut(text)) + event({"over": "done"})

    return Speech(
        "toy",
        lambda stream: f"/v1/toys/bear:{'stream' if stream else 'say'}",
        lambda _: {"say": "hi"},
        tables,
        {Channel.USER: Asked(lambda text: {"say": text}, FIXED), Channel.KEY: Asked(lambda text: {text: 1}, FIXED)},
        {Channel.ASSISTANT: Told(lambda text: {"bit": text, "over": "done"}, streamed)},
    )


@pytest.fixture(name="found", scope="module")
def _found():
    return asyncio.run(results(CELLS))


@pytest.fixture(name="translated", scope="module")
def _translated():
    return asyncio.run(results(translated_cells()))


def test_the_page_of_docs_is_what_the_cells_show(found, translated):
    page = Path(__file__).parents[3] / "docs" / "reference" / "guard-matrix.md"

    assert NOTICE + matrix_page({**found, **translated}) == page.read_text(), "run scripts/fix"


@pytest.fixture(name="toys")
def _toys(monkeypatch):
    monkeypatch.setattr(registry, "SPECS", registered(registry.SPECS))


def test_every_channel_of_every_registered_dialect_has_a_place():
    assert [] == unplaced()


@pytest.mark.parametrize(
    "cell", [cell for cell in CELLS if cell.reason not in (NO_PLACE, NO_STREAM, NO_ACT)], ids=lambda cell: cell.id
)
def test_a_cell_is_judged_and_acted_upon(found, cell):
    assert () == found[cell]


@pytest.mark.parametrize("cell", translated_cells(), ids=lambda cell: cell.id)
def test_a_cell_of_a_translated_conversation_is_judged_and_acted_upon(translated, cell):
    assert () == translated[cell]


def test_a_translated_conversation_that_nobody_judges_is_seen():
    judged = [cell for cell in translated_cells() if outcome(cell) != LEFT]
    found = asyncio.run(results(judged, guards=False))

    assert [] == [cell.id for cell in judged if not found[cell]]


def test_every_pair_of_apis_that_is_translated_has_cells():
    told = [spec for spec in registry.SPECS if spec.converter is not None]
    pairs = {(one.name, other.name) for one in told if one.name in registry.conversations() for other in told if one != other}

    assert pairs == {(cell.dialect, cell.to) for cell in translated_cells()}


def test_a_cell_that_nobody_judges_is_seen():
    found = asyncio.run(results(FOUND, guards=False))

    assert [] == [cell.id for cell in FOUND if not found[cell]]


def test_every_cell_is_there_with_an_outcome():
    assert len(set(CELLS)) == len(CELLS) == len(guard_matrix.dialects()) * 2 * 2 * len(Channel) * len(guard_matrix.ACTIONS)
    assert all(outcome(cell) for cell in CELLS)
    assert {cell.reason for cell in CELLS} == {"", *guard_matrix.REASONS}


def test_a_channel_without_a_place_is_one_that_no_table_gives():
    for cell in CELLS:
        if cell.reason == NO_PLACE:
            known = cell.speech.asked if cell.direction == "in" else cell.speech.told
            elsewhere = carried(cell.speech.tables[1]) | carried(cell.speech.tables[2])  # whole or streamed alone
            assert cell.channel not in known or (cell.direction == "out" and cell.channel in elsewhere), cell.id


@pytest.mark.parametrize("name", [name for name in guard_matrix.dialects() if not guard_matrix.speech(name).streams])
def test_what_has_no_stream_is_not_asked_for_one(name):
    speech = guard_matrix.speech(name)
    described, body = speech.written({**speech.body(False), "stream": True})
    line = registry.request_line("POST", speech.path(True), speech.provider)
    try:
        request = registry.dialect(line.operation.dialect).decode(line, Headers([("content-type", described)]), body)
    except WireError:
        return

    assert not request.params.stream
    assert not isinstance(registry.dialect(line.operation.dialect).answer(line.operation, False, True), StreamDecoder)


def test_every_kind_of_work_has_cells_or_a_reason_why_not():
    kinds = {(spec.name, path.kind) for spec in registry.SPECS for path in spec.paths}
    rows = {tuple(name.split()) if " " in name else (name, Kind.CHAT.value) for name in guard_matrix.dialects()}

    assert rows == {(name, kind.value) for name, kind in kinds if kind not in TEXTLESS}
    assert all(Path(why.rpartition(": ")[2]).exists() for why in TEXTLESS.values() if "tests/" in why)


def test_a_list_of_models_has_no_body_that_could_say_anything():
    line = registry.request_line("GET", "/v1/models", "openai")
    with pytest.raises(WireError):
        registry.dialect("openai").decode(line, Headers(), b'{"a": "b"}')


def test_other_addresses_of_an_api_are_read_as_work_that_has_cells():
    """Azure and Vertex AI: the same codec under another path, so that the cells hold there."""
    for spec in registry.SPECS:
        assert {path.kind for path in spec.also} <= {path.kind for path in spec.paths}, spec.name


def test_no_guard_of_answers_but_that_of_calls_withholds():
    others = map(stage_type, stage_names() - {"tool_policy"})
    judging = [stage.settings_type for stage in others if issubclass(stage, StreamStage)]
    acting = [settings.model_fields["action"].annotation for settings in judging if "action" in settings.model_fields]

    assert acting
    for action in acting:
        TypeAdapter(action).validate_python("deny")
        with pytest.raises(ValidationError):
            TypeAdapter(action).validate_python("withhold")


def test_channels_that_are_not_judged_in_answers_cannot_be_named():
    for cell in CELLS:
        if cell.reason in (ECHO, NOT_SHOWN):
            settings, fields = (OutputPhrasesSettings, {"phrases": ["x"]}) if cell.reason == ECHO else (OutputPiiSettings, {})
            with pytest.raises(ValidationError):
                settings(channels=[cell.channel], **fields)


def test_where_withholding_denies_the_settings_refuse_to_withhold():
    for cell in FOUND:
        if isinstance(cell.place, Asked) and cell.place.kind == FIXED and cell.talks:
            with pytest.raises(ValidationError):
                PromptGuardSettings(actions={cell.channel.value: "withhold"})


@pytest.mark.usefixtures("toys")
def test_a_new_dialect_fails_until_it_has_its_places():
    assert ["toy"] == unplaced()
    with pytest.raises(KeyError):
        [cell.reason for cell in cells()]


@pytest.mark.usefixtures("toys")
def test_a_new_dialect_with_its_places_is_judged(monkeypatch):
    monkeypatch.setitem(SPEECHES, "toy", toy_speech((SAY, BIT, BIT)))
    mine = [cell for cell in cells() if cell.dialect == "toy"]
    found = asyncio.run(results(mine))

    assert [] == unplaced()
    assert {} == {cell.id: told for cell, told in found.items() if told}
    assert 28 == len([cell for cell in mine if not cell.reason])


@pytest.mark.usefixtures("toys")
def test_a_new_channel_fails_until_it_has_its_place(monkeypatch):
    speech = toy_speech((SAY, BIT, BIT))
    monkeypatch.setitem(SPEECHES, "toy", speech._replace(asked={Channel.USER: speech.asked[Channel.USER]}, told={}))

    assert ["toy in key", "toy out assistant"] == unplaced()
