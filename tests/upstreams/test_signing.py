"""Signatures: those that Amazon's documentation works out, and what is covered by them."""

import datetime as dt

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Keys

from outgate.upstreams.catalog import Backend, CredentialReference, Endpoint
from outgate.upstreams.credentials import Credentials
from outgate.upstreams.signing import Signable, SigningScope, keys_of

EXAMPLE = "AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # gitleaks:allow - the keys of the documentation
OBJECTS = SigningScope("s3", "us-east-1")
MAY_24 = 1369353600.0
HOST = "examplebucket.s3.amazonaws.com"


def signed(target, text=EXAMPLE, scope=OBJECTS, method="GET", body=b""):
    return dict(keys_of(text, scope, lambda: MAY_24).fields(Signable(method, HOST, target, body)))


@pytest.mark.parametrize(
    ("target", "signature"),
    [
        ("/?lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("/?max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_signatures_are_those_of_the_documentation(target, signature):
    """Amazon S3 API reference, "Examples: signature calculations"."""
    fields = signed(target)

    assert fields["authorization"].endswith(f"SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={signature}")
    assert {"authorization", "x-amz-content-sha256", "x-amz-date"} == set(fields)


def test_method_path_and_body_are_covered():
    signatures = {signed("/a")["authorization"], signed("/b")["authorization"], signed("/a", method="PUT")["authorization"]}
    signatures.add(signed("/a", method="PUT", body=b"x")["authorization"])

    assert 4 == len(signatures)


def test_temporary_keys_bring_their_token():
    fields = signed("/a", "access:secret-1:session-1")

    assert "session-1" == fields["x-amz-security-token"] and "x-amz-security-token" in fields["authorization"]
    assert "secret-1" not in str(fields)


def test_other_services_sign_normal_paths():
    fields = signed("/a%3Ab/./c", scope=SigningScope("bedrock", "eu-central-1"))

    assert "/eu-central-1/bedrock/aws4_request" in fields["authorization"] and "x-amz-content-sha256" not in fields


@pytest.mark.parametrize("model", ["anthropic.claude-sonnet-4-5-20250929-v1%3A0", "arn%3Aaws%3Abedrock%3A%3A1%3Aprofile%2Feu.x"])
def test_bedrock_is_signed_as_amazons_own_sdk_does(monkeypatch, model):
    at = dt.datetime.fromtimestamp(MAY_24, dt.UTC)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda **_: at.replace(tzinfo=None))
    target, body = f"/model/{model}/converse", b'{"messages":[]}'
    request = AWSRequest("POST", f"https://{HOST}{target}", data=body)
    SigV4Auth(Keys(*EXAMPLE.split(":")), "bedrock", "eu-central-1").add_auth(request)

    fields = signed(target, scope=SigningScope("bedrock", "eu-central-1"), method="POST", body=body)
    assert request.headers["Authorization"] == fields["authorization"]


@pytest.mark.parametrize("text", ["", "access", "access:", ":secret", "a:b:c:d", "access:se cret"])
def test_what_are_no_keys_is_refused(text):
    assert keys_of(text, OBJECTS, lambda: 0.0) is None


def bound(text):
    reference = CredentialReference(env="KEYS", sigv4=OBJECTS)
    endpoints = (Endpoint(name="e", host="objects.test", port=443),)
    to = Backend(name="objects", provider="objects", dialect="none", host="objects.test", endpoints=endpoints, credential=reference)
    credentials = Credentials({"KEYS": text}, lambda: 0.0, lambda: MAY_24)
    return credentials.bound(to), to, credentials


def test_keys_never_travel_and_never_come_back():
    auth, to, _ = bound("access-1:secret-key-1:session-token-1")

    assert "secret-key-1" not in str(auth.fields_for(to, to.origination, "GET", "/a", b"")) + repr(auth)
    assert ("secret-key-1", "session-token-1") == auth.echoes()


def test_a_credential_that_is_no_pair_of_keys_is_told_without_showing_it():
    auth, to, credentials = bound("canary-7")

    assert auth is None
    (problem,) = credentials.check(to)
    assert "ACCESS_KEY:SECRET_KEY" in problem.message and "canary-7" not in problem.message
