"""A restricted topic is found sentence by sentence, and nothing of it leaves; what is near is no alarm."""

import pytest

from outgate.inference.verdict import Action
from outgate.model_server.embedders import Embedders
from outgate.stages.output_topics import OutputTopics, OutputTopicsSettings
from outgate.stores.memo import Memo
from outgate.testing.ports import LocalModels
from support.output_guards import Broken, cut, passed, request

TOPICS = {
    "names": {
        "dosage": [
            "take two tablets of ibuprofen every six hours",
            "the dose of this medicine for children is half",
            "you should take 500 mg of paracetamol twice a day",
            "stop taking your blood pressure pills",
            "increase the insulin by two units before meals",
        ]
    },
    "none_of_these": [
        "the function returns a list of numbers",
        "the bank opens at nine",
        "two trains a day go to Munich",
        "please ask your doctor",
        "here is the recipe for two persons",
        "the meeting is on Monday",
    ],
}
BEFORE, DOSE, AFTER = "Of course, here is what I know. ", "Take 400 mg of ibuprofen three times a day. ", "Get well soon."
MODELS = LocalModels()


def judge(models=MODELS, **fields):
    stage = OutputTopics(OutputTopicsSettings(topics=TOPICS, **fields), models, Memo(bytes(32)), Embedders({}))
    return stage.open(request("hi"))


@pytest.mark.parametrize("size", [5, 17, 1000])
def test_a_restricted_topic_is_refused_before_its_sentence(size):
    out = passed(judge(), cut(BEFORE + DOSE + AFTER, size))

    assert ("answer_refused", Action.DENIED, "topic.dosage") == (out.ending, out.verdict.action, out.verdict.matches[0].rule)
    assert BEFORE.startswith(out.text)


def test_other_sentences_go_on():
    said = BEFORE + "The train to Munich leaves at six, twice a day. " + AFTER
    out = passed(judge(), cut(said, 9))

    assert (said, "", Action.ALLOWED) == (out.text, out.ending, out.verdict.action)


@pytest.mark.parametrize(("hangs", "ending"), [(False, "stage_failed"), (True, "stage_timeout")])
def test_a_model_server_that_does_not_answer_ends_the_answer_unless_it_fails_open(hangs, ending):
    said = cut(BEFORE + DOSE + AFTER, 9)
    out = passed(judge(Broken(hangs=hangs)), said, limit=0.02)

    assert ("", ending, Action.FAILED) == (out.text, out.ending, out.verdict.action)
