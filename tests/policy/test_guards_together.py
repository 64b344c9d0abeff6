"""Guards go together in one policy, whatever each does: nobody has to know which of them need which."""

from itertools import product

import pytest

from outgate.policy.load import load_source
from outgate.policy.source import parse_source
from support.policies import BASE

TOPICS = "topics: {names: {law: [can I sue?, is it legal?]}, none_of_these: [who won?]}"
REQUEST = {
    "prompt_guard": "",
    "tool_result_guard": "",
    "topic_guard": TOPICS,
    "secret_guard": "",
    "external_guard": "provider: desk",
}
ANSWER = {
    "output_phrases": "phrases: [aurora]",
    "output_pii": "",
    "output_secrets": "",
    "leak_guard": "",
    "toxicity_guard": "",
    "output_topics": TOPICS,
}
BESIDE = """\
  redact: {}
  hydrate: {batches: true}
  tool_policy: {deny: [{tools: [wipe]}], action: deny}
  cache: {when: always, similar: {mode: "on"}}
  count_tokens: {}
  token_budget: {limits: []}
"""


def guard(name, more, action):
    return f"  {name}: {{{', '.join(filter(None, (f'action: {action}', more)))}}}\n"


def refused(stages):
    """Codes of what stands in the way of a policy with these stages. Raises PolicyError where there are any."""
    text = BASE.replace("workloads:", "  desk: {host: guard.example.com, dialect: none}\nworkloads:", 1)
    policy = load_source(parse_source(text.replace("routes:", f"{stages}routes:", 1), "p.yaml"))
    return [problem.code for problem in policy.warnings if problem.is_error]


@pytest.mark.parametrize(("before", "after"), [*product(("deny", "answer", "withhold", "flag"), ("deny", "replace"))])
def test_all_guards_stand_in_one_policy(before, after):
    guards = [guard(name, more, before) for name, more in REQUEST.items()] + [guard(*each, after) for each in ANSWER.items()]

    assert [] == refused("".join(guards) + BESIDE)


@pytest.mark.parametrize(("first", "second"), [*product(REQUEST, ANSWER)])
def test_a_guard_of_the_request_stands_with_one_of_the_answer(first, second):
    for before, after in (("answer", "replace"), ("deny", "deny")):
        assert [] == refused(guard(first, REQUEST[first], before) + guard(second, ANSWER[second], after) + "  redact: {}\n")


@pytest.mark.parametrize("name", [*REQUEST, *ANSWER])
def test_a_guard_stands_with_files_and_the_cache(name):
    assert [] == refused(guard(name, (REQUEST | ANSWER)[name], "deny") + BESIDE)
