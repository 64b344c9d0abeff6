import pytest

from outgate.pipeline.compiler import compile_plan
from outgate.pipeline.contract import May
from outgate.pipeline.graph import Node
from outgate.pipeline.rules import RULES, stale_code
from pipeline.standard import CACHE, PICK_BACKEND, PICK_ENDPOINT, PROMPT_GUARD, STANDARD, TOKEN_BUDGET, before, stage, swap, vary


def test_every_rule_says_why():
    assert all(rule.__doc__ for rule in RULES)


@pytest.mark.parametrize(
    ("before", "after", "reason", "fact"),
    [
        ("redact", "count_tokens", "reads prompt", "prompt"),
        ("prompt_guard", "cache", "guard before an answer", ""),
        ("prompt_guard", "dispatch", "guard before release", ""),
        ("authorize", "cache", "admission first", ""),
        ("authorize_model", "dispatch", "admission first", ""),
        ("authorize", "prompt_guard", "admission before bodies", ""),
        ("cache", "token_budget", "no charge for what is answered here", ""),
        ("token_budget", "dispatch", "reserved before it is spent", ""),
        ("pick_endpoint", "inject_credentials", "bound to its destination", "endpoint"),
        ("output_guard", "record", "judged before it is cached", ""),
        ("record", "restore", "before secrets are restored", "r.stream"),
        ("dispatch", "close_exchange", "known after dispatch", ""),
        ("authenticate", "dispatch", "dispatch ends the request", ""),
    ],
)
def test_an_edge_and_its_reason(before, after, reason, fact):
    found = {(e.before, e.after, e.reason, e.fact) for e in compile_plan(STANDARD).edges}

    assert (before, after, reason, fact) in found


def test_the_last_writer_gives_way_to_a_rule_that_puts_it_first():
    placements = swap(stage("stamp", "r.stream", "r.stream", after="*", preserves="*", placed_after="restore"))

    assert before(compile_plan(placements), "output_guard", "record", "restore", "stamp")


@pytest.mark.parametrize(
    ("placement", "code"),
    [
        (PROMPT_GUARD, "E_STALE_VERDICT"),
        (TOKEN_BUDGET, "E_STALE_CHARGE"),
        (CACHE, "E_STALE_CACHE_KEY"),
        (PICK_ENDPOINT, "E_STALE_PICK"),
        (PICK_BACKEND, "E_STALE_READ"),
        (vary(PROMPT_GUARD, may=May.RESPOND), "E_STALE_VERDICT"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_what_a_stale_read_means(placement, code):
    assert code == stale_code(Node(placement))
