"""`auto` is routed by what it asks, in every dialect and on every step of a tool loop; whatever else is asked for stays."""

import json
import os
import re
import signal

import pytest

from e2e.server.test_workers import ALL_READY, model_servers
from e2e.world import PASSING_ALL, World, http, lines
from support.behaviours import refuse
from support.conversations import body, call, user
from support.talks import DIALECTS

ROUTING = """
redact: {}
route:
  models: [auto]
  limit: 20
  rules:
    - {when: {headers: {x-team: blue}}, to: special}
    - semantic:
        names:
          coder: [why does this function raise a KeyError?, my unit test fails after the rename, write a script that parses CSV,
                  refactor this class into smaller functions, fix the null pointer in this stack trace, the build breaks]
          chat: [hello, good morning, how are you today?, tell me a joke, what shall I cook tonight?, write a poem about autumn]
        none_of_these: [what is the capital of Mongolia?, how much interest does a mortgage cost?, translate this contract,
                        is this mole dangerous?, which treaty ended the war?, draft a cover letter]
"""
TARGETS = """
  models:
    coder: [{{provider: {0}, model: gpt-coder}}, {{provider: spare, model: gpt-spare}}]
    chat: [{{provider: {0}, model: gpt-chat}}]
    special: [{{provider: {0}, model: gpt-special}}]
    plain: [{{provider: {0}, model: gpt-plain}}]
    "gpt-*": [{{provider: {0}, model: "house-{{1}}"}}]
    split:
      sticky: request
      targets: [{{provider: {0}, model: gpt-old, weight: 50}}, {{provider: {0}, model: gpt-new, weight: 50}}]
"""
CODE, CHAT = "Why does my Python function raise an IndexError?", "Good morning! Do you know a good joke?"
EXCHANGES = re.compile(r'outgate_routed_total\{route="(\w*)",method="(\w+)"\} (\d+)')


def stages(provider="openai"):
    return PASSING_ALL.replace("model_map: {passthrough: true}", "model_map:" + TARGETS.format(provider).rstrip()) + ROUTING


def providers_of(world):
    return f"""
        spare:
          host: spare.test
          dialect: openai
          endpoints: [{{address: "127.0.0.1:{world.openai.port}"}}]
          allow_addresses: [127.0.0.0/8]
          tls: {{ca: {world.folder / "upstream-ca.pem"}, sni: api.openai.com}}
    """


class Asking:
    """Asks in one dialect, and tells which model reached the provider."""

    def __init__(self, world, gateway, dialect="openai"):
        self.world, self.gateway, self.dialect = world, gateway, dialect
        self.talk = DIALECTS[dialect]
        self.provider = self.talk.provider((world.openai, world.anthropic))

    def reply(self, *messages, model="auto", headers=None):
        with http(self.gateway) as client:
            asked = body(self.dialect, *messages, model=model, tools=TOOLS[self.dialect])
            return client.post(self.talk.url, json=asked, headers=headers or {}, timeout=60)

    def model(self, *messages, **how):
        before = len(self.provider.seen)
        reply = self.reply(*messages, **how)
        assert 200 == reply.status_code, reply.text
        assert len(self.provider.seen) > before
        return json.loads(self.provider.seen[-1].body)["model"]

    def said(self, text):
        return user(self.dialect, text)


_SCHEMA = {"type": "object", "properties": {}}
TOOLS = {
    "openai": [{"type": "function", "function": {"name": "read", "parameters": _SCHEMA}}],
    "anthropic": [{"name": "read", "input_schema": _SCHEMA}],
    "responses": [{"type": "function", "name": "read", "parameters": _SCHEMA}],
}


@pytest.fixture(name="world", scope="module")
def _world(providers, tmp_path_factory):
    return World(tmp_path_factory.mktemp("routing"), *providers)


@pytest.fixture(name="gateway", scope="module")
def _gateway(world):
    routes = f"""
        - name: messages
          match: {{destinations: [anthropic]}}
          stages: {{model_map: {{models: {json.dumps(MODELS)}}}}}
        - name: all
    """
    with world.gateway(world.policy(stages(), routes, providers=providers_of(world)), workers=2) as gateway:
        assert gateway.wait(lambda: gateway.get("/readyz") == ALL_READY, 90)
        yield gateway


MODELS = {name: [{"provider": "anthropic", "model": f"gpt-{name}"}] for name in ("coder", "chat", "special", "plain")}


@pytest.mark.parametrize("dialect", ["openai", "anthropic", "responses"])
def test_each_question_goes_to_its_model_and_stays_there_through_a_tool_loop(world, gateway, dialect):
    asking = Asking(world, gateway, dialect)
    code, chat = asking.said(CODE), asking.said(CHAT)

    assert ("gpt-coder", "gpt-chat") == (asking.model(code), asking.model(chat))
    assert "gpt-coder" == asking.model(code, *call(dialect, CHAT)), "the result of a tool is no question"
    assert "gpt-coder" == asking.model(code, *call(dialect, CHAT), *call(dialect, CHAT))
    assert "gpt-chat" == asking.model(code, *call(dialect, "ok"), {"role": "assistant", "content": "Done."}, chat)


def test_a_model_that_the_caller_names_is_not_touched(world, gateway):
    asking = Asking(world, gateway)

    assert "gpt-plain" == asking.model(asking.said(CODE), model="plain")
    assert "house-4o-mini" == asking.model(asking.said(CODE), model="gpt-4o-mini"), "a pattern, and what it captured"


def test_a_header_decides_before_the_meaning(world, gateway):
    asking = Asking(world, gateway)

    assert "gpt-special" == asking.model(asking.said(CODE), headers={"x-team": "blue"})
    assert "gpt-coder" == asking.model(asking.said(CODE), headers={"x-team": "red"})


def test_a_canary_takes_its_share(world, gateway):
    asking = Asking(world, gateway)
    models = [asking.model(asking.said(f"question {number}"), model="split") for number in range(24)]

    assert {"gpt-old", "gpt-new"} == set(models)
    assert models == [asking.model(asking.said(f"question {number}"), model="split") for number in range(24)], "on either worker"


def test_a_failed_attempt_takes_the_next_target_and_is_not_routed_again(world, gateway):
    asking, before = Asking(world, gateway), counted(gateway)
    world.openai.script(refuse(429))

    assert "gpt-spare" == asking.model(asking.said(CODE))
    assert {("coder", "semantic"): 1} == {key: count - before.get(key, 0) for key, count in counted(gateway).items()
                                          if count != before.get(key, 0)}  # fmt: skip


def test_what_belongs_to_no_name_is_refused_in_words(world, gateway):
    reply = Asking(world, gateway).reply(user("openai", "What is the capital of Peru?"))

    assert (400, "not_routed") == (reply.status_code, reply.json()["error"]["code"])
    assert "coder" in reply.json()["error"]["message"]


def test_the_closing_line_tells_what_a_decision_rests_on(world, gateway):
    asking = Asking(world, gateway)
    asking.model(asking.said(CODE + " Please help."))
    assert gateway.wait(lambda: any("outgate.routing" in line for line in lines(world)), 10)
    told = next(line["outgate.routing"] for line in reversed(lines(world)) if line.get("outgate.routing"))

    assert {"name", "method", "rule", "score", "scores", "nearest"} <= told.keys()
    assert all(near["phrase"] in ROUTING for near in told["nearest"])
    assert "Please help" not in json.dumps(told)


def test_without_its_router_a_request_is_refused_and_never_given_a_default(world, gateway):
    asking, before = Asking(world, gateway), len(world.openai.seen)
    os.kill(model_servers(gateway)[0], signal.SIGSTOP)
    reply = asking.reply(asking.said("Please fix the crash in my parser, it is new."))

    assert 503 == reply.status_code
    assert "router_unavailable" == reply.json()["error"]["code"]
    assert "router does not answer" in reply.json()["error"]["message"]
    assert before == len(world.openai.seen)
    assert gateway.wait(lambda: gateway.get("/readyz") == ALL_READY, 90)
    again = asking.said("Please fix the crash in my parser, it is new.")
    assert gateway.wait(lambda: asking.reply(again).status_code == 200, 60), "its models are loaded when they are asked"
    assert "gpt-coder" == asking.model(asking.said("Please fix the crash in my parser, it is new."))


def counted(gateway):
    return {(name, method): int(count) for name, method, count in EXCHANGES.findall(gateway.get("/metrics")[1])}
