"""What was replaced is counted by entity, for the closing line."""

from detectors.fakes import prompt
from stages.test_redact import Redaction


def test_what_was_replaced_is_counted_by_entity() -> None:
    redact = Redaction()
    redact(prompt("mail jane@example.com", "jane@example.com or eve@example.com", "card 4111111111111111"))
    assert {"CREDIT_CARD": 1, "EMAIL_ADDRESS": 3} == redact.counts
    redact(prompt("nothing"))
    assert {} == redact.counts
