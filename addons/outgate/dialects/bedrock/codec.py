"""Codec of Amazon Bedrock's paths: no client's request is read here, so each is an unjudged body, and a refusal has its words."""

from outgate.dialects.json_body import dump
from outgate.dialects.opaque import Opaque
from outgate.errors import Denial


class Bedrock(Opaque):
    """See `dialects.spec.Dialect`."""

    name = "bedrock"

    def error(self, denial: Denial, request_id: str) -> bytes:
        return dump({"message": denial.message, "code": denial.code, "request_id": request_id})
