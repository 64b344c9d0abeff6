"""The acceptance scenarios of composing policies, on synthetic stages shaped like the real ones."""

from itertools import permutations

from outgate.errors import Denial
from outgate.pipeline.compiler import compile_plan
from outgate.pipeline.contract import Judges, May
from outgate.pipeline.explain import explain
from pipeline.more_stages import CANNED, DECORATOR, GUARD_REDACTS, MODEL_GUARD, REMOTE_GUARD, REWRITE_PATH, ROUTER
from pipeline.running import ANSWER, Exchange
from pipeline.standard import (
    AUTHORIZE_MODEL,
    CACHE,
    HYDRATE,
    PROMPT_GUARD,
    REDACT,
    STANDARD,
    before,
    codes_of,
    problems_of,
    stage,
    swap,
    vary,
)

DENIED = Denial(code="blocked", status=403, message="no")


def test_A01_redacted_tokens_are_not_charged():
    long, short = "x" * 500, "x" * 420
    exchange = Exchange(
        STANDARD,
        {
            "redact": lambda facts: (short, {}),
            "count_tokens": lambda facts: (len(facts.prompt),),
            "token_budget": lambda facts: (facts.tokens_in,),
        },
    )
    exchange.execution.give({"prompt": long})

    assert exchange.request() is None
    assert exchange.execution.get("hold") == 420
    pinned = problems_of(STANDARD, pin=("count_tokens", "redact"))
    assert [("E_STALE_CHARGE", ("count_tokens", "redact"), "prompt")] == [(p.code, p.stages, p.fact) for p in pinned]
    assert all("pin redact before count_tokens" in p.repair for p in pinned)


def test_A01_every_legal_order_of_the_counting_stages_counts_the_redacted_prompt():
    legal = 0
    for pin in permutations(("redact", "count_tokens", "token_budget", "cache")):
        if not codes_of(STANDARD, pin=pin):
            legal += 1
            assert before(compile_plan(STANDARD, pin=pin), "redact", "count_tokens", "token_budget")
    assert legal >= 1


def test_A02_a_jailbreak_never_gets_a_cached_answer():
    exchange = Exchange(STANDARD, {"prompt_guard": lambda facts: DENIED, "cache": lambda facts: ANSWER})

    assert exchange.request() == DENIED.by("prompt_guard")
    assert exchange.runs["cache"] == 0
    assert "E_RELEASE_BEFORE_GUARD" in codes_of(STANDARD, pin=("cache", "prompt_guard"))


def test_A03_a_cache_key_holds_model_and_caller():
    keys = set()
    for model in ("small", "large"):
        exchange = Exchange(STANDARD, {"model_map": lambda facts, model=model: (model, "p")})
        exchange.request()
        keys.add(exchange.execution.get("cache.key"))

    assert len(keys) == 2
    for missing in ("model", "principal", "params", "tools", "prompt"):
        reads = " ".join(name for name in CACHE.contract.reads if name != missing)
        found = [p for p in problems_of(swap(vary(CACHE, reads=reads))) if p.code == "E_CACHE_KEY_INCOMPLETE"]
        assert [missing] == [p.fact for p in found]


def test_a_cache_key_holds_the_header_fields_that_go_on_in_plans_that_send_any():
    select = stage("select_headers", "headers", "headers.out")
    without = {p.code: p.fact for p in problems_of(swap(select))}

    assert {"E_CACHE_KEY_INCOMPLETE": "headers.out"} == without
    assert () == problems_of(swap(select, vary(CACHE, reads=" ".join((*CACHE.contract.reads, "headers.out")))))


def test_A04_a_guard_that_needs_the_model_runs_after_routing_and_one_that_does_not_before():
    needs = compile_plan(swap(MODEL_GUARD))

    assert before(compile_plan(STANDARD), "prompt_guard", "model_map")
    assert before(needs, "model_map", "prompt_guard", "cache")
    assert "after model_map: reads model" in explain(needs).split("prompt_guard:")[1].split("cache:")[0]


def test_A06_hydrated_text_is_judged_and_counted():
    seen = []
    exchange = Exchange(
        swap(HYDRATE),
        {
            "hydrate": lambda facts: (facts.prompt + " document",),
            "prompt_guard": lambda facts: (seen.append(facts.prompt), ("fine",))[1],
            "redact": lambda facts: (facts.prompt, {}),
            "count_tokens": lambda facts: (len(facts.prompt),),
        },
    )
    exchange.request()

    assert ["<prompt> document"] == seen
    assert exchange.execution.get("tokens.in") == len("<prompt> document")
    assert "E_STALE_VERDICT" in codes_of(swap(HYDRATE), pin=("prompt_guard", "hydrate"))


def test_A07_one_guard_configured_three_ways_gives_three_legal_plans():
    plans = [compile_plan(swap(guard)) for guard in (PROMPT_GUARD, CANNED, GUARD_REDACTS)]

    assert len({plan.hash for plan in plans}) == 3
    assert all(before(plan, "prompt_guard", "cache") for plan in plans)
    assert not [e for e in plans[0].edges if (e.before, e.after) == ("prompt_guard", "token_budget")]
    assert [e.reason for e in plans[1].edges if (e.before, e.after) == ("prompt_guard", "token_budget")] == [
        "no charge for what is answered here"
    ]
    assert before(plans[2], "prompt_guard", "count_tokens")
    assert ["reads prompt"] == [e.reason for e in plans[2].edges if (e.before, e.after) == ("prompt_guard", "count_tokens")]


def test_A08_shuffled_files_give_the_same_plan():
    plan = compile_plan(STANDARD)
    other = compile_plan(tuple(reversed(STANDARD)))

    assert (plan.hash, plan.order, plan.edges, plan.reruns, plan.first, plan.final) == (
        *(other.hash, other.order, other.edges, other.reruns, other.first, other.final),
    )
    assert explain(plan) == explain(other)


def test_A09_the_first_refusal_stops_later_stages_and_the_meter_still_runs():
    exchange = Exchange(STANDARD, {"authorize": lambda facts: DENIED})

    assert exchange.request() == DENIED.by("authorize")
    assert exchange.close() is None
    assert {"authenticate": 1, "authorize": 1, "close_exchange": 1} == exchange.runs


CIRCLE = swap(
    vary(ROUTER, writes="model provider"), vary(DECORATOR, preserves="verdict.prompt_guard"), drop="model_map redact restore"
)


def test_A10_decorator_and_router_are_refused_with_facts_and_repairs():
    (found,) = (p for p in problems_of(CIRCLE) if p.code == "E_CYCLE")

    assert {"decorator", "router"} == set(found.stages)
    assert ("decorator", "router", "decorator") == found.path
    assert "decorator -(prompt)-> router -(model)-> decorator" in found.message
    for repair in ("split", "preserves", "guard"):
        assert repair in found.repair


def test_A13_a_path_rewritten_after_authorization_is_authorized_again_or_refused():
    assert before(compile_plan(swap(REWRITE_PATH)), "rewrite_path", "authorize")
    assert "E_STALE_VERDICT" in codes_of(swap(REWRITE_PATH), pin=("authorize", "rewrite_path"))


def test_A13_the_routed_model_is_authorized_again_when_it_changes():
    exchange = Exchange(STANDARD, {"model_map": lambda facts: (f"model of {facts.provider_state}", "p")})
    exchange.request(provider_state="all well")
    exchange.request(provider_state="one down")

    assert {"authorize_model": 2, "authorize": 1} == {name: exchange.runs[name] for name in ("authorize_model", "authorize")}
    assert before(exchange.plan, AUTHORIZE_MODEL.name, "cache", "dispatch")


def _kong_stages():
    """Kong's AI plugins by what they read and write, under the names of its priority table."""
    return swap(
        stage("ai_prompt_guard", "prompt", "verdict.ai_prompt_guard", judges=Judges.CLEAN, may=May.DENY),
        stage("ai_rag_injector", "prompt", "prompt", may=May.MUTATE, after="ai_prompt_decorator"),
        stage("ai_sanitizer", "prompt", "prompt placeholders", may=May.MUTATE, clears=True, after="*"),
        stage("ai_semantic_guard", "prompt", "verdict.ai_semantic_guard", judges=Judges.CLEAN, may=May.DENY),
        stage("ai_prompt_decorator", "prompt", "prompt", may=May.MUTATE),
        drop="prompt_guard redact",
    )


KONG = ("ai_prompt_guard", "token_budget", "ai_rag_injector", "ai_sanitizer", "ai_semantic_guard", "ai_prompt_decorator")


def test_A50_kongs_default_priorities_judge_and_charge_what_is_rewritten_later():
    found = {(p.code, p.stages, p.fact) for p in problems_of(_kong_stages(), pin=KONG)}

    assert ("E_STALE_VERDICT", ("ai_prompt_guard", "ai_rag_injector"), "prompt") in found
    assert ("E_STALE_VERDICT", ("ai_prompt_guard", "ai_sanitizer"), "prompt") in found
    assert ("E_STALE_VERDICT", ("ai_semantic_guard", "ai_prompt_decorator"), "prompt") in found
    assert ("E_STALE_CHARGE", ("token_budget", "ai_sanitizer"), "tokens.in") in found
    assert not codes_of(_kong_stages())


def test_A50_higress_defaults_answer_from_the_cache_before_the_guard():
    found = {(p.code, p.stages) for p in problems_of(STANDARD, pin=("cache", "prompt_guard", "redact", "model_map"))}

    assert ("E_RELEASE_BEFORE_GUARD", ("cache", "prompt_guard")) in found
    assert ("E_STALE_CACHE_KEY", ("cache", "redact")) in found
    assert ("E_STALE_CACHE_KEY", ("cache", "model_map")) in found


def test_cache_limits_then_routing_is_refused_with_stages_fact_path_and_repair():
    found = {p.code: p for p in problems_of(STANDARD, pin=("cache", "token_budget", "model_map")) if p.fact == "model"}

    key, charge = found["E_STALE_CACHE_KEY"], found["E_STALE_CHARGE"]
    assert (("cache", "model_map"), ("model_map", "cache"), "pin model_map before cache") == (key.stages, key.path, key.repair)
    assert (("token_budget", "model_map"), ("model_map", "token_budget"), "pin model_map before token_budget") == (
        *(charge.stages, charge.path, charge.repair),
    )


def test_the_standard_plan_has_the_order_of_the_design():
    expected = (
        *("authenticate", "authorize", "prompt_guard", "redact", "model_map", "authorize_model", "cache", "count_tokens"),
        *("token_budget", "pick_backend", "pick_endpoint", "encode_request", "inject_credentials", "originate_tls", "dispatch"),
        *("output_guard", "record", "restore", "close_exchange", "cache_write"),
    )

    assert expected == compile_plan(STANDARD).order


def test_a_remote_guard_sees_only_redacted_text():
    assert before(compile_plan(swap(REMOTE_GUARD)), REDACT.name, "remote_guard", "cache")
