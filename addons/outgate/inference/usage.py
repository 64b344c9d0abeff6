"""What a request used, as the provider reported it."""

from dataclasses import dataclass


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
