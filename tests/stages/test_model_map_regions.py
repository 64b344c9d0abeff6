"""Regions of a cloud provider, each with a prompt cache of its own: a conversation stays in its region while that is well."""

from outgate.inference.prompt import Channel
from stages.test_model_map import asks, conversation, mapped

REGIONS = [{"provider": "one", "model": "gpt", "weight": 50}, {"provider": "two", "model": "gpt", "weight": 50}]


def test_a_conversation_that_grows_stays_in_its_region_and_conversations_are_divided():
    stage, regions = mapped(models={"gpt": REGIONS}), []
    for number in range(40):
        turns = [(Channel.USER, f"question {number}")]
        seen = set()
        for turn in range(5):
            seen.add(stage.run(asks("gpt", **conversation(*turns)))[1])
            turns += [(Channel.ASSISTANT, f"answer {turn}"), (Channel.USER, f"and then {turn}?")]
        regions.append(seen)

    assert all(len(seen) == 1 for seen in regions)
    assert {"one", "two"} == set().union(*regions)


def test_it_leaves_a_region_that_has_failed_and_comes_back():
    stage, talk = mapped(models={"gpt": REGIONS}), conversation((Channel.USER, "question"))
    home = stage.run(asks("gpt", **talk))[1]
    other = stage.run(asks("gpt", failed=frozenset({home}), **talk))[1]

    assert home != other
    assert home == stage.run(asks("gpt", **talk))[1]
