import asyncio
import base64
import hmac
import inspect
from dataclasses import replace
from datetime import UTC, datetime

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from outgate.errors import Denial
from outgate.identity.workloads import JwtTrust, Workload, Workloads, digest_of, entry_of
from outgate.net.connection import Connection, Entry
from outgate.net.headers import Headers
from outgate.net.secret import Secret
from outgate.stages.authenticate import Authenticate, AuthenticateSettings, Reads
from outgate.upstreams.catalog import Catalog

NOW = 1_800_000_000.0
TOKEN = "og_token"
ALPHA = Workload(name="alpha", token_hashes=frozenset({digest_of(TOKEN)}), certificates=frozenset({"spiffe://x/alpha"}))


def basic(name, token):
    return "Basic " + base64.b64encode(f"{name}:{token}".encode()).decode()


def stage_of(*workloads, clock=lambda: NOW, monotonic=lambda: 0.0):
    return Authenticate(AuthenticateSettings(), Workloads(workloads), Catalog(), None, clock, monotonic)


def run(stage, *, entry=Entry.CONNECT, proxy=None, certificate="", **fields):
    conn = Connection(entry=entry, proxy_authorization=Secret(proxy) if proxy else None, certificate=certificate)
    headers = Headers([(name.replace("_", "-"), value) for name, value in fields.items()])
    result = stage.run(Reads(conn, headers))
    return asyncio.run(result) if inspect.isawaitable(result) else result


def name_of(result):
    return None if isinstance(result, Denial) else result[0].name


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ({"proxy": basic("alpha", TOKEN)}, "alpha"),
        ({"proxy": f"Bearer {TOKEN}"}, "alpha"),
        ({"proxy": basic("beta", TOKEN)}, None),
        ({"proxy": basic("alpha", "wrong")}, None),
        ({"proxy": basic("alpha", "")}, None),
        ({"proxy": "Basic !!!"}, None),
        ({"proxy": "Basic " + base64.b64encode(b"\xff\xfe").decode()}, None),
        ({"proxy": "Digest x"}, None),
        ({}, None),
        ({"entry": Entry.ABSOLUTE, "proxy_authorization": basic("alpha", TOKEN)}, "alpha"),
        ({"entry": Entry.BASE_URL, "authorization": f"Bearer {TOKEN}"}, "alpha"),
        ({"entry": Entry.BASE_URL, "x_api_key": TOKEN}, "alpha"),
        ({"entry": Entry.TRANSPARENT, "authorization": f"Bearer {TOKEN}"}, "alpha"),
        ({"certificate": "spiffe://x/alpha"}, "alpha"),
        ({"certificate": "spiffe://x/other"}, None),
        ({"certificate": "spiffe://x/other", "proxy": basic("alpha", TOKEN)}, "alpha"),
        ({"proxy": f"Bearer {'x' * 9000}"}, None),
    ],
)
def test_who_is_calling(case, expected):
    assert expected == name_of(run(stage_of(ALPHA), **case))


def test_inside_a_tunnel_authorization_is_the_providers_and_never_looked_at():
    assert name_of(run(stage_of(ALPHA), authorization=f"Bearer {TOKEN}", x_api_key=TOKEN)) is None
    assert name_of(run(stage_of(ALPHA), proxy_authorization=basic("alpha", TOKEN))) is None


@pytest.mark.parametrize(
    ("entry", "status", "code"),
    [
        (Entry.CONNECT, 407, "proxy_authentication_required"),
        (Entry.ABSOLUTE, 407, "proxy_authentication_required"),
        (Entry.BASE_URL, 401, "authentication_required"),
        (Entry.TRANSPARENT, 401, "authentication_required"),
    ],
)
def test_denial_as_the_client_understands_it(entry, status, code):
    denial = run(stage_of(ALPHA), entry=entry)

    assert (status, code) == (denial.status, denial.code)


def test_wrong_name_and_wrong_token_get_the_same_answer():
    stage = stage_of(ALPHA)

    name, token = run(stage, proxy=basic("nobody", TOKEN)), run(stage, proxy=basic("alpha", "wrong"))

    assert (name.code, name.status, name.message) == (token.code, token.status, token.message)


def test_the_operator_alone_learns_what_was_presented_and_what_is_wrong_with_it():
    stage = stage_of(ALPHA)
    presented = {
        "no token": None,
        "unknown name": basic("nobody", TOKEN),
        "wrong token": basic("alpha", "wrong"),
        "malformed": "Basic !",
    }

    told = {case: run(stage, proxy=value) for case, value in presented.items()}

    assert ["no token", "unknown name", "wrong token", "no token"] == [denial.cause for denial in told.values()]
    assert ["", "nobody", "alpha", ""] == [denial.presented for denial in told.values()]
    assert not any(word in denial.message for denial in told.values() for word in ("nobody", "alpha", "wrong"))


def test_an_expired_token_is_told_so_and_the_operator_learns_the_cause():
    end = datetime.fromtimestamp(NOW, UTC)
    stage = stage_of(replace(ALPHA, token_hashes=frozenset({entry_of(TOKEN, end)})))
    denial = run(stage, proxy=basic("alpha", TOKEN))

    assert (407, "expired token", "alpha") == (denial.status, denial.cause, denial.presented)
    assert "The token of workload alpha expired on 2027-01-15 08:00:00 UTC: ask for another." == denial.message
    assert "alpha" == name_of(
        run(
            stage_of(replace(ALPHA, token_hashes=frozenset({entry_of(TOKEN, end)})), clock=lambda: NOW - 1),
            proxy=basic("alpha", TOKEN),
        )
    )


def test_attack_an_expired_token_is_told_to_nobody_who_does_not_have_it():
    end = datetime.fromtimestamp(NOW, UTC)
    stage = stage_of(replace(ALPHA, token_hashes=frozenset({entry_of(TOKEN, end)})))

    assert {"No workload under this name and token."} == {
        run(stage, proxy=basic(*presented)).message for presented in (("alpha", "wrong"), ("beta", TOKEN), ("alpha", TOKEN[:-1]))
    }


def test_without_jwt_it_never_waits():
    assert not inspect.iscoroutinefunction(stage_of(ALPHA).run)
    assert stage_of(ALPHA).contract.limit is None


RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
CLAIMS = {"iss": "https://issuer.test", "aud": "outgate", "sub": "svc-a", "exp": NOW + 60, "roles": ["research", 7]}


@pytest.fixture(name="trusting")
def _trusting(tmp_path):
    keys = [{**orjson.loads(RSAAlgorithm.to_jwk(RSA.public_key())), "kid": "r", "use": "sig"}]
    keys.append({**orjson.loads(ECAlgorithm.to_jwk(EC.public_key())), "kid": "e"})
    keys.append({"kty": "oct", "kid": "o", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"})
    path = tmp_path / "jwks.json"
    path.write_bytes(orjson.dumps({"keys": keys}))
    trust = JwtTrust(
        issuer="https://issuer.test", audience="outgate", jwks_file=str(path), claims=(("sub", "svc-a"),), groups_claim="roles"
    )
    return replace(ALPHA, jwt=(trust,)), path


def token(key=EC, kid="e", algorithm="ES256", **claims):
    payload = {name: value for name, value in (CLAIMS | claims).items() if value is not None}
    return jwt.encode(payload, key, algorithm, headers={"kid": kid})


def test_a_jwt_of_a_trusted_issuer(trusting):
    result = run(stage_of(trusting[0]), proxy=f"Bearer {token()}")

    assert ("alpha", "jwt", frozenset({"research"})) == (result[0].name, result[0].method, result[0].groups)


def test_the_claims_of_a_verified_jwt_are_known_and_those_of_another_are_not(trusting):
    stage = stage_of(trusting[0])

    assert ("department", "legal") in run(stage, proxy=f"Bearer {token(department='legal')}")[0].claims
    assert isinstance(run(stage, proxy=f"Bearer {token(OTHER, department='legal')}"), Denial)


def test_a_jwt_as_password_of_its_workload_only(trusting):
    assert "alpha" == name_of(run(stage_of(trusting[0]), proxy=basic("alpha", token(RSA, "r", "RS256"))))
    assert name_of(run(stage_of(trusting[0]), proxy=basic("beta", token()))) is None


@pytest.mark.parametrize(
    "forged",
    [
        lambda: token(exp=NOW - 60),
        lambda: token(exp=None),
        lambda: token(nbf=NOW + 60),
        lambda: token(iss="https://other.test"),
        lambda: token(iss=None),
        lambda: token(aud="elsewhere"),
        lambda: token(aud=None),
        lambda: token(sub="svc-b"),
        lambda: token(OTHER),
        lambda: token(kid="unknown"),
        lambda: token(RSA, "e", "RS256"),
        lambda: token(RSA, "r", "PS256"),
        lambda: jwt.encode(CLAIMS, "secret-secret-secret-secret-secret", "HS256", headers={"kid": "o"}),
        lambda: jwt.encode(CLAIMS, "", "none", headers={"kid": "e"}),
        lambda: token()[:-4] + "AAAA",
        lambda: "a.b.c",
    ],
)
def test_a_jwt_that_is_not_to_be_trusted(trusting, forged):
    assert name_of(run(stage_of(trusting[0]), proxy=f"Bearer {forged()}")) is None


def test_algorithm_confusion_a_public_key_is_no_hmac_secret(trusting):
    public = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head, body, _ = jwt.encode(CLAIMS, "x" * 32, "HS256", headers={"kid": "r"}).split(".")
    signature = hmac.digest(public, f"{head}.{body}".encode(), "sha256")
    forged = f"{head}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"

    assert name_of(run(stage_of(trusting[0]), proxy=f"Bearer {forged}")) is None


def test_a_verified_jwt_is_remembered_until_it_expires_and_no_longer(trusting):
    clock = [NOW]
    stage = stage_of(trusting[0], clock=lambda: clock[0])
    field = f"Bearer {token()}"
    assert "alpha" == name_of(run(stage, proxy=field))

    trusting[1].unlink()
    assert "alpha" == name_of(run(stage, proxy=field))
    clock[0] = NOW + 3600
    assert name_of(run(stage, proxy=field)) is None


def test_a_key_that_its_issuer_has_withdrawn_does_not_live_on_in_a_remembered_token(trusting):
    clock = [NOW]
    stage = stage_of(trusting[0], clock=lambda: clock[0], monotonic=lambda: clock[0])
    field = f"Bearer {token(exp=NOW + 365 * 86400)}"
    assert "alpha" == name_of(run(stage, proxy=field))

    trusting[1].write_bytes(b'{"keys": []}')
    clock[0] = NOW + 301
    assert name_of(run(stage, proxy=field)) is None


def test_when_keys_cannot_be_read_it_fails_closed_and_says_so(trusting):
    trusting[1].unlink()

    denial = run(stage_of(trusting[0]), proxy=f"Bearer {token()}")

    assert ("issuer_keys_unavailable", 503) == (denial.code, denial.status)


def test_tokens_still_work_beside_jwts(trusting):
    stage = stage_of(trusting[0])

    assert "alpha" == name_of(run(stage, proxy=basic("alpha", TOKEN)))
    assert stage.contract.limit is not None
