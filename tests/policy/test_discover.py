import subprocess
import sys

import pytest

from outgate.pipeline.stage import Settings, Stage
from outgate.policy.discover import nearest, stage_names, stage_type


def test_every_stage_file_holds_exactly_one_stage_of_its_name():
    for name in stage_names():
        kind = stage_type(name)
        assert issubclass(kind, Stage)
        assert issubclass(kind.settings_type, Settings)
        assert name == kind.name
        assert set(kind.companions) <= stage_names()


def test_names_are_found_without_importing_stages():
    code = (
        "import sys; from outgate.policy.discover import stage_names; stage_names(); print('outgate.stages.cache' in sys.modules)"
    )

    assert "False" == subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_what_is_no_stage():
    for name in ("nothing", "__init__", "../x", "os"):
        with pytest.raises(LookupError):
            stage_type(name)


def test_what_was_probably_meant():
    assert ["redact", ""] == [nearest(name, frozenset({"redact", "cache"})) for name in ("redcat", "zzz")]
