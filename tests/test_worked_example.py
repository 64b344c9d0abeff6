"""The worked example of docs/writing-a-stage.md, run as it stands there: one file, one test file, one policy entry."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "writing-a-stage.md").read_text()
STAGE, TEST, ENTRY = re.findall(r"```(?:python|yaml)\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(name="house")
def _house(tmp_path: Path) -> Path:
    """A copy of the sources and policies with the example's three pieces in their places."""
    shutil.copytree(ROOT / "addons", tmp_path / "addons", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    (tmp_path / "addons/outgate/stages/tool_limit.py").write_text(STAGE)
    (tmp_path / "test_tool_limit.py").write_text(TEST)
    policy = tmp_path / "policies/default.yaml"
    entry = ENTRY.removeprefix("stages:\n")
    assert policy.read_text().count("\nstages:\n") == 1
    policy.write_text(policy.read_text().replace("\nstages:\n", f"\nstages:\n{entry}", 1))
    return tmp_path


def run(house: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": str(house / "addons"), "PATH": "", "HOME": str(house)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=house, env=environment, capture_output=True, text=True, check=False, timeout=100
    )


@pytest.mark.slow
def test_the_examples_own_test_passes(house):
    done = run(house, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_tool_limit.py")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


@pytest.mark.slow
def test_the_example_is_placed_by_the_compiler(house):
    done = run(house, "-c", "from outgate.cli.main import main; main()", "plan", "policies/default.yaml")

    assert done.returncode == 0, done.stdout + done.stderr
    plan = done.stdout.partition("== route chat")[2]
    order = re.findall(r"^ +\d+ (\w+):", plan, re.MULTILINE)
    assert order.index("tool_limit") < order.index("dispatch")


def test_the_example_keeps_the_house_rules(tmp_path):
    (tmp_path / "tool_limit.py").write_text(STAGE)
    (tmp_path / "test_tool_limit.py").write_text(TEST)
    ruff = Path(sys.executable).with_name("ruff")
    settings = ["--config", str(ROOT / "pyproject.toml")]
    checked = subprocess.run(
        [ruff, "check", *settings, tmp_path / "tool_limit.py"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    formatted = subprocess.run(
        [ruff, "format", "--check", *settings, tmp_path], capture_output=True, text=True, check=False, cwd=ROOT
    )

    assert checked.returncode == 0, checked.stdout
    assert formatted.returncode == 0, formatted.stdout
