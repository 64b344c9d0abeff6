from types import SimpleNamespace
from typing import Any

import pytest

from outgate.errors import Denial
from outgate.inference.attempt import AttemptRecord
from outgate.inference.params import Params, Tools
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Leaf, Prompt
from outgate.metering.prices import Prices
from outgate.net.headers import Headers
from outgate.routing.latency import Latencies
from outgate.stages.model_map import ModelMap, ModelMapSettings
from outgate.stores.memo import Memo
from outgate.stores.state_secret import StateSecret
from outgate.upstreams.catalog import Backend, Catalog, Endpoint
from outgate.upstreams.congestion import Congestion
from support.mapped import Mapped
from support.replicas import replicas


def backend(name):
    return Backend(
        name=name, provider=name, dialect="openai", host=f"{name}.test", endpoints=(Endpoint(name="e", host="h", port=443),)
    )


CATALOG = Catalog([backend("one"), backend("two")])
MODELS = {"fast": [{"provider": "one", "model": "small"}, {"provider": "two", "model": "tiny"}]}


def mapped(allowed=(), latencies: Latencies | None = None, of=None, crowded=None, catalog=CATALOG, **settings: Any) -> ModelMap:
    written = ModelMapSettings.model_validate(settings)
    known, memo = latencies or Latencies(lambda: 0.0), Memo(bytes(32))
    port, prices, secret = of or in_health(), Prices(lambda: 1.8e9), StateSecret(bytes(32))
    congestion = crowded or Congestion(port, SimpleNamespace(in_flight=lambda *_: 0))
    return Mapped(written, catalog, prices, known, secret, memo, congestion, allowed)


def in_health(*out: str):
    made = replicas()
    made.health.keep(CATALOG.backends)
    for each in CATALOG.backends:
        made.health.probed(each, each.endpoints[0], up=each.name not in out)
    return made


def asks(requested, *, failed=None, routed=None, **more: Any) -> SimpleNamespace:
    return SimpleNamespace(
        model_requested=requested,
        model_routed=routed,
        destination="two.test:443",
        provider_state=failed,
        **({"model_state": None} | more),
    )


def run(requested, *, failed=None, allowed=(), routed=None, **settings):
    return mapped(allowed, **settings).run(asks(requested, failed=failed, routed=routed))


def test_an_alias_goes_to_its_first_target():
    assert ("small", "one") == run("fast", models=MODELS)


def test_a_failed_provider_is_passed_over():
    assert ("tiny", "two") == run("fast", models=MODELS, failed=frozenset({"one"}))


def test_a_provider_whose_circuit_is_open_is_passed_over_while_another_isin_health():
    def target(*out, failed=None):
        return mapped(of=in_health(*out), models=MODELS).run(asks("fast", failed=failed))

    assert ("tiny", "two") == target("one")
    assert ("small", "one") == target("two")
    assert ("small", "one") == target("one", "two"), "one of them has to try"
    assert ("small", "one") == target("one", failed=frozenset({"two"})), "the other has failed for this request"


def test_when_all_have_failed_it_says_so():
    denial = run("fast", models=MODELS, failed=frozenset({"one", "two"}))

    assert isinstance(denial, Denial)
    assert ("no_provider", 503) == (denial.code, denial.status)


def test_an_unknown_name_is_never_replaced_silently():
    denial = run("other", models=MODELS)

    assert isinstance(denial, Denial)
    assert ("model_not_found", 404) == (denial.code, denial.status)
    assert "'other'" in denial.message
    assert "fast" in denial.message


def test_names_pass_through_to_the_addressed_provider_where_policy_says_so():
    assert ("other", "two") == run("other", models=MODELS, passthrough=True)


@pytest.mark.parametrize(
    "name",
    [
        "gpt-4o-2024-08-06",
        "gpt-4.1-2025-04-14",
        "gpt-5-2025-08-07",
        "o3-2025-04-16",
        "meta/llama-3.1-8b",
        "ft:gpt-4o-mini-2024-07-18:org:one:id",
        "claude-sonnet-4@20250514",
        "claude-haiku-4-5-20251001",
        "claude-opus-4-1-20250805",
        "claude-sonnet-4-5-20250929[1m]",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "@cf/meta/llama-4-scout-17b-16e-instruct",
        "gemini-2.5-flash-preview-09-2025",
    ],
)
def test_names_that_models_have_pass_through(name):
    assert (name, "two") == run(name, passthrough=True)


@pytest.mark.parametrize(
    "name",
    [
        "gpt-ann@mail.test",
        "gpt-4111111111111111",
        "gpt-4111-1111-1111-1111",
        "gpt-123-45-6789",
        "gpt-DE89370400440532013000",
        "gpt-4o/AKIAIOSFODNN7EXAMPLE",
        "tell me",
    ],
)
def test_personal_data_in_place_of_a_models_name_never_passes_through(name):
    denial = run(name, passthrough=True)

    assert isinstance(denial, Denial)
    assert ("model_name_refused", 400) == (denial.code, denial.status)
    assert name not in denial.message, "it may be data"


@pytest.mark.parametrize(
    ("name", "allowed"),
    [("acme-1234567890", ("acme-*",)), ("acme-1234567890", ("acme-1234567890",)), ("our model (v2)", ("our model (v2)",))],
)
def test_a_name_that_a_permission_covers_needs_no_other_proof(name, allowed):
    assert (name, "two") == run(name, passthrough=True, allowed=allowed)


def test_a_pattern_lets_no_sentence_pass():
    denial = run("gpt-tell jane.roe@example.com", passthrough=True, allowed=("gpt-*",))

    assert isinstance(denial, Denial)
    assert "model_name_refused" == denial.code


def test_a_request_without_a_model_goes_where_it_was_addressed():
    assert ("", "two") == run("", models=MODELS)


def test_a_default_is_warned_of():
    stage = mapped(default={"provider": "one", "model": "small"})

    assert ("small", "one") == stage.run(asks("other"))
    assert ["W_DEFAULT_MODEL"] == [warning.code for warning in stage.warnings]
    assert () == mapped().warnings


@pytest.mark.parametrize("models", [{"a": []}, {"a": {"targets": []}}])
def test_an_alias_must_have_a_target(models):
    with pytest.raises(ValueError, match=r"no target"):
        mapped(models=models)


def test_a_routed_name_goes_before_the_one_that_was_asked_for():
    assert ("small", "one") == run("auto", routed="fast", models=MODELS)


def test_what_a_caller_put_into_a_pattern_must_look_like_a_name():
    models = {"gpt-*": [{"provider": "one", "model": "gpt-{1}"}]}

    assert ("gpt-4o", "one") == run("gpt-4o", models=models)
    assert "model_name_refused" == run("gpt-tell jane.roe@example.com", models=models).code
    assert "model_name_refused" == run("gpt-4111111111111111", models=models).code


def test_a_plan_without_conditions_reads_the_name_alone():
    plain, weighted = mapped(models=MODELS), mapped(models={"a": [{"provider": "one", "model": "m", "weight": 1}]})

    assert ("model.requested", "model.routed", "destination") == plain.contract.reads
    assert {"principal", "prompt", "tools"} <= set(weighted.contract.reads)


def conversation(*texts, tools=(), name="agent", stream=False, exchange="req_1") -> dict[str, Any]:
    leaves = tuple(Leaf(0, 0, text, channel, turn) for turn, (channel, text) in enumerate(texts))
    return {
        "principal": Principal(name=name),
        "prompt": Prompt(None, leaves),
        "tools": Tools(names=tools),
        "params": Params(stream=stream),
        "headers": Headers(),
        "exchange_id": exchange,
    }


USER, TOOL = Channel.USER, Channel.TOOL_RESULT
CANARY = [{"provider": "one", "model": "old", "weight": 50}, {"provider": "two", "model": "new", "weight": 50}]


@pytest.mark.parametrize("sticky", ["workload", "conversation", "request"])
def test_no_tool_loop_changes_sides_of_a_canary(sticky):
    stage = mapped(models={"m": {"targets": CANARY, "sticky": sticky}})
    for number in range(20):
        question = ((USER, f"question {number}"),)
        steps = [question, (*question, (TOOL, "one")), (*question, (TOOL, "one"), (TOOL, "two"))]
        runs = [stage.run(asks("m", **conversation(*each, tools=("t",), exchange=f"req_{i}"))) for i, each in enumerate(steps)]
        assert 1 == len(set(runs))


def test_a_workload_keeps_its_side_and_workloads_are_divided():
    stage = mapped(models={"m": {"targets": CANARY, "sticky": "workload"}})
    sides = [{stage.run(asks("m", **conversation((USER, text), name=f"w{n}"))) for text in "abc"} for n in range(40)]

    assert all(len(side) == 1 for side in sides)
    assert 2 == len(set().union(*sides))


def test_requests_are_divided_one_by_one():
    stage = mapped(models={"m": {"targets": CANARY, "sticky": "request"}})
    models = [stage.run(asks("m", **conversation((USER, "hi"), exchange=f"req_{number}")))[0] for number in range(200)]

    assert 60 < models.count("new") < 140


def test_where_the_drawn_target_has_failed_the_others_are_taken():
    stage = mapped(models={"m": [*CANARY, {"provider": "three", "model": "last"}]})
    left = {"one": ("new", "two"), "two": ("old", "one")}
    for number in range(10):
        talk = conversation((USER, f"question {number}"))
        first = stage.run(asks("m", **talk))
        assert left[first[1]] == stage.run(asks("m", failed=frozenset({first[1]}), **talk))
        assert ("last", "three") == stage.run(asks("m", failed=frozenset({"one", "two"}), **talk))


def test_a_condition_gives_a_target_to_those_for_whom_it_holds():
    stage = mapped(models={"m": [{"provider": "two", "model": "new", "when": {"headers": {"x-canary": "yes"}}}, *MODELS["fast"]]})
    talk = conversation((USER, "hi"))

    assert ("small", "one") == stage.run(asks("m", **talk))
    assert ("new", "two") == stage.run(asks("m", **(talk | {"headers": Headers([("X-Canary", "yes")])})))


def test_where_no_condition_holds_it_is_refused():
    denial = mapped(models={"m": [{"provider": "one", "model": "a", "when": {"groups": ["research"]}}]}).run(
        asks("m", **conversation((USER, "hi")))
    )

    assert ("no_target", 403) == (denial.code, denial.status)


def test_a_target_that_is_too_small_is_skipped():
    targets = [{"provider": "one", "model": "small", "context": 1000}, {"provider": "two", "model": "large", "context": 9000}]
    stage = mapped(models={"m": {"targets": targets, "fit": True}})
    sizes = [stage.run(asks("m", **conversation((USER, "word " * count)))) for count in (100, 1000, 10000)]

    assert [("small", "one"), ("large", "two")] == sizes[:2]
    assert ("no_model_fits", 400) == (sizes[2].code, sizes[2].status)


def test_a_target_that_takes_no_media_is_skipped_for_them():
    targets = [{"provider": "one", "model": "blind", "media": False}, {"provider": "two", "model": "seeing"}]
    stage = mapped(models={"m": {"targets": targets, "fit": True}})
    talk = conversation((USER, "look"))
    picture = Prompt(None, talk["prompt"].leaves, frozenset({"image"}))

    assert ("blind", "one") == stage.run(asks("m", **talk))
    assert ("seeing", "two") == stage.run(asks("m", **(talk | {"prompt": picture})))


def test_the_fastest_is_taken_but_no_tool_loop_changes_to_another():
    latencies = Latencies(lambda: 0.0)
    stage = mapped(latencies=latencies, models={"m": {"targets": MODELS["fast"], "prefer": "fastest"}})
    question, result = (USER, "hi"), (TOOL, "ok")
    latencies.observe(measured("one", "small", 5.0))
    latencies.observe(measured("two", "tiny", 1.0))

    assert ("tiny", "two") == stage.run(asks("m", **conversation(question)))
    for _ in range(40):
        latencies.observe(measured("two", "tiny", 20.0))

    assert ("tiny", "two") == stage.run(asks("m", **conversation(question, result)))
    assert ("small", "one") == stage.run(asks("m", **conversation((USER, "another question"))))


def measured(provider, model, seconds):
    return AttemptRecord(
        number=1, backend="b", endpoint="e", address="a", status=200, failure=None, sent=True, seconds=seconds, provider=provider,
        model=model,
    )  # fmt: skip
