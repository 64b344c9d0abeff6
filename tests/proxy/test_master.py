"""Hooks that may wait are never run at once, and one that raises ends the hook."""

import asyncio

import pytest
from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.proxy.server_hooks import ClientConnectedHook
from mitmproxy.test.tflow import tclient_conn

from outgate.proxy.master import FastAddonManager


class Notes:
    def __init__(self, name, told):
        self.name, self.told = name, told

    def client_connected(self, client):
        self.told.append(self.name)


class Waits(Notes):
    async def client_connected(self, client):
        await asyncio.sleep(0)
        self.told.append(self.name)


class Fails(Notes):
    def client_connected(self, client):
        raise ValueError("broken")


def asked(kinds, how):
    """Who was told, in order, and what the manager said."""
    told = []

    async def run():
        master = Master(Options(), event_loop=asyncio.get_running_loop(), with_termlog=False)
        manager = FastAddonManager(master)
        for number, kind in enumerate(kinds):
            manager.add(kind(str(number), told))
        hook = ClientConnectedHook(tclient_conn())
        said = how(manager, hook)
        return await said if asyncio.iscoroutine(said) else said

    return asyncio.run(run()), told


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ((Notes, Notes), (True, ["0", "1"])),
        ((), (True, [])),
        ((Notes, Waits), (False, [])),
        ((Notes, Fails, Notes), (True, ["0"])),
    ],
    ids=["plain", "nobody", "one waits", "one fails"],
)
def test_at_once(kinds, expected):
    assert expected == asked(kinds, lambda manager, hook: manager.trigger_at_once(hook))


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [((Notes, Waits), ["0", "1"]), ((Waits, Fails, Notes), ["0"])],
    ids=["one waits", "one fails"],
)
def test_in_time(kinds, expected):
    assert (None, expected) == asked(kinds, lambda manager, hook: manager.trigger_event(hook))
