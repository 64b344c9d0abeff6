"""The log of a process: its forms, its levels, and how they change. In a child, for it is that of the whole process."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from outgate.server.logs import FirstToSay

SAY = """
import logging, signal
from outgate.server.logs import Log
log = Log({style!r}, {level!r}).begin()
def tell(when):
    for level in ("error", "warning", "info"):
        if when == "start":
            logging.getLogger("outgate.policy.reload").info("changes")
        getattr(logging.getLogger("outgate.x"), level)("%s %s", when, level)
    logging.getLogger("foreign").info("foreign")
tell("start")
log.heard(signal.SIGUSR1); tell("more")
log.heard(signal.SIGUSR1); log.heard(signal.SIGUSR1); tell("most")
log.heard(signal.SIGUSR2); tell("back")
log.say("always")
try:
    raise ValueError("it\\nbroke")
except ValueError:
    logging.getLogger("outgate").exception("caught")
"""


def said(style, level):
    code = SAY.format(style=style, level=level)
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ | {"TZ": "Asia/Tokyo"}
    ).stderr.splitlines()


def test_every_line_is_an_object_and_levels_go_up_and_back():
    told = [json.loads(line) for line in said("json", "error")]

    assert [
        "start error", "more error", "more warning", "most error", "most warning", "most info", "back error", "always", "caught",
    ] == [each["message"] for each in told]  # fmt: skip
    assert {"time", "level", "logger", "message"} == set(told[0])
    assert ("error", "outgate.x") == (told[0]["level"], told[0]["logger"])
    assert "it\nbroke" in told[-1]["exception"]


def test_text_has_a_time_in_utc_and_a_level_and_so_has_what_is_always_told():
    told = said("text", "warning")

    assert told[0].endswith(" INFO outgate.policy.reload: changes")
    assert told[1].endswith(" ERROR outgate.x: start error")
    (always,) = (line for line in told if line.endswith(" INFO outgate: always"))
    for line in (told[0], always):
        at = datetime.strptime(line.partition(" INFO")[0], "%Y-%m-%d %H:%M:%S.%fZ").replace(tzinfo=UTC)
        assert abs(datetime.now(UTC) - at) < timedelta(minutes=10)
    assert not any("foreign" in line for line in told)


FIRST = """
import sys
from pathlib import Path
from outgate.server.logs import FirstToSay, Log
import logging
log = Log(first=FirstToSay(Path(sys.argv[1]))).begin()
for line in sys.argv[2:]:
    logging.getLogger("outgate.policy.reload").warning(line)
logging.getLogger("outgate").warning("an exchange")
logging.getLogger("mitmproxy.x").warning("foreign")
log.say("said")
log.say("said")
"""


def first(file, *lines):
    """What another process says."""
    command = [sys.executable, "-c", FIRST, str(file), *lines]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr.splitlines()
    return [line.rpartition(": ")[2] for line in told]


def test_what_another_process_has_just_said_is_not_said_again(tmp_path):
    file = tmp_path / "said"

    assert ["a", "b", "a", "an exchange", "foreign", "said", "said"] == first(file, "a", "b", "a")
    assert ["c", "an exchange", "foreign"] == first(file, "a", "b", "c")
    assert 0o600 == file.stat().st_mode & 0o777


def test_it_is_said_again_a_while_later(tmp_path):
    gate = FirstToSay(tmp_path / "said")
    (tmp_path / "said").write_text("")
    digest = gate.says("a", 100.0) and (tmp_path / "said").read_text().split()[0]
    (tmp_path / "said").write_text(f"{digest} 1 100.0\n")

    assert [False, True] == [gate.says("a", 109.0), gate.says("a", 110.0)]


@pytest.mark.parametrize("torn", ["x", "a b c\n", "a 1 zzz\n", "\n\n"])
def test_where_the_file_is_of_no_use_everything_is_said(tmp_path, torn):
    (tmp_path / "said").write_text(torn)
    assert FirstToSay(tmp_path / "said").says("a", 1.0)
    assert FirstToSay(tmp_path / "nowhere" / "said").says("a", 1.0)


def test_mitmproxys_line_about_trust_is_left_out_for_ours_names_the_workload():
    code = (
        "import logging\nfrom outgate.server.logs import Log\nLog().begin()\n"
        "log = logging.getLogger('mitmproxy.proxy.server')\n"
        'log.warning("Client TLS handshake failed. The client does not trust the proxy\'s certificate for x")\n'
        "log.warning('other')\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr.splitlines()

    assert ["other"] == [line.rpartition(": ")[2] for line in told]
