"""A way to token endpoints that answers from a list, and keeps what it was asked."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson

from outgate.upstreams.fetched.asking import Answer, Question
from outgate.upstreams.renewal import RenewalError

TOKEN = {"access_token": "token-c0ffee5e11ab", "expires_in": 3600}


class Asked:
    """Gives the answers in turn, the last one for ever; an exception is raised."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers or (TOKEN,))
        self.questions: list[Question] = []
        self.hosts: list[Any] = []

    async def __call__(self, question: Question) -> Answer:
        self.questions.append(question)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        await asyncio.sleep(0)
        if isinstance(answer, Exception):
            raise answer
        return Answer({"content-type": "application/json"}, answer if isinstance(answer, bytes) else orjson.dumps(answer))

    async def ask(self, hosts: Any, question: Question) -> Answer:
        self.hosts.append(hosts)
        return await self(question)


def problem(call: Callable[[], Any]) -> str:
    """What a fetch that fails says; empty where it does not."""
    try:
        call()
    except RenewalError as error:
        return str(error)
    return ""
