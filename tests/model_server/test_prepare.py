"""Set-up leaves the graphs of the packaged models where every process finds them."""

from pathlib import Path

import pytest

from outgate.model_server import prepare
from outgate.model_server.engines import graphs
from outgate.model_server.engines.packaged import encoder_version


@pytest.mark.exhaustive
def test_set_up_writes_the_graphs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "folder", lambda: tmp_path)

    prepare.main()

    assert f"{encoder_version('int8')}.graph" in {path.name for path in tmp_path.iterdir()}
