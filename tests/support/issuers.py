"""Token endpoints of every cloud as one scripted answer, by what they are asked: tokens `issued-1`, `issued-2`, and so on."""

import itertools
import json
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from support.calls import Behaviour, Call

HOSTS = (
    "login.corp.example", "oauth2.googleapis.com", "sts.googleapis.com", "iamcredentials.googleapis.com",
    "login.microsoftonline.com", "sts.eu-central-1.amazonaws.com",
)  # fmt: skip
_KEYS = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ASIA{0}</AccessKeyId><SecretAccessKey>secret-{0}</SecretAccessKey><SessionToken>session-{0}</SessionToken>
<Expiration>{1}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""


def issuer(life: int = 3600) -> Behaviour:
    """Each token lasts so many seconds."""
    turns = itertools.count(1)

    async def answer(call: Call) -> None:
        target, host = call.seen.target, call.seen.header("host") or ""
        if "recursive=true" in target:
            await call.answer_json({"email": "robot@acme.example", "scopes": ["all"], "aliases": ["default"]})
            return
        token = f"issued-{next(turns)}-c0ffee5e11ab"
        if host.startswith("sts.eu-central-1"):
            ends = datetime.fromtimestamp(datetime.now(UTC).timestamp() + life, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            await call.answer(200, _KEYS.format(token, ends).encode(), [("content-type", "text/xml")])
        elif ":generateAccessToken" in target:
            ends = datetime.fromtimestamp(datetime.now(UTC).timestamp() + life, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            await call.answer_json({"accessToken": token, "expireTime": ends})
        else:
            granted = {"access_token": token, "expires_in": life, "token_type": "Bearer", "issued_token_type": "urn:x"}
            await call.answer_json(granted)

    return answer


def google_key(folder: Path) -> Path:
    """A key file of a service account."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    written = {
        "type": "service_account", "client_email": "robot@acme.example", "private_key": pem, "private_key_id": "k1",
        "token_uri": "https://oauth2.googleapis.com/token",
    }  # fmt: skip
    path = folder / "google.json"
    path.write_text(json.dumps(written))
    return path


def google_federation(folder: Path) -> Path:
    """A configuration of workload identity federation that impersonates a service account."""
    (folder / "pod-token").write_text("pod-token-c0ffee5e11ab")
    written = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/k",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
        "robot@acme.example:generateAccessToken",
        "credential_source": {"file": str(folder / "pod-token")},
    }
    path = folder / "federation.json"
    path.write_text(json.dumps(written))
    return path
