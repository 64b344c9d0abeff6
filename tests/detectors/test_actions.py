"""Actions of a guard about its findings, in every dialect: refused or withheld, and the same every time."""

import asyncio
import re
from typing import Any, NamedTuple

import orjson
import pytest

from detectors.fakes import RefusedTexts, prompt, texts_of
from outgate.detectors import actions
from outgate.detectors.actions import Actions, guard_contract
from outgate.detectors.guard_settings import GuardSettings
from outgate.detectors.injection.finding import Placed, Weight
from outgate.dialects.places import whole
from outgate.errors import Denial
from outgate.inference.operation import Kind, Operation
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Prompt
from outgate.inference.verdict import Action, Extent, Verdict
from outgate.pipeline.contract import May
from outgate.stores.state_secret import StateSecret
from support.conversations import body, call, parts, result_in, said, user
from support.wire_bodies import ANTHROPIC, CHAT, MESSAGES, OPENAI, RESPONSE, RESPONSES

BAD, SORRY = "BAD words", "Sorry. What is 2 + 2?"
DIALECTS = {"openai": (OPENAI, CHAT), "anthropic": (ANTHROPIC, MESSAGES), "responses": (RESPONSES, RESPONSE)}


class Reads(NamedTuple):
    prompt: Prompt
    principal: Principal


class Gateway:
    """A guard that finds `BAD`, before one dialect; each may share what was refused with another."""

    def __init__(
        self, dialect: str = "openai", refused: RefusedTexts | None = None, secret: bytes = bytes(32), **settings: Any
    ) -> None:
        self.dialect, self.refused = dialect, refused or RefusedTexts()
        self._actions = Actions(GuardSettings(**settings), StateSecret(secret), self.refused)

    def run(self, given: dict[str, Any], workload: str = "w", weight: Weight = Weight.CERTAIN) -> Any:
        codec, operation = DIALECTS[self.dialect]
        return self.act(codec.decode(operation, orjson.dumps(given)).prompt, workload, weight)

    def act(self, read: Prompt, workload: str = "w", weight: Weight = Weight.CERTAIN) -> Any:
        found = [Placed(i, "a.bad", weight, 1.0) for i, leaf in enumerate(read.leaves) if "BAD" in leaf.text]
        return asyncio.run(
            self._actions.outcome(Reads(read, Principal(name=workload, tenant="t")), found, Verdict(scanned=(Extent("user", 1),)))
        )

    def sent(self, given: dict[str, Any], workload: str = "w") -> dict[str, Any]:
        """What goes on, as a body."""
        result = self.run(given, workload)
        assert not isinstance(result, Denial), result.message
        tree: dict[str, Any] = orjson.loads(result[1].document.encode(result[1].edits))
        return tree

    def conversation(self, *messages: dict[str, Any], workload: str = "w") -> list[dict[str, Any]]:
        tree = self.sent(body(self.dialect, *messages), workload)
        found: list[dict[str, Any]] = tree["input" if self.dialect == "responses" else "messages"]
        return found


each = pytest.mark.parametrize("dialect", DIALECTS)


@each
def test_f3_a_tool_result_is_withheld_whole_and_the_session_goes_on(dialect: str) -> None:
    question = user(dialect, "Read it.")
    for result in (
        f"first line\n{BAD}\nlast line",
        parts(dialect, "first part", BAD, "last part"),
        parts(dialect, '[{"a": "BAD"}]'),
    ):
        asked = [question, *call(dialect, result)]
        first, request, answer = Gateway(dialect).conversation(*asked)
        sentence = result_in(dialect, answer)

        assert (question, asked[1]) == (first, request)
        assert isinstance(sentence, str)
        assert "BAD" not in sentence and "part" not in sentence and "AAAA" not in sentence
        assert all(word in sentence for word in ("not the content", "a.bad", "Asking again", "file", "outgate why "))


@each
def test_what_was_withheld_is_the_same_on_every_turn_worker_and_restart(dialect: str) -> None:
    turns = [user(dialect, "Read it."), *call(dialect, parts(dialect, "x", BAD))]
    first = Gateway(dialect).conversation(*turns)
    turns += [said("Done."), user(dialect, "Go on."), said("Yes."), user(dialect, "Thanks.")]

    later = Gateway(dialect).conversation(*turns)  # another worker, or the same after a restart: nothing is shared but the secret
    assert first == later[: len(first)]
    assert orjson.dumps(first) == orjson.dumps(later[: len(first)])


def test_a_digest_is_of_one_workload_and_one_gateway() -> None:
    asked = [user("openai", "Read it."), *call("openai", BAD)]
    gateway = Gateway()
    ours, theirs = gateway.conversation(*asked)[-1], gateway.conversation(*asked, workload="other")[-1]
    elsewhere = Gateway(secret=bytes(range(32))).conversation(*asked)[-1]

    assert 3 == len({ours["content"], theirs["content"], elsewhere["content"]})


@each
def test_new_text_of_the_user_is_refused_with_its_place_and_no_word_of_it(dialect: str) -> None:
    denial = Gateway(dialect).run(body(dialect, user(dialect, "Hello"), said("Hi."), user(dialect, "One", BAD)))

    assert isinstance(denial, Denial)
    assert ("prompt_refused", 400) == (denial.code, denial.status)
    assert f"{'input' if dialect == 'responses' else 'messages'}[2].content[1].text (user)" in denial.message
    assert "a.bad" in denial.message and "BAD" not in denial.message
    assert re.search(r"outgate why [b-t]{16}$", denial.message)
    assert Action.DENIED is denial.outputs[0].action


@each
def test_g6_the_turn_after_a_refusal_goes_on_with_the_refused_text_withheld(dialect: str) -> None:
    first, refusal, last = Gateway(dialect).conversation(user(dialect, BAD), said("The prompt was refused."), user(dialect, SORRY))

    assert "not the content" in first["content"] and "BAD" not in first["content"]
    assert (said("The prompt was refused."), user(dialect, SORRY)) == (refusal, last)


@each
def test_a_refused_text_that_its_client_keeps_is_withheld_from_the_next_words_on(dialect: str) -> None:
    gateway = Gateway(dialect)
    assert isinstance(gateway.run(body(dialect, user(dialect, BAD))), Denial)
    assert isinstance(gateway.run(body(dialect, user(dialect, BAD))), Denial)  # said again, it is refused again

    other = Gateway(dialect, gateway.refused)  # another worker
    apart, last = other.conversation(user(dialect, BAD), user(dialect, SORRY))
    (joined,) = other.conversation(user(dialect, BAD, SORRY))

    assert "BAD" not in apart["content"] and user(dialect, SORRY) == last
    assert ["BAD" in part["text"] for part in joined["content"]] == [False, False]
    assert SORRY == joined["content"][1]["text"]


@each
def test_words_that_were_never_refused_are_not_let_by_with_more_words(dialect: str) -> None:
    gateway = Gateway(dialect)
    assert isinstance(gateway.run(body(dialect, user(dialect, BAD))), Denial)

    assert isinstance(gateway.run(body(dialect, user(dialect, f"{BAD}, and more"), user(dialect, SORRY))), Denial)
    assert isinstance(gateway.run(body(dialect, user(dialect, BAD), user(dialect, SORRY)), workload="other"), Denial)


@each
def test_what_a_tool_was_given_is_withheld_and_stays_json(dialect: str) -> None:
    arguments = {"path": "a.txt", "lines": [BAD, "fine"], "BAD name": 1}
    asked = Gateway(dialect).conversation(user(dialect, "Write it."), *call(dialect, "ok", arguments))[1]
    if dialect == "openai":
        asked = orjson.loads(asked["tool_calls"][0]["function"]["arguments"])
    else:
        asked = orjson.loads(asked["arguments"]) if dialect == "responses" else asked["content"][0]["input"]

    assert ("a.txt", "fine", 3) == (asked["path"], asked["lines"][1], len(asked))
    assert "BAD" not in str(asked)


SCHEMA = {"type": "object", "properties": {"p": {"type": "string", "description": BAD}}}
DEFINED = {
    "openai": {"tools": [{"type": "function", "function": {"name": "read", "parameters": SCHEMA}}]},
    "anthropic": {"tools": [{"name": "read", "input_schema": SCHEMA}]},
    "responses": {"tools": [{"type": "function", "name": "read", "parameters": SCHEMA}]},
}
TOLD = {
    "openai": {"messages": [{"role": "system", "content": BAD}, said("Hi."), user("openai", SORRY)]},
    "anthropic": {"system": BAD},
    "responses": {"instructions": BAD},
}


@each
@pytest.mark.parametrize("where", [DEFINED, TOLD])
def test_tools_and_the_system_prompt_are_refused_on_every_turn(dialect: str, where: dict[str, dict[str, Any]]) -> None:
    gateway = Gateway(dialect)
    given = body(dialect, user(dialect, "Hello"), said("Hi."), user(dialect, SORRY)) | where[dialect]
    for _ in range(2):
        assert isinstance(gateway.run(given), Denial)


@each
def test_a_name_beside_the_content_of_a_result_cannot_be_withheld(dialect: str) -> None:
    asked = [user(dialect, "Read it."), *call(dialect, "fine")]
    holder = asked[-1]["content"][0] if dialect == "anthropic" else asked[-1]
    for name in ("tool_use_id", "tool_call_id", "call_id"):
        if name in holder:
            holder[name] = BAD

    assert isinstance(Gateway(dialect).run(body(dialect, *asked)), Denial)


def test_what_else_is_known_of_a_prompt_stays_known() -> None:
    asked = [user("responses", "Read it."), *call("responses", parts("responses", BAD))]
    codec, operation = DIALECTS["responses"]
    given = codec.decode(operation, orjson.dumps(body("responses", *asked, tools=[{"type": "web_search"}]))).prompt
    _, went_on = Gateway("responses").act(given)

    assert given.hosted and {"image", "hosted_tool"} <= given.unjudged
    for name in ("hosted", "unjudged", "parts", "places"):
        assert getattr(given, name) == getattr(went_on, name)


def test_results_of_other_shapes_keep_them() -> None:
    output = [{"stdout": BAD, "stderr": "fine", "outcome": {"type": "exit", "exit_code": 0}}]
    item = {"type": "shell_call_output", "call_id": "call_1", "output": output}
    (sent,) = Gateway("responses").conversation(item)

    assert "not the content" in sent["output"][0]["stdout"]
    assert [{**output[0], "stdout": sent["output"][0]["stdout"]}] == sent["output"]


def test_a_flag_writes_the_verdict_down_and_nothing_else() -> None:
    given = prompt("Hello", BAD)
    verdict, went_on = Gateway(action="flag").act(given)
    (match,) = verdict.matches

    assert given is went_on
    assert (Action.FLAGGED, (Extent("user", 1),)) == (verdict.action, verdict.scanned)
    assert ("a.bad", "a", "user", "flagged", 16) == (match.rule, match.kind, match.channel, match.action, len(match.text))


def test_a_signal_is_flagged_unless_the_policy_says_more() -> None:
    verdict, _ = Gateway().act(prompt(BAD), weight=Weight.SIGNAL)
    assert Action.FLAGGED is verdict.action

    class Known(GuardSettings):
        def rule_ids(self) -> tuple[str, ...]:
            return ("a.bad",)

    gateway = Gateway()
    gateway._actions = Actions(Known(rules={"a.bad": "deny"}), StateSecret(bytes(32)), RefusedTexts())
    assert isinstance(gateway.act(prompt(BAD), weight=Weight.SIGNAL), Denial)


def test_new_text_is_withheld_where_the_policy_says_so() -> None:
    verdict, went_on = Gateway(actions={"user": "withhold"}).act(prompt("Hello", BAD))

    assert Action.WITHHELD is verdict.action
    assert "Hello" == texts_of(went_on)[0] and "BAD" not in texts_of(went_on)[1]


def test_a_denial_keeps_what_else_was_found() -> None:
    asked = [user("openai", "Read it."), *call("openai", BAD), user("openai", BAD)]
    denial = Gateway().run(body("openai", *asked))
    matches = denial.outputs[0].matches

    assert [("tool_result", "withheld"), ("user", "denied")] == [(match.channel, match.action) for match in matches]


def test_many_texts_are_told_in_a_bounded_verdict() -> None:
    verdict, _ = Gateway(action="flag").act(prompt(*[f"{BAD} {i}" for i in range(200)]))

    assert 33 == len(verdict.matches)
    assert 200 == sum(match.count for match in verdict.matches)


def test_each_leaf_is_placed_once_however_many_results_are_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Any] = []
    monkeypatch.setattr(actions, "whole", lambda document, leaf: (looked.append(leaf), whole(document, leaf))[1])
    results = [{"type": "tool_result", "tool_use_id": f"call_{i}", "content": f"{BAD} {i}"} for i in range(200)]
    Gateway("anthropic").run(body("anthropic", {"role": "user", "content": results}))

    assert 400 == len(looked)  # the content and the call of each


def test_the_contract_follows_the_settings() -> None:
    plain, answers = guard_contract("g", GuardSettings()), guard_contract("g", GuardSettings(actions={"user": "answer"}), "model")

    assert (May.DENY | May.MUTATE, ("prompt", "principal")) == (plain.may, plain.reads)
    assert May.RESPOND in answers.may and {"operation", "model"} <= set(answers.reads)
    assert ("verdict.g", "prompt") == plain.writes


def test_only_a_conversation_is_answered_in_words() -> None:
    class Facts(NamedTuple):
        prompt: Prompt
        principal: Principal
        operation: Operation

    guard = Actions(GuardSettings(action="answer"), StateSecret(bytes(32)), RefusedTexts())
    facts = Facts(prompt(BAD, channel=Channel.USER), Principal(name="w"), Operation("openai", Kind.EMBEDDINGS))
    denial = asyncio.run(guard.outcome(facts, [Placed(0, "a.bad", Weight.CERTAIN, 1.0)], Verdict()))

    assert isinstance(denial, Denial) and Action.DENIED is denial.outputs[0].action
