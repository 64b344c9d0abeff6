"""Several keys of one provider on the real line: the next one is used where one is limited or refused, without a restart."""

import openai
import pytest

from e2e.world import OPENAI_KEY, World, lines, openai_client
from support import behaviours as b
from support.openai_answers import chat_completion
from support.waiting import until

NEXT_KEY = "sk-canary-next-8831c0ffee5e11ab"
MESSAGES = [{"role": "user", "content": "hi"}]


@pytest.fixture(name="gateway")
def _gateway(providers, tmp_path):
    world = World(tmp_path, *providers)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "a").write_text(OPENAI_KEY)
    (tmp_path / "keys" / "b").write_text(NEXT_KEY)
    policy = world.policy()
    policy.write_text(policy.read_text().replace("{env: E2E_OPENAI_KEY}", f"{{directory: {tmp_path / 'keys'}}}"))
    with world.inside(policy) as gateway:
        yield gateway


@pytest.mark.parametrize("status", [401, 402, 429])
def test_the_next_key_answers_and_goes_on_answering(gateway, providers, status):
    providers[0].script(b.refuse(status))
    for _ in range(2):
        openai_client(gateway).chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)

    sent = [seen.header("authorization") for seen in providers[0].seen]
    assert [f"Bearer {key}" for key in (OPENAI_KEY, NEXT_KEY, NEXT_KEY)] == sent


def test_a_limit_of_every_key_reaches_the_caller(gateway, providers):
    providers[0].script(b.refuse(429, "7"), b.refuse(429, "9"))

    with pytest.raises(openai.RateLimitError) as raised:
        openai_client(gateway).chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)

    assert "9" == raised.value.response.headers["retry-after"]
    assert 2 == len(providers[0].seen)


def test_a_key_whose_quota_its_own_answer_spends_rests_before_it_is_limited(gateway, providers):
    fields = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}
    providers[0].script(b.answer_json(chat_completion(), headers=fields))
    for _ in range(3):
        openai_client(gateway).chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)

    sent = [seen.header("authorization") for seen in providers[0].seen]
    assert [f"Bearer {key}" for key in (OPENAI_KEY, NEXT_KEY, NEXT_KEY)] == sent
    assert until(lambda: len(lines(gateway.world)) == 3)
    passed = [line["outgate.attempts"][0].get("passed_over") for line in lines(gateway.world)]
    assert [None, *[[{"what": "key 1", "code": "key_rests"}]] * 2] == passed


def test_a_single_key_whose_quota_its_own_answer_spends_goes_on(providers, tmp_path):
    """There is no other key, and the provider is the one who says no."""
    world = World(tmp_path, *providers)
    fields = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}
    providers[0].script(*[b.answer_json(chat_completion(), headers=fields)] * 2)
    with world.inside(world.policy()) as gateway:
        for _ in range(2):
            openai_client(gateway).chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)
        assert until(lambda: len(lines(world)) == 2)

    assert [f"Bearer {OPENAI_KEY}"] * 2 == [seen.header("authorization") for seen in providers[0].seen]
    assert not [line for line in lines(world) if "passed_over" in line["outgate.attempts"][0]]
