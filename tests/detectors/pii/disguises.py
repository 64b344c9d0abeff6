"""Planted values, and the disguises they are planted in."""

import base64
import html
from collections.abc import Callable
from urllib.parse import quote

VALUES = {
    "CREDIT_CARD": ("4111111111111111", "5500-0055-5555-5559", "3782 822463 10005"),
    "EMAIL_ADDRESS": ("jane.doe@example.com", "x@corp.internal"),
    "PHONE_NUMBER": ("+1 312-555-0182", "+49 30 901820", "(212) 555-0123", "06 73 41 88 25"),
    "IBAN_CODE": ("DE89370400440532013000", "GB82 WEST 1234 5698 7654 32", "MT84MALT011000012345MTLCAST001S"),
    "US_SSN": ("536-90-4399", "536 90 4399"),
    "IP_ADDRESS": ("93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"),
    "NATIONAL_ID": ("RSSMRA85T10A562S", "529.982.247-25", "2 85 07 35 238 041 40"),
}

_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}

DISGUISES: dict[str, Callable[[str], str]] = {
    "plain": str,
    "full width": lambda text: text.translate(_WIDE),
    "zero width": "\u200b".join,
    "combining": lambda text: "".join(char + "\u0332" for char in text),
    "variation": lambda text: "".join(char + "\ufe0f" for char in text),
    "soft hyphen": "\u00ad".join,
    "bidi": lambda text: f"\u2066{text}\u2069",
    "math digits": lambda text: "".join(chr(0x1D7CE + int(char)) if char.isdigit() else char for char in text),
    "arabic digits": lambda text: "".join(chr(0x660 + int(char)) if char.isdigit() else char for char in text),
    "no-break": lambda text: text.replace(" ", "\u00a0").replace("-", "\u2011"),
    "url": lambda text: "".join(f"%{ord(char):02X}" for char in text),
    "quoted": lambda text: quote(text, safe=""),
    "url twice": lambda text: quote(quote(text, safe=""), safe=""),
    "entities": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "html": html.escape,
    "string escapes": lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
    "base64": lambda text: base64.b64encode(f"value: {text}".encode()).decode(),
    "base64 twice": lambda text: base64.b64encode(base64.b64encode(f"value: {text}".encode())).decode(),
    "base32": lambda text: base64.b32encode(f"value: {text}".encode()).decode(),
    "hex": lambda text: f"value: {text}".encode().hex(),
    "hex of url": lambda text: f"value: {quote(text)}".encode().hex(),
    "zero-width flood": lambda text: ("\u200b" * 700).join((text[:3], text[3:])),
}
