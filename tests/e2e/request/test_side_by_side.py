"""Embedding, routing and both tiers of the cache on one line: what is asked once, and what no attempt repeats."""

from collections import Counter

import pytest

from e2e.asking import HOW, POLICY, starting
from e2e.world import lines
from support import behaviours as b

ROUTED = (
    POLICY.replace("{passthrough: true}", "{passthrough: true, models: {help: [{provider: openai, model: gpt-4o-mini}]}}")
    + """
count_tokens: {}
token_budget:
  limits:
    - {name: day, tokens: 1000000000, window: day}
route:
  models: [auto]
  limit: 20
  rules:
    - semantic:
        names:
          help:
            routers: [how do I reset my router?, it does not start, "where is the reset button?", set it up, a new router]
        none_of_these: [hello, what is the capital of Peru?, write a poem, translate this letter, which film is good?]
    - {to: help}
"""
)
"""The rule at the end takes what the one before it leaves open."""
SECOND = """
second:
  host: api.openai.com
  endpoints: [{{address: "127.0.0.1:{port}"}}]
  allow_addresses: [127.0.0.0/8]
  tls: {{ca: {ca}}}
  credential: {{env: E2E_OPENAI_KEY}}
"""
MODELS = ("embed", "route", "cache", "cache_similar", "cache_join")


@pytest.fixture(name="start")
def _start(providers, tmp_path, monkeypatch):
    yield from starting(providers, tmp_path, monkeypatch)


def test_the_question_is_embedded_once_where_it_is_routed_and_looked_up(start):
    asking = start(ROUTED)
    assert 200 == asking.ask(HOW, model="auto").status_code
    (line,) = lines(asking.world)
    ran = {stage for stage, *_ in line["outgate.stages"]}

    assert {"route", "cache_similar"} <= ran
    assert "embed" not in ran, "it starts ahead of a guard that waits, and there is none"
    assert ["embed", "embed", "topics", "embed", "answers"] == asking.models.asked, "the phrases, then the question once"


def test_no_attempt_embeds_looks_up_or_routes_again(start):
    asking = start(ROUTED, endpoints='{address: "127.0.0.1:1"}, ')
    assert 200 == asking.ask(HOW, model="auto").status_code
    (line,) = lines(asking.world)
    ran = Counter(stage for stage, *_ in line["outgate.stages"])

    assert (2, 2) == (ran["pick_endpoint"], ran["dispatch"])
    assert {"embed": 0} | dict.fromkeys(MODELS[1:], 1) == {name: ran[name] for name in MODELS}
    assert 1 == asking.models.asked.count("answers")


def test_another_model_is_looked_up_under_its_name_and_nothing_is_embedded_or_routed_for_it(start, providers, tmp_path):
    second = SECOND.format(port=providers[0].port, ca=tmp_path / "upstream-ca.pem")
    another = "gpt-4o-mini}, {provider: second, model: gpt-4.1}]"
    policy = ROUTED.replace("gpt-4o-mini}]", another).replace("[openai, ", "[second, openai, ")
    asking = start(policy, providers=second)
    providers[0].forget()
    providers[0].script(b.refuse(429))
    assert 200 == asking.ask(HOW, model="auto").status_code
    (line,) = lines(asking.world)
    ran = Counter(stage for stage, *_ in line["outgate.stages"])

    assert ["openai", "second"] == [attempt["backend"] for attempt in line["outgate.attempts"]]
    assert (0, 1, 2, 2, 2) == tuple(ran[name] for name in MODELS)
