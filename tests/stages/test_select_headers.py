"""Header fields that go on: the built-in list, the dialect's and the policy's, never a credential, never what ends here."""

import pytest
from pydantic import ValidationError

from outgate.inference.operation import Kind, Operation
from outgate.net.headers import Headers
from outgate.stages.select_headers import Reads, SelectHeaders, SelectHeadersSettings

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
