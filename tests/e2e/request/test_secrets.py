"""Secrets through the gateway: none leaves, in a streamed and a whole exchange, and the caller gets its own back."""

import json

import pytest

from e2e.world import STAGES, World, openai_client
from outgate.stores.state_secret import StateSecret
from support import behaviours as b
from support.placeholders import numbered, placeholder

GUARDED = STAGES + "secret_guard: {}\nredact: {entities: [EMAIL_ADDRESS]}\nadmit_parts: {}\n"
TOKEN = "ghp_Zk3vQ9xT7mRw2LpN8cYs5HdB1fGjV6aU4eXo"
MAIL = "ann@example.com"


@pytest.fixture(name="guarded", scope="module")
def _guarded(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("secrets"), *providers)
    with world.gateway(world.policy(GUARDED)) as gateway:
        yield world, gateway


@pytest.mark.parametrize("stream", [False, True])
def test_a_token_never_leaves_and_comes_back(guarded, providers, stream):
    world, gateway = guarded
    secret = StateSecret.in_folder(world.folder / "state")
    name = placeholder(TOKEN, "api_key", workload="app", tenant="t1", secret=secret)
    providers[0].script(b.provider(f"Revoke {name}."), b.provider())

    said = [
        {"role": "user", "content": [{"type": "text", "text": f"ask {MAIL}: {TOKEN[:20]}"}, {"type": "text", "text": TOKEN[20:]}]}
    ]
    whole = [{"role": "user", "content": f"ask {MAIL}: {TOKEN}"}]
    reply = openai_client(gateway).chat.completions.create(model="gpt-4o", messages=whole, stream=stream)
    text = (
        "".join(chunk.choices[0].delta.content or "" for chunk in reply if chunk.choices)
        if stream
        else (reply.choices[0].message.content)
    )
    left = json.loads(*numbered(providers[0].seen[-1].body.decode()))

    assert "ask <EMAIL_1>: <APIKEY_1>" == left["messages"][0]["content"]
    assert f"Revoke {TOKEN}" in text

    openai_client(gateway).chat.completions.create(model="gpt-4o", messages=said)
    assert TOKEN[20:] not in providers[0].seen[-1].body.decode()
