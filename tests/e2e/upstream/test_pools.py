"""Pools on the real line: a file of replicas that changes, a replica that dies, and what other workers know of it.

Witness: what each replica has seen.
"""

import socket
from textwrap import dedent

import orjson
import pytest

from e2e.world import OTHER_TOKEN, PASSING_ALL, World, http
from support import behaviours as b
from support.openai_answers import chat_events
from support.scripted_upstream import ScriptedUpstream
from support.waiting import until

MESSAGES = [{"role": "user", "content": "hi"}]
POOL = """
pool:
  host: pool.test
  allow_addresses: [127.0.0.0/8]
  tls: {{ca: {ca}}}
  credential: {{env: E2E_OPENAI_KEY}}
  replicas:
    file: {file}
    every: 0.1
    health: {{{health}}}
"""


def ask(client, **more):
    body = {"model": "gpt-4o-mini", "messages": MESSAGES, **more}
    return client.post("https://pool.test/v1/chat/completions", json=body)


def listed(file, *ports, draining=()):
    entries = [{"address": f"127.0.0.1:{port}", "draining": port in draining} for port in ports]
    fresh = file.with_suffix(".new")
    fresh.write_bytes(orjson.dumps({"endpoints": entries}))
    fresh.rename(file)


@pytest.fixture(name="engines", scope="module")
def _engines(providers):
    ca = providers[0].ca
    with ScriptedUpstream("pool.test", ca=ca) as one, ScriptedUpstream("pool.test", ca=ca) as two:
        yield one, two


@pytest.fixture(autouse=True)
def _restored(engines):
    before = [engine.otherwise for engine in engines]
    yield
    for engine, otherwise in zip(engines, before, strict=True):
        engine.otherwise = otherwise
        engine.seen.clear()


def gateway_of(providers, folder, health="slow_start: 0", workers=1, **stages):
    world = World(folder, *providers)
    more = POOL.format(ca=folder / "upstream-ca.pem", file=folder / "list.json", health=health)
    text = PASSING_ALL + "".join(f"{name}: {{{settings}}}\n" for name, settings in stages.items())
    return world.gateway(world.policy(text, providers=more), workers=workers)


def test_a_controller_adds_drains_and_tears_the_list_while_requests_go_on(providers, engines, tmp_path):
    one, two = engines
    file = tmp_path / "list.json"
    listed(file, one.port)
    with gateway_of(providers, tmp_path) as gateway, http(gateway) as client:
        assert [200] * 4 == [ask(client).status_code for _ in range(4)]
        assert (4, 0) == (len(one.seen), len(two.seen))
        listed(file, one.port, two.port)
        assert until(lambda: ask(client).status_code == 200 and two.seen)
        listed(file, one.port, two.port, draining=(one.port,))

        def drained():
            before = len(one.seen)
            return [200] * 6 == [ask(client).status_code for _ in range(6)] and len(one.seen) == before

        assert until(drained)
        file.write_bytes(b'{"endpoints": [')
        before = len(one.seen)
        assert [200] * 10 == [ask(client).status_code for _ in range(10)]
        assert before == len(one.seen)


def test_an_attack_by_the_list_on_the_metadata_address_is_not_dialled(providers, tmp_path):
    (tmp_path / "list.json").write_bytes(orjson.dumps({"endpoints": [{"address": "169.254.169.254:80"}]}))
    with gateway_of(providers, tmp_path) as gateway, http(gateway) as client:
        reply = ask(client)

    assert reply.status_code in (502, 503)
    assert "metadata" not in reply.text


def test_a_replica_that_fails_is_left_alone_by_every_worker(providers, engines, tmp_path):
    one, two = engines
    listed(tmp_path / "list.json", one.port, two.port)
    one.otherwise = b.refuse(500)
    with gateway_of(providers, tmp_path, "slow_start: 0, eject: 60, failures: 3", workers=2) as gateway:
        with http(gateway) as client:
            assert [200] * 10 == [ask(client).status_code for _ in range(10)]
        assert until(lambda: 'outgate_replica_ejections_total{backend="pool"' in gateway.get("/metrics")[1])

        def left_alone():
            before = len(one.seen)
            for _ in range(20):
                with http(gateway) as client:
                    assert 200 == ask(client).status_code
            return len(one.seen) == before

        assert until(left_alone)
        assert len(one.seen) <= 12


def test_every_replica_of_a_list_is_tried_where_the_others_are_dead(providers, engines, tmp_path):
    one, _ = engines
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        dead = first.getsockname()[1], second.getsockname()[1]
    listed(tmp_path / "list.json", *dead, one.port)
    with gateway_of(providers, tmp_path, "slow_start: 0, failures: 100, failure_share: 1") as gateway, http(gateway) as client:
        assert [200] * 6 == [ask(client).status_code for _ in range(6)]


def test_a_replica_whose_streams_break_off_is_left_alone(providers, engines, tmp_path):
    one, two = engines
    listed(tmp_path / "list.json", one.port, two.port)
    one.otherwise = b.truncated(chat_events(["Hel", "lo"])[:2])
    with gateway_of(providers, tmp_path, "slow_start: 0, eject: 60") as gateway, http(gateway) as client:
        told = [ask(client, stream=True).text for _ in range(40)]

    assert (5, 35) == (len(one.seen), len(two.seen))
    assert [False] * 5 == ["[DONE]" in text for text in told if "error" in text], "what was cut off says so"


CIRCUIT = "model_map: {models: {smart: [{provider: pool, model: gpt-4o-mini}, {provider: openai, model: gpt-4o-mini}]}}"


ERROR = b'data: {"error": {"message": "the engine died", "type": "server_error", "code": null}}\n\n'
FAULTS = {
    "500": b.refuse(500),
    "broken stream": b.truncated(chat_events(["Hel", "lo"])[:2]),
    "error in the stream": b.sse([*chat_events(["Hel", "lo"])[:2], ERROR]),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_the_circuit_of_a_provider_with_one_endpoint_is_open_at_every_worker(providers, engines, tmp_path, fault):
    """Less than a hundredth goes to a dead provider, and no request waits for it: the figure of the breaker."""
    dead, alive = engines[0], providers[0]
    dead.otherwise = fault
    world = World(tmp_path, *providers)
    more = f"""
        pool:
          host: pool.test
          endpoints: [{{address: "127.0.0.1:{dead.port}"}}]
          allow_addresses: [127.0.0.0/8]
          tls: {{ca: {tmp_path / "upstream-ca.pem"}}}
          credential: {{env: E2E_OPENAI_KEY}}
          replicas: {{health: {{eject: 60}}}}
    """
    text = PASSING_ALL.replace("model_map: {passthrough: true}", CIRCUIT)
    with world.gateway(world.policy(text, providers=dedent(more)), workers=2) as gateway:

        def smart(client):
            body = {"model": "smart", "messages": MESSAGES, "stream": True}
            return client.post("https://api.openai.com/v1/chat/completions", json=body)

        with http(gateway) as client:
            [smart(client) for _ in range(12)]
        assert until(lambda: 'outgate_replica_ejections_total{backend="pool"' in gateway.get("/metrics")[1])

        def left_alone():
            before = len(dead.seen)
            for _ in range(20):
                with http(gateway) as client:
                    smart(client)  # at a worker that does not know yet, a stream may break
            return len(dead.seen) == before

        assert until(left_alone)
        before = len(alive.seen)
        with http(gateway) as client:
            assert ["[DONE]" in smart(client).text for _ in range(100)] == [True] * 100

    assert (len(alive.seen) - before, len(dead.seen) <= 12) == (100, True)


def test_low_priority_leaves_a_full_pool_first_and_comes_back(providers, engines, tmp_path):
    """A pool in the cluster with a provider outside behind it; a model that stands nowhere else is refused."""
    one, elsewhere, queue = engines[0], providers[0], [0]
    listed(tmp_path / "list.json", one.port)

    async def told(call):
        text = f"vllm:num_requests_waiting {queue[0]}\n".encode()
        await (b.answer_bytes(text, "text/plain") if call.seen.target == "/metrics" else b.provider())(call)

    one.otherwise = told
    more = POOL.format(ca=tmp_path / "upstream-ca.pem", file=tmp_path / "list.json", health="slow_start: 0")
    more += "    metrics_path: /metrics\n    metrics_every: 0.1\n    shed: {waiting: 10}\n"
    world = World(tmp_path, *providers)
    alias = CIRCUIT.replace("}]}}", "}], only: [{provider: pool, model: gpt-4o-mini}]}}")
    policy = world.policy(PASSING_ALL.replace("model_map: {passthrough: true}", alias), providers=more)
    text = policy.read_text().replace("app: {tenant", "app: {priority: low, tenant").replace("providers: [openai]", "")
    policy.write_text(text)
    with world.gateway(policy) as gateway, http(gateway) as low, http(gateway, OTHER_TOKEN, "other") as normal:

        def goes(client):
            before = len(elsewhere.seen)
            assert 200 == ask(client, model="smart").status_code
            return "elsewhere" if len(elsewhere.seen) > before else "pool"

        assert ["pool", "pool"] == [goes(low), goes(normal)]
        queue[0] = 8
        assert until(lambda: goes(low) == "elsewhere")
        assert "pool" == goes(normal)
        refused = ask(low, model="only")
        assert (429, "1") == (refused.status_code, refused.headers["retry-after"])
        assert "pool_full" == refused.headers["x-outgate-reason"]
        queue[0] = 80
        assert until(lambda: goes(normal) == "elsewhere")
        queue[0] = 0
        assert until(lambda: goes(low) == "pool")
        told = gateway.get("/metrics")[1]

    assert 'outgate_shed_total{provider="pool",priority="low",to="refused"} 1' in told
    assert 'outgate_replica_load_age_seconds_count{backend="pool"' in told


def test_a_dead_replica_is_probed_and_never_asked(providers, engines, tmp_path):
    one, _ = engines
    with socket.create_server(("127.0.0.1", 0)) as server:
        dead = server.getsockname()[1]
    listed(tmp_path / "list.json", one.port, dead)
    with gateway_of(providers, tmp_path, "probe_path: /health, probe_every: 0.1") as gateway, http(gateway) as client:
        assert until(lambda: any(seen.target == "/health" for seen in one.seen))
        assert [200] * 10 == [ask(client).status_code for _ in range(10)]
        probes = [seen for seen in one.seen if seen.target == "/health"]

    assert all(seen.header("authorization") is None for seen in probes)
