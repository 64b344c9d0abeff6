"""The worked example of docs/writing-a-stage.md, run as it stands there: each stage one file, and one policy entry."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "writing-a-stage.md").read_text()
RAW, TEST, RAW_ENTRY, CLEAN, CLEAN_ENTRY, ANSWER, ANSWER_ENTRY, ANSWER_CASE, ACTING, ACTING_ENTRY, ACTING_CASE = re.findall(
    r"```(?:python|yaml)\n(.*?)```", PAGE, re.DOTALL
)
FILES = {
    "key_guard.py": RAW,
    "personal_limit.py": CLEAN,
    "answer_guard.py": ANSWER,
    "word_guard.py": ACTING,
    "test_key_guard.py": TEST,
}


@pytest.fixture(name="house")
def _house(tmp_path: Path) -> Path:
    """A copy of the sources and policies with the example's pieces in their places."""
    shutil.copytree(ROOT / "addons", tmp_path / "addons", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    for name, text in FILES.items():
        (tmp_path / ("" if name.startswith("test_") else "addons/outgate/stages") / name).write_text(text)
    policy = tmp_path / "policies/default.yaml"
    entries = "".join(entry.removeprefix("stages:\n") for entry in (RAW_ENTRY, CLEAN_ENTRY, ANSWER_ENTRY, ACTING_ENTRY))
    assert policy.read_text().count("\nstages:\n") == 1
    policy.write_text(policy.read_text().replace("\nstages:\n", f"\nstages:\n{entries}", 1))
    (tmp_path / "policies/default.test.yaml").write_text(ANSWER_CASE + ACTING_CASE)
    return tmp_path


def run(house: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": str(house / "addons"), "PATH": "", "HOME": str(house)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=house, env=environment, capture_output=True, text=True, check=False, timeout=100
    )


@pytest.mark.slow
def test_the_examples_own_test_passes(house):
    done = run(house, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_key_guard.py")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("cost", ["0.0001", "45.0"])
def test_the_compiler_gives_each_guard_the_text_that_it_declares(house, cost):
    for name in ("key_guard", "personal_limit"):
        file = house / f"addons/outgate/stages/{name}.py"
        file.write_text(re.sub(r"cost=[0-9.]+", f"cost={cost}", file.read_text()))

    done = run(house, "-c", "from outgate.cli.main import main; main()", "plan", "--why", "policies/default.yaml")

    assert done.returncode == 0, done.stdout + done.stderr
    plan = done.stdout.partition("== route chat")[2].partition("\n== ")[0]
    order = re.findall(r"^ +\d+ (\w+):", plan, re.MULTILINE)
    named = ("key_guard", "redact", "personal_limit", "dispatch", "answer_guard", "cache_record", "restore")
    assert list(named) == [name for name in order if name in named]
    assert "key_guard, prompt_guard, word_guard: prompt is judged raw" in plan
    assert "prompt_guard, redact, word_guard: prompt is judged clean" in plan


@pytest.mark.slow
def test_the_guard_of_the_answer_does_what_its_case_says(house):
    done = run(house, "-c", "from outgate.cli.main import main; main()", "check", "policies/default.yaml")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 of 2 tests passed" in done.stdout


def test_the_example_keeps_the_house_rules(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    ruff = Path(sys.executable).with_name("ruff")
    settings = ["--config", str(ROOT / "pyproject.toml")]
    stages = [tmp_path / name for name in FILES if not name.startswith("test_")]
    checked = subprocess.run([ruff, "check", *settings, *stages], capture_output=True, text=True, check=False, cwd=ROOT)
    formatted = subprocess.run(
        [ruff, "format", "--check", *settings, tmp_path], capture_output=True, text=True, check=False, cwd=ROOT
    )

    assert checked.returncode == 0, checked.stdout
    assert formatted.returncode == 0, formatted.stdout
