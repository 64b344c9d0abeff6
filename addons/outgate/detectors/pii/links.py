"""URLs around a place in a text, and the hosts that a text names.

A URL is read as browsers and renderers of Markdown read it: what is quoted goes on over spaces, backslashes are slashes, escaped
letters are letters. In doubt a place is inside of one, and its host is not known.
"""

import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import unescape
from itertools import islice
from typing import NamedTuple
from urllib.parse import unquote

from outgate.inference.memory import Memory
from outgate.inference.prompt import Leaf

type Hosts = Sequence[Iterable[int]]
"""Hosts of several texts, as hashes of this process: eight bytes each, however many a caller wrote."""

_IN_HOSTS = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-._") | frozenset(range(128, 256))
_APART = bytes(code if code in _IN_HOSTS else 32 for code in range(256))
_ADDRESSED = re.compile(rb"//(\[[0-9a-f:.]+\]|[\w.-]+)")
_STRING = "\x01"
"""Where a string of a JSON text begins or ends it is read as this: a quotation mark inside of the string is another one."""
_NEVER = "never"
_SIGNS = ('"', "'", "`", "<", "(")
_KEPT = 300
"""Characters of a text that are read again with what follows: more than it takes to open a URL and to name its host."""
_FREE = frozenset({"", " ", "\t", "\n", "\r", ",", ";"})
_MOST = 4096
_RUN, _MOST_LEAVES = 8_192, 64
"""Characters and leaves from which on no more are read together."""
_MOST_OPEN = 64
"""URLs that are open at a time; where there are more nothing is restored in the rest of a text."""
_CUT_OFF = re.compile(r"(?:(?<!\\)(?:\\\\)*\\(?:u[0-9a-fA-F]{0,3})?|&#?\w{0,9}|%\w{0,4})\Z")
_ESCAPED = re.compile(r"&(?:#x?[0-9a-fA-F]{1,8}|[A-Za-z]{2,10});?|%(?:25)*[0-9a-fA-F]{2}")
_JSON = re.compile(r'\\u([0-9a-fA-F]{4})|\\(.)|"', re.DOTALL)
_SHORT = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_SPACES = re.compile(r"\s{16,}")
_READ = re.compile(r"[\w:/\\.@-]")
_SCHEME = "|".join("[\t\r\n]*".join(name) for name in ("https", "http", "wss", "ws", "ftp"))
_OPENING = re.compile(
    rf"(?=[hwf/\\])(?:(?<![a-z])(?:{_SCHEME})[\t\r\n]*\\?:[/\\\t\r\n]*+(?!\s)|(?<![\w.])(?=www\.)|[/\\][\t\r\n]*[/\\]+)",
    re.IGNORECASE,
)
_SPACE = r" \t\n\r\f\v"
_SIGNS_AT_END = {
    '="': '"', "='": "'", "=": f"{_SPACE}>", "](<": r">\n", "](": r"()\n", _STRING: r"\n", '"': r'"\n', "'": r"'\n", "`": r"`\n",
    "<": r">\n", "(": f"(){_SPACE}<>", "": f"{_SPACE}<>",
}  # fmt: skip
_ENDS = {kind: re.compile(f"[{signs}{_STRING}]") for kind, signs in _SIGNS_AT_END.items()}
_ENDS |= {"](<": re.compile(rf"[\n{_STRING}]|(?<!\\)>"), "](": re.compile(rf"[(\n{_STRING}]|(?<!\\)\)")}
_ENDS[_NEVER] = re.compile(r"(?!)")
"""What ends a URL, by what it was opened with. A quoted attribute of HTML goes on over lines; in Markdown a backslash takes the
meaning from a bracket.
"""
_AUTHORITY_ENDS = {kind: re.compile(rf"[/?#{signs}{_STRING}]|\\(?![!-.:-@\[\]-`{{-~])") for kind, signs in _SIGNS_AT_END.items()}
"""What ends the authority of such a URL: user names may have quotes, brackets and, where the URL goes on over them, spaces. What
Markdown takes for an escaped sign goes on: the host behind it is another.
"""
_AUTHORITY_ENDS[_NEVER] = _AUTHORITY_ENDS[""]
_NETWORK_PATH = re.compile(r"//[^\s/\\?#<>\"'`]*\.[^\s/\\?#<>\"'`]*[/\\?#]")
"""A host behind two slashes that nothing but space stands in front of, as in a list of images: no comment, and no file."""


class Open(NamedTuple):
    """A URL that has not ended: what it was opened with, how many brackets are open in it, and its host with what belongs to it, as
    far as it has come.
    """

    kind: str
    depth: int
    authority: str
    complete: bool


def hosts_in(text: str) -> "array[int]":
    """What may be the name or address of a host in a text: whatever has a dot in it, or stands behind two slashes."""
    if "." not in text and "//" not in text:
        return array("q")
    raw = text.lower().encode("utf-8", "surrogatepass")
    dotted = {name.strip(b".") for name in raw.translate(_APART).split() if b"." in name}
    return array("q", map(hash, dotted.union(_ADDRESSED.findall(raw))))


def hosts_of(leaves: Sequence[Leaf], digests: Sequence[bytes], memo: Memory, tenant: str) -> Hosts:
    """The hosts that a request names; those of runs of leaves are remembered."""
    runs = list(_runs(leaves))
    keys = [memo.digest(b"".join(digests[start:end]).hex()) for start, end in runs]
    named: list[Iterable[int]] = []
    for (start, end), key, known in zip(runs, keys, memo.get_many(tenant, "hosts", keys), strict=True):
        hosts = known
        if hosts is None:
            hosts = hosts_in("\n".join([leaf.text for leaf in leaves[start:end]]))
            memo.put(tenant, "hosts", key, hosts, 8 * len(hosts))
        if hosts:
            named.append(hosts)
    return named


def _runs(leaves: Sequence[Leaf]) -> Iterator[tuple[int, int]]:
    """Leaves that are read together: the same again in the next turn of a conversation, but for the last of its messages."""
    start = length = 0
    outside = bool(leaves) and leaves[0].turn < 0
    for at, leaf in enumerate(leaves):
        if length > _RUN or at - start >= _MOST_LEAVES or outside is not (leaf.turn < 0):
            yield start, at
            start, length, outside = at, 0, leaf.turn < 0
        length += len(leaf.text)
    if start < len(leaves):
        yield start, len(leaves)


def is_named(host: str, hosts: Hosts) -> bool:
    """Whether any of the texts names this host."""
    wanted = hash(host.lower().encode("utf-8", "surrogatepass"))
    return any(wanted in some for some in hosts)


def host_of(authority: str) -> str:
    """The host without user and port, and without the line ends and tabs that browsers leave out."""
    return re.sub(r":\d*\Z", "", re.sub(r"[\t\r\n]", "", authority).rpartition("@")[2]).rstrip(".")


class Surroundings:
    """What stands in front of a place in a text that comes in pieces: no more of it than tells in which URLs the place is.

    `known` says whether a URL of this authority may hold a value. `escaped` is a text that is a piece of JSON; `string` one that is
    a string as a whole, such as an argument of a call.
    """

    __slots__ = ("_foreign", "_known", "_read", "_text", "_unread", "_urls")

    def __init__(self, known: Callable[[str], bool], *, escaped: bool, string: bool) -> None:
        self._known = known
        self._read = _json if escaped else _plain
        self._text, self._unread = _STRING if string else "", ""
        self._urls: tuple[Open, ...] = ()
        self._foreign: dict[str, int] = {}

    @property
    def before(self) -> str:
        """The end of what has come."""
        return self._unread[-16:] if len(self._unread) >= 16 else (self._text + self._unread)[-16:]

    def add(self, text: str) -> None:
        """What stands behind what has come so far."""
        self._unread += text
        if len(self._unread) > _MOST:
            self._settle(_MOST)

    def forbids(self, name: str, after: str, *, final: bool) -> bool | None:
        """Whether a value may not stand here, in place of `name` and in front of `after`. None where more of that must be seen."""
        self._settle(0)
        if self._foreign:
            return True
        for url in self._urls:
            if not url.complete:
                end = _AUTHORITY_ENDS[url.kind].search(after)
                if end is None and not final and len(after) < _KEPT:
                    return None
                if not self._is_known(url.authority + name + (after[: end.start()] if end else after)):
                    return True
        return False

    @property
    def in_url(self) -> bool:
        """Whether the place of the last question is in a URL."""
        return any(url.kind != _NEVER for url in self._urls)

    def _settle(self, rest: int) -> None:
        """Read all that is unread, or all but the last piece of it."""
        unread, at = self._unread, 0
        while len(unread) - at > rest:
            end = at + _MOST
            while end < len(unread) and _CUT_OFF.search(unread, end - 64, end) and end < at + _MOST + 12:
                end += 1
            self._pass(unread[at:end])
            at = end
        self._unread = unread[at:]

    def _pass(self, piece: str) -> None:
        """Of a URL that goes on and is not known only what will end it is kept."""
        read = self._read(piece)
        ends = [(kind, *_end(kind, read, 0, depth)) for kind, depth in self._foreign.items()]
        self._foreign = {kind: depth for kind, end, depth in ends if end is None}
        self._text += piece
        self._urls = tuple(islice(_open(self._read(self._text)), _MOST_OPEN))
        for url in self._urls:
            if self._is_foreign(url):
                self._foreign[url.kind] = max(url.depth, self._foreign.get(url.kind, 0))
        if len(self._urls) == _MOST_OPEN:
            self._foreign[_NEVER] = 0
        self._text = _SPACES.sub(_fewer, self._text)[-_KEPT:]

    def _is_foreign(self, url: Open) -> bool:
        return not self._is_known(url.authority) if url.complete else len(url.authority) > _KEPT // 2

    def _is_known(self, authority: str) -> bool:
        """A backslash is a slash to browsers, and nothing to Markdown."""
        return all(map(self._known, {authority.partition("\\")[0], authority.replace("\\", "")}))


def _open(text: str) -> Iterable[Open]:
    """URLs that are open at the end of a text."""
    for opening in _OPENING.finditer(text):
        start, kind = opening.end(), _mark(text[: opening.start()])
        if opening[0][:1] in ("/", "\\") and not _leaves(text, opening, kind):
            continue
        if kind[:1] == "=" and _is_base(text, opening.start()):
            kind = _NEVER
        end, depth = _end(kind, text, start, 0)
        if end is None:
            host = _AUTHORITY_ENDS[kind].search(text, start)
            yield Open(kind, depth, text[start : host.start() if host else len(text)], host is not None)


def _leaves(text: str, opening: re.Match[str], kind: str) -> bool:
    """Whether two slashes begin the URL of another host."""
    if kind[:1] in ("=", "]") or (kind and opening[0] == "//"):
        return True
    return text[opening.start() - 1 : opening.start()] in _FREE and _NETWORK_PATH.match(text, opening.start()) is not None


def _mark(before: str) -> str:
    """What opens a URL, if anything does: an attribute, a link, a string, or a sign right in front of it."""
    bare = before.rstrip()
    last, rest = bare[-1:], bare[:-1].rstrip()
    if last in ('"', "'") and rest.endswith("="):
        return "=" + last
    if last == "<" and rest.endswith("]("):
        return "](<"
    if last in ("=", _STRING):
        return last
    if bare.endswith("]("):
        return "]("
    return last if bare == before and last in _SIGNS else ""


def _is_base(text: str, at: int) -> bool:
    """Whether the attribute here says what all relative addresses behind it begin with."""
    tag = text.rfind("<", 0, at)
    return text[tag : tag + 5].lower() == "<base"


def _fewer(spaces: re.Match[str]) -> str:
    return 16 * ("\n" if "\n" in spaces[0] else " ")


def _end(kind: str, text: str, start: int, depth: int) -> tuple[int | None, int]:
    """Where a URL ends, if it does, and how many brackets are open."""
    for sign in _ENDS[kind].finditer(text, start):
        if sign[0] == "(":
            depth += 1
        elif sign[0] == ")" and depth:
            depth -= 1
        else:
            return sign.start(), depth
    return None, depth


def _plain(text: str) -> str:
    """A text with those escapes read that may spell the beginning of a URL; what ends one stays as it is."""
    return _ESCAPED.sub(_unescaped, text) if "&" in text or "%" in text else text


def _unescaped(escape: re.Match[str]) -> str:
    one = unescape(escape[0]) if escape[0][0] == "&" else unquote("%" + escape[0][-2:])
    if one in ("\t", "\n", "\r") and escape[0][0] == "&":
        return ""
    return one if len(one) == 1 and _READ.match(one) else escape[0]


def _json(piece: str) -> str:
    return _plain(_JSON.sub(_character, piece))


def _character(escape: re.Match[str]) -> str:
    code, short = escape.groups()
    return chr(int(code, 16)) if code else _SHORT.get(short, short) if short else _STRING
