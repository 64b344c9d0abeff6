"""Where things lie in the state folder. The supervisor reads it too, so nothing of mitmproxy is imported here."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where things lie in the state folder."""

    state: Path

    def make(self) -> "Layout":
        """Create the folder, readable by its owner alone."""
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self

    @property
    def accounts(self) -> Path:
        return self.state / "accounts"

    @property
    def metrics(self) -> Path:
        return self.state / "metrics"

    @property
    def encoder(self) -> Path:
        return self.state / "encoder.sock"
