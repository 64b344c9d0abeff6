import pytest

from outgate.tokens.ceilings import Ceiling, ceiling_of


@pytest.mark.parametrize(
    ("model", "output"),
    [
        ("gpt-4o-mini", 16_384),
        ("gpt-4o-2024-08-06", 16_384),
        ("gpt-4o-2024-05-13", 4_096),
        ("o3-2025-04-16", 100_000),
        ("gpt-5-2025-08-07", 128_000),
        ("gpt-4.1-2025-04-14", 32_768),
        ("claude-haiku-4-5-20251001", 64_000),
    ],
)
def test_a_model_has_its_own_ceiling_dated_or_not(model, output):
    assert output == ceiling_of(model).output


@pytest.mark.parametrize("model", ["llama-3.1-8b", "gpt-4o-mini-of-ours", "", "-2024-05-13"])
def test_no_ceiling_is_made_up(model):
    assert ceiling_of(model) is None


def test_the_window_holds_the_output():
    assert Ceiling(4_096, 8_192) == ceiling_of("gpt-4-0613".replace("-0613", ""))
