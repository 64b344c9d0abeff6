import orjson
import pytest

from outgate.upstreams.vertex import VERSION, VertexPlace, sent_at

PLACE = VertexPlace("acme-1", "us-central1")
BASE = "/v1/projects/acme-1/locations/us-central1/publishers"
CLAUDE = "claude-sonnet-4-5@20250929"


def sent(target, **body):
    target, raw = sent_at(PLACE, target, orjson.dumps(body), CLAUDE)
    return target, orjson.loads(raw)


@pytest.mark.parametrize("work", ["generateContent", "streamGenerateContent?alt=sse", "countTokens"])
@pytest.mark.parametrize("version", ["v1", "v1beta"])
def test_gemini_is_asked_below_the_project(version, work):
    assert (f"{BASE}/google/models/gemini-2.5-flash:{work}", {"a": 1}) == sent(f"/{version}/models/gemini-2.5-flash:{work}", a=1)


@pytest.mark.parametrize(("stream", "verb"), [(True, "streamRawPredict"), (False, "rawPredict"), (None, "rawPredict")])
def test_claude_has_its_model_in_the_path_and_its_version_in_the_body(stream, verb):
    asked = {"max_tokens": 9, **({} if stream is None else {"stream": stream})}

    assert (f"{BASE}/anthropic/models/{CLAUDE}:{verb}", {"anthropic_version": VERSION, **asked}) == sent(
        "/v1/messages?beta=true", model=CLAUDE, **asked
    )


def test_claude_counts_by_the_model_of_the_body():
    assert (f"{BASE}/anthropic/models/count-tokens:rawPredict", {"model": CLAUDE}) == sent(
        "/v1/messages/count_tokens", model=CLAUDE
    )


def test_other_targets_stay():
    assert ("/v1/models?limit=5", {}) == sent("/v1/models?limit=5")


def test_attack_of_a_body_that_names_another_version():
    assert VERSION == sent("/v1/messages", anthropic_version="other", model="m")[1]["anthropic_version"]
