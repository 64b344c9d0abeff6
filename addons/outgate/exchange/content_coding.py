"""What a compressed request body holds: it is judged, counted and sent on decoded, and never unfolds beyond the policy's limit.

A client's Content-Encoding ends here: the provider gets the tree that was judged, in no coding (RFC 9110 section 8.4).
"""

from outgate.errors import Denial, WireError
from outgate.net.decompress import Limits, decode
from outgate.net.headers import Headers

STATUS = {"encoding_unknown": 415, "encoding_stacked": 415, "encoding_too_large": 413, "encoding_bomb": 413}


def decoded(body: bytes, headers: Headers, size: int) -> bytes | Denial:
    """The body without its coding, at most `size` bytes; or why it is refused: 415, 413, and 400 for a damaged one."""
    if "content-encoding" not in headers:
        return body
    try:
        return decode(body, ",".join(headers.all("content-encoding")), Limits(size=size))
    except WireError as error:
        return Denial(code=error.code, status=STATUS.get(error.code, 400), message=f"The request cannot be read: {error}.")
