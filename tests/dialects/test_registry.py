import ast
from pathlib import Path

import pytest

import outgate
from outgate.dialects import registry
from outgate.dialects.registry import SPECS, dialect, operation_for
from outgate.dialects.spec import BEARER, Canned, KeyField
from outgate.errors import Denial, WireError
from outgate.inference.operation import Kind, Operation
from outgate.inference.stream import Finish
from support.wire_bodies import Spoken

CHAT = Operation("openai", Kind.CHAT)
MESSAGES = Operation("anthropic", Kind.CHAT)
RESPONSES = Operation("responses", Kind.CHAT)


@pytest.mark.parametrize(
    ("method", "path", "hint", "operation"),
    [
        ("POST", "/v1/chat/completions", "none", CHAT),
        ("POST", "/v1/chat/completions", "anthropic", CHAT),
        ("POST", "/v1/embeddings", "none", Operation("openai", Kind.EMBEDDINGS)),
        ("POST", "/v1/messages", "none", MESSAGES),
        ("POST", "/v1/messages?beta=true", "none", MESSAGES),
        ("GET", "/v1/models", "none", Operation("openai", Kind.MODELS)),
        ("GET", "/v1/models?limit=20&after_id=x", "anthropic", Operation("anthropic", Kind.MODELS)),
        ("POST", "/v1/messages/count_tokens", "none", Operation("anthropic", Kind.COUNT_TOKENS)),
        ("POST", "/v1/messages?beta=false", "none", MESSAGES),
        ("POST", "/v1/messages/count_tokens?beta=true", "none", Operation("anthropic", Kind.COUNT_TOKENS)),
        ("POST", "/v1/chat/completions?api-version=2024-10-21", "none", CHAT),
        ("POST", "/v1/chat/completions?", "none", CHAT),
        ("POST", "/v1/embeddings?x=a%20b", "none", Operation("openai", Kind.EMBEDDINGS)),
        ("POST", "/v1/responses", "none", RESPONSES),
        ("POST", "/v1/responses", "anthropic", RESPONSES),
        ("GET", "/v1/responses", "openai", Operation("responses", Kind.OPAQUE)),
        ("POST", "/v1/responses?x=1", "openai", RESPONSES),
        ("GET", "/v1/responses/resp_1", "openai", Operation("responses", Kind.OPAQUE)),
        ("POST", "/v1/responses/compact", "openai", Operation("responses", Kind.OPAQUE)),
        ("POST", "/v1/files", "openai", Operation("openai", Kind.FILES)),
        ("POST", "/v1/files?beta=true", "anthropic", Operation("anthropic", Kind.FILES)),
        ("POST", "/v1/filesystem", "anthropic", Operation("anthropic", Kind.OPAQUE)),
        ("POST", "/v1/filesystem", "none", Operation("none", Kind.OPAQUE)),
        ("GET", "/v1/models/ft:gpt%3Ax", "openai", Operation("openai", Kind.OPAQUE)),
        ("GET", "/v1/chat/completions", "none", Operation("openai", Kind.OPAQUE)),
        ("POST", "/v1/models", "none", Operation("none", Kind.OPAQUE)),
        ("GET", "/health", "none", Operation("none", Kind.OPAQUE)),
        ("GET", "/a%20b?q=%2F..%2f", "none", Operation("none", Kind.OPAQUE)),
    ],
)
def test_operations_by_exact_spelling(method, path, hint, operation):
    assert operation == operation_for(method, path, hint)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/../v1/chat/completions", "/v1/./chat/completions", "//v1/chat/completions", "/v1//chat/completions",
        "/v1/chat/completions/..", "/v1/chat/completions/.", "/v1/chat%2Fcompletions", "/v1/chat%2fcompletions",
        "/v1/%63hat/completions", "/v1/chat/%2e%2e/chat/completions", "/v1/%2E/chat/completions", "/v1\\chat\\completions",
        "/v1/chat/completions%00", "/v1/chat/completions#x", "/v1/chat/completions%", "/v1/chat/completions%2",
        "/v1/chat;x=1/completions", "/v1/chat/completions/", "/V1/chat/completions", "/v1/Chat/Completions", "/v1/responses/",
        "/v1/messages/count_tokens/", "/v1/EMBEDDINGS", "/v1/chat/completions;v=1", "/v1/chat/completions%20",
        "/v1/chat/completions.", "/v1/chat/completions/?x=1", "/v1/Chat/completions?",
        "/v1/chat/completions\x00", "/v1/chat/completions ", "/v1/chat/comple\ntions", "/v1/chät/completions",
        "/v1/chat%5Ccompletions", "/v1/chat%255Ccompletions", "v1/chat/completions", "", "*", "http://x/v1/messages",
        "/v1/mess%41ges", "/v1/m%65ssages",
        "/%7Euser",
        "/v1/messages?a=\n", "/v1/messages?a=%zz", "/v1/messages?a=é", "/v1/messages?a#b", "/v1/%c3%a9",
    ],
)  # fmt: skip
def test_a_target_that_may_be_normalised_into_another_is_refused(path):
    with pytest.raises(WireError) as caught:
        operation_for("POST", path)

    assert "bad_path" == caught.value.code


ESCAPED = [f"/v1/%{byte:02X}" for byte in range(128)]


def test_an_escape_is_accepted_only_where_it_is_needed():
    def accepted(path):
        try:
            operation_for("GET", path)
        except WireError:
            return False
        return True

    needed = [chr(int(path[-2:], 16)) for path in ESCAPED if accepted(path)]

    assert " !\"#$&'()*+,:;<=>?@[]^`{|}" == "".join(needed)


def test_dialects_by_name():
    assert ["openai", "anthropic", "none"] == [Spoken(name).name for name in ("openai", "anthropic", "none")]
    with pytest.raises(KeyError):
        Spoken("cohere")


def test_a_body_of_an_unknown_api_is_opaque():
    none = Spoken("none")
    operation = operation_for("POST", "/upload")
    raw = none.decode(operation, b"--boundary\r\nfile")
    shown = none.decode(operation, b'{"q": "hello"}')

    assert ({"opaque"}, (), b"--boundary\r\nfile") == (
        raw.prompt.unjudged,
        raw.prompt.leaves,
        none.encode(operation, raw.prompt, "", raw.params, None),
    )
    assert ["q", "hello"] == [leaf.text for leaf in shown.prompt.leaves]
    assert b'{"q":"hello"}' == none.encode(operation, shown.prompt, "m", shown.params, None)
    with pytest.raises(WireError):
        none.decode(operation, b' {"q": 1, "q": 2}')


def test_an_opaque_answer_passes_as_it_comes():
    none = Spoken("none")
    events = none.redecode(operation_for("GET", "/x"), False, b"bytes")

    assert b"bytes" == b"".join(event.encode() for event in events)
    assert [False, True] == [event.last for event in events]
    assert events[0] is events[0].replace({})
    with pytest.raises(IndexError):
        events[0].replace({0: "x"})
    with pytest.raises(IndexError):
        events[0].only(0, "x")


@pytest.mark.parametrize("name", ["openai", "anthropic", "none"])
def test_a_list_of_models_has_no_body(name):
    operation = Operation(name, Kind.MODELS)
    request = Spoken(name).decode(operation, b"")

    assert (frozenset(), b"") == (
        request.prompt.unjudged,
        Spoken(name).encode(operation, request.prompt, "", request.params, None),
    )
    with pytest.raises(WireError):
        Spoken(name).decode(operation, b"{}")


@pytest.mark.parametrize("name", ["openai", "anthropic", "none"])
def test_refusals_carry_code_message_and_request_id(name):
    denial = Denial(code="pii_found", status=403, message="Personal data was found.")
    for raw in (Spoken(name).error(denial, "req1"), Spoken(name).error_event(denial, "req1")):
        assert all(part in raw for part in (b"pii_found", b"Personal data was found.", b"req1"))


@pytest.mark.parametrize("name", ["openai", "anthropic", "none"])
def test_content_types(name):
    assert "application/json" == Spoken(name).content_type(False)
    assert Spoken(name).content_type(True).startswith("text/event-stream")


def test_an_unknown_api_has_no_canned_answer():
    with pytest.raises(WireError):
        Spoken("none").canned(operation_for("POST", "/x"), Canned("t", "m", "r", 1), False, False)
    assert b'{"data":[{"id":"a"}]}' == Spoken("none").models(["a"], 1)


NAMED = {
    "exchange/replies.py": "hosts whose agents are refused before any path is known",
    "policy/provider_settings.py": "the default of a provider",
    "tokens/framing.py": "the makers of models",
}
"""Files outside `dialects/` that name a dialect, and what for."""


def test_nobody_else_names_a_dialect():
    root = Path(outgate.__file__).parent
    names = {spec.name for spec in SPECS} - {"none"}
    found = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if not path.is_relative_to(root / "dialects")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in names
    }

    assert set(NAMED) == found


@pytest.mark.parametrize("name", [spec.name for spec in SPECS])
def test_every_dialect_says_what_others_need(name):
    known = registry.spec(name)

    assert dialect(name).name == known.name
    assert known.provider in registry.provider_dialects()
    assert registry.spec(known.provider).credential == known.credential
    for template in known.paths:
        assert template.method in {"GET", "POST"}
        assert template.path.startswith("/")
    if known.paths:
        assert Finish.STOP in known.finishes.values() or name == "responses"  # whose whole answers have a status
        assert 403 in known.error_types
        assert all(known.framing)
        assert known.keys


def test_key_fields_hold_keys_alone_before_those_that_share_their_field():
    assert [KeyField("api-key"), KeyField("x-api-key"), KeyField("x-goog-api-key"), BEARER] == list(registry.key_fields())
