import asyncio

from outgate.identity.access import Who
from outgate.inference.operation import Kind
from outgate.inference.principal import Principal
from outgate.pipeline.plan import Plan
from outgate.pipeline.stage import Stage
from outgate.policy.live import Asked, LiveRoute
from outgate.policy.load import load_policy
from outgate.policy.schema import MatchSection
from support.policies import write

ALPHA = Principal(name="alpha", groups=frozenset({"research"}))
TEXT = """\
providers:
  openai: {host: api.openai.com, aliases: [llm.local]}
  other: {host: other.test, stages: {model_map: false, authorize: {allow: []}}}
workloads: {alpha: {groups: [research]}}
stages: {authenticate: {}, authorize: {allow: [{}]}, model_map: {passthrough: true}}
routes:
  - name: narrow
    match: {paths: [/v1/chat/completions], models: [gpt-4*], groups: [research]}
  - name: wide
"""


def policy_of(tmp_path, text=TEXT):
    return load_policy(write(tmp_path, text.replace("model_map: false, ", "")))


def matched(policy, destination="openai", method="POST", path="/v1/chat/completions", model="gpt-4o", principal=ALPHA):
    route = policy.match(Asked(destination, method, path, Kind.CHAT, model, principal))
    return route.name if route is not None else None


def test_the_first_route_in_file_order_takes_the_request(tmp_path):
    policy = policy_of(tmp_path)

    assert "narrow" == matched(policy)
    assert ["narrow", "wide"] == [
        route.name for route in policy.candidates(Asked("openai", "POST", "/v1/chat/completions", Kind.CHAT, None, ALPHA))
    ], "the model is not known yet"
    assert "wide" == matched(policy, model="claude")
    assert "wide" == matched(policy, model="")
    assert "wide" == matched(policy, path="/v1/models")
    assert "wide" == matched(policy, principal=Principal(name="beta"))


def test_a37_nothing_else_is_taken(tmp_path):
    policy = policy_of(tmp_path)

    assert matched(policy, destination="unknown") is None
    assert matched(policy, destination=None) is None
    assert matched(policy, principal=None) is None
    assert policy.destination("example.com:443") is None


def test_destinations_by_name_and_alias(tmp_path):
    policy = policy_of(tmp_path)

    found = [policy.destination(name) for name in ("api.openai.com:443", "llm.local:80", "llm.local:443")]

    assert ["openai"] * 3 == [backend.name for backend in found]


def test_a_provider_with_stages_of_its_own_gets_a_plan_of_its_own(tmp_path):
    policy = policy_of(tmp_path)

    wide = {route.destinations for route in policy.routes if route.name == "wide"}
    assert {frozenset({"openai"}), frozenset({"other"})} == wide


def test_every_field_of_a_match_counts():
    match = MatchSection(methods=("POST",), kinds=(Kind.CHAT,), paths=("/a",), models=("m",))
    route = LiveRoute(name="r", plan=Plan(), destinations=frozenset({"d"}), matching=match, who=Who())
    good = Asked("d", "POST", "/a", Kind.CHAT, "m", ALPHA)

    assert route.takes(good)
    for change in (
        {"destination": "x"},
        {"method": "GET"},
        {"path": "/b"},
        {"kind": Kind.EMBEDDINGS},
        {"model": ""},
        {"principal": None},
    ):
        assert not route.takes(good._replace(**change)), change


class Recorded(Stage):
    name = "recorded"

    def __init__(self, events, label, *, fails=False):
        self.events, self.label, self.fails = events, label, fails

    async def start(self):
        if self.fails:
            raise OSError("no")
        self.events.append(f"start {self.label}")

    async def stop(self):
        self.events.append(f"stop {self.label}")
        if self.label == "b":
            raise OSError("stuck")


def test_stages_stop_when_the_last_exchange_of_a_retired_policy_has_ended(tmp_path):
    policy, told = policy_of(tmp_path), []
    policy.acquire()
    policy.acquire()
    policy.retire(told.append)
    policy.release()
    assert [] == told
    policy.release()
    assert [policy] == told


def test_a_retired_policy_without_exchanges_stops_at_once_and_only_once(tmp_path):
    policy, told = policy_of(tmp_path), []
    policy.retire(told.append)
    policy.acquire()
    policy.release()

    assert [policy] == told


def test_stages_are_stopped_in_reverse_whatever_one_of_them_raises(tmp_path):
    policy, events = policy_of(tmp_path), []
    policy.stages = tuple(Recorded(events, label) for label in "abc")
    asyncio.run(policy.stop())

    assert ["stop c", "stop b", "stop a"] == events


def test_where_one_stage_cannot_start_the_others_are_stopped(tmp_path):
    policy, events = policy_of(tmp_path), []
    policy.stages = (Recorded(events, "a"), Recorded(events, "x", fails=True), Recorded(events, "c"))
    try:
        asyncio.run(policy.start())
    except OSError:
        events.append("raised")

    assert ["start a", "stop a", "raised"] == events
