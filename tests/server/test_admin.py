"""Words of the readiness probe: how many workers serve, and what is the matter with the others. The listener: tests/e2e/server."""

import pytest

from outgate.server.admin import Standing
from outgate.server.worker_process import QUIET, WorkerProcess


def workers(*serving):
    """Workers that serve, that did and ended, or that never did (None)."""
    made = []
    for index, serves in enumerate(serving):
        worker = WorkerProcess(index)
        if serves is not None:
            worker.is_back(0.0)
        if serves is False:
            worker.has_ended(1.0)
        made.append(worker)
    return made


@pytest.mark.parametrize(
    ("standing", "serves", "words"),
    [
        (Standing(workers(True, True), stopping=False), True, "2 of 2 workers ready"),
        (Standing(workers(None, None), stopping=False), False, "0 of 2 workers ready, starting"),
        (Standing(workers(True, None), stopping=False), True, "1 of 2 workers ready"),
        (Standing(workers(True, False), stopping=False), True, "1 of 2 workers ready, worker 1 is being started again"),
        (Standing(workers(False), stopping=False), False, "0 of 1 workers ready, worker 0 is being started again"),
        (Standing(workers(True), stopping=True), False, "1 of 1 workers ready, stopping"),
        (Standing(workers(True), stopping=False, troubles=["model server down"]), True, "1 of 1 workers ready, model server down"),
    ],
)
def test_how_it_stands_is_said(standing, serves, words):
    assert (serves, words) == (standing.serves, standing.words)


def test_a_worker_that_is_silent_or_cannot_spend_does_not_serve():
    silent, poor = workers(True, True)
    silent.silent, poor.trouble = QUIET, "accounts: No space left on device"

    standing = Standing([silent, poor], stopping=False)
    assert (False, "0 of 2 workers ready, accounts: No space left on device") == (standing.serves, standing.words)
