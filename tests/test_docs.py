"""The docs mirror the code: generated pages are current, and every script, room and requirement is written about."""

import ast
import re
from pathlib import Path

import pytest

from outgate.metering.metrics import Metrics, render
from outgate.policy.reference import DIAGNOSTICS
from outgate.policy.stage_types import stage_names
from support import reference

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = ("policy.md", "stages.md", "denials.md", "diagnostics.md", "metrics.md", "commands.md", "guard_rules.md")


@pytest.fixture(name="pages", scope="module")
def _pages() -> dict[str, str]:
    return reference.pages()


@pytest.mark.parametrize("name", PAGES)
def test_generated_page_is_current(pages, name):
    assert pages[name] == (DOCS / "reference" / name).read_text(), "run scripts/fix"


def test_every_stage_file_is_documented(pages):
    files = stage_names()

    assert files == set(re.findall(r"^## (\w+)$", pages["stages.md"], re.MULTILINE))


def test_every_setting_says_what_it_means(pages):
    rows = [line for page in ("policy.md", "stages.md") for line in pages[page].splitlines() if line.startswith("| `")]

    assert rows
    assert [] == [line for line in rows if line.rstrip("| ").endswith(("||", "| |")) or line.endswith("|  |")]


def test_every_diagnostic_that_the_source_gives_is_explained_and_no_other():
    given = reference.givers("[EW]_[A-Z0-9_]*[A-Z0-9]")

    assert set(given) == set(DIAGNOSTICS)
    assert [] == [code for code, (meaning, repair) in DIAGNOSTICS.items() if not meaning or not repair]


def test_no_code_is_put_together_where_nobody_can_find_it():
    parts = [
        (file, part.value)
        for file, tree in reference.trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
        if isinstance(part, ast.Constant) and re.search(r"(^|\s)[EW]_[A-Z_]*$", str(part.value))
    ]

    assert [] == parts


def test_every_problem_has_a_repair():
    """Of those made by name: what is passed on keeps the repair it came with."""
    bare = [
        f"{file}:{node.lineno}"
        for file, tree in reference.trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in ("Problem", "problem")
        if len(node.args) < (3 if isinstance(node.func, ast.Name) else 4)
        and not any(keyword.arg in ("repair", None) for keyword in node.keywords)
    ]

    assert [] == bare


def test_every_metric_that_is_exposed_is_in_the_reference(tmp_path, pages):
    Metrics(tmp_path).close()
    exposed = re.findall(r"^# TYPE (\S+) ", render(tmp_path).decode(), re.MULTILINE)

    assert {"gen_ai_client_token_usage", "outgate_exchanges_total"} <= set(exposed)
    assert sorted(exposed) == re.findall(r"^\| `(\w+)` \|", pages["metrics.md"], re.MULTILINE)


def test_every_script_is_in_the_readme():
    text = (ROOT / "README.md").read_text()

    assert [] == [path.name for path in (ROOT / "scripts").iterdir() if f"scripts/{path.name}" not in text]


def test_every_direct_requirement_has_its_reason():
    text = (DOCS / "dependencies.md").read_text()
    lines = [line for path in (ROOT / "requirements").glob("*.in") for line in path.read_text().splitlines()]
    names = {re.split(r"[\[=><]", line)[0] for line in lines if line and line[0] not in "#-"}

    assert [] == sorted(name for name in names if f"| {name} |" not in text)


def test_every_room_is_on_the_map():
    rooms = {path.name for path in (ROOT / "addons/outgate").iterdir() if path.is_dir() and not path.name.startswith("_")}
    text = (DOCS / "architecture.md").read_text()

    assert [] == sorted(room for room in rooms if f"`{room}/`" not in text)


def test_every_file_that_decides_something_is_there():
    named = re.findall(r"`(\w+/[\w/*]+\.py)`", (DOCS / "architecture.md").read_text())

    assert len(named) > 12
    assert [] == [name for name in named if not list((ROOT / "addons/outgate").glob(name)) and not (ROOT / name).exists()]


def test_links_between_pages_lead_somewhere():
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "certs/README.md", *DOCS.rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]

    assert [] == broken


def test_decisions_have_a_number_of_their_own_and_fit_a_page():
    pages = sorted((DOCS / "decisions").glob("*.md"))
    numbers = [page.name[:4] for page in pages]

    assert len(set(numbers)) == len(numbers)
    assert [] == [page.name for page in pages if not re.match(r"# \d+\. ", page.read_text())]
    assert [] == [page.name for page in pages if len(page.read_text().splitlines()) > 60]
