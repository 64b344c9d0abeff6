"""Name rules of secrets: `<kind>.<rule>`. Policies name kinds, placeholders show them."""

import re

KINDS = ("api_key", "password", "private_key")
_VENDOR = re.compile(r"^(?:betterleaks|kingfisher|custom|veles\.secrets)[./]")
_PRIVATE = re.compile(r"private-?key|age-secret|pkcs|pem\b|ssh")
_PASSWORD = re.compile(r"password|passwd|credential-uri|connection|jdbc|mongodb|postgres|mysql|redis|smtp|amqp|odbc")


def rule_of(packaged: str) -> str:
    """Our name of a packaged rule."""
    name = _VENDOR.sub("", packaged.lower())
    kind = "private_key" if _PRIVATE.search(name) else "password" if _PASSWORD.search(name) else "api_key"
    return f"{kind}.{name}"


def kind_of(rule: str) -> str:
    """The kind that a rule is of."""
    return rule.partition(".")[0]
