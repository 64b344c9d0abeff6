"""Policies over translated conversations: what is sent was judged; what comes back is judged, restored, cut and kept in the
client's dialect, whatever the provider speaks.
"""

import re

import orjson
import pytest

from e2e.translating import either_way, every_pair, line_of, opened, post, providers_by_api, said, translating
from support import behaviours as b
from support.talks import DIALECTS, PROVIDERS
from support.translations import FEATURES, arguments_of, calling
from support.waiting import until

MAIL = "maria.canary@mail.test"
STAGES = """
prompt_guard: {phrases: [crimson walrus]}
redact: {}
output_phrases: {phrases: [nightingale]}
cache: {when: always}
"""
LONG = ["All is well in this house, and nobody is in a hurry. "] * 40
TOOLS = {name: {key: FEATURES[name]["tools"][key] for key in ("tools",)} for name in DIALECTS}


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    with translating(tmp_path_factory.mktemp("translated_policies"), providers, STAGES) as gateway:
        yield gateway


@pytest.fixture(name="at")
def _at(providers):
    return providers_by_api(providers)


def ask(gateway, client, api, text, *, stream, **members):
    reply = post(gateway, client, f"to-{api}", {**DIALECTS[client].ask(text, stream), **members}, stream=stream)
    assert until(lambda: gateway.runtime.policy().exchanges == 0)
    return reply


def answering(api, *texts):
    """A provider that says these."""

    async def behave(call):
        talk = PROVIDERS[api]
        asked = orjson.loads(call.seen.body)
        if talk.streams(call.seen.target, asked):
            await b.sse(talk.events(asked, list(texts), (9, 5)))(call)
        else:
            await call.answer_json(talk.whole(asked, "".join(texts), (9, 5)))

    return behave


def repeating(api, made):
    """A provider that answers with what `made` gives for the placeholder in the question."""

    async def behave(call):
        [found] = re.findall(rb"EMAIL_[a-z]+", call.seen.body)
        await made(found.decode())(call)

    return behave


@every_pair
@either_way
def test_a_placeholder_that_is_cut_between_events_is_restored(gateway, at, client, api, stream):
    def echo(name):
        return answering(api, "Tell ", name[:4], name[4:9], name[9:], " of it.")

    at[api].script(repeating(api, echo))
    reply = ask(gateway, client, api, f"Who is {MAIL}? {client} {stream}", stream=stream)

    assert (200, f"Tell {MAIL} of it.") == (reply.status_code, said(client, reply, stream=stream))
    assert MAIL.encode() not in at[api].seen[0].body
    assert {"EMAIL_ADDRESS": 1} == line_of(gateway, reply)["outgate.redacted"]


@every_pair
@either_way
def test_a_placeholder_in_the_arguments_of_a_call_is_restored(gateway, at, client, api, stream):
    def call(name):
        answer = calling(api, orjson.dumps({"device": name}).decode(), stream=stream)
        return b.sse([answer]) if stream else b.answer_json(answer)

    at[api].script(repeating(api, call))
    reply = ask(gateway, client, api, f"Call {MAIL}, {client} {stream}", stream=stream, **TOOLS[client])

    assert 200 == reply.status_code, reply.text
    assert {"device": MAIL} == arguments_of(client, reply.content, stream=stream)


@every_pair
@either_way
def test_what_a_guard_refuses_is_translated_for_nobody(gateway, at, client, api, stream):
    reply = ask(gateway, client, api, f"the crimson walrus {client}", stream=stream)

    assert ([], "prompt_refused") == (at[api].seen, DIALECTS[client].refused(reply.json()))


@every_pair
def test_an_answer_is_cut_by_an_error_of_the_clients_dialect(gateway, at, client, api):
    talk, seen = DIALECTS[client], []
    events = PROVIDERS[api].events({"stream": True}, [*LONG, "a night", "ingale sings"], (9, 5))
    begun = next(n for n in range(len(events)) if LONG[1].encode() in events[n]) + 1 if api != "responses" else 9
    events = [b"".join(events[:begun]), *events[begun:]]
    at[api].script(b.held(events, lambda: bool(seen), b.FRAMES if api == "bedrock" else b.SSE))
    with opened(gateway, client, f"to-{api}", talk.ask(f"What sings? {client}", True), stream=True) as reply:
        for piece in reply.iter_bytes():
            seen.append(piece)

    told = b"".join(seen).decode()
    assert 200 == reply.status_code
    assert talk.error in told
    assert '"answer_refused"' in told
    assert "All is well" in told
    assert "night" not in told
    assert talk.end not in told


@every_pair
@either_way
def test_a_short_answer_is_refused_in_the_clients_dialect(gateway, at, client, api, stream):
    at[api].script(answering(api, "a night", "ingale"))
    reply = ask(gateway, client, api, f"What sings shortly? {client}", stream=stream)

    assert '"answer_refused"' in reply.text
    assert "night" not in reply.text
    assert reply.status_code >= 400 or stream


@every_pair
@either_way
def test_an_answer_is_kept_and_given_again_in_the_clients_dialect(gateway, at, client, api, stream):
    at[api].script(answering(api, f"{client} ", "holds ", "the button."))
    first, again = (ask(gateway, client, api, f"Who holds it? {client}", stream=stream) for _ in range(2))

    assert "detail=exact" in again.headers["cache-status"]
    assert 1 == len(at[api].seen)
    for reply in (first, again):
        assert (200, f"{client} holds the button.") == (reply.status_code, said(client, reply, stream=stream))
        assert DIALECTS[client].end in reply.text or not stream
