import pytest

from detectors.pii.finding import values
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
        ("/home/jane@corp.com/x", ["jane@corp.com"]),
        ("https://x.org/?email=jane@corp.com&x=1", ["jane@corp.com"]),
        (r'{"a":"line\njane@corp.com"}', ["jane@corp.com"]),
        ("<git@example.com>", ["git@example.com"]),
        ("bounce-jane=corp.com@list.org", ["bounce-jane=corp.com@list.org"]),
        ("@@@@", []),
    ],
)
def test_emails(text: str, found: list[str]) -> None:
    assert found == values(emails, text)


@pytest.mark.parametrize(
    "text",
    [
        "git@github.com:org/repo",
        "ssh://git@github.com/org/repo.git",
        "root@web01.example.com:~/x",
        "deploy@web01.example.com:/srv/app",
        "https://user:secret@host.com/x",
        "getty@tty1.service",
        "x@w.mean()",
        "UID:1568-1567555199@example.com",
        "Message-ID: <20261129.1504@mail.example.com>",
    ],
)
def test_F10_an_account_at_a_host_is_no_mailbox(text: str) -> None:
    assert [] == values(emails, text)
