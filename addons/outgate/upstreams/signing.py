"""Sign requests with AWS Signature Version 4: what is signed is the request line and body as they are about to be written.

The signer is Amazon's own. Only fields that the gateway writes itself are signed: no field of a caller can break a signature.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import NamedTuple

from aws_sdk_signers import URI, AWSCredentialIdentity, AWSRequest, Field, Fields, SigV4Signer, SigV4SigningProperties

from outgate.net.secret import Secret

_SIGNER = SigV4Signer()
_HOST, _OBJECTS = "host", "s3"
"""The service whose paths are signed as they are, with the digest of the body in a field of its own."""


class SigningScope(NamedTuple):
    """The service and region that a signature holds for."""

    service: str
    region: str


class Signable(NamedTuple):
    """A request as it is about to be written: the target with its query."""

    method: str
    host: str
    target: str
    body: bytes


class SigningKeys(NamedTuple):
    """An access key with its secret; `session` is the token of temporary ones. `wall` gives seconds since the epoch."""

    scope: SigningScope
    access: str
    secret: Secret
    session: Secret | None
    wall: Callable[[], float]

    def fields(self, request: Signable) -> tuple[tuple[str, str], ...]:
        """The header fields that sign this request, now."""
        path, _, query = request.target.partition("?")
        signed = _SIGNER.sign(
            request=AWSRequest(
                destination=URI(scheme="https", host=request.host, path=path, query=query or None),
                method=request.method,
                body=BytesIO(request.body),
                fields=Fields([Field(name=_HOST, values=[request.host])]),
            ),
            identity=AWSCredentialIdentity(
                access_key_id=self.access,
                secret_access_key=self.secret.reveal(),
                session_token=self.session.reveal() if self.session is not None else None,
            ),
            properties=self._properties(),
        )
        return tuple((field.name.lower(), field.as_string()) for field in signed.fields if field.name != _HOST)

    def _properties(self) -> SigV4SigningProperties:
        plain = self.scope.service == _OBJECTS
        return SigV4SigningProperties(
            region=self.scope.region,
            service=self.scope.service,
            date=datetime.fromtimestamp(self.wall(), UTC).strftime("%Y%m%dT%H%M%SZ"),
            content_checksum_enabled=plain,
            uri_encode_path=not plain,
            normalize_path=not plain,
        )


def keys_of(text: str, scope: SigningScope, wall: Callable[[], float]) -> SigningKeys | None:
    """The keys in `ACCESS:SECRET` or `ACCESS:SECRET:SESSION`; None where it is neither."""
    parts = text.split(":")
    if len(parts) not in (2, 3) or not all(parts) or any(character.isspace() for character in text):
        return None
    return SigningKeys(scope, parts[0], Secret(parts[1]), Secret(parts[2]) if parts[2:] else None, wall)
