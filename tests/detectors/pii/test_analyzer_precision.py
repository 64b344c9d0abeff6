"""Redaction leaves work alone: of its findings in code, configuration, logs and documentation, 95 of 100 are right."""

from detectors.pii.precision import judged, precision, table
from outgate.detectors.pii.analyzer import PiiAnalyzer

BAR = 0.95
FEW = 20
"""Findings of a kind below which a share says nothing; then one may be wrong."""


def test_F10_findings_in_engineering_text_are_what_they_are_called() -> None:
    rows = list(judged(PiiAnalyzer().detect))
    kinds = table(rows, lambda row: row.kind)
    wrong = [row for row in rows if row.right is False]

    assert kinds["all"][0] > 100
    assert precision(*kinds["all"][:2]) >= BAR, wrong
    for kind, (right, bad, _) in kinds.items():
        assert precision(right, bad) >= BAR or (right + bad < FEW and bad <= 1), (kind, wrong)
