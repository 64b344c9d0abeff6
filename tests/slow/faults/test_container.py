"""The container without a container engine: its files are linted, and every instruction is done in a clean root (clean_root.py)."""

import re
import shlex
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from slow.faults.clean_root import Image

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
def _image(tmp_path_factory) -> Image:
    """Every instruction of the Dockerfile, done."""
    return Image(ROOT, tmp_path_factory.mktemp("image"))


def test_the_image_checks_its_policy_as_a_user_without_rights(image):
    said = image.run("id -u; (echo > policies/new) 2>&1 || true; outgate check policies/default.yaml")

    assert said.splitlines()[0] == "10001"
    assert "Read-only file system" in said
    assert "default.yaml" in said


def test_the_image_holds_no_development_package_and_what_it_holds_fits_together(image):
    listed = image.run("python -m pip list --format=freeze; outgate --help")

    assert "mitmproxy==" in listed
    assert not re.search(r"^(pytest|openai|anthropic|xllamacpp|ruff)==", listed, re.MULTILINE)


def test_compose_starts_the_image_and_its_health_check_passes(image):
    """The authority's command, the image's own, and the probe until it is content; then SIGTERM, as the engine sends it."""
    services = YAML(typ="safe").load((ROOT / "compose.yaml").read_text())["services"]
    env = dict.fromkeys(services["gateway"]["environment"], "sk-none")
    said = image.run(
        f"""
        {shlex.join(services["authority"]["entrypoint"])}
        {shlex.join([*image.entrypoint, *image.command])} > /tmp/log 2>&1 & gateway=$!
        for _ in $(seq 60); do {image.health} 2> /tmp/probe && break; sleep 0.5; done
        {image.health} || {{ cat /tmp/log; exit 1; }}
        echo "healthy"
        kill $gateway
        wait $gateway
        echo "ended with $?"
        """,
        env=env,
    )

    assert ["healthy", "ended with 0"] == said.splitlines()[-2:]
