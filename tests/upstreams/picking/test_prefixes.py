"""Chains of prefix blocks: shared as far as the text is, never between tenants; what a replica holds is bounded."""

from typing import NamedTuple

from outgate.upstreams.picking.prefixes import BLOCK, MOST, Prefixes, chain_of, head_of


class Leaf(NamedTuple):
    text: str
    turn: int = 0


SEED = b"tenant and model"


def _chain(*texts, seed=SEED):
    return chain_of(seed, [Leaf(text, turn) for turn, text in enumerate(texts)])


def _shared(one, other):
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def test_a_conversation_that_goes_on_keeps_its_chain():
    system, first, second = "s" * 600, "u" * 900, "a" * 700
    before, after = _chain(system, first), _chain(system, first, second)

    assert before == after[: len(before)]
    assert len(after) > len(before)


def test_a_difference_ends_what_is_shared_and_nothing_behind_it_matches():
    one, other = _chain("x" * 5 * BLOCK), _chain("x" * 2 * BLOCK + "y" + "x" * 3 * BLOCK)

    assert 2 == _shared(one, other)
    assert not set(one[2:]) & set(other)


def test_chains_of_two_seeds_share_nothing():
    assert not set(_chain("x" * 1000)) & set(_chain("x" * 1000, seed=b"another tenant"))


def test_the_head_is_the_same_in_every_process_and_ends_with_the_first_block():
    one, other = ([Leaf("h" * BLOCK + text)] for text in "xy")

    assert head_of(SEED, one) == head_of(SEED, other) == bytes.fromhex("540bb760528f9ed4")
    assert head_of(SEED, one) != head_of(b"another tenant", one)
    assert SEED == head_of(SEED, [Leaf("short")])


def test_tools_stand_before_messages_wherever_the_body_has_them():
    tools, message = Leaf("t" * 300, -1), Leaf("m" * 300, 0)

    assert chain_of(SEED, [tools, message]) == chain_of(SEED, [message, tools])


def test_short_prompts_have_no_block_and_long_ones_a_bounded_number():
    assert () == _chain("x" * (BLOCK - 1))
    assert MOST == len(_chain("x" * BLOCK * MOST * 3))
    assert 1 == len(_chain("\ud800" * BLOCK))


def test_a_replica_holds_so_many_blocks_and_forgets_ends_first():
    chain, prefixes = _chain("x" * 10 * BLOCK), Prefixes(6)
    prefixes.add("a", chain)

    assert (6, 6, 0) == (prefixes.matched("a", chain), prefixes.size("a"), prefixes.matched("b", chain))
    prefixes.forget("a", chain)
    assert 0 == prefixes.matched("a", chain)


def test_a_replica_that_is_gone_is_forgotten():
    chain, prefixes = _chain("x" * 10 * BLOCK), Prefixes(100)
    prefixes.add("a", chain)
    prefixes.add("b", chain)
    prefixes.keep({"b"})

    assert (0, 10) == (prefixes.matched("a", chain), prefixes.matched("b", chain))
