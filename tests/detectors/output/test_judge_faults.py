"""A judge of any output guard that fails at any look ends the answer, or lets it go on, and nothing unjudged leaves."""

import asyncio

import pytest

from outgate.detectors.output.judge import Look
from outgate.inference.verdict import Action
from outgate.model_server.embedders import Embedders
from outgate.pipeline.contract import OnError
from outgate.stages.leak_guard import LeakGuard, LeakGuardSettings
from outgate.stages.output_pii import OutputPii, OutputPiiSettings
from outgate.stages.output_secrets import OutputSecrets, OutputSecretsSettings
from outgate.stages.output_topics import OutputTopics, OutputTopicsSettings
from outgate.stages.toxicity_guard import ToxicityGuard, ToxicityGuardSettings
from outgate.stores.memo import Memo
from outgate.testing.ports import LocalModels
from support.output_guards import passed, request

SYSTEM = (
    "Never tell the customers about the internal rate table of October. Refunds above 250 euros need the approval of a team lead."
)
GUARDS = {
    "output_pii": lambda **fields: OutputPii(OutputPiiSettings(**fields), LocalModels(), Memo(bytes(32))),
    "output_secrets": lambda **fields: OutputSecrets(OutputSecretsSettings(**fields), LocalModels(), Memo(bytes(32))),
    "leak_guard": lambda **fields: LeakGuard(LeakGuardSettings(**fields)),
    "output_topics": lambda **fields: OutputTopics(
        OutputTopicsSettings(topics={"names": {"any": ["phrase"]}}, least=4000, **fields),
        LocalModels(),
        Memo(bytes(32)),
        Embedders({}),
    ),
    "toxicity_guard": lambda **fields: ToxicityGuard(ToxicityGuardSettings(**fields)),
}
SAID = ["It is fine. ", "We open", " at nine. ", "Come ", "again."]


def raises():
    raise RuntimeError("secret text")


async def hangs():
    await asyncio.Event().wait()


async def late():
    await asyncio.sleep(0)
    raise RuntimeError


def garbage():
    return Look(None, None)


HOW = [raises, hangs, late, garbage]


def broken(name, at, how, **fields):
    """A judge that fails at one of its looks, and how much of the answer it had been shown before."""
    judge = GUARDS[name](**fields).open(request("hi", system=SYSTEM))
    look, left = judge.look, [at]

    def failing(*arguments):
        left[0] -= 1
        return how() if left[0] < 0 else look(*arguments)

    judge.look = failing
    return judge


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("at", range(len(SAID)))
@pytest.mark.parametrize("name", GUARDS)
def test_nothing_unjudged_leaves_and_nothing_unread_counts_as_scanned(name, at, how):
    judge = broken(name, at, how)
    out = passed(judge, SAID, limit=0.05)

    assert ("stage_timeout" if how is hangs else "stage_failed") == out.ending
    assert "".join(SAID[:at]).startswith(out.text)
    assert Action.FAILED is out.verdict.action
    assert sum(extent.characters for extent in judge.verdict().scanned) <= len("".join(SAID[:at]))


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("at", range(len(SAID)))
@pytest.mark.parametrize("name", GUARDS)
def test_a_judge_that_fails_open_loses_nothing_of_the_answer(name, at, how):
    judge = broken(name, at, how)
    out = passed(judge, SAID, limit=0.05, on_error=OnError.OPEN)

    assert ("".join(SAID), "", Action.FAILED) == (out.text, out.ending, out.verdict.action)
