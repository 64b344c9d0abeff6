import pytest

from outgate.detectors.pii.addresses import emails


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mail bob@example.com.", ["bob@example.com"]),
        ("<bob.o'neil+tag@mail.example.co.uk>", ["bob.o'neil+tag@mail.example.co.uk"]),
        ("mailto:bob@example.com?subject=x", ["bob@example.com"]),
        ("'bob@example.com'", ["bob@example.com"]),
        ("a@b.co,c@d.io", ["a@b.co", "c@d.io"]),
        ("münchen@büro.example", ["münchen@büro.example"]),
        ('"bob smith"@example.com', ['"bob smith"@example.com']),
        ("bob@[192.0.2.1]", ["bob@[192.0.2.1]"]),
        ("bob@corp.internal", ["bob@corp.internal"]),
        ("bob@xn--bcher-kva.xn--p1ai", ["bob@xn--bcher-kva.xn--p1ai"]),
        ("bob@example.com.2", ["bob@example.com"]),
        ("actions/checkout@v4.1.2", []),
        ("package@1.2.3", []),
        ("@decorator", []),
        ("bob@localhost", []),
        ("@@@@", []),
    ],
)
def test_emails(text: str, found: list[str]) -> None:
    assert found == [text[start:end] for start, end in emails(text)]
