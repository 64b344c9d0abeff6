import pytest

from outgate.errors import Denial
from outgate.stages.model_map import ModelMap, ModelMapSettings, Reads
from outgate.upstreams.catalog import Backend, Catalog, Endpoint


def backend(name):
    return Backend(
        name=name, provider=name, dialect="openai", host=f"{name}.test", endpoints=(Endpoint(name="e", host="h", port=443),)
    )


CATALOG = Catalog([backend("one"), backend("two")])
MODELS = {"fast": [{"provider": "one", "model": "small"}, {"provider": "two", "model": "tiny"}]}


def run(requested, *, failed=None, allowed=(), **settings):
    stage = ModelMap(ModelMapSettings.model_validate(settings), CATALOG, allowed)
    return stage.run(Reads(requested, None, "two.test:443", failed))


def test_an_alias_goes_to_its_first_target():
    assert ("small", "one") == run("fast", models=MODELS)


def test_a_failed_provider_is_passed_over():
    assert ("tiny", "two") == run("fast", models=MODELS, failed=frozenset({"one"}))


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
    settings = ModelMapSettings.model_validate({"default": {"provider": "one", "model": "small"}})
    stage = ModelMap(settings, CATALOG)

    assert ("small", "one") == stage.run(Reads("other", None, "two.test:443", None))
    assert ["W_DEFAULT_MODEL"] == [warning.code for warning in stage.warnings]
    assert () == ModelMap(ModelMapSettings(), CATALOG).warnings


@pytest.mark.parametrize("models", [{"a": []}])
def test_an_alias_must_have_a_target(models):
    with pytest.raises(ValueError, match=r"no target"):
        ModelMap(ModelMapSettings.model_validate({"models": models}), CATALOG)
