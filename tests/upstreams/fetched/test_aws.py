"""Temporary keys of AWS: what the token service is asked, and what is taken for an answer."""

import asyncio
from urllib.parse import parse_qs

import pytest

from outgate.upstreams.fetched import aws
from outgate.upstreams.fetched.settings import AwsSettings
from outgate.upstreams.signing import Signable
from upstreams.fetched.asked import Asked, problem

ROLE = {"role": "arn:aws:iam::123456789012:role/outgate", "region": "eu-central-1"}
NOW = 1_767_225_600.0
GIVEN = b"""<R xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Credentials><AccessKeyId>ASIA1</AccessKeyId>
<SecretAccessKey>s+/=</SecretAccessKey><SessionToken>t==</SessionToken><Expiration>2026-01-01T01:00:00Z</Expiration></Credentials></R>"""


def fetched(answer, **settings):
    ask = Asked(answer)
    found = asyncio.run(aws.fetch(AwsSettings(**ROLE | settings), {"KEYS": "AKIA1:canary-secret"}, ask, lambda: NOW))
    return found, ask.questions[0]


def test_a_role_is_assumed_by_a_signed_question():
    found, question = fetched(GIVEN, access_keys={"env": "KEYS"}, external_id="x")
    fields = parse_qs(question.body.decode())
    signed = dict(question.keys.fields(Signable("POST", "sts.eu-central-1.amazonaws.com", "/", question.body)))

    assert ("ASIA1:s+/=:t==", 2700, 3600) == (found.secret.reveal(), found.renew, found.ends)
    assert (["AssumeRole"], ["x"], ["3600"]) == (fields["Action"], fields["ExternalId"], fields["DurationSeconds"])
    assert "Credential=AKIA1/20260101/eu-central-1/sts/aws4_request" in signed["authorization"]
    assert b"canary" not in question.body and "canary" not in repr(question)


def test_a_federated_token_is_sent_unsigned(tmp_path):
    (tmp_path / "token").write_text("pod.token")
    _, question = fetched(GIVEN, web_identity_token_file=str(tmp_path / "token"))

    assert "pod.token" not in repr(question)
    assert (["pod.token"], None) == (parse_qs(question.body.decode())["WebIdentityToken"], question.keys)
    assert "https://sts.eu-central-1.amazonaws.com/" == question.url


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"{}", b"<R/>", GIVEN.replace(b"ASIA1", b""), GIVEN.replace(b"t==", b"a:b"), GIVEN.replace(b"01:00:00Z", b"soon"),
        b'<!DOCTYPE r [<!ENTITY x "y">]>' + GIVEN, GIVEN.replace(b"2026-01-01", b"2025-12-31"), GIVEN.replace(b"s+/=", b"a b"),
    ],
)  # fmt: skip
def test_attack_an_answer_of_another_shape_gives_no_keys(answer):
    told = problem(lambda: fetched(answer, access_keys={"env": "KEYS"}))

    assert told.startswith(("the token service gave", "the token endpoint gave"))
