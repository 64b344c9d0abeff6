"""A thousand texts of every length that prompts have, the same on every run."""

from itertools import product

OPENINGS = ("How do I", "Please", "Can you", "Write a test that says how to", "Why would anybody", "Never")
VERBS = ("open ", "translate ", "cancel ", "compare ", "explain ", "delete ", "encrypt ", "book ", "paint ", "summarise ")
THINGS = (
    "an account at two banks",
    "the attached contract of 2021",
    "a flight from Rome to Oslo, but only on Mondays",
    "a Python function that sorts a list of tuples by their second item",
    "den Bericht über 42 € Umsatz",
    "SELECT name FROM users WHERE id = 7;",
)
ENDINGS = (
    "?",
    " without asking my manager first.",
    ", and tell me in one sentence what could go wrong; I have had trouble with it before, in March, when nothing helped.",
)


def thousand() -> list[str]:
    """Short ones, long ones, questions, orders, code and other languages."""
    odd = ["", "hi", "字" * 30, "\0 \t", "word " * 400, "e\u0301" * 20]
    return (odd + ["".join((opening, " ", *rest)) for opening, *rest in product(OPENINGS, VERBS, THINGS, ENDINGS)])[:1000]
