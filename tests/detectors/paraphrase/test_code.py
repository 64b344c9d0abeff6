from detectors.paraphrase.pairs import pairs
from outgate.detectors.paraphrase.code import code_differs
from outgate.detectors.paraphrase.words import Words, read


@pairs("""
    what does `a[0]` do | what does `a[1]` do
    what does `a[0]` do | what does it do
    what is 3 + 4 | what is 3 * 4
    what is 3 plus 4 | what is 3 minus 4
""")
def test_other_code_and_operators_are_seen(a: Words, b: Words) -> None:
    assert code_differs(a, b)


@pairs("""
    what does `x = 1` do | explain `x =  1`
    what is 3 + 4 | what is 3 plus 4
    what is 3 + 4 | add 3 and 4
""")
def test_the_same_code_is_no_difference(a: Words, b: Words) -> None:
    assert not code_differs(a, b)


def test_a_block_is_code() -> None:
    assert code_differs(
        read("Mend this:\n```python\nfor a in b:\n    c\n```"), read("Mend this:\n```python\nfor a in d:\n    c\n```")
    )
