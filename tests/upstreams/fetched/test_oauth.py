"""Client credentials: what the token endpoint is asked with."""

import asyncio
import base64
from urllib.parse import parse_qs

import pytest
from pydantic import ValidationError

from outgate.upstreams.fetched import azure, oauth
from outgate.upstreams.fetched.settings import AzureSettings, OauthSettings
from upstreams.fetched.asked import Asked, problem

URL = "https://login.corp.example/oauth2/token"
ENVIRON = {"SECRET": "s: 1/2"}


def asked(settings, environ=ENVIRON):
    ask = Asked()
    fetched = azure.fetch if isinstance(settings, AzureSettings) else oauth.fetch
    token = asyncio.run(fetched(settings, environ, ask)).secret.reveal()
    assert token == "token-c0ffee5e11ab"
    (question,) = ask.questions
    return question, {name: each[0] for name, each in parse_qs(question.body.decode()).items()}


def test_id_and_secret_are_encoded_before_they_are_joined():
    """RFC 6749 section 2.3.1."""
    question, fields = asked(
        OauthSettings(token_url=URL, client_id="a:b", client_secret={"env": "SECRET"}, scopes=("x", "y"), audience="z")
    )

    assert "a%3Ab:s%3A+1%2F2" == base64.b64decode(question.authorization.reveal().removeprefix("Basic ")).decode()
    assert {"grant_type": "client_credentials", "scope": "x y", "audience": "z"} == fields
    assert "s: 1" not in repr(question)


def test_in_the_body_where_the_issuer_wants_them_there():
    question, fields = asked(OauthSettings(token_url=URL, client_id="a", client_secret={"env": "SECRET"}, authentication="post"))

    assert (None, "a", "s: 1/2") == (question.authorization, fields["client_id"], fields["client_secret"])


def test_a_signed_token_stands_for_the_secret_and_is_read_each_time(tmp_path):
    (tmp_path / "token").write_text("one")
    settings = OauthSettings(token_url=URL, assertion_file=str(tmp_path / "token"))
    first = asked(settings)[1]["client_assertion"]
    (tmp_path / "token").write_text("two")

    assert ("one", "two") == (first, asked(settings)[1]["client_assertion"])
    assert asked(settings)[1]["client_assertion_type"].endswith(":jwt-bearer")


def test_azure_asks_its_login_server(tmp_path):
    (tmp_path / "token").write_text("federated")
    by_secret, fields = asked(AzureSettings(tenant="acme", client_id="app", client_secret={"env": "SECRET"}))
    _, federated = asked(AzureSettings(tenant="acme", client_id="app", federated_token_file=str(tmp_path / "token")))

    assert "https://login.microsoftonline.com/acme/oauth2/v2.0/token" == by_secret.url
    assert ("https://cognitiveservices.azure.com/.default", "s: 1/2") == (fields["scope"], fields["client_secret"])
    assert "federated" == federated["client_assertion"]


def test_azure_managed_identity_is_a_question_to_one_address():
    question, _ = asked(AzureSettings(managed_identity=True, client_id="mine"))

    assert question.url.startswith("http://169.254.169.254/metadata/identity/oauth2/token?")
    assert "resource=https%3A%2F%2Fcognitiveservices.azure.com&client_id=mine" in question.url
    assert (("metadata", "true"),) == question.headers


@pytest.mark.parametrize("environ", [{}, {"SECRET": "a\nb"}])
def test_a_secret_that_cannot_be_read_is_named_and_not_shown(environ):
    settings = OauthSettings(token_url=URL, client_id="a", client_secret={"env": "SECRET"})

    assert "the variable SECRET" in problem(lambda: oauth.question(settings, environ))


@pytest.mark.parametrize(
    "wrong",
    [
        {"token_url": "ftp://x/y"}, {"token_url": "https://X.example/t"}, {"token_url": "https://u:p@x.example/t"},
        {"token_url": URL}, {"token_url": URL, "client_secret": {"env": "A"}, "assertion_file": "f", "client_id": "a"},
        {"token_url": URL, "client_secret": {"env": "A"}}, {"token_url": URL, "client_id": "a", "client_secret": {}},
        {"token_url": URL, "client_id": "a", "client_secret": {"env": "A"}, "scopes": ["a b"]},
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(wrong):
    with pytest.raises(ValidationError):
        OauthSettings(**wrong)
