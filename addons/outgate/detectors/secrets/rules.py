"""Rules of our own beside the packaged ones: blocks of PEM, key ids, prefixes, and passwords that are assigned, spoken or in a URL.

Each is linear: one class after the other, no repeat within a repeat.
"""

import re
from collections.abc import Iterator

from outgate.detectors.finding import Finding
from outgate.detectors.secrets.screen import PEM
from outgate.detectors.secrets.values import entropy, is_drawn, is_uuid

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?)-----")
_BLOCK_END = re.compile(r"-----END ([A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?)-----")
_BODY = re.compile(r"""(?:[A-Za-z0-9+/=\s"',:+.()-]|\\[nr])*""")
_BODY_BEFORE = re.compile(r"(?:[A-Za-z0-9+/=\s]|\\[nr]){40,8192}(?=-----END)")
_KEY_ID = re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])")
_PREFIXED = re.compile(
    r"(?<![A-Za-z0-9_-])(?:sk-(?:proj|svcacct|admin|ant|or|lf)-(?:[a-z0-9]{1,8}-)?|sk-|[rs]k_(?:live|test)_|gh[oprsu]_|github_pat_|gl[a-z]{2,5}-"
    r"|xox[a-z]-|xapp-|npm_|pypi-|hf_|gsk_|dop_v1_|doo_v1_|shp(?:at|ca|pa|ss)_|AIza|ya29\.|whsec_|lin_api_|phc_|dckr_pat_|nvapi-|r8_|pplx-)"
    r"([A-Za-z0-9_-]{16,256})"
)
"""The prefixes that services publish; what follows need not have the length or the check sum of a key that is in force."""
_NAMES = (
    r"passw(?:or)?d|passphrase|passwd|pwd|secret|token|api[_-]?key|apikey|access[_-]?key|account[_-]?key|auth[_-]?key|private[_-]?key"
    r"|encryption[_-]?key|signing[_-]?key|license[_-]?key|[a-z0-9]_key|credentials?|webhook|connection[_-]?string"
)
_ASSIGNED = re.compile(
    rf"(?:{_NAMES})[\w-]{{0,24}}(?:\\?[\"'`])?\]?[\t ]{{0,4}}(?::=|=>|[:=])[\t ]{{0,4}}"
    rf"(?:\\?\"([^\"\s\\]{{8,256}})\\?\"|'([^'\s]{{8,256}})'|`([^`\s]{{8,256}})`|([^\s\"'`<>;,&{{}}()\[\]\\]{{8,256}}))",
    re.IGNORECASE,
)
_SPOKEN = re.compile(
    r"(?:passw(?:or)?d|passphrase|api key|secret key|access key|access token|auth token|token|secret|credentials?)\b[^\n.:=]{0,40}?"
    r"(?:\bis|\bwas|\bto|:)[\t ]{1,4}[\"'`*]{0,3}([^\s\"'`*]{8,256})",
    re.IGNORECASE,
)
_IN_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s/@:\"'<>]{0,64}:([^\s/@\"'<>]{3,256})@[\w\[]")
_OF_CURL = re.compile(r"(?:^|\s)(?:-u|--user)[ =]{1,2}[\"']?[^\s:\"']{1,64}:([^\s\"']{6,256})")
_HEADER = re.compile(
    r"(?:authorization|x-[a-z_-]{0,30}(?:key|token|secret))[\"']?[\t ]{0,4}[:=,][\t ]{0,4}[\"']?"
    r"(?:bearer |basic |token |apikey )?[\t ]{0,2}([A-Za-z0-9._~+/=-]{16,1024})",
    re.IGNORECASE,
)
_KEY = re.compile(r"key|secret|passw", re.IGNORECASE)
"""Only what is called so may be a UUID: most of those are ids."""
SPOKEN = 0.6
"""The score of what is a secret by the words around it alone."""
_TRAILING = ".,;:!?)]}"


def own(text: str) -> Iterator[Finding]:
    """What our rules find in a normalised text, by the offsets of the value alone."""
    yield from _blocks(text)
    for match in _KEY_ID.finditer(text):
        if not match[0].endswith("EXAMPLE") and entropy(match[0]) > 2.8:
            yield Finding("api_key.aws-key-id", *match.span(), 1.0)
    for match in _PREFIXED.finditer(text):
        if is_drawn(match[1]):
            yield Finding("api_key.prefixed", *match.span(), 0.8)
    yield from _values(_ASSIGNED, "password.assigned", text)
    yield from _values(_SPOKEN, "password.spoken", text)
    yield from _values(_HEADER, "api_key.header", text)
    yield from _values(_OF_CURL, "password.curl", text)
    yield from _values(_IN_URL, "password.url", text)


def _values(pattern: re.Pattern[str], rule: str, text: str) -> Iterator[Finding]:
    for match in pattern.finditer(text):
        group = match.lastindex or 0
        value = match[group].rstrip(_TRAILING)
        if is_drawn(value) or (is_uuid(value) and _KEY.search(text, match.start(), match.start(group))):
            yield Finding(rule, match.start(group), match.start(group) + len(value), SPOKEN)


def _blocks(text: str) -> Iterator[Finding]:
    """Private keys in PEM, also those whose beginning or end is not in this text."""
    done = 0
    for begin in _BLOCK.finditer(text):
        if begin.start() < done:
            continue
        end = _BLOCK_END.search(text, begin.end(), begin.end() + PEM)
        body = _BODY.match(text, begin.end(), begin.end() + PEM)
        last = end.start() if end is not None else body.end() if body is not None else begin.end()
        done = end.end() if end is not None else last
        if _is_key(text[begin.end() : last]):
            yield Finding("private_key.pem", begin.start(), done, 1.0)
    stray = _BLOCK_END.search(text, done)
    before = _BODY_BEFORE.search(text, max(done, stray.start() - PEM), stray.start() + 8) if stray is not None else None
    if stray is not None and before is not None and _is_key(before[0]):
        yield Finding("private_key.pem", before.start(), stray.end(), 1.0)


def _is_key(body: str) -> bool:
    letters = re.sub(r"[^A-Za-z0-9+/]|\\[nr]", "", body)
    return len(letters) >= 40 and entropy(letters) > 4.0 and "..." not in body
