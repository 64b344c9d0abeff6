"""A line for each pool of a policy."""

from pathlib import Path

from outgate.cli.pool_lines import pool_lines
from outgate.policy.load import load_policy
from support.policies import write

EXAMPLES = Path("policies/examples")


def test_a_pool_that_a_controller_lists():
    [line] = pool_lines(load_policy(EXAMPLES / "pools.yaml"))

    told = "1 fixed, name llm-headless.models.svc.cluster.local:8000, file /run/outgate/llm.json; picked by prefix_cache; health: "
    assert line.startswith(f"local: replicas: {told}")
    assert "out after 3 failures for 10 s, probed at /health every 5 s, load from /metrics" in line


def test_fixed_endpoints_and_what_takes_over():
    [line] = pool_lines(load_policy(EXAMPLES / "fallback.yaml"))

    assert line.startswith("cluster: replicas: 2 fixed; picked by rotate; health: out after 5 failures for 10 s, not probed")
    assert line.endswith("falls back to openai")


def test_a_provider_with_one_address_is_no_pool(tmp_path):
    assert [] == pool_lines(load_policy(write(tmp_path)))
