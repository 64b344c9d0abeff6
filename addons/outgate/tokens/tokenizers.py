"""Count the input tokens of a request for the model it will really reach.

The tokenizer follows the routed model: OpenAI's encodings exactly, Claude by reconstruction, every other model by o200k times a
factor learned from what providers report. Counts of texts are remembered per tenant, so an agent's history is counted once; of
what was never counted, up to `exact_chars` characters a request are counted exactly and more is estimated from a sample.
An encoding that is not loaded yet is loaded in a thread while o200k stands in for it: the event loop never waits for a file.
"""

from collections.abc import Callable, Iterable, Sequence
from math import ceil
from random import Random
from threading import Thread
from typing import Any, Protocol

from outgate.dialects.registry import spec
from outgate.errors import WireError
from outgate.inference.input_tokens import InputTokens
from outgate.inference.operation import Operation
from outgate.inference.params import Params, Tools
from outgate.inference.prompt import Prompt
from outgate.tokens import claude, encodings
from outgate.tokens.framing import Exactness, Family, counted, family_of, frame, parameter_chars
from outgate.tokens.images import HEAD, unjudged_tokens
from outgate.tokens.sampling import estimate

_DEFAULT = "o200k_base"
_EXACT_CHARS = 8_192
_STEP = 0.1
_LEAST, _MOST = 0.5, 3.0
_UNSEEN = 1.15
"""First factor of a model nobody knows: on the side of holding too much."""
_STAND_IN = 1.6
"""Claude tokens for each o200k token, until its own tokenizer is loaded (1.1 to 1.9 in Latin script)."""
_MOST_MODELS = 1_024
_NO_TOOLS = Tools()
_SETTINGS_CHARS = 1_024
_COUNTED_ANYWAY = 16
"""Of so many requests that a bound would do for, one is counted: `outgate_token_count_error_ratio` goes on telling."""


class Counter(Protocol):
    """A tokenizer: tokens of each text, in one call for all."""

    def count(self, texts: Sequence[str]) -> list[int]: ...


class CountMemo(Protocol):
    """The part of stores.memo.Memo that counting needs: what was counted before, per tenant."""

    def digest(self, text: str) -> bytes: ...

    def digests(self, prompt: Prompt) -> Sequence[bytes]: ...

    def get_many(self, tenant: str, kind: str, digests: Sequence[bytes]) -> Sequence[int | None]: ...

    def put(self, tenant: str, kind: str, digest: bytes, value: Any) -> None: ...


def load(name: str) -> Counter:
    """The tokenizer a `Family` names. Raises TokenizerDataError where its data is missing or changed."""
    return claude.load(name.removeprefix("claude/")) if name.startswith("claude/") else encodings.load(name)


def in_thread(task: Callable[[], None]) -> None:
    """Run a task beside the event loop."""
    Thread(target=task, name="tokenizer-load", daemon=True).start()


class Tokenizers:
    """Counts for all models of one worker. `random` places sample windows; `load` and `spawn` are how tokenizers get here."""

    def __init__(
        self,
        memo: CountMemo,
        random: Random,
        exact_chars: int = _EXACT_CHARS,
        load: Callable[[str], Counter] = load,
        spawn: Callable[[Callable[[], None]], None] = in_thread,
    ) -> None:
        self._memo = memo
        self._random = random
        self._exact_chars = exact_chars
        self._load = load
        self._spawn = spawn
        self._counters: dict[str, Counter] = {}
        self._loading: set[str] = set()
        self._families: dict[str, Family] = {}
        self._factors: dict[str, float] = {}
        self._bounded = 0

    def prepare(self, models: Iterable[str] = ()) -> None:
        """Load o200k and what these models need (half a second each). Raises TokenizerDataError: then do not start."""
        for name in (_DEFAULT, *(family_of(model).tokenizer for model in models)):
            if name not in self._counters:
                self._counters[name] = self._load(name)

    def bounded(self, prompt: Prompt, tools: Tools, params: Params, model: str, operation: Operation, tenant: str) -> InputTokens:
        """What `count` gives, made when it is asked for where the tokenizer is exact and the text short: its bytes are the bound.

        Holds the texts and nothing else of the request. What is longer is counted now, from the memory of its history or a sample.
        """
        family = self._family(model)
        name, counter = self._counter(family.tokenizer)
        texts = [prompt.leaves[at].text for at in counted(prompt.leaves)] + _beside(prompt, tools, params)
        exact = family.exactness is Exactness.EXACT and name == family.tokenizer and not prompt.unjudged
        self._bounded = (self._bounded + 1) % _COUNTED_ANYWAY
        if not exact or self._bounded == 1 or sum(map(len, texts)) > self._exact_chars:
            return InputTokens(self.count(prompt, tools, params, model, operation, tenant))
        framed = frame(family, operation, prompt.leaves, tools=bool(tools.names))

        def count() -> int:
            return max(1, framed + self._known(texts, [self._memo.digest(text) for text in texts], name, counter, tenant))

        return InputTokens(max(1, framed + sum(map(_bytes, texts))), count)

    def count(self, prompt: Prompt, tools: Tools, params: Params, model: str, operation: Operation, tenant: str) -> int:
        """Input tokens of the request: text, frame, tools, and a bound for what is not text. Never zero."""
        family = self._family(model)
        name, counter = self._counter(family.tokenizer)
        tokens = self._texts(prompt, name, counter, tenant)
        tokens += frame(family, operation, prompt.leaves, tools=bool(tools.names))
        beside = _beside(prompt, tools, params)
        tokens += self._known(beside, [self._memo.digest(text) for text in beside], name, counter, tenant) if beside else 0
        tokens = ceil(tokens * self._factor(model, family, name))
        images = spec(operation.dialect).images
        return max(1, tokens + unjudged_tokens(prompt.unjudged, lambda: _abridged(prompt), model, images))

    def count_text(self, model: str, text: str) -> int:
        """Tokens of one text on its own, for an answer whose provider did not report them.

        Where no tokenizer was prepared, because nothing else counts, a token for every three bytes: on the side of too many.
        """
        if _DEFAULT not in self._counters:
            return ceil(len(text.encode()) / 3)
        family = self._family(model)
        name, counter = self._counter(family.tokenizer)
        return ceil(sum(self._new([text], counter)) * self._factor(model, family, name))

    def observe(self, model: str, counted: int, reported: int) -> None:
        """Learn from a provider's report on a whole request what `count` gave for it: 10 % of the error at a time, within 0.5 to 3.

        Exact tokenizers learn nothing: there the difference is the provider's own (hidden prompts, images).
        """
        family = self._family(model)
        loaded = family.tokenizer in self._counters
        if family.exactness is Exactness.EXACT or not loaded or counted <= 0 or reported <= 0:
            return
        if len(self._factors) >= _MOST_MODELS and model not in self._factors:
            self._factors.clear()
        error = min(max(reported / counted, _LEAST), _MOST)
        factor = self._factor(model, family, family.tokenizer) * (1 + _STEP * (error - 1))
        self._factors[model] = min(max(factor, _LEAST), _MOST)

    def exactness(self, model: str) -> Exactness:
        """How far counts for this model can be trusted."""
        return self._family(model).exactness

    def _texts(self, prompt: Prompt, name: str, counter: Counter, tenant: str) -> int:
        leaves, places, digests = prompt.leaves, counted(prompt.leaves), self._memo.digests(prompt)
        return self._known([leaves[at].text for at in places], [digests[at] for at in places], name, counter, tenant)

    def _known(self, texts: list[str], digests: list[bytes], name: str, counter: Counter, tenant: str) -> int:
        """Tokens of these texts; what was counted before is remembered."""
        known = self._memo.get_many(tenant, name, digests)
        new = [at for at, tokens in enumerate(known) if tokens is None]
        total = sum(tokens for tokens in known if tokens is not None)
        for at, tokens in zip(new, self._new([texts[at] for at in new], counter), strict=True):
            self._memo.put(tenant, name, digests[at], tokens)
            total += tokens
        return total

    def _new(self, texts: list[str], counter: Counter) -> list[int]:
        if sum(map(len, texts)) > self._exact_chars:
            return estimate(texts, counter.count, self._random)
        return counter.count(texts)

    def _factor(self, model: str, family: Family, used: str) -> float:
        """What to multiply a count by. Where o200k stands in for an encoding that is still loading, nothing learned applies."""
        if used != family.tokenizer:
            return 1.0 if family.exactness is Exactness.EXACT else _STAND_IN
        learned = self._factors.get(model)
        if learned is not None:
            return learned
        return _UNSEEN if family.exactness is Exactness.FOREIGN else 1.0

    def _family(self, model: str) -> Family:
        family = self._families.get(model)
        if family is None:
            if len(self._families) >= _MOST_MODELS:
                self._families.clear()
            family = self._families[model] = family_of(model)
        return family

    def _counter(self, name: str) -> tuple[str, Counter]:
        counter = self._counters.get(name)
        if counter is not None:
            return name, counter
        if name not in self._loading and _DEFAULT in self._counters:
            self._loading.add(name)
            self._spawn(lambda: self._load_one(name))
        if _DEFAULT not in self._counters:
            self.prepare()
        return _DEFAULT, self._counters[_DEFAULT]

    def _load_one(self, name: str) -> None:
        """Load one tokenizer by name, for `spawn`."""
        self._counters[name] = self._load(name)


def _beside(prompt: Prompt, tools: Tools, params: Params) -> list[str]:
    """Tools, named or not, and the parameters where they hold a schema, or more text than settings have: servers show both."""
    texts = [tools.identity.decode()] if tools != _NO_TOOLS else []
    if b'"json_schema"' in params.identity or parameter_chars(prompt.leaves) > _SETTINGS_CHARS:
        texts.append(params.identity.decode())
    return texts


def _bytes(text: str) -> int:
    """Bytes in UTF-8, a lone surrogate like the U+FFFD that it is counted as."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _abridged(prompt: Prompt) -> tuple[bytes, int]:
    """The body as it would leave; as it came, where it is about to be refused for its edits."""
    try:
        return prompt.document.abridged(prompt.edits, HEAD)
    except WireError:
        return prompt.document.abridged({}, HEAD)
