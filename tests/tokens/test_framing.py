import pytest

from outgate.inference.prompt import Channel, Leaf
from outgate.tokens.framing import Exactness, counted, family_of, frame
from support.wire_bodies import CHAT, EMBEDDINGS


@pytest.mark.parametrize(
    ("model", "tokenizer", "exactness"),
    [
        ("gpt-4o-mini", "o200k_base", Exactness.EXACT),
        ("gpt-4.1-2025-04-14", "o200k_base", Exactness.EXACT),
        ("gpt-5.2", "o200k_base", Exactness.EXACT),
        ("o3-mini", "o200k_base", Exactness.EXACT),
        ("openai/gpt-4o", "o200k_base", Exactness.EXACT),
        ("ft:gpt-4o:org::id", "o200k_base", Exactness.EXACT),
        ("gpt-4-0613", "cl100k_base", Exactness.EXACT),
        ("gpt-3.5-turbo", "cl100k_base", Exactness.EXACT),
        ("text-embedding-3-small", "cl100k_base", Exactness.EXACT),
        ("davinci", "o200k_base", Exactness.FOREIGN),
        ("llama-3.3-70b-versatile", "o200k_base", Exactness.FOREIGN),
        ("", "o200k_base", Exactness.FOREIGN),
        ("claude-3-5-sonnet-20241022", "claude/3.0", Exactness.RECONSTRUCTED),
        ("claude-sonnet-4-20250514", "claude/3.0", Exactness.RECONSTRUCTED),
        ("claude-sonnet-4-5-20250929", "claude/3.0", Exactness.RECONSTRUCTED),
        ("us.anthropic.claude-opus-4-7-v1:0", "claude/4.7", Exactness.RECONSTRUCTED),
        ("claude-opus-4-8", "claude/4.8", Exactness.RECONSTRUCTED),
        ("claude-opus-4.10", "claude/4.8", Exactness.RECONSTRUCTED),
        ("claude-sonnet-5", "claude/4.8", Exactness.RECONSTRUCTED),
        ("claude-latest", "claude/4.8", Exactness.RECONSTRUCTED),
    ],
)
def test_the_tokenizer_follows_the_model(model, tokenizer, exactness):
    family = family_of(model)

    assert (tokenizer, exactness) == (family.tokenizer, family.exactness)


def leaf(channel, turn):
    return Leaf(0, "k", "text", channel, turn)


def test_tool_definitions_and_outer_parameters_are_not_prompt_text():
    leaves = (
        leaf(Channel.SYSTEM, -1),
        leaf(Channel.USER, 0),
        leaf(Channel.PARAMETER, 0),
        leaf(Channel.PARAMETER, -1),
        leaf(Channel.TOOL_DEFINITION, -1),
        leaf(Channel.TOOL_ARGUMENTS, 1),
        leaf(Channel.KEY, 1),
    )

    assert [0, 1, 2, 5, 6] == counted(leaves)


def test_openai_adds_four_tokens_a_message_and_three_for_the_reply():
    leaves = tuple(leaf(Channel.USER, turn) for turn in (0, 0, 1, 2))

    assert 3 * 4 + 3 == frame(family_of("gpt-4o"), CHAT, leaves, tools=False)


def test_anthropic_adds_its_tool_prompt():
    family = family_of("claude-opus-4-8")
    leaves = (leaf(Channel.USER, 0),)

    assert 346 == frame(family, CHAT, leaves, tools=True) - frame(family, CHAT, leaves, tools=False)


def test_embeddings_have_no_frame():
    assert 0 == frame(family_of("text-embedding-3-small"), EMBEDDINGS, (leaf(Channel.USER, 0),), tools=False)
