from outgate.errors import Denial
from outgate.inference.params import Params
from outgate.inference.prompt import Prompt
from outgate.stages.admit_parts import AdmitParts, AdmitPartsSettings, Reads


def run(unjudged=(), state=(), **settings):
    reads = Reads(Prompt(None, (), frozenset(unjudged)), Params(server_state=tuple(state)))
    return AdmitParts(AdmitPartsSettings.model_validate(settings)).run(reads)


def test_text_alone_passes():
    assert (frozenset(),) == run()


def test_what_cannot_be_read_is_refused_by_kind():
    denial = run({"image", "audio"}, allow_unjudged=["image"])

    assert isinstance(denial, Denial)
    assert "unjudged_content" == denial.code
    assert "audio" in denial.message
    assert "image" not in denial.message


def test_what_policy_admits_is_the_verdict():
    assert (frozenset({"image"}),) == run({"image"}, allow_unjudged=["image"])


def test_state_at_the_provider_is_refused_unless_named():
    denial = run(state=["previous_response_id"])

    assert isinstance(denial, Denial)
    assert "server_state" == denial.code
    assert (frozenset(),) == run(state=["previous_response_id"], allow_server_state=["previous_response_id"])
