"""Secrets never leave, wherever in a request they stand; what the policy says otherwise happens instead."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest

from detectors.fakes import RefusedTexts, prompt, texts_of
from outgate.detectors.pii.placeholders import NONE
from outgate.errors import Denial
from outgate.inference.operation import Kind, Operation
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Prompt
from outgate.inference.verdict import Action
from outgate.model_server.wire import ModelServerDownError
from outgate.stages.secret_guard import SecretGuard, SecretGuardSettings
from outgate.stores.memo import Memo
from support.placeholders import SECRET, numbered

TOKEN = "ghp_Zk3vQ9xT7mRw2LpN8cYs5HdB1fGjV6aU4eXo"
PASSWORD = "postgres://ann:kV7uQz29xWm@db.example.com"


class Facts(NamedTuple):
    """What the guard reads."""

    prompt: Prompt
    principal: Principal = Principal(name="w", tenant="default")
    operation: Any = Operation("openai", Kind.CHAT)


class Models:
    """A model server that knows one token and one password, and is down when it is told to be."""

    def __init__(self) -> None:
        self.asked, self.down, self.known = list[str](), False, KNOWN

    async def ask(self, model: str, items: Sequence[str], *, options: tuple[str, ...] = (), share: str = "") -> list[Any]:
        if self.down:
            raise ModelServerDownError
        assert "secrets" == model
        self.asked += items
        return [
            [[rule, at, at + len(value), score] for rule, value, score in self.known if (at := item.find(value)) >= 0]
            for item in items
        ]


KNOWN = (("api_key.github-pat", TOKEN, 1.0), ("password.url", "kV7uQz29xWm", 1.0))


class Guarding:
    def __init__(self, **settings: Any) -> None:
        self.models, self.memo = Models(), Memo(bytes(32))
        self.stage = SecretGuard(SecretGuardSettings(**settings), self.models, self.memo, SECRET, RefusedTexts())

    def __call__(self, given: Prompt) -> Any:
        return asyncio.run(self.stage.run(Facts(given)))


def test_secrets_become_placeholders_that_remember_them():
    verdict, redacted, secrets = Guarding()(prompt(f"why does {TOKEN} fail", f"{PASSWORD} and {TOKEN}"))

    assert ("why does <APIKEY_1> fail", "postgres://ann:<PASSWORD_1>@db.example.com and <APIKEY_1>") == numbered(
        *texts_of(redacted)
    )
    assert [TOKEN, "kV7uQz29xWm"] == [secrets.value(name) for name in secrets]
    assert (Action.REPLACED, {"api_key.github-pat", "password.url"}) == (verdict.action, {match.rule for match in verdict.matches})
    assert TOKEN not in repr((verdict, redacted, secrets))


@pytest.mark.parametrize("channel", Channel)
def test_every_channel_is_read(channel):
    _, redacted, _ = Guarding()(prompt(TOKEN, channel=channel))

    assert ("<APIKEY_1>",) == numbered(*texts_of(redacted))


@pytest.mark.parametrize("text", [f"{TOKEN}{'Q' * 40}", f"Eq{TOKEN}", "Qk" * 150 + TOKEN])
def test_what_only_a_provider_can_read_is_a_secret_as_a_whole_or_not_at_all(text):
    verdict, redacted, _ = Guarding()(prompt(text, channel=Channel.SEALED))

    assert (text,) == texts_of(redacted)
    assert ("sealed" in {extent.kind for extent in verdict.unjudged}) is (len(text) > 256)


@pytest.mark.parametrize("cut", range(1, len(TOKEN)))
def test_a_token_cut_over_parts_is_found(cut):
    given = prompt(f"x {TOKEN[:cut]}", f"{TOKEN[cut:]} y", turn=0)
    _, redacted, _ = Guarding()(given)

    assert not any(half in text for text in texts_of(redacted) for half in (TOKEN[:cut][-3:], TOKEN[cut:][:3]) if len(half) == 3)


@pytest.mark.parametrize("channel", [Channel.USER, Channel.TOOL_RESULT, Channel.TOOL_ARGUMENTS, Channel.PARAMETER])
@pytest.mark.parametrize("cut", [4, 20, 38])
def test_attack_a_token_cut_over_two_messages_or_members(channel, cut):
    turn = None if channel in (Channel.USER, Channel.TOOL_RESULT) else 0
    _, redacted, _ = Guarding()(prompt(TOKEN[:cut], TOKEN[cut:], channel=channel, turn=turn))

    assert not any(half in text for text in texts_of(redacted) for half in (TOKEN[:cut], TOKEN[cut:]))


def test_words_around_a_value_are_those_of_its_own_message():
    guarding = Guarding()
    guarding.models.known = (("password.spoken", TOKEN, 0.6),)

    assert guarding(prompt(TOKEN[:9], TOKEN[9:]))[0].action is Action.ALLOWED


def test_a_token_cut_over_eight_parts_is_found():
    pieces = [TOKEN[at : at + 5] for at in range(0, len(TOKEN), 5)]
    _, redacted, _ = Guarding()(prompt(*pieces, turn=0))

    assert not any(piece in text for piece, text in zip(pieces, texts_of(redacted), strict=True))


def test_ordinary_text_asks_nothing_and_is_the_same_object():
    guarding = Guarding()
    given = prompt("hello", "the token is refreshed")
    verdict, same, secrets = guarding(given)

    assert (True, NONE, [], Action.ALLOWED) == (same is given, secrets, guarding.models.asked, verdict.action)


def test_what_was_judged_is_not_asked_again():
    guarding = Guarding()
    guarding(prompt(TOKEN))
    guarding.models.down = True

    assert guarding(prompt(TOKEN, " more"))[0].action is Action.REPLACED


def test_a_kind_is_denied_and_the_rest_replaced():
    denied = Guarding(rules={"password": "deny"})(prompt(f"{TOKEN} {PASSWORD}"))
    assert isinstance(denied, Denial)
    verdict, left, secrets = denied.outputs

    assert (Action.DENIED, 1) == (verdict.action, len(secrets))
    assert TOKEN not in texts_of(left)[0]
    assert "kV7uQz29xWm" not in denied.message


def test_a_channel_is_flagged():
    verdict, left, secrets = Guarding(actions={"system": "flag"})(prompt(TOKEN, channel=Channel.SYSTEM))

    assert (Action.FLAGGED, TOKEN, NONE) == (verdict.action, *texts_of(left), secrets)


def test_a_channel_is_withheld():
    verdict, left, secrets = Guarding(action="withhold")(prompt("ask", TOKEN, channel=Channel.TOOL_RESULT))

    assert (Action.WITHHELD, NONE) == (verdict.action, secrets)
    assert not any(TOKEN in text for text in texts_of(left))


def test_a_model_server_that_is_down_is_an_error():
    guarding = Guarding()
    guarding.models.down = True

    with pytest.raises(ModelServerDownError):
        guarding(prompt(TOKEN))


def test_only_kinds_are_named_in_rules():
    with pytest.raises(ValueError, match="private_key"):
        SecretGuardSettings(rules={"privat_key": "deny"})
