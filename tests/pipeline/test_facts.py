import pytest

from outgate.pipeline.facts import FACTS, VERDICTS, Label, Origin, fact, fact_of_field, field_of


def test_every_fact_has_a_field_of_its_own():
    assert len(FACTS) == len({field_of(name) for name in FACTS})
    assert all(name == fact_of_field(field_of(name)) for name in FACTS)


@pytest.mark.parametrize(("name", "origin"), [("verdict.x", Origin.STAGE), ("verdict.out.x", Origin.RESPONSE)])
def test_verdicts_are_families(name, origin):
    assert origin is fact(name).origin
    assert name == fact_of_field(field_of(name))


@pytest.mark.parametrize("name", ["weather", "verdict", "verdict.", "Model"])
def test_an_undeclared_fact_is_no_fact(name):
    with pytest.raises(KeyError):
        fact(name)


def test_every_verdict_of_a_plan_is_read_under_one_name():
    assert ("verdicts", VERDICTS) == (field_of(VERDICTS), fact_of_field("verdicts"))


def test_an_undeclared_field_is_no_fact():
    with pytest.raises(KeyError):
        fact_of_field("weather")


def test_credentials_are_secret_and_texts_are_personal():
    secret = {"headers", "placeholders", "secrets", "wire.auth"}
    assert secret == {name for name, known in FACTS.items() if known.label is Label.SECRET}
    assert {
        "prompt",
        "prompt.vector",
        "cache.partition",
        "cache.vector",
        "tools",
        "params",
        "wire.asked",
        "wire.body",
        "r.stream",
    } == {name for name, known in FACTS.items() if known.label is Label.PERSONAL}
