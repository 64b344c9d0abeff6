"""Every `on_error: open` of a policy is warned of at its line, however deep in the settings of whatever stage it stands."""

import typing

import pytest
from pydantic import BaseModel

from outgate.pipeline.contract import Contract, OnError
from outgate.pipeline.stage import Stage
from outgate.policy.lint_failures import failing_open
from outgate.policy.load import load_policy
from outgate.policy.stage_types import stage_names, stage_type

HEAD = """
version: 1
providers: {openai: {host: api.openai.com, credential: {env: OPENAI_API_KEY}}}
workloads: {app: {}}
stages:
  authenticate: {}
  authorize: {allow: [{}]}
  model_map: {passthrough: true}
  count_tokens: {}
"""
ROUTES = "routes: [{name: chat, match: {kinds: [chat]}}]\n"
TOPICS = "topics: {names: {medical: [two tablets a day, the dose is half]}, none_of_these: [the printer]}"
OPEN = {
    "prompt_guard": "classifier: {on_error: open}",
    "tool_result_guard": "on_error: open",
    "topic_guard": f"on_error: open, {TOPICS}",
    "token_budget": "on_error: open, limits: []",
    "output_pii": "on_error: open",
    "output_secrets": "on_error: open",
    "leak_guard": "on_error: open",
    "toxicity_guard": "on_error: open",
    "output_topics": f"on_error: open, {TOPICS}",
}


def opens(kind, seen=()):
    """Whether settings, or settings in them, may say `on_error: open`."""
    for name, field in kind.model_fields.items():
        parts = [field.annotation, *flattened(field.annotation)]
        if name == "on_error" and ("open" in parts or OnError in parts):
            return True
        nested = [part for part in parts if isinstance(part, type) and issubclass(part, BaseModel) and part not in seen]
        if any(opens(part, (*seen, kind)) for part in nested):
            return True
    return False


def flattened(annotation):
    for part in typing.get_args(getattr(annotation, "__value__", annotation)):
        yield part
        yield from flattened(part)


def test_every_stage_that_may_fail_open_is_tried_here():
    elsewhere = {"external_guard"}

    assert {name for name in stage_names() if opens(stage_type(name).settings_type)} == OPEN.keys() | elsewhere


@pytest.mark.parametrize("name", OPEN)
def test_a_stage_that_fails_open_is_warned_of_once_at_its_line(tmp_path, name):
    path = tmp_path / "policy.yaml"
    path.write_text(f"{HEAD}  {name}: {{{OPEN[name]}}}\n{ROUTES}")
    warned = [each for each in load_policy(path).warnings if each.code == "W_FAIL_OPEN"]

    assert [(10, (name,))] == [(each.line, each.stages) for each in warned]


@pytest.mark.parametrize("name", OPEN)
def test_a_stage_that_fails_closed_is_not(tmp_path, name):
    path = tmp_path / "policy.yaml"
    path.write_text(f"{HEAD}  {name}: {{{OPEN[name].replace('open', 'deny')}}}\n{ROUTES}")

    assert "W_FAIL_OPEN" not in {each.code for each in load_policy(path).warnings}


class Deep(BaseModel):
    on_error: str = "open"


class Wide(BaseModel):
    one: Deep | None = None
    many: tuple[Deep, ...] = (Deep(), Deep(on_error="deny"))
    named: dict[str, Deep] = {"a": Deep()}


def test_places_are_found_in_lists_and_mappings():
    stage = Stage()
    stage.name, stage.contract = "wide", Contract(reads=(), writes=("verdict.wide",))

    assert [("many", "0", "on_error"), ("named", "a", "on_error")] == [place for place, _ in failing_open(stage, Wide())]
    assert 3 == len(list(failing_open(stage, Wide(one=Deep()))))
