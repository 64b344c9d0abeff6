"""A token is found in every disguise, by the screen and by the scanner, and all of it is covered."""

import pytest

from detectors.secrets.disguises import DISGUISES
from detectors.secrets.test_scanner import TOKEN
from outgate.detectors.pii.slices import merge
from outgate.detectors.secrets.scanner import SecretScanner
from outgate.detectors.secrets.screen import candidates
from outgate.guards.secrets import load

TOKENS = {"github": TOKEN, "aws": "AKIAQ3EGRZ7YVL2MJX5K", "stripe": "sk_live_" + "Zk3vQ9xT7mRw2LpN8cYs5HdB"}


@pytest.fixture(name="scanner", scope="module")
def _scanner(tmp_path_factory) -> SecretScanner:
    return load(tmp_path_factory.mktemp("rules"))


def left(scanner: SecretScanner, text: str) -> str:
    """What stays of a text where findings are taken out."""
    places = candidates(text)
    for one in reversed(merge(places, [scanner.detect(place.text) for place in places])):
        text = text[: one.start] + "#" + text[one.end :]
    return text


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
def test_attack_a_token_in_disguise(scanner, disguise, token):
    text = disguise(token)
    rest = left(scanner, f"See this:\n\n{text}\n\nand say hello.")

    assert "#" in rest
    assert not any(piece in rest for piece in (token[:8], token[-8:], text[-14:-3]))
