"""Answers of token endpoints: what is a token, and when it ends."""

import pytest

from outgate.upstreams.fetched.asking import Answer, fresh, token_in, token_of
from upstreams.fetched.asked import problem


@pytest.mark.parametrize(
    ("body", "renew", "ends"),
    [
        (b'{"access_token": "t", "expires_in": 3600}', 2700, 3600),
        (b'{"access_token": "t", "expires_in": "3600"}', 2700, 3600),
        (b'{"access_token": "t"}', 225, 300),
        (b'{"access_token": "t", "expires_in": 1e12}', 64_800, 86_400),
    ],
)
def test_a_token_is_renewed_ahead_of_its_end(body, renew, ends):
    found = token_of(Answer({}, body))

    assert ("t", renew, ends) == (found.secret.reveal(), found.renew, found.ends)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"null", b'"t"', b"{}", b'{"access_token": 1}', b'{"access_token": ""}', b'{"access_token": "a b"}',
        b'{"access_token": "a\\r\\nx: y"}', b'{"access_token": "t", "expires_in": 0}',
        b'{"access_token": "t", "expires_in": "soon"}',
        b'{"access_token": "t", "expires_in": -1}', b'{"access_token": "t", "expires_in": null}', b"<html>",
    ],
)  # fmt: skip
def test_anything_else_is_no_token_and_is_not_shown(body):
    told = problem(lambda: token_of(Answer({}, body)))

    assert told in ("the token endpoint gave no token", "the token endpoint gave a token that has ended")


def test_a_life_that_is_no_number_has_ended():
    assert problem(lambda: fresh("t", float("nan")))


def test_a_file_of_a_token_is_one_word(tmp_path):
    (tmp_path / "token").write_text("a.b.c\n")
    (tmp_path / "two").write_text("a b")

    assert "a.b.c" == token_in(str(tmp_path / "token")).reveal()
    for name in ("two", "none"):
        assert name in problem(lambda name=name: token_in(str(tmp_path / name)))
