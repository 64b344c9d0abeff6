"""A caller's own words in messages, lines and logs: names are shown, what may be a secret is not."""

import pytest

from outgate.inference.shown import HIDDEN, _is_plain, _shown_path, holds_token, quoted, shown, shown_method, shown_path

NAMES = (
    "gpt-4o-mini",
    "claude-haiku-4-5-20251001",
    "gpt-4.1-2025-04-14",
    "meta-llama/Llama-3.3-70B-Instruct-Turbo",
    "anthropic.claude-3-5-sonnet-20241022-v2:0",
    "gemini-2.5-pro@default",
)
SECRETS = ("sk-proj-0123456789abcdefABCDEF", "4111 1111 1111 1111", "4111-1111-1111-1111", "m@mail.test", "tell me\nall", "x" * 97)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_of_a_provider_is_shown(name):
    assert (name, repr(name)) == (shown(name), quoted(name))


@pytest.mark.parametrize("name", SECRETS)
def test_what_may_be_a_secret_is_hidden(name):
    assert (HIDDEN, "of that name") == (shown(name), quoted(name))
    assert name == shown(name, admitted=True)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/chat/completions",
        "/v1/messages/count_tokens",
        "/v1/models/gpt-4.1-2025-04-14",
        "/openai/deployments/gpt-4o-mini/chat/completions",
        "/v1beta/models/gemini-2.5-pro:streamGenerateContent",
        "/v1//models",
        "/.well-known/openid-configuration",
    ],
)
def test_a_path_of_an_api_is_shown(path):
    assert path == shown_path(f"{path}?key=secret")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/v1/canary-field-19d4", f"/v1/{HIDDEN}"),
        ("/v1/files/file-abc123/content", f"/v1/files/{HIDDEN}/content"),
        ("/v1/models/sk-0123456789abcdefABCDEF", f"/v1/models/{HIDDEN}"),
        ("/maria%40mail.test", f"/{HIDDEN}"),
        ("/" + "x" * 300, f"/{HIDDEN}"),
        ("/a\nb", f"/{HIDDEN}"),
        ("", None),
    ],
)
def test_a_segment_that_is_no_word_is_hidden(path, told):
    assert told == shown_path(path)


def test_a_path_is_bounded():
    assert 128 == len(shown_path("/a" * 300))


def test_a_method_is_letters():
    assert ("GET", HIDDEN, None) == (shown_method("GET"), shown_method("CANARY-1"), shown_method(""))


@pytest.mark.parametrize(
    "text", ["AKIAIOSFODNN7EXAMPLE", "cli/1.2 ghp_0123456789abcdefghijABCDEFGHIJ012345", "a=wJalrXUtnFEMI/K7MDENG/bPxRfiCYz8"]
)
def test_a_key_is_a_token(text):
    assert holds_token(text)


@pytest.mark.parametrize(
    "text", [*NAMES, "OpenAI/Python 1.99.1", "org-0123456789abcdefABCDEFgh", "fine-grained-tool-streaming-2025-05-14"]
)
def test_what_clients_write_is_none(text):
    assert not holds_token(text)


def test_what_was_shown_once_is_shown_alike_and_long_names_and_queries_are_not_remembered():
    _is_plain.cache_clear()
    _shown_path.cache_clear()
    names = ["gpt-4o", "4111111111111111", "x" * 5_000]
    first, again = [shown(name) for name in names], [shown(name) for name in names]
    paths = ["/v1/chat/completions?key=secret", "/v1/chat/completions?key=other", "/" + "a/" * 5_000]
    told = [shown_path(path) for path in paths]

    assert (["gpt-4o", HIDDEN, HIDDEN], first) == (first, again)
    assert ["/v1/chat/completions"] * 2 == told[:2]
    assert told == [shown_path(path) for path in paths]
    assert (2, 2) == (_is_plain.cache_info().currsize, _shown_path.cache_info().currsize)
