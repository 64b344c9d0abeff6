"""Rules of the repository as a whole: nothing of one machine in it, nothing secret, nothing too large to read."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LISTED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
).stdout.splitlines()
FILES = [Path(name) for name in LISTED if (ROOT / name).is_file()]
SOURCES = [path for path in FILES if path.suffix == ".py"]
SCRIPTS = [path for path in FILES if path.parts[0] == "scripts"]


def text(path: Path) -> str:
    return (ROOT / path).read_text(errors="replace")


def test_no_file_names_a_path_of_one_machine():
    machine = re.compile(r"(?<![\w.-])/(?:work|root|home/\w+|opt/pypi|Users)/")
    offenders = [str(path) for path in FILES if path.name != "test_repo.py" and machine.search(text(path))]

    assert [] == offenders


def test_requirements_are_pinned_with_hashes_and_hold_no_address():
    for kind in ("runtime", "dev"):
        lines = text(Path("requirements") / f"{kind}.txt").splitlines()
        pins = [line for line in lines if line and not line.startswith((" ", "#"))]

        assert [] == [line for line in pins if not re.fullmatch(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+( ; [^\\]+)? \\", line)]
        assert [] == [line for line in lines if "://" in line or line.startswith("-")]
        assert len([line for line in lines if "--hash=sha256:" in line]) >= len(pins)


@pytest.mark.parametrize("kind", ["runtime", "dev"])
def test_every_direct_requirement_is_in_the_lock(kind):
    locked = set(re.findall(r"^([a-z0-9._-]+)==", text(Path("requirements") / f"{kind}.txt"), re.MULTILINE))
    wanted = {name for source in ("runtime", "data") + (("dev", "data-dev") if kind == "dev" else ()) for name in direct(source)}

    assert wanted <= locked


def direct(source: str) -> set[str]:
    lines = text(Path("requirements") / f"{source}.in").splitlines()
    return {re.split(r"[\[=><]", line)[0].strip().replace(".", "-") for line in lines if line and line[0] not in "#-"}


def test_h2_refuses_a_duplicate_host():
    """CVE-2026-71554 is mended in 4.4.1."""
    version = re.search(r"^h2==(\d+)\.(\d+)\.(\d+)", text(Path("requirements/runtime.txt")), re.MULTILINE)

    assert version is not None
    assert (4, 4, 1) <= tuple(map(int, version.groups()))


def test_there_is_no_second_lock_file():
    assert [] == [str(path) for path in FILES if path.name in {"uv.lock", "poetry.lock", "Pipfile.lock"}]


@pytest.mark.parametrize("path", SCRIPTS, ids=str)
def test_scripts_are_one_word_and_executable(path):
    assert re.fullmatch(r"[a-z]+", path.name)
    assert (ROOT / path).stat().st_mode & 0o111
    assert text(path).startswith("#!")


@pytest.mark.parametrize("path", [path for path in SCRIPTS if path.name not in {"setup", "lock"}], ids=str)
def test_scripts_set_up_what_they_need(path):
    assert "scripts/setup" in text(path)


def test_keys_are_ignored_by_git():
    names = ["certs/ca.pem", "certs/ca.key", "certs/ca.p12", "certs/ca-cert.cer", "state/journal/1", ".env"]
    ignored = subprocess.run(["git", "check-ignore", *names], cwd=ROOT, capture_output=True, text=True, check=False).stdout

    assert names == ignored.splitlines()


def test_no_private_key_is_in_the_repository():
    key = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}")

    assert [] == [str(path) for path in FILES if key.search(text(path))]


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_files_are_short_and_say_what_they_decide(path):
    lines = text(path).splitlines()
    limit = 150 if path.parts[:3] == ("addons", "outgate", "stages") else 300

    assert len(lines) <= limit
    assert path.parts[0] != "addons" or not lines or lines[0].startswith(('"""', 'r"""'))


def test_no_name_says_nothing():
    empty = {"utils.py", "util.py", "helpers.py", "helper.py", "common.py", "misc.py", "manager.py"}

    assert [] == [str(path) for path in SOURCES if path.name in empty]


def test_no_work_is_left_to_be_done_in_comments():
    mark = re.compile(r"#.*\b(TODO|FIXME|XXX|HACK)\b")

    assert [] == [str(path) for path in SOURCES if path.name != "test_repo.py" and mark.search(text(path))]


def test_licence_is_apache_2():
    assert "Apache License" in text(Path("LICENSE"))
    assert 'license = "Apache-2.0"' in text(Path("pyproject.toml"))
