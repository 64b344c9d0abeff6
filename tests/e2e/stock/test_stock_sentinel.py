"""F1 for the script itself: broken, removed or reloaded under load, it never forwards; what mitmproxy could replay it refuses."""

import pytest

from e2e.load import BODY, Load, ask, put
from e2e.world import ANTHROPIC_KEY, OPENAI_KEY, World, openai_client
from support.behaviours import sse
from support.openai_answers import chat_events
from support.stock import StockGateway

ENV = {"E2E_OPENAI_KEY": OPENAI_KEY, "E2E_ANTHROPIC_KEY": ANTHROPIC_KEY}
BROKEN = {
    "syntax": lambda good: good + "\ndef broken(:\n",
    "import": lambda good: "import a_module_that_is_nowhere\n" + good,
    "raises": lambda good: good + "\nraise RuntimeError\n",
    "empty": lambda good: "addons = []\n",
}


@pytest.fixture(name="stock")
def _stock(providers, tmp_path):
    world = World(tmp_path, *providers)
    with StockGateway(world.policy(), tmp_path / "state", env=ENV) as gateway:
        yield gateway


def kept_out(gateway, providers, load):
    """From some moment on there is nothing but 503, and nothing arrives at a provider."""
    assert gateway.wait(lambda: len(load.results) > 4 and set(load.results[-4:]) == {503}, 15), (
        load.results[-10:],
        gateway.log[-30:],
    )
    seen, done = len(providers[0].seen), len(load.results)
    assert gateway.wait(load.reached(6))
    assert set(load.results[done:]) == {503}
    assert len(providers[0].seen) == seen


def test_a_broken_script_lets_nothing_through_and_a_mended_one_serves_again(stock, providers):
    good = stock.script.read_text()
    for name, broken in BROKEN.items():
        with Load(stock, 2, keep=name == "syntax") as load:
            assert stock.wait(load.reached(3))
            put(stock.script, broken(good))
            kept_out(stock, providers, load)
        assert set(load.results) <= {200, 503}, name

        put(stock.script, good)
        assert stock.wait(lambda: ask(stock) == 200, 20), (name, stock.log[-20:])


def test_a_stream_that_runs_when_the_script_goes_is_brought_to_its_end(stock, providers):
    words = [f"word{i} " for i in range(25)]
    providers[0].script(sse(chat_events(words, "gpt-4o-mini", None), 0.1))
    parts = iter(openai_client(stock).chat.completions.create(**BODY, stream=True))
    text = next(parts).choices[0].delta.content or ""
    put(stock.script, "addons = []\n")
    text += "".join(part.choices[0].delta.content or "" for part in parts if part.choices)

    assert text == "".join(words)
    assert stock.says("Loading script")
    assert stock.wait(lambda: ask(stock) == 503)


def test_a_broken_policy_leaves_the_one_in_force_and_a_removed_script_lets_nothing_through(stock, providers, tmp_path):
    policy = tmp_path / "policy.yaml"
    with Load(stock, 2) as load:
        assert stock.wait(load.reached(3))
        put(policy, "version: 1\nproviders: [\n")
        assert stock.wait(lambda: stock.says("is refused, the one in force stays"))
        assert stock.wait(load.reached(4))
        assert set(load.results) == {200}

        stock.script.unlink()
        kept_out(stock, providers, load)
    assert set(load.results) <= {200, 503}
