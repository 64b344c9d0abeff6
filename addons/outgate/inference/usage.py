"""Token usage of a request, as the provider reported it."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens, null rather than wrong (OpenTelemetry `gen_ai.usage.*`).

    `input_tokens` includes cached ones in every dialect; `output_tokens` includes reasoning. `estimated` marks figures the
    gateway counted itself because the provider reported none (a cancelled stream).
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    estimated: bool = False

    @property
    def told(self) -> bool:
        """Whether a provider told it: no request has no tokens, but some servers, and translated answers, say 0 for unknown."""
        return bool(self.input_tokens or self.output_tokens)


def merge_usage(first: Usage | None, second: Usage | None) -> Usage | None:
    """Two reports of one answer as one: what the later one states replaces, what it leaves open stays."""
    if first is None or second is None:
        return second or first
    names = ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens")
    stated = {name: value for name in names if (value := getattr(second, name)) is not None}
    return replace(first, estimated=second.estimated, **stated)
