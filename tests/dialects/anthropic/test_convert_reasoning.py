"""Reasoning is asked for in the form that each model takes."""

import pytest

from outgate.dialects.anthropic.convert_models import model_of
from outgate.dialects.anthropic.convert_reasoning import thinking_of
from outgate.inference.conversation import Call, Choice, Conversation, Reasoning, Result, Role, Text, Thought, Turn

OLD, MIDDLE, NEW = "claude-sonnet-4-5-20250929", "eu.anthropic.claude-sonnet-4-6", "claude-opus-4-7"
ASKED = Turn(Role.USER, (Text("go"),))
FREE = Choice()
SIGNED = Thought("hm", "c2ln", provider="anthropic")


def thinking(wanted, model=OLD, room=32_000, turns=(ASKED,), choice=FREE):
    asked = Conversation((), tuple(turns), reasoning=wanted, choice=choice)
    return thinking_of(asked, model_of(model), room)


@pytest.mark.parametrize(
    ("name", "adaptive", "budgets", "both"),
    [
        ("claude-3-haiku-20240307", False, True, True),
        ("claude-3-7-sonnet-latest", False, True, True),
        ("claude-opus-4-20250514", False, True, True),
        ("claude-opus-4-1", False, True, False),
        (OLD, False, True, False),
        (MIDDLE, True, True, False),
        (NEW, True, False, False),
        ("anthropic/claude-opus-4.8", True, False, False),
        ("claude-haiku-5-5", True, False, False),
        ("claude-mythos-preview", True, False, False),
        ("qwen3-coder", False, True, True),
    ],
)
def test_names_tell_what_a_model_takes(name, adaptive, budgets, both):
    model = model_of(name)

    assert (adaptive, budgets, both) == (model.adaptive, model.budgets, model.both)


@pytest.mark.parametrize(
    ("wanted", "model", "config", "effort"),
    [
        (None, OLD, None, None),
        (Reasoning(), OLD, None, None),
        (Reasoning("none"), OLD, {"type": "disabled"}, None),
        (Reasoning(budget=0), NEW, {"type": "disabled"}, None),
        (Reasoning("medium"), OLD, {"type": "enabled", "budget_tokens": 8_192}, None),
        (Reasoning("xhigh"), OLD, {"type": "enabled", "budget_tokens": 16_000}, None),
        (Reasoning(budget=500), OLD, {"type": "enabled", "budget_tokens": 1_024}, None),
        (Reasoning(budget=-1), OLD, {"type": "enabled", "budget_tokens": 8_192}, None),
        (Reasoning(budget=50_000), OLD, {"type": "enabled", "budget_tokens": 31_999}, None),
        (Reasoning("low", shown=True), MIDDLE, {"type": "adaptive", "display": "summarized"}, "low"),
        (Reasoning("minimal", shown=False), NEW, {"type": "adaptive", "display": "omitted"}, "low"),
        (Reasoning("xhigh"), MIDDLE, {"type": "adaptive"}, "high"),
        (Reasoning("xhigh"), NEW, {"type": "adaptive"}, "xhigh"),
        (Reasoning(budget=5_000), NEW, {"type": "adaptive"}, "medium"),
        (Reasoning(budget=90_000), NEW, {"type": "adaptive"}, "high"),
        (Reasoning(budget=-1), NEW, {"type": "adaptive"}, None),
    ],
)
def test_reasoning_has_the_form_of_the_model(wanted, model, config, effort):
    assert (config, effort, ()) == thinking(wanted, model)


@pytest.mark.parametrize("room", [100, 1_024, 2_000])
def test_an_effort_without_room_for_an_answer_is_told(room):
    found = thinking(Reasoning("low"), room=room)

    assert (None, ["reasoning"]) == (found.config, [loss.what for loss in found.losses])


def test_who_must_call_a_tool_cannot_think():
    assert ["reasoning"] == [loss.what for loss in thinking(Reasoning("low"), choice=Choice("any")).losses]
    assert (None, "low", ()) == thinking(Reasoning("low"), NEW, choice=Choice("any"))


@pytest.mark.parametrize(
    ("before", "model", "on"),
    [((), OLD, False), ((SIGNED,), OLD, True), ((Thought("hm", "x", provider="responses"),), OLD, False), ((), NEW, True)],
)
def test_a_budget_needs_the_signed_thoughts_before_a_call(before, model, on):
    turns = (ASKED, Turn(Role.ASSISTANT, (*before, Call("a", "f", "{}"))), Turn(Role.USER, (Result("a", ()),)))

    found = thinking(Reasoning("low"), model, turns=turns)
    assert (on, on) == (found.on, not found.losses)
