"""Ids of calls of other clients, as Anthropic and Bedrock take them."""

import re
from base64 import urlsafe_b64decode

import pytest

from outgate.dialects.anthropic.convert_turns import Ids


@pytest.mark.parametrize("told", ["functions.f:0", "a b", "é", "id64_YQ", "call|fc_1", "a" * 65, "x." * 40])
def test_ids_that_the_api_would_refuse_can_be_turned_back_or_are_hashed(told):
    written = Ids().call(told)

    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", written)
    coded = written.removeprefix("id64_")
    assert written.startswith("idh_") or told == urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode()
    assert written == Ids().call(told), "the same in every request"
    assert written != Ids().call(written), "no other id becomes this one"
