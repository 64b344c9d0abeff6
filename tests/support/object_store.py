"""An object store as S3 is one: objects by path, each request signed with Signature Version 4 or presigned, versions by ETag.

The signature is worked out here from the text of the specification, not with the library that signs.
"""

import hmac
import re
from hashlib import md5, sha256
from urllib.parse import parse_qsl, quote, unquote

from support.calls import Call, Seen

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8}/[^/]+/s3/aws4_request), ?SignedHeaders=([^,]+), ?Signature=(\w{64})"
)


class ObjectStore:
    """A behaviour of a scripted provider. `objects` are bytes by path; `refused` says why requests were refused."""

    def __init__(self, access: str, secret: str, region: str = "eu-central-1", session: str = "") -> None:
        self.access, self.secret, self.region, self.session = access, secret, region, session
        self.objects: dict[str, bytes] = {}
        self.refused: list[str] = []

    async def __call__(self, call: Call) -> None:
        problem = self._problem(call.seen)
        path = unquote(call.seen.target.partition("?")[0])
        if problem:
            self.refused.append(problem)
            await call.answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        elif path not in self.objects:
            await call.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            await self._object(call, self.objects[path])

    async def _object(self, call: Call, data: bytes) -> None:
        etag = f'"{md5(data, usedforsecurity=False).hexdigest()}"'
        if call.seen.header("if-none-match") == etag:
            await call.head(304, [("etag", etag)])
        else:
            await call.answer(200, data, [("etag", etag)])

    def presigned(self, host: str, path: str, at: str = "20261130T060000Z") -> str:
        """A URL that brings its own rights."""
        scope = f"{at[:8]}/{self.region}/s3/aws4_request"
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": f"{self.access}/{scope}", "X-Amz-Date": at,
            "X-Amz-Expires": "3600", "X-Amz-SignedHeaders": "host",
        }  # fmt: skip
        signature = self._signature(("GET", quote(path), query, {"host": host}, "UNSIGNED-PAYLOAD"), at, scope)
        return f"https://{host}{quote(path)}?{_query(query)}&X-Amz-Signature={signature}"

    def _problem(self, seen: Seen) -> str:
        path, _, query = seen.target.partition("?")
        asked = dict(parse_qsl(query, keep_blank_values=True))
        if "X-Amz-Signature" in asked:
            return self._presigned_problem(seen, path, asked)
        found = _AUTHORIZATION.fullmatch(seen.header("authorization") or "")
        if found is None:
            return "unsigned"
        access, scope, names, signature = found.groups()
        fields = {name: seen.header(name) or "" for name in names.split(";")}
        loose = [name.lower() for name, _ in seen.fields if name.lower().startswith("x-amz-") and name.lower() not in fields]
        if (
            access != self.access
            or f"/{self.region}/" not in scope
            or loose
            or fields.get("x-amz-security-token", "") != self.session
        ):
            return "other keys, scope or fields"
        if fields["x-amz-content-sha256"] != sha256(seen.body).hexdigest():
            return "another body"
        request = (seen.method, path, asked, fields, fields["x-amz-content-sha256"])
        return "" if self._signature(request, fields["x-amz-date"], scope) == signature else "signature"

    def _presigned_problem(self, seen: Seen, path: str, asked: dict[str, str]) -> str:
        if seen.header("authorization"):
            return "signed twice"
        signature, at = asked.pop("X-Amz-Signature"), asked["X-Amz-Date"]
        scope = asked["X-Amz-Credential"].partition("/")[2]
        request = (seen.method, path, asked, {"host": seen.header("host") or ""}, "UNSIGNED-PAYLOAD")
        return "" if self._signature(request, at, scope) == signature else "presigned signature"

    def _signature(self, request: tuple[str, str, dict[str, str], dict[str, str], str], at: str, scope: str) -> str:
        method, path, query, fields, payload = request
        lines = "".join(f"{name}:{value.strip()}\n" for name, value in sorted(fields.items()))
        canonical = f"{method}\n{path}\n{_query(query)}\n{lines}\n{';'.join(sorted(fields))}\n{payload}"
        text = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        key = f"AWS4{self.secret}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.digest(key, text.encode(), "sha256").hex()


def _query(query: dict[str, str]) -> str:
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(query.items()))
