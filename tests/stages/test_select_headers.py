"""Which of the caller's header fields go on: the built-in list and the policy's, never a credential, never what ends here."""

import pytest
from pydantic import ValidationError

from outgate.net.headers import Headers
from outgate.stages.select_headers import Reads, SelectHeaders, SelectHeadersSettings

SENT = [("accept", "*/*"), ("anthropic-beta", "a"), ("anthropic-beta", "b"), ("anthropic-version", "1"), ("openai-beta", "c"),
        ("openai-organization", "o"), ("openai-project", "p"), ("idempotency-key", "i"), ("user-agent", "u")]  # fmt: skip
KEPT = [("authorization", "Bearer s"), ("x-api-key", "s"), ("cookie", "s"), ("proxy-authorization", "s"), ("host", "h"),
        ("x-vendor-mode", "v"), ("connection", "close")]  # fmt: skip


def selected(fields, **settings):
    (out,) = SelectHeaders(SelectHeadersSettings(**settings)).run(Reads(Headers(fields)))
    return list(out)


def test_what_is_listed_goes_on_in_the_callers_order():
    assert SENT == selected([*KEPT, *SENT])


def test_the_policy_may_let_more_through_in_any_case():
    assert [("x-vendor-mode", "v")] == selected(KEPT, also=("X-Vendor-Mode",))


@pytest.mark.parametrize("name", ["Authorization", "x-api-key", "cookie", "proxy-authorization", "host"])
def test_but_no_credential(name):
    with pytest.raises(ValidationError, match="never sent as the caller wrote it"):
        SelectHeadersSettings(also=(name,))


def test_what_connection_lists_ends_here():
    listed = [*SENT, ("connection", "close, OpenAI-Beta"), ("connection", "user-agent")]

    assert [field for field in SENT if field[0] not in ("openai-beta", "user-agent")] == selected(listed)
