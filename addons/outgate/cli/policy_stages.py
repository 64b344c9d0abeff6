"""The live stages of a policy, for commands that measure what one of them decides."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from outgate.errors import PolicyError
from outgate.pipeline.stage import Stage
from outgate.policy.load import load_policy
from outgate.policy.stage_types import Ports
from outgate.stores.memo import Memo


def live_stages(file: Path, models: Any, memo: Memo) -> Sequence[Stage]:
    """Every stage, in the order of the file. Ends the command where the policy has errors."""
    try:
        return tuple(load_policy(file, Ports(model_server=models, memo=memo, monotonic=time.monotonic), elsewhere=True).stages)
    except PolicyError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
