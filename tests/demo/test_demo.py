"""The main job on real input: scripts/demo from its command to its screen."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_demo_shows_answers_decisions_and_three_refusals():
    done = subprocess.run([ROOT / "scripts/demo", "--once"], capture_output=True, text=True, check=False, timeout=230)

    assert done.returncode == 0, done.stdout + done.stderr
    assert 12 == done.stdout.count("  held  ")
    assert "openai.local-llm.test" in done.stdout
    assert "It read: My e-mail is EMAIL_" in done.stdout
    assert "ada@example.org" in done.stdout
    assert "sk-ant-gate" in done.stdout
    assert "the provider's side saw Bearer sk-of-the-a" in done.stdout
    assert all(
        stage in done.stdout for stage in ("prompt_guard", "redact", "cache", "token_budget", "inject_credentials", "restore")
    )
