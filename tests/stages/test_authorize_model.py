from outgate.errors import Denial
from outgate.inference.params import Params
from outgate.inference.principal import Principal
from outgate.stages.authorize_model import AuthorizeModel, AuthorizeModelSettings, Reads

ALPHA = Principal(name="alpha")


def run(*allow, model="gpt-4o", provider="openai", models=()):
    stage = AuthorizeModel(AuthorizeModelSettings.model_validate({"allow": allow}))
    return stage.run(Reads(ALPHA, model, provider, Params(models=models)))


def test_default_deny():
    denial = run()

    assert isinstance(denial, Denial)
    assert "model_not_authorized" == denial.code


def test_the_routed_model_at_its_provider():
    assert (True,) == run({"models": ["gpt-*"], "providers": ["openai"]})
    assert isinstance(run({"models": ["gpt-*"], "providers": ["openai"]}, provider="elsewhere"), Denial)
    assert isinstance(run({"models": ["gpt-*"]}, model="claude-3"), Denial)


def test_it_runs_again_when_model_or_provider_change():
    reads = AuthorizeModel(AuthorizeModelSettings()).contract.reads

    assert {"model", "provider", "principal", "params"} == set(reads)


def test_a_denial_names_the_routed_model_and_what_is_allowed():
    denial = run({"models": ["gpt-*", "o3"]}, model="claude-3", provider="anthropic")

    assert "The policy does not allow alpha the model 'claude-3' of anthropic; it allows gpt-*, o3." == denial.message


def test_a_denial_names_what_is_allowed_at_that_provider_alone():
    gpt, claude = {"models": ["gpt-*"], "providers": ["openai"]}, {"models": ["claude-*"], "providers": ["anthropic"]}

    assert (run(gpt, claude, model="gpt-4o", provider="anthropic").message or "").endswith("of anthropic; it allows claude-*.")


def test_attack_a_file_of_requests_asks_for_a_model_that_is_not_allowed():
    rule = {"models": ["", "gpt-*"]}

    assert (True,) == run(rule, model="", models=("gpt-4o",))
    assert "the model 'o3' of openai" in run(rule, model="", models=("gpt-4o", "o3")).message
