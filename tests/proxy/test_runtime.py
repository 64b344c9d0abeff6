import asyncio

from outgate.metering.metrics import render
from outgate.proxy.runtime import Runtime
from support.policies import BASE, write


def policy_lines(folder):
    lines = render(folder / "metrics").decode().splitlines()
    return [line for line in lines if line.startswith("outgate_policy_")]


def test_the_revision_in_force_and_what_became_of_reloads_stand_in_the_metrics(tmp_path):
    async def task():
        path, state = write(tmp_path), tmp_path / "state"
        runtime = await Runtime.single(path, state)
        first = runtime.revision
        assert [f'outgate_policy_info{{revision="{first}"}} 1.0'] == policy_lines(state)
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
    assert sorted(gauges) + counts == lines
