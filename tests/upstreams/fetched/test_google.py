"""Google's own library over our way to token endpoints: what is asked, and that nothing it says is shown."""

import asyncio
import json
import time
from urllib.parse import parse_qs

import jwt
import pytest

from outgate.upstreams.fetched import google
from outgate.upstreams.fetched.settings import GoogleSettings
from outgate.upstreams.renewal import RenewalError
from support.issuers import google_federation, google_key
from upstreams.fetched.asked import TOKEN, Asked, problem


def fetched(ask, **settings):
    return asyncio.run(google.fetch(GoogleSettings(**settings), ask, time.time))


def test_a_key_file_signs_what_is_exchanged(tmp_path):
    ask = Asked()
    found = fetched(ask, file=str(google_key(tmp_path)))
    (question,) = ask.questions
    claims = jwt.decode(parse_qs(question.body.decode())["assertion"][0], options={"verify_signature": False})

    assert ("token-c0ffee5e11ab", True) == (found.secret.reveal(), 3500 < found.ends <= 3600)
    assert ("robot@acme.example", "https://www.googleapis.com/auth/cloud-platform") == (claims["iss"], claims["scope"])


def test_a_self_signed_token_asks_nobody(tmp_path):
    ask = Asked()
    found = fetched(ask, file=str(google_key(tmp_path)), self_signed=True)

    assert [] == ask.questions
    assert "robot@acme.example" == jwt.decode(found.secret.reveal(), options={"verify_signature": False})["sub"]


def test_a_pod_token_is_exchanged_and_then_impersonates(tmp_path):
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    ask = Asked(TOKEN | {"issued_token_type": "x", "token_type": "Bearer"}, {"accessToken": "second", "expireTime": ends})
    found = fetched(ask, file=str(google_federation(tmp_path)))
    exchange, impersonation = ask.questions

    assert "second" == found.secret.reveal()
    assert ["pod-token-c0ffee5e11ab"] == parse_qs(exchange.body.decode())["subject_token"]
    assert "Bearer token-c0ffee5e11ab" == impersonation.authorization.reveal()
    assert "token-c0ffee5e11ab" not in str(impersonation)


def test_the_metadata_server_is_asked_in_its_own_words():
    ask = Asked({"email": "robot@acme.example", "scopes": []}, TOKEN)
    found = fetched(ask)

    assert "token-c0ffee5e11ab" == found.secret.reveal()
    assert all(each.url.startswith("http://metadata.google.internal/computeMetadata/v1/") for each in ask.questions)
    assert all(("metadata-flavor", "Google") in each.headers for each in ask.questions)


@pytest.mark.parametrize("answer", [RenewalError("sts does not answer"), {"error": "canary"}, b"canary", []])
@pytest.mark.parametrize("kind", ["key", "federation", "metadata"])
def test_attack_what_goes_wrong_is_tried_once_and_quotes_nothing(tmp_path, kind, answer, caplog):
    ask = Asked(answer)
    files = {"key": google_key, "federation": google_federation}
    settings = {"file": str(files[kind](tmp_path))} if kind in files else {}
    began = time.monotonic()
    told = problem(lambda: fetched(ask, **settings))

    assert told and "canary" not in told + caplog.text
    assert (1, True) == (len(ask.questions), time.monotonic() - began < 1)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"type": "authorized_user"}', '{"type": "service_account", "private_key": "canary"}',
             '{"type": "external_account", "credential_source": {"executable": {"command": "canary"}}}']
)  # fmt: skip
def test_a_file_of_another_kind_is_refused_and_not_quoted(tmp_path, text):
    (tmp_path / "key.json").write_text(text)
    told = problem(lambda: google.made(GoogleSettings(file=str(tmp_path / "key.json"))))

    assert "key.json" in told and "canary" not in told


def test_a_federated_token_that_is_missing_is_named(tmp_path):
    file = google_federation(tmp_path)
    (tmp_path / "pod-token").unlink()

    assert "pod-token" in problem(lambda: google.made(GoogleSettings(file=str(file))))
    assert json.loads(file.read_text())["credential_source"]["file"].endswith("pod-token")
