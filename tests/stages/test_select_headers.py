"""Header fields that go on: the built-in list, the dialect's and the policy's, never a credential, never what ends here."""

import pytest
from pydantic import ValidationError

from outgate.inference.operation import Kind, Operation
from outgate.net.headers import Headers
from outgate.stages.select_headers import Reads, SelectHeaders, SelectHeadersSettings, _known_public

OPENAI, ANTHROPIC, NONE = (Operation(name, Kind.CHAT) for name in ("openai", "anthropic", "none"))
EVERYWHERE = [("accept", "*/*"), ("idempotency-key", "i"), ("user-agent", "u")]
BETAS = [("anthropic-beta", "a"), ("anthropic-beta", "b"), ("anthropic-version", "1")]
SENT = [("openai-beta", "c"), ("openai-organization", "o"), ("openai-project", "p"), *EVERYWHERE]
KEPT = [("authorization", "Bearer s"), ("x-api-key", "s"), ("cookie", "s"), ("proxy-authorization", "s"), ("host", "h"),
        ("x-vendor-mode", "v"), ("connection", "close")]  # fmt: skip


def selected(fields, operation=OPENAI, **settings):
    (out,) = SelectHeaders(SelectHeadersSettings(**settings)).run(Reads(Headers(fields), operation))
    return list(out)


def test_what_is_listed_goes_on_in_the_callers_order():
    assert SENT == selected([*KEPT, *SENT])
    assert [*BETAS, *EVERYWHERE] == selected([*KEPT, *BETAS, *EVERYWHERE], ANTHROPIC)


def test_what_another_api_knows_ends_here():
    assert EVERYWHERE == selected([*BETAS, *EVERYWHERE])
    assert EVERYWHERE == selected(SENT, ANTHROPIC)
    assert EVERYWHERE == selected([*BETAS, *SENT], NONE)


def test_the_policy_may_let_more_through_in_any_case():
    assert [("x-vendor-mode", "v")] == selected(KEPT, also=("X-Vendor-Mode",))


@pytest.mark.parametrize("name", ["Authorization", "x-api-key", "cookie", "proxy-authorization", "host"])
def test_but_no_credential(name):
    with pytest.raises(ValidationError, match="never sent as the caller wrote it"):
        SelectHeadersSettings(also=(name,))


def test_what_connection_lists_ends_here():
    listed = [*SENT, ("connection", "close, OpenAI-Beta"), ("connection", "user-agent")]

    assert [field for field in SENT if field[0] not in ("openai-beta", "user-agent")] == selected(listed)


PLAIN = [
    ("user-agent", "claude-cli/2.0.14 (external, cli)"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.6778.205 Safari/537.36"),
    ("user-agent", "OpenAI/Python 1.109.1"),
    ("user-agent", "codex_cli_rs/0.46.0 (Debian 13.0.0; x86_64) unknown"),
    ("anthropic-version", "2023-06-01"),
    ("anthropic-beta", "claude-code-20250219,interleaved-thinking-2025-05-14,fine-grained-tool-streaming-2025-05-14"),
    ("accept", "application/json, text/event-stream;q=0.9"),
    ("x-stainless-retry-count", "0"),
    ("x-session", "01234567-8901-2345-6789-012345678901"),
    ("content-type", "application/json; charset=utf-8"),
    ("content-type", "multipart/form-data; boundary=----formdata-undici-012345678901"),
    ("idempotency-key", "4111111111111111"),
]
PRIVATE = [
    "maria@mail.test",
    "maria%40mail.test",
    "4111111111111111",
    "4111 1111 1111 1111",
    "4111.1111.1111.1111",
    "+1 415-555-2671",
]
PRIVATE += ["+49 (0)30 1234567", "x/4111-1111-1111-1111", "DE89370400440532013000", "Jürgen", "\uff14\uff11", "a" * 1025]


@pytest.mark.parametrize(("name", "value"), PLAIN)
def test_what_clients_write_goes_on(name, value):
    assert [(name, value)] == selected([(name, value)], ANTHROPIC, also=("x-session",))


@pytest.mark.parametrize("value", PRIVATE)
@pytest.mark.parametrize(
    "name", ["user-agent", "anthropic-beta", "anthropic-version", "accept", "x-stainless-retry-count", "x-mine"]
)
def test_a_value_that_may_hold_personal_data_stays_here(name, value):
    assert [] == selected([(name, f"a/1 {value}")], ANTHROPIC, also=("x-mine",))


def test_a_type_of_content_other_than_a_multipart_one_is_bounded_like_any_field():
    assert [] == selected([("content-type", "text/plain; name=maria@mail.test")])


@pytest.mark.parametrize("name", ["user-agent", "openai-organization", "openai-beta", "accept"])
@pytest.mark.parametrize(
    "value", ["AKIAIOSFODNN7EXAMPLE", "ghp_0123456789abcdefghijABCDEFGHIJ012345", "org-AKIAIOSFODNN7EXAMPLE/x"]
)
def test_a_key_in_a_header_field_stays_here(name, value):
    assert [] == selected([(name, f"a/1 {value}")], OPENAI)


def test_values_are_remembered_only_where_they_are_short():
    _known_public.cache_clear()
    for value in ("claude-cli/2.0.14", "a/1 maria@mail.test", "Mozilla/5.0 " * 6, "a/1 maria@mail.test " * 6):
        known = [selected([("user-agent", value)]) == selected([("user-agent", value)]) for _ in range(2)]
        assert [True, True] == known

    assert (2, 1) == (_known_public.cache_info().currsize, _known_public.cache_info().maxsize // 256)
