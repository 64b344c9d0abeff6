"""Redaction is bound to the provider that is asked: what a server of the cluster gets raw leaves redacted, or not at all.

`openai` stands for the server in the cluster, `anthropic` for the cloud behind it. Witness: what each of them has seen.
"""

import dataclasses

import orjson
import pytest

from e2e.world import World, http, lines
from support import behaviours as b
from support.talks import talk_at
from support.waiting import until

MAIL, CARD = "jane.miller@example.com", "4111 1111 1111 1111"
STAGES = """
authenticate: {}
authorize: {allow: [{workloads: [app]}]}
prompt_guard: {}
redact: {raw_to: [openai], modes: {CREDIT_CARD: deny}}
model_map:
  passthrough: true
  models:
    smart:
      - {provider: openai, model: gpt-4o-mini}
      - {provider: anthropic, model: claude-sonnet-4-5}
    cloud-first:
      - {provider: anthropic, model: claude-sonnet-4-5}
      - {provider: openai, model: gpt-4o-mini}
authorize_model: {allow: [{models: ["**"]}]}
cache: {when: always}
count_tokens: {}
"""


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("elsewhere"), *providers)
    with world.inside(world.policy(STAGES)) as gateway:
        yield gateway


@pytest.fixture(autouse=True)
def _whole(gateway):
    yield
    gateway.broken.clear()


async def echo(call):
    """An answer that repeats the question."""
    asked, talk = orjson.loads(call.seen.body), talk_at(call.seen.target.partition("?")[0])
    said = asked["messages"][-1]["content"]
    text = said if isinstance(said, str) else said[0]["text"]
    if asked.get("stream"):
        await b.sse(talk.events(asked, [text], (9, 5)))(call)
    else:
        await call.answer_json(talk.whole(asked, text, (9, 5)))


def ask(gateway, text, model="smart", host="api.openai.com", **more):
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    with http(gateway) as client:
        return client.post(f"https://{host}/v1/chat/completions", json=body)


def line_of(gateway, reply):
    own = reply.headers["x-outgate-request-id"]
    assert until(lambda: own in [line["id"] for line in lines(gateway.world)])
    return next(line for line in lines(gateway.world) if line["id"] == own)


def ran(line, stage):
    return [name for name, *_ in line["outgate.stages"]].count(stage)


@pytest.mark.parametrize("stream", [False, True])
def test_leak_a_fallback_to_the_cloud_does_not_carry_what_the_cluster_saw(gateway, providers, stream):
    cluster, cloud = providers[:2]
    cluster.script(b.refuse(503))
    cloud.script(echo)
    reply = ask(gateway, f"Write to {MAIL} about {stream}.", stream=stream)

    line = line_of(gateway, reply)
    assert [503, 200] == [each["status"] for each in line["outgate.attempts"]]
    assert (True, False) == (MAIL.encode() in cluster.seen[0].body, MAIL.encode() in cloud.seen[0].body)
    assert MAIL in reply.text, "the caller gets its own value back"
    assert ({"EMAIL_ADDRESS": 1}, 2, 1) == (line["outgate.redacted"], ran(line, "redact"), ran(line, "prompt_guard"))


def test_what_stays_in_the_cluster_is_as_it_came(gateway, providers):
    reply = ask(gateway, f"Ask {MAIL}, and once more.")

    line = line_of(gateway, reply)
    assert (200, {}, 1) == (reply.status_code, line["outgate.redacted"], ran(line, "redact"))
    assert MAIL.encode() in providers[0].seen[0].body


def test_an_attempt_that_comes_home_from_the_cloud_is_as_it_came_again(gateway, providers):
    providers[1].script(b.refuse(503))
    providers[0].script(echo)
    reply = ask(gateway, f"Remind {MAIL} of it.", model="cloud-first")

    assert (200, True) == (reply.status_code, MAIL in reply.text)
    assert (False, True) == (MAIL.encode() in providers[1].seen[0].body, MAIL.encode() in providers[0].seen[0].body)


def test_leak_a_name_that_passes_through_to_the_cloud_is_redacted(gateway, providers):
    body = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": f"Tell {MAIL}."}]}
    with http(gateway) as client:
        reply = client.post("https://api.anthropic.com/v1/messages", json=body)

    assert (200, False) == (reply.status_code, MAIL.encode() in providers[1].seen[0].body)


def test_leak_what_may_not_leave_is_not_tried_in_the_cloud_and_the_line_says_why(gateway, providers):
    providers[0].script(b.refuse(503))
    reply = ask(gateway, f"Charge {CARD}.")

    [attempt] = line_of(gateway, reply)["outgate.attempts"]
    assert (503, 1, 0) == (reply.status_code, len(providers[0].seen), len(providers[1].seen))
    assert ("server_error", "personal_data") == (attempt["failure"], attempt["followed"])


def test_leak_where_redaction_fails_the_cloud_is_not_tried(gateway, providers):
    def failing(step):
        async def run(facts):
            if facts.provider != "openai":
                raise RuntimeError
            return await step.run(facts)

        return dataclasses.replace(step, run=run)

    gateway.broken["redact"] = failing
    providers[0].script(b.refuse(503))
    reply = ask(gateway, f"Call {MAIL}.")

    [attempt] = line_of(gateway, reply)["outgate.attempts"]
    assert (503, 0, "stage_failed") == (reply.status_code, len(providers[1].seen), attempt["followed"])


def test_leak_an_answer_kept_for_the_cluster_is_not_given_for_the_cloud(gateway, providers):
    providers[0].script(echo)
    text = f"Repeat {MAIL} please."
    first = ask(gateway, text)
    providers[0].script(b.refuse(503))
    again = ask(gateway, text, model="cloud-first")

    assert (True, "upstream") == (MAIL in first.text, line_of(gateway, again)["outgate.source"])
    assert MAIL.encode() not in providers[1].seen[0].body
