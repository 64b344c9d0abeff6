"""Count the input tokens of the request for the model it will really reach.

Reads the text as it will leave (redaction has run) and the routed model, so a change of either counts again and nothing else does.
A short text is counted when somebody asks for its count; until then it has a bound. What cannot be counted exactly is bounded from
above, never zero: the budget holds what this says.
"""

import asyncio
from typing import NamedTuple

from outgate.inference.input_tokens import InputTokens
from outgate.inference.operation import Operation
from outgate.inference.params import Params, Tools
from outgate.inference.principal import Principal
from outgate.inference.prompt import Prompt
from outgate.pipeline.contract import Contract
from outgate.pipeline.stage import Settings, Stage
from outgate.tokens.tokenizers import Tokenizers


class CountTokensSettings(Settings):
    """What policies/*.yaml may say under `count_tokens`."""

    preload: tuple[str, ...] = ()
    """Models whose tokenizers are loaded at start; others are loaded beside the traffic when they are first called, with o200k
    standing in until then. o200k is always loaded."""


class Reads(NamedTuple):
    """What the count depends on."""

    prompt: Prompt
    tools: Tools
    params: Params
    model: str
    operation: Operation
    principal: Principal


class CountTokens(Stage):
    """Writes `tokens.in`, above zero."""

    name = "count_tokens"
    settings_type = CountTokensSettings
    companions = ("answer_count",)

    def __init__(self, settings: CountTokensSettings, tokenizers: Tokenizers) -> None:
        self._preload = settings.preload
        self._tokenizers = tokenizers
        self.contract = Contract.of(Reads, writes=("tokens.in",), cost=0.05)

    async def start(self) -> None:
        """Load tokenizers. Raises TokenizerDataError where their data is not on this disk, and the plan does not start."""
        await asyncio.to_thread(self._tokenizers.prepare, self._preload)

    def run(self, facts: Reads) -> tuple[InputTokens]:
        operation, tenant = facts.operation, facts.principal.tenant
        return (self._tokenizers.bounded(facts.prompt, facts.tools, facts.params, facts.model, operation, tenant),)
