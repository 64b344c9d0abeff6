import asyncio

import pytest

from outgate.errors import PolicyError
from outgate.policy.load import load_policy
from outgate.policy.reload import Reloader
from support.policies import BASE, write

OTHER = BASE.replace("research", "other")


def live(task):
    return asyncio.run(task())


def test_the_first_policy_takes_effect_or_its_problems_are_raised(tmp_path):
    async def good():
        reloader = Reloader(write(tmp_path), load_policy)
        return await reloader.start() is reloader.current

    async def bad():
        await Reloader(write(tmp_path, "routes: 1"), load_policy).start()

    assert live(good)
    with pytest.raises(PolicyError):
        live(bad)


def test_a_changed_file_takes_effect_whole_and_the_old_one_ends_with_its_exchanges(tmp_path):
    async def task():
        swapped, stopped = [], []

        class Telling:
            name = "telling"

            async def stop(self):
                stopped.append(True)

        reloader = Reloader(write(tmp_path), load_policy, swapped=swapped.append)
        old = await reloader.start()
        old.stages = (Telling(),)
        old.acquire()
        write(tmp_path, OTHER)
        assert () == await reloader.reload()
        assert [old, reloader.current] == swapped
        assert reloader.current is not old
        await asyncio.sleep(0)
        assert [] == stopped
        old.release()
        await reloader.stop()
        assert [True] == stopped

    live(task)


def test_an_invalid_policy_never_takes_effect_and_lists_all_its_problems(tmp_path):
    async def task():
        reloader = Reloader(write(tmp_path), load_policy)
        old = await reloader.start()
        write(tmp_path, BASE + "  - name: bad\n    match: {destinations: [nobody], workloads: [nobody]}\n")
        problems = await reloader.reload()
        assert ["E_UNKNOWN_PROVIDER", "E_UNKNOWN_WORKLOAD"] == [problem.code for problem in problems if problem.is_error]
        assert problems == reloader.problems
        assert reloader.current is old
        write(tmp_path, OTHER)
        assert () == await reloader.reload()
        assert () == reloader.problems
        assert reloader.current is not old

    live(task)


def test_the_same_content_changes_nothing(tmp_path):
    async def task():
        reloader = Reloader(write(tmp_path), load_policy)
        old = await reloader.start()
        write(tmp_path, "# comment\n" + BASE)
        await reloader.reload()
        assert reloader.current is old

    live(task)


def test_a_pinned_process_takes_no_other_revision(tmp_path):
    pin = load_policy(write(tmp_path)).revision

    async def task():
        reloader = Reloader(write(tmp_path), load_policy, pin=pin)
        old = await reloader.start()
        write(tmp_path, OTHER)
        assert ["E_REVISION_PIN"] == [problem.code for problem in await reloader.reload()]
        assert reloader.current is old

    live(task)


def test_whatever_loading_raises_leaves_the_policy_in_force(tmp_path):
    def load(path):
        if "other" in path.read_text():
            raise RuntimeError("a broken stage")
        return load_policy(path)

    async def task():
        reloader = Reloader(write(tmp_path), load)
        old = await reloader.start()
        write(tmp_path, OTHER)
        assert ["E_LOAD"] == [problem.code for problem in await reloader.reload()]
        assert reloader.current is old

    live(task)


def test_a_policy_whose_stages_cannot_start_never_takes_effect(tmp_path):
    class Stuck:
        name = "stuck"

        async def start(self):
            raise OSError("no room")

    def load(path):
        policy = load_policy(path)
        if "other" in path.read_text():
            policy.stages = (Stuck(),)
        return policy

    async def task():
        reloader = Reloader(write(tmp_path), load)
        old = await reloader.start()
        write(tmp_path, OTHER)
        assert ["E_STAGE_START"] == [problem.code for problem in await reloader.reload()]
        assert reloader.current is old

    live(task)


def test_the_watch_reloads_when_the_file_has_changed_and_only_then(tmp_path):
    async def task():
        loads = []
        path = write(tmp_path)

        def load(path):
            loads.append(path)
            return load_policy(path)

        reloader = Reloader(path, load)
        await reloader.start()
        seen = []

        async def pause():
            """One turn of the watch per step; what stands then is written down first."""
            seen.append((len(loads), reloader.current, [problem.code for problem in reloader.problems]))
            if len(seen) == 2:
                write(tmp_path, OTHER)
            elif len(seen) == 4:
                path.unlink()
            elif len(seen) == 6:
                raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await reloader.watch(pause)

        assert [1, 1, 2, 2, 3, 3] == [count for count, _, _ in seen]
        assert seen[0][1] is seen[1][1]
        assert seen[2][1] is not seen[1][1]
        assert seen[4][2] == ["E_UNREADABLE"]
        assert seen[5][1] is seen[2][1]

    live(task)


def test_a_reload_says_which_revision_takes_effect_and_a_refused_one_is_told(tmp_path, caplog):
    async def task():
        refused = []
        reloader = Reloader(write(tmp_path), load_policy, refused=refused.append)
        await reloader.start()
        assert [] == caplog.messages
        write(tmp_path, OTHER)
        await reloader.reload()
        told = f"policy {reloader.current.revision} takes effect: workloads.alpha changed"
        assert [told] == caplog.messages
        assert ["INFO"] == [each.levelname for each in caplog.records]
        assert [] == refused
        write(tmp_path, "routes: 1")
        await reloader.reload()
        assert [True] == refused

    with caplog.at_level("INFO"):
        live(task)


def test_a_policy_that_is_mended_to_what_is_in_force_is_said_to_be_good_again(tmp_path, caplog):
    async def task():
        reloader = Reloader(write(tmp_path), load_policy)
        await reloader.start()
        write(tmp_path, "routes: 1")
        await reloader.reload()
        caplog.clear()
        write(tmp_path)
        await reloader.reload()
        await reloader.reload()

    with caplog.at_level("INFO"):
        live(task)

    file = tmp_path / "policy.yaml"
    again = [f"the policy {file} is good again, and the one in force", f"the policy {file} says nothing new, and stays in force"]
    assert again == caplog.messages


def test_a_first_policy_that_is_refused_leaves_none_in_force_to_speak_of(tmp_path, caplog):
    with pytest.raises(PolicyError):
        live(Reloader(write(tmp_path, "routes: 1"), load_policy).start)

    assert "is refused" in caplog.text
    assert "in force" not in caplog.text
