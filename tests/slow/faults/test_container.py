"""The container without a container engine: its files are linted, and the image's commands run in a clean folder."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[3]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_dockerfile_runs_without_root_and_with_a_health_check():
    final = DOCKERFILE.split("\nFROM ")[-1]

    assert re.search(r"^USER \d{4,}$", final, re.MULTILINE)
    assert final.index("USER ") < final.index("ENTRYPOINT")
    assert "HEALTHCHECK" in final
    assert "ADD " not in DOCKERFILE


def test_everything_the_dockerfile_copies_exists_and_is_let_through():
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [word for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE) for word in line.split()[:-1]]

    assert copied
    assert [] == [name for name in copied if not (ROOT / name).exists() or name not in allowed]


def test_compose_holds_no_secret_and_gives_no_privilege():
    services = YAML(typ="safe").load((ROOT / "compose.yaml").read_text())["services"]
    gateway = services["gateway"]

    assert [] == [name for name in gateway["environment"] if "=" in name]
    assert gateway["cap_drop"] == ["ALL"]
    assert gateway["read_only"] is True
    assert not any(service.get("privileged") for service in services.values())
    assert all(port.startswith("127.0.0.1:") for service in services.values() for port in service.get("ports", []))


@pytest.fixture(name="image", scope="module")
def _image(tmp_path_factory) -> Path:
    """What the image's build steps make, in a folder: a virtual environment with the pins and the project."""
    folder = tmp_path_factory.mktemp("image")
    commands = [
        line.lstrip("& ").rstrip("\\ ") for line in re.findall(r"^(?:RUN| &&) (.*pip install.*)$", DOCKERFILE, re.MULTILINE)
    ]
    assert len(commands) == 2
    run(folder, f"{sys.executable} -m venv {folder}/srv/venv")
    for command in commands:
        run(ROOT, command.replace("/srv/venv", f"{folder}/srv/venv").replace("install --no-cache-dir", "install -q"))
    return folder


def run(where: Path, command: str) -> str:
    done = subprocess.run(["sh", "-c", command], cwd=where, capture_output=True, text=True, check=False, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_images_commands_give_a_gateway_that_checks_its_policy(image):
    assert "default.yaml" in run(ROOT, f"{image}/srv/venv/bin/outgate check policies/default.yaml")


def test_the_image_holds_no_development_package(image):
    listed = run(ROOT, f"{image}/srv/venv/bin/python -m pip list --format=freeze")

    assert not re.search(r"^(pytest|openai|anthropic|xllamacpp|ruff)==", listed, re.MULTILINE)
