"""Run one battery of slow tests and write down what came of it, with date and commit.

`python tests/slow/battery.py faults|fuzz [PART] [pytest arguments]`; with PART, `test_PART.py` alone. Options narrow down what is
run, and then no page is written; paths among them replace it.
A test may put figures into its result with `record_property`.
"""

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    page, what = chosen(*sys.argv[1:])
    tree = tree_of()
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "--timeout", "3600", f"--junitxml={report.name}"]
        status = subprocess.run([*command, *what], cwd=ROOT, check=False).returncode
        cases = list(ET.parse(report.name).iter("testcase"))
    if cases and page:
        path = ROOT / "docs" / "results" / f"{page}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text_of(page, tree, cases))
    return status


def chosen(battery: str, *rest: str) -> tuple[str, list[str]]:
    """The page of a battery, or of the part of it that is named first, none where it is narrowed down; and what pytest is given:
    never the whole suite.
    """
    what = f"tests/slow/{battery}"
    if rest and (ROOT / what / f"test_{rest[0]}.py").exists():
        battery, *rest = rest
        what = f"{what}/test_{battery}.py"
    paths = [each for each in rest if (ROOT / each.partition("::")[0]).exists()]
    return "" if rest else battery, [*rest] if paths else [what, *rest]


def tree_of() -> str:
    """The commit that the tests begin with, and whether the source differs from it."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    dirty = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "addons"], cwd=ROOT, check=False).returncode
    return f"{commit}{' with changes' if dirty else ''}"


def text_of(battery: str, tree: str, cases: list[ET.Element]) -> str:
    lines = [
        f"# {battery}",
        "",
        f"Run on {datetime.now(UTC):%Y-%m-%d} at commit {tree}.",
        "",
        "| test | result | seconds | figures |",
        "|---|---|---|---|",
    ]
    for case in cases:
        outcome = next((child.tag for child in case if child.tag in ("failure", "error", "skipped")), "passed")
        figures = ", ".join(f"{each.get('name')} {each.get('value')}" for each in case.iter("property"))
        lines.append(f"| {case.get('name')} | {outcome} | {float(case.get('time', 0)):.1f} | {figures} |")
    return "\n".join(lines).replace("|  |", "| |") + "\n"


if __name__ == "__main__":
    sys.exit(main())
