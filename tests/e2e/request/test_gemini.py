"""Clients of the Gemini API: keys that never leave, streams as arrays, and calls of functions."""

import pytest

from e2e.world import GEMINI_KEY, STAGES, World, http
from support import behaviours as b
from support import gemini_answers as g

HOST = "https://generativelanguage.googleapis.com"
PATH = "/v1beta/models/gemini-2.5-flash"
MAIL = "maria.canary@mail.test"
CANARY = "AIza-workload-own-key-canary-0123456789"
HI = {"contents": [{"role": "user", "parts": [{"text": f"Write to {MAIL}"}]}]}
POLICY = (
    STAGES
    + """
admit_parts: {}
redact: {}
output_phrases: {phrases: [nightingale]}
tool_policy: {deny: [{tools: [reset]}]}
"""
)


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("gemini"), *providers)
    with world.inside(world.policy(POLICY)) as gateway:
        yield gateway


def ask(gateway, target, body=HI, **options):
    with http(gateway) as client:
        return client.post(HOST + target, json=body, **options)


@pytest.mark.parametrize(
    ("query", "fields"), [(f"?key={CANARY}", {}), (f"?alt=sse&k%65y={CANARY}", {}), ("", {"x-goog-api-key": CANARY})]
)
def test_attack_a_key_of_the_workload_s_own_leaves_in_no_form(gateway, providers, query, fields):
    verb = "streamGenerateContent" if "alt" in query else "generateContent"
    reply = ask(gateway, f"{PATH}:{verb}{query}", headers=fields)
    [seen] = providers[2].seen

    assert 200 == reply.status_code, reply.text
    assert GEMINI_KEY == seen.header("x-goog-api-key")
    assert CANARY not in f"{seen.target} {seen.fields} {seen.body}"
    assert MAIL not in seen.body.decode()
    written = [path for path in gateway.world.folder.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
    assert [] == written


def test_a_stream_without_alt_is_an_array_of_one_answer(gateway, providers):
    reply = ask(gateway, f"{PATH}:streamGenerateContent")

    assert f"{PATH}:generateContent" == providers[2].seen[0].target
    assert ["Hello from the provider."] == [g.text_of(each) for each in reply.json()]


@pytest.mark.parametrize("verb", ["generateContent", "streamGenerateContent?alt=sse", "streamGenerateContent"])
def test_a_refused_call_is_words_and_another_one_stays(gateway, providers, verb):
    parts = g.call("reset", {"device": "x"}), g.call("read", {"path": "y"})
    streamed = b.sse([g.stream(g.chunk(*parts)), g.stream(g.last())])
    providers[2].script(streamed if "alt" in verb else b.answer_json(g.content(*parts)))
    reply = ask(gateway, f"{PATH}:{verb}")

    assert (False, True) == ('"reset"' in reply.text, '"read"' in reply.text)


def test_a_refused_answer_is_googles_error(gateway, providers):
    providers[2].script(b.answer_json(g.said("a nightingale")))
    reply = ask(gateway, f"{PATH}:generateContent")

    assert "answer_refused" == reply.json()["error"]["details"][0]["reason"]
    assert (reply.status_code, "PERMISSION_DENIED") == (403, reply.json()["error"]["status"])


def test_a_sign_of_life_is_no_comment(gateway, providers):
    """google-genai reads lines without `data: ` as JSON: a comment breaks its stream."""
    providers[2].script(b.sse([b": busy\n\n", *g.events(["a"])]))
    reply = ask(gateway, f"{PATH}:streamGenerateContent?alt=sse")

    assert all(line.startswith("data: {") for line in reply.text.splitlines() if line)
    assert "a" == g.streamed_text(reply.content)


@pytest.mark.parametrize("verb", ["countTokens", "embedContent", "batchEmbedContents"])
def test_counts_and_vectors_are_judged_too(gateway, providers, verb):
    content = HI["contents"][0]
    body = {"countTokens": HI, "embedContent": {"content": content}}.get(verb, {"requests": [{"model": "x", "content": content}]})
    told = {"totalTokens": 3} if verb == "countTokens" else {"embedding": {"values": [0.5, 1e-3]}}
    providers[2].script(b.answer_json(told))
    reply = ask(gateway, f"{PATH}:{verb}", body)

    assert (200, told) == (reply.status_code, reply.json())
    assert MAIL not in providers[2].seen[0].body.decode()


def test_a_path_that_nobody_reads_is_refused(gateway, providers):
    reply = ask(gateway, "/v1beta/cachedContents", {"model": "m"})

    assert ("unjudged_content", []) == (reply.json()["error"]["details"][0]["reason"], providers[2].seen)
