"""An exchange leaves nothing behind that only the garbage collector could find: memory stays flat, and so does its work."""

import gc

import pytest

from e2e.world import http
from outgate.exchange.exchange import Exchange
from outgate.pipeline.executor import Execution
from outgate.proxy.layers import ExchangeStream
from support.waiting import until

BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture(name="_uncollected")
def _uncollected():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def left():
    """Exchanges, executions and streams that are alive, but for the stream of the tunnel itself."""
    alive = [each for each in gc.get_objects() if isinstance(each, Exchange | Execution | ExchangeStream)]
    return sum(not isinstance(each, ExchangeStream) or each.exchange is not None for each in alive)


@pytest.mark.exhaustive
@pytest.mark.usefixtures("_uncollected")
@pytest.mark.parametrize("streamed", [False, True])
def test_what_an_exchange_was_made_of_is_gone_when_it_has_ended(world, streamed):
    with world.inside(world.policy()) as gateway, http(gateway) as client:
        before = gateway.call(left)
        for _ in range(5):
            reply = client.post("https://api.openai.com/v1/chat/completions", json={**BODY, "stream": streamed})
            assert reply.status_code == 200

        assert until(lambda: gateway.call(left) <= before)
