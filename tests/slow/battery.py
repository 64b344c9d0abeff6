"""Run one battery of slow tests and write down what came of it, with date and commit.

`python tests/slow/battery.py faults|fuzz [PART] [pytest arguments]`; with PART, `test_PART.py` alone.
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
    battery, *rest = sys.argv[1:]
    folder = f"tests/slow/{battery}"
    if rest and (ROOT / folder / f"test_{rest[0]}.py").exists():  # one part of a battery, with a page of its own
        part = rest.pop(0)
        folder, battery = f"{folder}/test_{part}.py", part
    tree = tree_of()
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "--timeout", "3600", f"--junitxml={report.name}"]
        status = subprocess.run([*command, *(rest or [folder])], cwd=ROOT, check=False).returncode
        cases = list(ET.parse(report.name).iter("testcase"))
    if cases and not rest:
        page = ROOT / "docs" / "results" / f"{battery}.md"
        page.parent.mkdir(exist_ok=True)
        page.write_text(text_of(battery, tree, cases))
    return status


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
