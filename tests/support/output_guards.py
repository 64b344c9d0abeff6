"""Guards of the answer at work on a made request and a made stream, with the models of this process or broken ones."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from detectors.fakes import NoDocument, piece, text_of
from outgate.exchange.guarded import Guarded, opened
from outgate.exchange.judging import CutError, EndedError
from outgate.inference.judge import Judge
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Leaf, Prompt
from outgate.inference.stream import EventStream
from outgate.inference.verdict import Verdict
from outgate.model_server.wire import ModelServerDownError
from support.judging import execution_of

WHO = Principal(name="app", tenant="t1")


class Broken:
    """A model server that is down, or hangs."""

    def __init__(self, *, hangs: bool = False) -> None:
        self.hangs = hangs

    async def ask(self, *_: Any, **__: Any) -> Any:
        if self.hangs:
            await asyncio.Event().wait()
        raise ModelServerDownError

    async def detect_pii(self, *_: Any) -> Any:
        return await self.ask()


class Request(NamedTuple):
    """The facts that guards of the answer read."""

    prompt: Prompt
    placeholders: Any = None
    principal: Principal = WHO
    r_stream: EventStream = EventStream.of([])


class Passed(NamedTuple):
    """What went on, event by event and at last what was held; how it ended; and the verdict."""

    pieces: Sequence[str]
    ending: str
    verdict: Verdict

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def request(*asked: str, system: str = "", tools: Sequence[str] = ()) -> Request:
    texts = [
        (Channel.SYSTEM, system),
        *((Channel.TOOL_DEFINITION, tool) for tool in tools),
        *((Channel.USER, text) for text in asked),
    ]
    leaves = tuple(Leaf(0, i, text, channel, i) for i, (channel, text) in enumerate(texts) if text)
    return Request(Prompt(NoDocument(), leaves))


def cut(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def passed(
    judge: Judge, pieces: Sequence[str], *, part: Any = ("content",), channel: Channel = Channel.ASSISTANT, **fields: Any
) -> Passed:
    """What an answer of these pieces becomes. `fields` are of the contract."""

    async def run() -> Passed:
        execution = execution_of({"guard": judge}, **{"limit": 60.0} | fields)
        judges, gone, ending = opened(execution), [], ""
        assert isinstance(judges, Guarded)
        try:
            for text in pieces:
                gone.append(text_of(await judges.feed(piece(text, part, channel)), part))
            gone.append(text_of(await judges.finish(), part))
        except CutError as error:
            ending = error.denial.code
        except EndedError as error:
            ending = error.text
        finally:
            judges.close()
        return Passed(gone, ending, execution.get("verdict.out.guard"))

    return asyncio.run(run())
