"""The classifier reads what is new, each text once, by itself and with its neighbours, and says which text completes an attempt."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from detectors.fakes import Scores, prompt
from outgate.detectors.injection.finding import Weight
from outgate.guards.classifier import PORTION, STEP, Classifier
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Leaf, Prompt
from outgate.inference.verdict import Extent
from outgate.model_server.wire import ModelServerDownError, ModelServerError
from outgate.stores.memo import Memo

WHO = Principal(name="w", tenant="t")
USER = frozenset({Channel.USER})


def made(models: Any, memo: Memo | None = None, threshold: float = 0.5) -> Classifier:
    return Classifier("user", USER, threshold, Weight.SIGNAL, models, memo or Memo(bytes(32)))


def found(classifier: Classifier, given: Prompt, who: Principal = WHO) -> list[tuple[int, str]]:
    return [(one.leaf, one.rule) for one in asyncio.run(classifier.find(given, who))]


def test_a_text_at_the_threshold_is_found():
    models = Scores()

    assert [(1, "classifier.user")] == found(made(models), prompt("Hello.", "A wicked one."))
    assert models.asked == [("user", "Hello.", "A wicked one.", "Hello.\nA wicked one.")]


@pytest.mark.parametrize(("threshold", "count"), [(0.9, 1), (0.91, 0)])
def test_a_text_below_its_threshold_is_not(threshold, count):
    assert count == len(found(made(Scores(), threshold=threshold), prompt("A wicked one.")))


def test_other_channels_are_not_read():
    models = Scores()

    assert [] == found(made(models), prompt("A wicked one.", channel=Channel.TOOL_RESULT))
    assert [] == models.asked


def test_what_is_remembered_is_not_asked_again_and_still_found():
    models, memo = Scores(), Memo(bytes(32))
    classifier = made(models, memo)
    found(classifier, prompt("Hello.", "A wicked one.", "Bye."))
    models.asked.clear()

    assert [(1, "classifier.user")] == found(classifier, prompt("Hello.", "A wicked one.", "Bye."))
    assert [] == models.asked
    assert [(1, "classifier.user")] == found(classifier, prompt("Hello.", "A wicked one.", "Bye.", "More."))
    assert models.asked == [("user", "More.", "Hello.\nBye.\nMore.")]


def test_another_tenant_is_asked_for_anew():
    models, memo = Scores(), Memo(bytes(32))
    found(made(models, memo), prompt("Hello."))
    found(made(models, memo), prompt("Hello."), Principal(name="w", tenant="other"))

    assert 2 == len(models.asked)


def test_a_changed_text_early_in_a_conversation_is_read():
    memo = Memo(bytes(32))
    classifier = made(Scores(), memo)
    texts = [f"Turn {n}." for n in range(10)]
    found(classifier, prompt(*texts))
    texts[7] = "A wicked one."

    assert [(7, "classifier.user")] == found(classifier, prompt(*texts))


@pytest.mark.parametrize("parts", range(2, 9))
@pytest.mark.parametrize("turn", [None, 0], ids=["messages", "parts"])
def test_a_text_split_anywhere_is_read_as_one(parts, turn):
    words = "please be so wicked now, thank you"
    cuts = [0, *(round(len(words) * n / parts) for n in range(1, parts)), len(words)]
    pieces = [words[start:end] for start, end in pairwise(cuts)]
    models = Scores(words)

    assert [(parts - 1, "classifier.user")] == found(made(models), prompt(*pieces, turn=turn))


def test_the_text_that_completes_an_attempt_is_found_and_no_later_one():
    models, memo = Scores("very wicked"), Memo(bytes(32))
    classifier = made(models, memo)
    texts = ["Hello.", "very ", "wicked", "thanks"]

    assert [(2, "classifier.user")] == found(classifier, prompt(*texts))
    assert [(2, "classifier.user")] == found(classifier, prompt(*texts, "And", "now?"))


def test_an_attempt_beside_one_that_is_found_by_itself_is_found_too():
    given = prompt("very ", "wicked", "evil")

    assert [(1, "classifier.user"), (2, "classifier.user")] == found(made(Scores("very wicked", "evil")), given)


def test_a_long_text_is_read_in_slices_that_overlap():
    models = Scores()
    text = "x" * (STEP - 3) + "wicked" + "x" * STEP

    assert [(0, "classifier.user")] == found(made(models), prompt(text))
    assert max(map(len, models.texts)) < 2 * STEP


def test_a_split_at_the_end_of_a_long_text_is_read():
    given = prompt("x " * 10_000 + "very ", "wicked " + "y " * 10_000)

    assert [(1, "classifier.user")] == found(made(Scores("very wicked")), given)


def test_much_text_is_asked_about_in_portions_and_what_was_answered_is_kept():
    class Failing(Scores):
        async def ask(self, *args: Any, **options: Any) -> list[Any]:
            if len(self.asked) == 2:
                self.error = ModelServerError("busy")
            return await super().ask(*args, **options)

    texts = [f"{n} " + "x" * 16_000 for n in range(12)]
    models, memo = Failing(), Memo(bytes(32))
    with pytest.raises(ModelServerError):
        found(made(models, memo), prompt(*texts))
    assert all(sum(map(len, asked[1:])) <= PORTION for asked in models.asked)

    again = Scores()
    assert [] == found(made(again, memo), prompt(*texts))
    assert not set(models.texts) & set(again.texts)


def test_nothing_is_remembered_of_a_question_that_failed():
    memo = Memo(bytes(32))
    with pytest.raises(ModelServerDownError):
        found(made(Scores(error=ModelServerDownError()), memo), prompt("A wicked one."))

    assert [(0, "classifier.user")] == found(made(Scores(), memo), prompt("A wicked one."))


@pytest.mark.parametrize("answer", [[], None, "x", [None], 5])
def test_an_answer_that_is_no_score_is_a_fault_of_the_model_server(answer):
    class Odd:
        async def ask(self, *_: Any, **__: Any) -> list[Any]:
            return [answer]

    with pytest.raises(ModelServerError):
        found(made(Odd()), prompt("Hello."))


def test_what_is_read_is_told_by_characters():
    leaves = (Leaf(0, 0, "abc", Channel.USER), Leaf(0, 1, "", Channel.USER), Leaf(0, 2, "de", Channel.SYSTEM))

    assert [Extent("classifier.user", 1, 3)] == list(made(Scores()).extent(Prompt(None, leaves)))  # type: ignore[arg-type]
    assert [] == list(made(Scores()).extent(prompt("a", channel=Channel.KEY)))
