"""Equality of two questions but for their frame."""

import pytest

from outgate.detectors.paraphrase.frames import same_but_for_frame


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("How can I change my password?", "How do I change my password?"),
        ("how to change my password", "Hi, how would one change my password please?"),
        ("What is the capital of France?", "which is the capital of france"),
        ("What\u2019s the capital of France?", "Can you tell me: what is capital of France? Thanks!"),
        ("I want to know how to boil an egg.", "How do you boil the egg"),
    ],
)
def test_the_frame_changes_nothing(a, b):
    assert same_but_for_frame(a, b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("How can I change my password?", "How can I change your password?"),
        ("How do I change my password?", "Why do I change my password?"),
        ("How do I add 2 to 3?", "How do I add 3 to 2?"),
        ("What is 1.5 + 2?", "What is 15 + 2?"),
        ("What is 3 + 2?", "What is 3 - 2?"),
        ("What is the capital of France?", "What was the capital of France?"),
        ("How do I sort a list?", "How should I sort a list?"),
        ("Is it not safe?", "Is it safe?"),
        ("What are AABB individuals?", "What are AaBb individuals?"),
        ("please", "thanks"),
    ],
)
def test_any_other_word_order_or_sign_does(a, b):
    assert not same_but_for_frame(a, b)
