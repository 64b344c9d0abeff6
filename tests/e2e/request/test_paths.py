"""Requests as SDKs and agents write them: queries, token counts, byte order marks; other spellings of a path are told so."""

import httpx
import orjson
import pytest

from e2e.world import STAGES, World, http, lines
from support.talks import DIALECTS
from support.waiting import until

POLICY = (
    STAGES + "admit_parts: {}\nredact: {}\ncount_tokens: {}\ntoken_budget: {limits: [{name: day, tokens: 90000000, window: day}]}\n"
)
MAIL = "maria.canary@mail.test"
COUNT = "https://api.anthropic.com/v1/messages/count_tokens"
every_dialect = pytest.mark.parametrize("talk", DIALECTS.values(), ids=DIALECTS)


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("paths"), *providers)
    with world.inside(world.policy(POLICY)) as gateway:
        yield gateway


@every_dialect
@pytest.mark.parametrize("query", ["?api-version=2024-10-21", "?", "?beta=true&x=1"])
def test_a_path_with_a_query_is_the_same_operation(gateway, providers, talk, query):
    with http(gateway) as client:
        reply = client.post(talk.url + query, json=talk.ask(f"Write to {MAIL}", False))

    [seen] = talk.provider(providers).seen
    assert (200, True) == (reply.status_code, seen.target.removesuffix("?").endswith(query.removesuffix("?")))
    assert MAIL not in seen.body.decode()
    assert "EMAIL_" in talk.asked(orjson.loads(seen.body))


@every_dialect
def test_personal_data_in_a_query_leaves_as_a_placeholder(gateway, providers, talk):
    with http(gateway) as client:
        reply = client.post(f"{talk.url}?trace={MAIL}", json=talk.ask("hi", False))

    [seen] = talk.provider(providers).seen
    assert 200 == reply.status_code
    assert MAIL not in seen.target
    assert "?trace=EMAIL_" in seen.target


@every_dialect
@pytest.mark.parametrize("spelling", ["{}/", "{}/?x=1", "{}%20"])
def test_another_spelling_of_a_path_is_refused_and_told(gateway, providers, talk, spelling):
    with http(gateway) as client:
        reply = client.post(spelling.format(talk.url), json=talk.ask("hi", False))

    assert (400, []) == (reply.status_code, talk.provider(providers).seen)
    assert talk.path in reply.text


def _counts(line):
    return line.get("gen_ai.operation.name") == "count_tokens"


def counting(call):
    return call.answer_json({"input_tokens": 14})


@pytest.mark.parametrize("query", ["", "?beta=true"])
def test_counting_tokens_is_judged_like_a_message_and_costs_nothing(gateway, providers, query):
    before = {line["id"] for line in lines(gateway.world)}
    providers[1].script(counting)
    body = {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": f"Write to {MAIL}"}], "system": MAIL}
    with http(gateway) as client:
        reply = client.post(COUNT + query, json=body, headers={"anthropic-version": "2023-06-01"})

    [seen] = providers[1].seen
    assert (200, {"input_tokens": 14}) == (reply.status_code, reply.json())
    assert MAIL not in seen.body.decode()
    assert "max_tokens" not in orjson.loads(seen.body)
    assert until(lambda: [line for line in lines(gateway.world) if line["id"] not in before and _counts(line)])
    [line] = [line for line in lines(gateway.world) if line["id"] not in before and _counts(line)]
    assert (0, 0) == (line["outgate.charged.input_tokens"], line["outgate.charged.output_tokens"])


def test_hosted_tools_do_not_leave_to_be_counted(gateway, providers):
    providers[1].script(counting)
    tools = [{"type": "web_search_20250305", "name": "web_search"}, {"name": "f", "input_schema": {"type": "object"}}]
    body = {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "hi"}], "tools": tools}
    with http(gateway) as client:
        client.post(COUNT, json=body)

    assert "web_search" not in "".join(seen.body.decode() for seen in providers[1].seen)


@every_dialect
def test_a_byte_order_mark_is_dropped(gateway, providers, talk):
    with http(gateway) as client:
        reply = client.post(
            talk.url,
            content=b"\xef\xbb\xbf" + orjson.dumps(talk.ask("hi", False)),
            headers={"content-type": "application/json"},
        )

    [seen] = talk.provider(providers).seen
    assert (200, b"{") == (reply.status_code, seen.body[:1])


@every_dialect
def test_half_an_emoji_is_refused_with_its_place(gateway, providers, talk):
    raw = orjson.dumps(talk.ask("canary X", False)).replace(b"X", b"\\ud83d")
    with http(gateway) as client:
        reply: httpx.Response = client.post(talk.url, content=raw, headers={"content-type": "application/json"})

    message = reply.json()["error"]["message"]
    assert (400, [], False) == (reply.status_code, talk.provider(providers).seen, "canary" in message)
    assert "lone surrogate" in message
    assert any(place in message for place in ("/input", "/messages/0/content", "/contents/0/parts/0/text"))
