import pytest

from outgate.net.headers import Headers
from outgate.upstreams.quotas import spent_for

NOW = 1_767_225_600.0


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ([("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "1s")], 1.0),
        ([("X-RateLimit-Remaining-Tokens", "0"), ("X-RateLimit-Reset-Tokens", "6m0.5s")], 360.5),
        ([("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "20ms")], 0.02),
        ([("anthropic-ratelimit-tokens-remaining", "0"), ("anthropic-ratelimit-tokens-reset", "2026-01-01T00:00:30Z")], 30.0),
        ([("anthropic-ratelimit-requests-remaining", "0"), ("anthropic-ratelimit-requests-reset", "2025-12-31T23:59:00Z")], 0.0),
        ([("ratelimit-remaining", "0"), ("ratelimit-reset", "12")], 12.0),
        (
            [
                ("x-ratelimit-remaining-requests", "0"),
                ("x-ratelimit-reset-requests", "1s"),
                ("x-ratelimit-remaining-tokens", "0"),
                ("x-ratelimit-reset-tokens", "2m"),
            ],
            120.0,
        ),
        ([("x-ratelimit-remaining-requests", "0")], 0.0),
        ([("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "soon")], 0.0),
    ],
)
def test_a_quota_that_is_spent_says_for_how_long(fields: list[tuple[str, str]], seconds: float) -> None:
    assert spent_for(Headers(fields), NOW) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [("x-ratelimit-remaining-requests", "1"), ("x-ratelimit-reset-requests", "1s")],
        [("x-ratelimit-remaining-requests", "-"), ("x-ratelimit-limit-requests", "0")],
        [("x-my-remaining", "0")],
        [("anthropic-ratelimit-tokens-remaining", "1000")],
    ],
)
def test_what_is_left_rests_no_key(fields: list[tuple[str, str]]) -> None:
    assert spent_for(Headers(fields), NOW) is None
