import pytest

from outgate.net.patterns import covers


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("/v1/models", "/v1/models", True),
        ("/v1/models", "/v1/models/x", False),
        ("/v1/*", "/v1/models", True),
        ("/v1/*", "/v1/models/x", False),
        ("/v1/**", "/v1/models/x", True),
        ("/v1/a.c", "/v1/abc", False),
        ("gpt-*", "gpt-4o", True),
        ("gpt-*", "org/gpt-4o", False),
        ("**", "", True),
        ("gpt-*", "GPT-4o", False),
        ("/v1/*", "/v1/a\n", True),
        ("/v1/models", "/v1/models\n", False),
    ],
)
def test_covers(pattern, text, expected):
    assert expected is covers((pattern,), text)


def test_no_pattern_covers_nothing():
    assert not covers((), "x")


def test_long_texts_are_judged_alike():
    assert [True, False] == [covers((pattern,), "/v1/" + "x" * 500) for pattern in ("/v1/*", "/v2/*")]
