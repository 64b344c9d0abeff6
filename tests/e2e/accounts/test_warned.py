"""A budget that comes to its `warn_at`: one line in the log of all workers, a mark in `outgate status` until the window ends."""

from click.testing import CliRunner

from e2e.load import BODY, URL, ask, put
from e2e.world import STAGES, World, http
from outgate.cli.main import cli
from support.behaviours import provider

BUDGET = """
count_tokens: {}
token_budget: {limits: [{name: month, tokens: 10000, window: month, per: [workload], warn_at: [0.3, 0.6]}]}
"""


def warnings(gateway):
    return [line.partition("budget ")[2] for line in gateway.log if "budget month" in line]


def test_each_share_is_warned_of_once_whichever_worker_finds_it_and_status_marks_it(tmp_path, providers):
    world = World(tmp_path, *providers)
    world.openai.script(*[provider(tokens=(990, 10))] * 7)
    with world.gateway(world.policy(STAGES + BUDGET), workers=2) as gateway:
        for number, said in ((3, 1), (3, 2), (1, 2)):
            assert {200} == {ask(gateway) for _ in range(number)}
            assert gateway.wait(lambda said=said: len(warnings(gateway)) >= said, 10)
        told = CliRunner().invoke(cli, ["status", "--admin", f"127.0.0.1:{gateway.admin}"]).output

    assert ["month@month of workload=app is past 30%", "month@month of workload=app is past 60%"] == [
        line.partition(":")[0] for line in warnings(gateway)
    ]
    assert "past 60%" in told, told


def test_a_limit_of_the_policy_in_force_is_told_before_it_is_charged_again(tmp_path, providers):
    world = World(tmp_path, *providers)
    world.openai.script(provider(tokens=(990, 10)))
    with world.gateway(policy := world.policy(STAGES + BUDGET), workers=2) as gateway:

        def told(*command):
            given = ("--admin", f"127.0.0.1:{gateway.admin}") if command == ("status",) else ("--state", str(tmp_path / "state"))
            lines = CliRunner(env={"COLUMNS": "200"}).invoke(cli, [*command, *given]).output.splitlines()
            return next((line.split() for line in lines if "month@month" in line), [])

        with http(gateway) as client:
            request = client.post(URL, json=BODY).headers["x-outgate-request-id"]
        assert gateway.wait(lambda: told("status")[2:3] == ["1,000"], 10)
        put(policy, policy.read_text().replace("tokens: 10000", "tokens: 50000"))
        assert gateway.wait(lambda: told("status")[2:6] == ["1,000", "0", "49,000", "2"], 20), told("status")
        assert ["49,000", "of", "50,000", "tokens", "left"] == told("why", request)[-5:]
        put(policy, policy.read_text().replace("name: month", "name: other"))
        assert gateway.wait(lambda: not told("status"), 20), told("status")
        assert [] == told("why", request)
