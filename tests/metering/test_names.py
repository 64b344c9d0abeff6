from outgate.metering.metrics import OTHER
from outgate.metering.names import ModelNames


def test_what_the_policy_names_is_told_by_name_whatever_became_of_it():
    assert "gpt-4o" == ModelNames({"gpt-4o"}).label("gpt-4o", "app", answered=False)


def test_what_nobody_named_and_nobody_answered_for_is_other():
    assert OTHER == ModelNames({"gpt-4o"}).label("gpt-4o-invented", "app", answered=False)


def test_a_name_that_was_answered_for_is_remembered():
    names = ModelNames(())

    assert ["new", "new"] == [names.label("new", "app", answered=True), names.label("new", "app", answered=False)]


def test_only_so_many_names_are_learned():
    names = ModelNames({"gpt-4o"}, most=3)
    labels = {names.label(f"m{number}", f"w{number}", answered=True) for number in range(1000)}

    assert {"m0", "m1", "m2", OTHER} == labels
    assert "gpt-4o" == names.label("gpt-4o", "app", answered=True)


def test_no_model_is_no_name():
    assert "" == ModelNames(()).label("", "app", answered=True)


def test_a_workload_that_invents_names_leaves_room_for_the_others():
    names = ModelNames(())
    invented = {names.label(f"m{number}", "inventor", answered=True) for number in range(420)}

    assert 9 == len(invented)
    assert "honest" == names.label("honest", "app", answered=True)
