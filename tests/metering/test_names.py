from outgate.metering.metrics import OTHER
from outgate.metering.names import ModelNames


def test_what_the_policy_names_is_told_by_name_whatever_became_of_it():
    assert "gpt-4o" == ModelNames({"gpt-4o"}).label("gpt-4o", answered=False)


def test_what_nobody_named_and_nobody_answered_for_is_other():
    assert OTHER == ModelNames({"gpt-4o"}).label("gpt-4o-invented", answered=False)


def test_a_name_that_was_answered_for_is_remembered():
    names = ModelNames(())

    assert ["new", "new"] == [names.label("new", answered=True), names.label("new", answered=False)]


def test_only_so_many_names_are_learned():
    names = ModelNames({"gpt-4o"}, most=3)
    labels = {names.label(f"m{number}", answered=True) for number in range(1000)}

    assert {"m0", "m1", "m2", OTHER} == labels
    assert "gpt-4o" == names.label("gpt-4o", answered=True)


def test_no_model_is_no_name():
    assert "" == ModelNames(()).label("", answered=True)
