"""`auto` is routed and nothing else; a router that is down refuses, or takes the name that is declared for that, and is counted."""

import asyncio
from typing import Any

import pytest

from outgate.errors import Denial
from outgate.inference.params import Params, Tools
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Leaf, Prompt
from outgate.model_server.embedders import Embedders
from outgate.net.headers import Headers
from outgate.stages.route import Reads, Route, RouteSettings
from outgate.stores.memo import Memo
from support.routed import CHAT, CODE, NONE, FakeModels

SEMANTIC = {"semantic": {"names": {"coder": CODE, "chat": CHAT}, "none_of_these": NONE}}


class Counts:
    def __init__(self) -> None:
        self.counted: dict[tuple[str, ...], int] = {}

    def add(self, name: str, labels: tuple[str, ...] = (), amount: float = 1.0) -> None:
        assert name == "outgate_routed_total"
        self.counted[labels] = self.counted.get(labels, 0) + int(amount)


class Gateway:
    def __init__(self, *rules: dict[str, Any], **settings: Any) -> None:
        self.models, self.counts = FakeModels(), Counts()
        known = RouteSettings.model_validate({"rules": list(rules or (SEMANTIC,)), **settings})
        self.stage = Route(known, self.models, Memo(bytes(32)), self.counts, Embedders({}))

    def run(self, text: str, model: str = "auto", *, media: str = "", tools: tuple[str, ...] = (), headers: Any = ()) -> Any:
        prompt = Prompt(None, (Leaf(0, 0, text, Channel.USER, 0),), frozenset({media} if media else ()))
        facts = Reads(model, prompt, Tools(names=tools), Params(), Principal(name="agent"), Headers(headers))
        return asyncio.run(self.stage.run(facts))


def test_each_question_goes_where_it_belongs():
    gateway = Gateway()

    assert ("coder", "chat") == tuple(gateway.run(text)[0] for text in ("debug my code", "hello friend"))
    assert {("coder", "semantic"): 1, ("chat", "semantic"): 1} == gateway.counts.counted


def test_a_model_that_the_caller_names_stays_and_nothing_is_asked_or_counted():
    gateway = Gateway()

    assert ("gpt-4o-mini", None) == gateway.run("debug my code", "gpt-4o-mini")
    assert not gateway.models.asked
    assert not gateway.counts.counted


def test_the_decision_tells_what_it_rests_on():
    _, routing = Gateway().run("debug my code")

    assert ("coder", "semantic", 0) == (routing.name, routing.method, routing.rule)
    assert "debug my code" == routing.nearest[0].phrase
    assert {"coder", "chat"} == dict(routing.scores).keys()


def test_what_no_rule_decides_is_refused_and_told():
    gateway = Gateway()
    denial = gateway.run("weather in peru")

    assert ("not_routed", 400) == (denial.code, denial.status)
    assert "coder, chat" in denial.message
    assert ("", "semantic") == (denial.outputs[1].name, denial.outputs[1].method)
    assert {("", "semantic"): 1} == gateway.counts.counted


def test_a_router_that_is_down_refuses():
    gateway = Gateway()
    gateway.models.down = True
    denial = gateway.run("debug my code")

    assert isinstance(denial, Denial)
    assert ("router_unavailable", 503) == (denial.code, denial.status)
    assert {("", "failed"): 1} == gateway.counts.counted


def test_a_router_that_is_slow_refuses(monkeypatch):
    gateway = Gateway(limit=0.01)
    monkeypatch.setattr(gateway.models, "ask", lambda *_, **__: asyncio.Event().wait())

    assert "router_unavailable" == gateway.run("debug my code").code


def test_a_declared_name_is_taken_counted_and_warned_of():
    gateway = Gateway(on_error={"to": "chat"})
    gateway.models.down = True
    name, routing = gateway.run("debug my code")

    assert ("chat", "fallback") == (name, routing.method)
    assert {("chat", "fallback"): 1} == gateway.counts.counted
    assert ["W_DEFAULT_MODEL"] == [warning.code for warning in gateway.stage.warnings]


@pytest.mark.parametrize(
    ("when", "request_"),
    [
        ({"media": True}, {"media": "image"}),
        ({"tools": True}, {"tools": ("read",)}),
        ({"headers": {"x-team": "blue"}}, {"headers": [("x-team", "blue")]}),
    ],
)
def test_conditions_on_the_request_decide_without_the_model_server(when, request_):
    gateway = Gateway({"when": when, "to": "special"}, SEMANTIC)

    assert "special" == gateway.run("debug my code", **request_)[0]
    assert not gateway.models.asked


@pytest.mark.parametrize("by_headers", [True, False])
def test_headers_are_read_only_where_a_rule_asks_for_them(by_headers):
    when = {"headers": {"x-team": "blue"}} if by_headers else {}

    assert by_headers == ("headers" in Gateway({"when": when, "to": "a"}).stage.contract.reads)


def test_a_second_request_asks_only_for_its_own_vector():
    gateway = Gateway()
    asyncio.run(_twice(gateway))

    assert {"embed": len(CODE + CHAT + NONE) + 2, "topics": 1} == gateway.models.asked


async def _twice(gateway):
    prompt = [Prompt(None, (Leaf(0, 0, text, Channel.USER, 0),)) for text in ("debug my code", "hello friend", "debug my code")]
    for each in prompt:
        await gateway.stage.run(Reads("auto", each, Tools(), Params(), Principal(name="agent"), None))


def test_the_models_that_are_asked_are_told_ahead_and_a_rule_without_one_asks_none():
    (embed, _), topics = Gateway().stage.asks

    assert ("embed", ("topics", ())) == (embed, topics)
    assert () == Gateway({"to": "a"}).stage.asks


def test_an_embedder_that_the_policy_does_not_have_is_refused():
    with pytest.raises(ValueError, match="no model 'other'"):
        Gateway({"semantic": SEMANTIC["semantic"] | {"model": "other"}})


def test_a_tool_loop_whose_question_the_provider_keeps_is_not_given_to_another_model():
    gateway = Gateway(SEMANTIC, {"to": "chat"})
    prompt = Prompt(None, (Leaf(0, 0, "ok", Channel.TOOL_RESULT, 0),))
    facts = Reads("auto", prompt, Tools(), Params(), Principal(name="agent"), None)

    assert "not_routed" == asyncio.run(gateway.stage.run(facts)).code


async def _started(gateway):
    await gateway.stage.start()
    asked = gateway.models.asked["topics"]
    prompt = Prompt(None, (Leaf(0, 0, "debug my code", Channel.USER, 0),))
    gateway.models.down = False
    return asked, await gateway.stage.run(Reads("auto", prompt, Tools(), Params(), Principal(name="agent"), None))


@pytest.mark.parametrize("down", [False, True])
def test_topics_are_fitted_before_a_policy_takes_effect_or_with_the_first_request(down):
    gateway = Gateway()
    gateway.models.down = down
    fitted, (name, _) = asyncio.run(_started(gateway))

    assert (int(not down), "coder") == (fitted, name)
