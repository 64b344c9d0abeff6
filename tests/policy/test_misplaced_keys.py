"""A key at the wrong level, or under another gateway's word, is told where it belongs: at every level of a policy."""

import pytest

from outgate.policy.load import load_source
from outgate.policy.misplaced_keys import places, repair
from outgate.policy.source import parse_source
from support.policies import BASE

TOP = ()
PROVIDER, WORKLOAD, ROUTE = ("providers", "openai"), ("workloads", "app"), ("routes", 0)
LIMIT = ("stages", "token_budget", "limits", 0)


@pytest.mark.parametrize(
    ("name", "here", "told"),
    [
        ("raw_to", TOP, "`raw_to` belongs under `stages.redact`"),
        ("allow", TOP, "belongs under `stages.authorize` or under `stages.authorize_model`"),
        ("limits", ROUTE, "`stages.token_budget.limits`"),
        ("limits", ("stages",), "`limits` belongs under `stages.token_budget`"),
        ("raw_to", ("stages", "prompt_guard"), "`raw_to` belongs under `stages.redact`"),
        ("window", WORKLOAD, "`window` belongs under `stages.token_budget.limits.N`"),
        ("redact", PROVIDER, "redact is a stage: write it under `stages`"),
        ("retry", ("stages",), "`retry` belongs under `routes.N`"),
        ("retry", ("stages", "cache"), "`retry` belongs under `routes.N`"),
        ("retry", ("routes", 0, "match"), "`retry` belongs under `routes.0`"),
        ("env", PROVIDER, "`env` belongs under `providers.openai.credential`"),
        ("ca", PROVIDER, "`ca` belongs under `providers.openai.tls`"),
        ("credential", WORKLOAD, "`credential` belongs under `providers.NAME`"),
        ("token_hashes", PROVIDER, "`token_hashes` belongs under `workloads.NAME`"),
        ("attempts", ("routes", 0, "stages", "cache"), "`attempts` belongs under `routes.N.retry`"),
        ("warn_at", ("routes", 0, "stages", "token_budget"), "`warn_at` belongs under `routes.0.stages.token_budget.limits.N`"),
        ("stages", WORKLOAD, "`stages` belongs at the top"),
        ("body_bytes", ("gateway",), "`body_bytes` belongs under `gateway.limits`"),
    ],
)
def test_a_key_at_the_wrong_level_is_told_its_own(name, here, told):
    assert told in repair(name, here, frozenset({"known"}))


@pytest.mark.parametrize(
    ("name", "here", "keys", "told"),
    [
        ("path", ROUTE, "match name", "here this is `routes.0.match.paths`"),
        ("alias", PROVIDER, "aliases host", "did you mean `aliases`?"),
        ("workload", ("stages", "authorize", "allow", 0), "workloads groups", "did you mean `workloads`?"),
        ("route", TOP, "routes stages", "did you mean `routes`? route is also a stage"),
    ],
)
def test_singular_and_plural_are_one_word(name, here, keys, told):
    assert told in repair(name, here, frozenset(keys.split()))


@pytest.mark.parametrize(
    ("name", "here", "told"),
    [
        ("upstreams", TOP, "did you mean `providers`?"),
        ("backendRefs", ROUTE, "here this is `routes.0.match.destinations`"),
        ("model_list", TOP, "did you mean `providers`?"),
        ("rate_limit", TOP, "tokens are, in `stages.token_budget.limits`"),
        ("rpm", WORKLOAD, "tokens are, in `stages.token_budget.limits`"),
        ("max_budget", WORKLOAD, "in tokens, not in money"),
        ("budget", TOP, "here this is `stages.token_budget.limits`"),
        ("amount", LIMIT, "did you mean `tokens`?"),
        ("period", LIMIT, "did you mean `window`?"),
        ("fallbacks", ROUTE, "here this is `stages.model_map.models`"),
        ("timeout", PROVIDER, "did you mean `timeouts`?"),
        ("timeout", ("routes", 0, "retry"), "did you mean `per_try`?"),
        ("max_retries", TOP, "here this is `routes.N.retry.attempts`"),
        ("api_key", PROVIDER, "did you mean `credential`?"),
        ("api_base", PROVIDER, "did you mean `host`?"),
        ("verify", ("providers", "p", "tls"), "certificates are always verified"),
        ("pii", ("stages",), "did you mean `redact`?"),
        ("guardrails", TOP, "here this is `stages.prompt_guard`"),
        ("workers", TOP, "an option of `outgate run`"),
        ("log_level", ("gateway",), "an option of `outgate run`"),
        ("virtual_keys", TOP, "did you mean `workloads`?"),
        ("models", WORKLOAD, "`stages.authorize_model.allow`"),
        ("litellm_settings", TOP, "no global settings"),
    ],
)
def test_a_word_of_another_gateway_is_told_ours(name, here, told):
    assert told in repair(name, here, frozenset({"known"}))


@pytest.mark.parametrize(
    ("name", "here", "told"),
    [
        ("groups", PROVIDER, "who may call a provider stands in `stages.authorize.allow`"),
        ("headers", PROVIDER, "no field is added"),
        ("name", PROVIDER, "the key under which it stands"),
        ("name", (*PROVIDER, "credential"), "write `env`"),
        ("provider", LIMIT, "a limit is not for one provider"),
        ("provider", ("providers", "p", *LIMIT), "a limit is not for one provider"),
        ("route", LIMIT, "a limit is not for one route"),
        ("team", LIMIT, "`per: [tenant]`"),
        ("requests", LIMIT, "requests are not counted"),
        ("budget", WORKLOAD, "`{name: day, tokens: 90000, window: day, workload: NAME}`"),
        ("providers", WORKLOAD, "`stages.authorize.allow`"),
        ("headers", ROUTE, "not chosen by header fields"),
        ("groups", ROUTE, "`groups` belongs under `routes.0.match`"),
        ("provider", ROUTE, "here this is `routes.0.match.destinations`"),
    ],
)
def test_what_a_key_means_depends_on_where_it_stands(name, here, told):
    assert told in repair(name, here, frozenset({"known"}))


def test_what_is_like_nothing_is_to_be_removed():
    assert "remove it; known here: host, port" == repair("zzzz", PROVIDER, frozenset({"host", "port", "failureMode"}))


def test_every_key_of_a_policy_is_told_a_place_wherever_it_is_written():
    wrong = []
    for name in places():
        for here in (TOP, ("gateway",), PROVIDER, WORKLOAD, ROUTE, ("stages", "redact"), ("routes", 0, "match"), LIMIT):
            told = repair(name, here, frozenset())
            wrong += [(name, here, told)] if "``" in told or not told else []

    assert [] == wrong


def test_a_key_under_stages_that_is_no_stage_is_one_problem():
    source = parse_source(BASE.replace("stages:\n", "stages:\n  allow: [{providers: [openai]}]\n", 1), "p.yaml")
    with pytest.raises(Exception, match="allow") as caught:
        load_source(source)
    (found,) = [each for each in caught.value.problems if "allow" in each.message]

    assert "E_UNKNOWN_STAGE" == found.code
    assert "under `stages.authorize`" in found.repair
