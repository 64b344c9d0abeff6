"""The ways in which a token is written so that it does not look like one."""

import codecs
import gzip
import json
import quopri
import zlib
from base64 import a85encode, b32encode, b64encode, b85encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote


def pieces(text: str, size: int = 11) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def tags(text: str) -> str:
    return "".join(chr(0xE0000 + ord(char)) for char in text)


DISGUISES: dict[str, Callable[[str], str]] = {
    "wrapped": lambda token: "\n".join(pieces(token)),
    "wrapped near its end": lambda token: f"{token[:-2]}\n{token[-2:]}\n",
    "wrapped behind its prefix": lambda token: f"{token[:4]}\n{token[4:]}",
    "wrapped by a terminal": lambda token: "\r\n".join(pieces("export TOKEN_OF_TODAY=" + token, 30)),
    "wrapped with indents": lambda token: "\r\n      ".join(pieces(token)),
    "continued by backslashes": lambda token: "\\\n".join(pieces(token)),
    "concatenated": lambda token: '"' + '" + "'.join(pieces(token)) + '"',
    "concatenated over lines": lambda token: "('" + "'\n    '".join(pieces(token)) + "')",
    "concatenated with dots": lambda token: "'" + "' . '".join(pieces(token)) + "'",
    "a list of pieces": lambda token: json.dumps(pieces(token)),
    "JSON in JSON": lambda token: json.dumps(json.dumps({"t": "\n".join(pieces(token))})),
    "quoted-printable": lambda token: quopri.encodestring(("key is =" + "k" * 45 + " =" + token).encode()).decode(),
    "quoted in a mail": lambda token: "> " + "\n> ".join(pieces(token)),
    "a comment": lambda token: "# " + "\n# ".join(pieces(token)),
    "each on a line of words": lambda token: "my\ntoken\nis\n" + "\n".join(pieces(token)),
    "bold within": lambda token: "**".join(pieces(token)),
    "mark-up within": lambda token: "<b></b>".join(pieces(token)),
    "letters apart": " ".join,
    "zero width": "\u200b".join,
    "soft hyphens": lambda token: "\u00ad".join(pieces(token)),
    "look-alikes": lambda token: token.replace("a", "\u0430").replace("o", "\u043e").replace("p", "\u0440"),
    "full width": lambda token: "".join(chr(ord(char) + 0xFEE0) for char in token),
    "tag characters": lambda token: "x" + tags(token) + "y",
    "tag characters within": lambda token: token[:9] + tags("ab") + token[9:],
    "base64": lambda token: b64encode(f"t: {token}".encode()).decode(),
    "base64 for URLs": lambda token: urlsafe_b64encode(f"t\u00ff\u00fe: {token}".encode()).decode(),
    "base64 over lines": lambda token: "\n".join(pieces(b64encode(f"token: {token}".encode()).decode(), 20)),
    "base64 twice": lambda token: b64encode(b64encode(token.encode())).decode(),
    "gzip in base64": lambda token: b64encode(gzip.compress(token.encode(), mtime=0)).decode(),
    "zlib in base64": lambda token: b64encode(zlib.compress(f"token {token} {token}".encode())).decode(),
    "base32": lambda token: b32encode(token.encode()).decode(),
    "base32 in small letters": lambda token: b32encode(token.encode()).decode().lower(),
    "base85": lambda token: b85encode(token.encode()).decode(),
    "ascii85": lambda token: a85encode(token.encode()).decode(),
    "ascii85 of Adobe": lambda token: a85encode(token.encode(), adobe=True).decode(),
    "hexadecimal": lambda token: token.encode().hex(),
    "hexadecimal, spaced": lambda token: token.encode().hex(" "),
    "hexadecimal codes": lambda token: ", ".join(f"0x{ord(char):02x}" for char in token),
    "decimal codes": lambda token: str(list(token.encode())),
    "octal codes": lambda token: "".join(f"\\{ord(char):03o}" for char in token),
    "bits": lambda token: " ".join(f"{ord(char):08b}" for char in token),
    "backslash x": lambda token: "".join(f"\\x{ord(char):02x}" for char in token),
    "rot13": lambda token: codecs.encode(token, "rot13"),
    "turned round": lambda token: token[::-1],
    "UTF-7": lambda token: token.encode("utf-7").decode().replace("_", "+AF8-"),
    "URL": lambda token: "".join(f"%{ord(char):02X}" for char in token),
    "URL twice": lambda token: quote("".join(f"%{ord(char):02X}" for char in token)),
    "HTML": lambda token: "".join(f"&#{ord(char)};" for char in token),
}
