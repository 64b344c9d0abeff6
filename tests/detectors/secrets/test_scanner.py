"""Secrets are found by the offsets of the text as given, however written; what documents show in their place is not."""

import base64

import pytest

from detectors.secrets.written import CORPUS, published
from outgate.detectors.pii.slices import merge
from outgate.detectors.secrets.scanner import SecretScanner
from outgate.detectors.secrets.screen import candidates
from outgate.guards.secrets import load

TOKEN = "ghp_Zk3vQ9xT7mRw2LpN8cYs5HdB1fGjV6aU4eXo"
PEM = (
    "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIKx0q7Yp3nDf8sVbW2LtRm5HcZ9uJ4aGe6QyKo1iPvXNoAoGCCqGSM49\n"
    "AwEHoUQDQgAEr3T8wLmZ5kQvB7nYx2JpHd9sUc4fGa6eWi1oRtKyMzXqNbVhSjDl\n-----END EC PRIVATE KEY-----"
)


@pytest.fixture(name="scanner", scope="module")
def _scanner(tmp_path_factory) -> SecretScanner:
    return load(tmp_path_factory.mktemp("rules"))


def found(scanner: SecretScanner, text: str) -> list[tuple[str, str]]:
    """As the guard looks: the screen first, then the scanner over what it lets through."""
    places = candidates(text)
    return [(one.entity, text[one.start : one.end]) for one in merge(places, [scanner.detect(place.text) for place in places])]


@pytest.mark.parametrize(
    ("text", "rule", "value"),
    [
        (f"Use {TOKEN} for now", "api_key.github-pat", TOKEN),
        ("id AKIAQ3EGRZ7YVL2MJX5K", "api_key.aws-key-id", "AKIAQ3EGRZ7YVL2MJX5K"),
        ('password = "vK9#mQ2x!pLw"', "password.assigned", "vK9#mQ2x!pLw"),
        ("postgres://app:kV7uQz29xWm@db:5432/x", "password.url", "kV7uQz29xWm"),
        (f"key:\n{PEM}\nend", "private_key.pem", PEM),
        (PEM.replace("\n", "\\n"), "private_key.pem", PEM.replace("\n", "\\n")),
        ("my password is vK9mQ2xpLw, thanks", "password.spoken", "vK9mQ2xpLw"),
        (f"my password is {TOKEN}, thanks", "api_key.github-pat", TOKEN),
        (f"my token is {TOKEN[:32]}, thanks", "api_key.prefixed", TOKEN[:32]),
        ("the key is sk-proj-Zk3vQ9xT7mRw2LpN8cYs5HdB1fGj", "api_key.prefixed", "sk-proj-Zk3vQ9xT7mRw2LpN8cYs5HdB1fGj"),
    ],
)
def test_a_secret_is_found_where_it_stands(scanner, text, rule, value):
    assert [(rule, value)] == found(scanner, text)


def test_disguises_do_not_hide_it(scanner):
    wide = TOKEN.replace("g", "\uff47", 1)
    hidden = TOKEN[:9] + "\u200b" + TOKEN[9:]
    encoded = base64.b64encode(f"token: {TOKEN}".encode()).decode()

    assert [wide, hidden, encoded] == [found(scanner, f"\u00e9 {text} x")[0][1] for text in (wide, hidden, encoded)]


@pytest.mark.parametrize("text", published())
def test_what_documents_show_is_none(scanner, text):
    assert [] == found(scanner, text)


def test_recall_on_the_half_that_no_rule_was_written_from(scanner):
    held = [(text, value) for number, (_, text, value) in enumerate(CORPUS) if number % 2]
    missed = [value for text, value in held if not any(value in whole or whole in value for _, whole in found(scanner, text))]

    assert len(missed) <= len(held) * 0.05, len(missed)


def test_a_long_text_is_judged_like_a_short_one(scanner):
    text = "word and word " * 20_000
    at = 123_456
    (one,) = found(scanner, f"{text[:at]} {TOKEN} {text[at:]}")

    assert ("api_key.github-pat", TOKEN) == one
