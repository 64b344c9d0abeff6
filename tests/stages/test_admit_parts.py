import orjson
import pytest

from outgate.errors import Denial
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Params
from outgate.inference.prompt import Prompt
from outgate.inference.verdict import Action, Extent, Match, Verdict
from outgate.stages.admit_parts import AdmitParts, AdmitPartsSettings, Reads
from support.wire_bodies import CHAT, OPENAI, Spoken


def run(unjudged=(), state=(), parts=(), **settings):
    reads = Reads(Prompt(None, (), frozenset(unjudged), parts=parts), Params(server_state=tuple(state)))
    return AdmitParts(AdmitPartsSettings.model_validate(settings)).run(reads)


def test_text_alone_passes():
    assert (Verdict(), frozenset(), False) == run()


def test_what_cannot_be_read_is_refused_by_kind():
    denial = run({"image", "audio"}, allow_unjudged=["image"])

    assert isinstance(denial, Denial)
    assert "unjudged_content" == denial.code
    assert "audio" in denial.message
    assert "`allow_unjudged` of `admit_parts`" in denial.message
    assert "image" not in denial.message


def test_what_policy_admits_is_told_as_unjudged():
    part = Extent("image", 2, bytes=900)

    assert (Verdict(unjudged=(part,)), frozenset(), False) == run({"image"}, parts=(part,), allow_unjudged=["image"])
    # also where nothing measured it
    assert (Verdict(unjudged=(Extent("image", 1),)), frozenset(), False) == run({"image"}, allow_unjudged=["image"])


def test_a_refusal_tells_what_there_was():
    part = Extent("image", 1, bytes=9)
    denial = run({"image", "audio"}, parts=(part,), allow_unjudged=["image"])

    assert (Verdict(action=Action.DENIED, unjudged=(part, Extent("audio", 1))), frozenset(), False) == denial.outputs


SEARCH = {"type": "web_search", "external_web_access": True}
FUNCTION = {"type": "function", "name": "f", "parameters": {}}
MCP = {"type": "mcp", "server_label": "x", "server_url": "https://evil.example"}


def offering(*tools, **settings):
    body = orjson.dumps({"model": "m", "input": "hi", "tools": tools})
    request = Spoken("responses").decode(Operation("responses", Kind.CHAT), body)
    return AdmitParts(AdmitPartsSettings.model_validate(settings)).run(Reads(request.prompt, request.params))


def test_hosted_tools_that_are_only_offered_are_taken_out_and_told():
    verdict, _, dropped = offering(SEARCH, FUNCTION)

    assert dropped
    assert (Action.REPLACED, Match("hosted_tool", "dropped", 1)) == (verdict.action, verdict.matches[0])


@pytest.mark.parametrize("tools", [(MCP,), (SEARCH, MCP)])
def test_one_that_names_an_address_is_refused(tools):
    denial = offering(*tools)

    assert isinstance(denial, Denial)
    assert "unjudged_content" == denial.code


def test_policy_may_refuse_or_admit_them_all():
    assert isinstance(offering(SEARCH, hosted_tools="deny"), Denial)
    verdict, _, dropped = offering(MCP, allow_unjudged=["hosted_tool"])
    assert (Action.ALLOWED, False) == (verdict.action, dropped)


def keeping(dialect, body, **settings):
    request = Spoken(dialect).decode(Operation(dialect, Kind.CHAT), orjson.dumps({"model": "m", **body}))
    return AdmitParts(AdmitPartsSettings.model_validate(settings)).run(Reads(request.prompt, request.params))


SAID = {"messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize(
    ("dialect", "body", "told"),
    [
        ("openai", {**SAID, "store": True}, (Match("store", "overruled"),)),
        ("openai", SAID, ()),
        ("responses", {"input": "hi", "store": True}, (Match("store", "overruled"),)),
        ("responses", {"input": "hi"}, ()),
        ("responses", {"input": "hi", "store": False}, ()),
        (
            "responses",
            {"input": "hi", "store": True, "tools": [SEARCH]},
            (Match("hosted_tool", "dropped"), Match("store", "overruled")),
        ),
    ],
)
def test_an_answer_that_would_be_kept_at_the_provider_is_told_as_overruled(dialect, body, told):
    verdict, _, _ = keeping(dialect, body)

    assert told == verdict.matches


def test_nothing_is_overruled_where_the_policy_admits_store():
    assert (Verdict(), frozenset({"store"}), False) == keeping("openai", {**SAID, "store": True}, allow_server_state=["store"])


def test_state_at_the_provider_is_refused_unless_named():
    denial = run(state=["previous_response_id"])
    matches = (Match("previous_response_id", "server_state"),)

    assert isinstance(denial, Denial)
    assert ("server_state", 400) == (denial.code, denial.status)
    assert "previous_response_id" in denial.message
    assert "`allow_server_state` of `admit_parts`" in denial.message
    assert (Verdict(action=Action.DENIED, matches=matches), frozenset(), False) == denial.outputs
    admitted = frozenset({"previous_response_id"})
    assert (Verdict(matches=matches), admitted, False) == run(state=["previous_response_id"], allow_server_state=admitted)


DATA = "data:image/png;base64," + "A" * 400
MESSAGES = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": DATA}},
            {"type": "image_url", "image_url": {"url": DATA}},
            {"type": "image_url", "image_url": {"url": "https://pictures.test/1.png"}},
            {"type": "input_audio", "input_audio": {"data": "B" * 30, "format": "wav"}},
        ],
    }
]


def test_parts_of_a_real_body_are_measured():
    raw = orjson.dumps({"model": "m", "messages": MESSAGES})
    request = OPENAI.decode(CHAT, raw)
    (verdict, *_) = AdmitParts(AdmitPartsSettings(allow_unjudged={"image", "audio", "remote_url"})).run(
        Reads(request.prompt, request.params)
    )

    expected = {Extent("image", 3, bytes=2 * len(DATA)), Extent("audio", 1, bytes=30), Extent("remote_url", 1)}
    assert expected == set(verdict.unjudged)
    assert () == verdict.scanned  # kinds are known here, and nothing is read


@pytest.mark.parametrize("raw", [b"\x00\x01\x02", b'{"any": "thing"}'])
def test_an_opaque_body_is_measured_whole(raw):
    prompt = Spoken("none").decode(Operation("none", Kind.OPAQUE), raw).prompt
    (verdict, *_) = AdmitParts(AdmitPartsSettings(allow_unjudged={"opaque"})).run(Reads(prompt, Params()))

    assert (Extent("opaque", 1, bytes=len(raw)),) == verdict.unjudged


def test_edits_keep_the_measures():
    raw = orjson.dumps({"model": "m", "messages": MESSAGES})
    prompt = OPENAI.decode(CHAT, raw).prompt

    assert prompt.parts == prompt.replace({0: "other"}).parts
