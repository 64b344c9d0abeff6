"""The tail of an answer that may still become a secret is undecided, and nothing else."""

import pytest

from outgate.detectors.output.secrets import LONGEST, opened


@pytest.mark.parametrize(
    ("text", "tail"),
    [
        ("The token is ghp_Zk3", "ghp_Zk3"),
        ("The token is gone. ", ""),
        ("password: ", ""),
        ("dump 67 68 70 5", "67 68 70 5"),
        ("dump 67 68 70 ", "67 68 70 "),
        ("in 24 days ", ""),
        ("key:\n-----BEGIN RSA PRIV", "-----BEGIN RSA PRIV"),
        ("key:\n-----BEGIN RSA PRIVATE KEY-----\nMIIE", "-----BEGIN RSA PRIVATE KEY-----\nMIIE"),
        ("鍵はここにありますghp_Zk3", "ghp_Zk3"),
        ("鍵はここにあります", ""),
        ("", ""),
        ("1" * 3000, "1" * LONGEST),
    ],
)
def test_the_tail_that_is_undecided(text, tail):
    assert tail == text[opened(text, 0) :]


def test_what_was_decided_stays_so():
    assert 6 == opened("ghp_Zk3", 6)
