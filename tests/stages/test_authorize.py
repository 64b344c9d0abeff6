import pytest

from outgate.errors import Denial
from outgate.inference.principal import Principal
from outgate.stages.authorize import Authorize, AuthorizeSettings, Reads
from outgate.upstreams.catalog import Backend, Catalog, Endpoint

ENDPOINT = (Endpoint(name="e", host="api.openai.com", port=443),)
CATALOG = Catalog([Backend(name="openai", provider="openai", dialect="openai", host="api.openai.com", endpoints=ENDPOINT)])
ALPHA = Principal(name="alpha", groups=frozenset({"research"}))


def run(*allow, destination="api.openai.com:443", method="POST", path="/v1/chat/completions", model="gpt-4o"):
    stage = Authorize(AuthorizeSettings.model_validate({"allow": allow}), CATALOG)
    return stage.run(Reads(ALPHA, destination, method, path, model))


def test_default_deny():
    assert isinstance(run(), Denial)
    assert ("not_authorized", 403) == (run().code, run().status)


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        ({}, True),
        ({"providers": ["openai"]}, True),
        ({"providers": ["anthropic"]}, False),
        ({"paths": ["/v1/chat/*"]}, True),
        ({"paths": ["/v1/embeddings"]}, False),
        ({"methods": ["GET"]}, False),
        ({"models": ["gpt-*"]}, True),
        ({"models": ["claude-*"]}, False),
        ({"workloads": ["beta"]}, False),
        ({"groups": ["research"]}, True),
    ],
)
def test_one_permission(rule, allowed):
    assert allowed is (run(rule) == (True,))


def test_any_permission_is_enough():
    assert (True,) == run({"workloads": ["beta"]}, {"models": ["gpt-4o"]})


def test_an_unknown_destination_is_denied_whatever_is_allowed():
    assert isinstance(run({}, destination="example.com:443"), Denial)


def test_the_query_is_no_part_of_the_path():
    assert (True,) == run({"paths": ["/v1/models"]}, path="/v1/models?limit=3")


def test_at_connect_only_who_and_where_count():
    assert (True,) == run({"paths": ["/v1/embeddings"], "models": ["x"]}, method="CONNECT", path=None, model=None)
    assert isinstance(run({"providers": ["anthropic"]}, method="CONNECT", path=None, model=None), Denial)


def test_in_the_head_the_path_counts_and_the_model_does_not():
    assert (True,) == run({"models": ["claude-*"]}, model=None)
    assert isinstance(run({"paths": ["/v1/models"]}, model=None), Denial)


def test_a_request_without_a_model_needs_a_permission_for_the_empty_name():
    assert isinstance(run({"models": ["gpt-*"]}, model=""), Denial)
    assert (True,) == run({"models": ["**"]}, model="")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"workloads": ["beta"]}, "to call openai; it allows none."),
        ({"providers": ["anthropic"]}, "to call openai; it allows anthropic."),
        ({"paths": ["/v1/embeddings"]}, "to POST /v1/chat/completions; it allows /v1/embeddings."),
        ({"models": ["claude-*"]}, "the model 'gpt-4o'; it allows claude-*."),
        ({"models": [f"m{n}" for n in range(10)]}, "the model 'gpt-4o'; it allows m0, m1, m2, m3, m4, m5, m6, m7 and 2 more."),
    ],
)
def test_a_denial_names_what_was_asked_for_and_what_is_allowed(rule, said):
    assert f"The policy does not allow alpha {said}" == run(rule).message
