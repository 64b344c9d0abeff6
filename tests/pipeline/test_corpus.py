"""The corpus is caught whole, nothing good is refused, and every rule, check and declared read is needed for that."""

import pytest

from outgate.pipeline import compiler, rules
from outgate.pipeline.checks import CHECKS
from outgate.pipeline.compiler import compile_plan
from outgate.pipeline.obligations import OBLIGATIONS
from outgate.pipeline.rules import RULES
from pipeline.corpus import BAD, GOOD, Case
from pipeline.standard import STANDARD, codes_of, problems_of, vary


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_A47_a_bad_pipeline_is_refused_with_its_code(case: Case):
    found = problems_of(case.placements, **case.how)

    assert case.code in {problem.code for problem in found}
    assert all(problem.message and problem.repair and problem.stages for problem in found)


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_A47_a_good_pipeline_is_not_refused(case: Case):
    assert () == problems_of(case.placements, **case.how)


def test_A47_the_corpus_is_large_enough_and_names_are_unique():
    assert len(BAD) >= 24
    assert len(GOOD) >= 10
    assert len({case.name for case in BAD + GOOD}) == len(BAD + GOOD)


def _surprised() -> bool:
    """Whether anything bad passes, or anything good does not."""
    bad = (case.code not in codes_of(case.placements, **case.how) for case in BAD)
    good = (bool(codes_of(case.placements, **case.how)) for case in GOOD)
    return any(bad) or any(good)


def test_A47_the_whole_corpus_holds_no_surprise():
    assert not _surprised()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_A47_without_any_one_rule_the_corpus_is_not_caught(rule, monkeypatch):
    monkeypatch.setattr(rules, "RULES", tuple(other for other in RULES if other is not rule))

    assert _surprised()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_A47_without_any_one_check_the_corpus_is_not_caught(check, monkeypatch):
    monkeypatch.setattr(compiler, "CHECKS", tuple(other for other in CHECKS if other is not check))

    assert _surprised()


@pytest.mark.parametrize("obligation", OBLIGATIONS, ids=lambda obligation: obligation.__name__)
def test_A47_without_any_one_obligation_the_corpus_is_not_caught(obligation, monkeypatch):
    monkeypatch.setattr(compiler, "OBLIGATIONS", tuple(other for other in OBLIGATIONS if other is not obligation))

    assert _surprised()


FEEDS = {
    "authenticate": "authorize authorize_model cache close_exchange token_budget",
    "cache": "cache_write record",
    "count_tokens": "token_budget",
    "dispatch": "output_guard record restore",
    "inject_credentials": "dispatch",
    "model_map": "authorize_model cache count_tokens close_exchange pick_backend token_budget encode_request",
    "originate_tls": "dispatch",
    "pick_endpoint": "dispatch originate_tls",
    "record": "cache_write",
    "redact": "cache count_tokens model_map restore encode_request",
    "pick_backend": "dispatch inject_credentials originate_tls pick_endpoint encode_request",
    "token_budget": "dispatch close_exchange encode_request",
    "encode_request": "dispatch",
}
"""Who reads what whom writes, in the standard plan."""
GIVEN_TO = {
    "attempts": "close_exchange",
    "conn": "authenticate",
    "denial": "close_exchange",
    "destination": "authorize",
    "exchange.id": "close_exchange token_budget",
    "headers": "authenticate encode_request",
    "method": "dispatch",
    "model.requested": "authorize model_map",
    "operation": "cache dispatch encode_request",
    "outcome": "cache_write close_exchange",
    "params": "cache dispatch model_map token_budget encode_request",
    "path": "authorize",
    "prompt": "prompt_guard redact",
    "r.client": "cache_write",
    "started": "close_exchange",
    "tools": "cache count_tokens encode_request",
    "usage": "close_exchange",
    "credential.epoch": "inject_credentials",
    "endpoint.state": "pick_endpoint",
    "model.state": "model_map",
    "provider.state": "model_map",
}
"""Who reads what the client and the boundary give, in the standard plan."""
PAIRS = {
    ("model_map", "authorize_model"): "model provider",
    ("model_map", "pick_backend"): "model provider",
    ("model_map", "close_exchange"): "model provider",
    ("encode_request", "dispatch"): "wire.body wire.headers wire.path",
}
"""Where more than one fact goes from one stage to another."""


def _table(placements) -> object:
    """Which slots feed which stages, told by name, and the order that follows."""
    plan = compile_plan(placements)
    slots = {slot: name for name, slot in plan.first.items()}
    made = {slot: step.name for step in _steps(plan) for slot in step.out}
    feeds: dict[str, set[str]] = {}
    given: dict[str, set[str]] = {}
    pairs: dict[tuple[str, str], set[str]] = {}
    for step in _steps(plan):
        for slot in step.get(list(range(plan.size))):
            if slot in made:
                feeds.setdefault(made[slot], set()).add(step.name)
            elif slot:
                given.setdefault(slots[slot], set()).add(step.name)
    for edge in plan.edges:
        if edge.reason == f"reads {edge.fact}":
            pairs.setdefault((edge.before, edge.after), set()).add(edge.fact)
    return plan.order, feeds, given, {pair: facts for pair, facts in pairs.items() if len(facts) > 1}


def _steps(plan):
    return (*plan.request, *plan.response, *plan.close, *plan.after)


def _sets(table):
    return {name: set(text.split()) for name, text in table.items()}


ANSWER_CHAIN = {"output_guard": {"record"}, "record": {"restore", "cache_write"}, "dispatch": {"output_guard"}}
"""In the response every stage reads what the one before it wrote."""


def test_the_standard_plan_is_wired_as_the_table_says():
    _, feeds, given, pairs = _table(STANDARD)

    assert _sets(FEEDS) | ANSWER_CHAIN == feeds
    assert _sets(GIVEN_TO) == given
    assert _sets(PAIRS) == pairs


READS = [(p.name, read) for p in STANDARD for read in (*p.contract.reads, *p.contract.outside)]


@pytest.mark.parametrize(("name", "read"), READS, ids=str)
def test_A47_without_any_one_declared_read_the_plan_is_another(name, read):
    def without(names: tuple[str, ...]) -> str:
        return " ".join(other for other in names if other != read)

    placements = tuple(
        vary(p, reads=without(p.contract.reads), outside=without(p.contract.outside), optional=without(p.contract.optional))
        if p.name == name
        else p
        for p in STANDARD
    )

    assert codes_of(placements) or _table(placements) != _table(STANDARD)
