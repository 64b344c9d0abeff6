"""The log of a process: its forms, its levels, and how they change. In a child, for it is that of the whole process."""

import json
import subprocess
import sys

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
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr.splitlines()


def test_every_line_is_an_object_and_levels_go_up_and_back():
    told = [json.loads(line) for line in said("json", "error")]

    assert [
        "start error", "more error", "more warning", "most error", "most warning", "most info", "back error", "always", "caught",
    ] == [each["message"] for each in told]  # fmt: skip
    assert {"time", "level", "logger", "message"} == set(told[0])
    assert ("error", "outgate.x") == (told[0]["level"], told[0]["logger"])
    assert "it\nbroke" in told[-1]["exception"]


def test_text_has_a_time_and_a_level_and_what_is_always_told_stands_alone():
    told = said("text", "warning")

    assert told[0].endswith(" INFO outgate.policy.reload: changes")
    assert told[1].endswith(" ERROR outgate.x: start error")
    assert told[0][:2] == "20"
    assert "always" in told
    assert not any("foreign" in line for line in told)
