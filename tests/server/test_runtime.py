import asyncio

from outgate.metering.metrics import render
from outgate.server.runtime import Runtime
from support.policies import BASE, write


def policy_lines(folder):
    lines = render(folder / "metrics").decode().splitlines()
    return [line for line in lines if line.startswith("outgate_policy_")]


def test_the_revision_in_force_and_what_became_of_reloads_stand_in_the_metrics(tmp_path):
    async def task():
        path, state = write(tmp_path), tmp_path / "state"
        runtime = await Runtime.single(path, state)
        first = runtime.revision
        assert [f'outgate_policy_info{{revision="{first}"}} 1.0', "outgate_policy_refused 0.0"] == policy_lines(state)
        write(tmp_path, BASE.replace("research", "other"))
        await runtime._reloader.reload()
        second = runtime.revision
        write(tmp_path, "routes: 1")
        await runtime._reloader.reload()
        lines = policy_lines(state)
        await runtime.stop()
        return first, second, lines

    first, second, lines = asyncio.run(task())

    gauges = [f'outgate_policy_info{{revision="{first}"}} 0.0', f'outgate_policy_info{{revision="{second}"}} 1.0']
    counts = [f'outgate_policy_reloads_total{{result="{result}"}} 1.0' for result in ("applied", "refused")]
    assert [*sorted(gauges), "outgate_policy_refused 1.0", *counts] == lines


def test_a_reload_warns_of_what_only_a_restart_changes_and_of_nothing_else(tmp_path, caplog):
    async def task():
        runtime = await Runtime.single(write(tmp_path), tmp_path / "state")
        write(tmp_path, BASE.replace("research", "other"))
        await runtime._reloader.reload()
        assert "at start only" not in caplog.text
        write(tmp_path, BASE + "gateway: {limits: {idle_seconds: 5}}\n")
        await runtime._reloader.reload()
        await runtime.stop()

    asyncio.run(task())

    assert ["changed, and read at start only: gateway.limits.idle_seconds; restart outgate for it to take effect"] == [
        message for message in caplog.messages if "at start only" in message
    ]


def test_the_watch_of_a_running_gateway_looks_at_the_files_that_its_policy_names(tmp_path):
    async def task():
        (tmp_path / "keys.json").write_text('{"keys": []}')
        jwt = "{jwt: [{issuer: i, audience: a, jwks: {file: keys.json}}]}"
        runtime = await Runtime.single(write(tmp_path, BASE.replace("{groups: [research]}", jwt)), tmp_path / "state")
        watched = set(runtime._reloader._stamps)
        await runtime.stop()
        return watched

    assert {tmp_path / "policy.yaml", tmp_path / "keys.json"} == asyncio.run(task())


def test_a_credential_that_is_missing_is_said_when_its_policy_takes_effect(tmp_path, caplog, monkeypatch):
    async def task():
        runtime = await Runtime.single(write(tmp_path), tmp_path / "state")
        await runtime.stop()

    def said():
        return [message for message in caplog.messages if "has no credential" in message]

    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    asyncio.run(task())
    assert [] == said()
    monkeypatch.delenv("OPENAI_API_KEY")
    asyncio.run(task())
    assert ["until there is one, its requests are refused"] == [message.rpartition("; ")[2] for message in said()]
