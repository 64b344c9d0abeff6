"""An image without a container engine: the instructions of a Dockerfile, as they stand, in namespaces of their own.

In it, /srv is what the image has there, /etc a copy that users may be added to, and the base image's Python the one that runs the
tests. What an image is run with (read-only root, no capabilities, no network but its own) is done there too. Needs root and Linux.
"""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

_ALONE = ("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc")
_UNPRIVILEGED = "setpriv --reuid {user} --regid $(id -g {user}) --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all"


class Instruction(NamedTuple):
    """One instruction of a Dockerfile, its lines joined."""

    name: str
    text: str


def instructions(dockerfile: str) -> list[list[Instruction]]:
    """The instructions of each stage, FROM first."""
    lines = [line for line in dockerfile.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    stages: list[list[Instruction]] = []
    for line in whole:
        one = Instruction(*line.split(None, 1))
        if one.name == "FROM":
            stages.append([])
        stages[-1].append(one)
    return stages


class Image:
    """Built from `context` as the Dockerfile in it says. Raises AssertionError where a command fails, or an instruction is new."""

    def __init__(self, context: Path, folder: Path) -> None:
        self.env: dict[str, str] = {}
        self.entrypoint: list[str] = []
        self.command: list[str] = []
        self.health = ""
        self.volumes: list[str] = []
        self._context, self._folder = context, folder
        self._user, self._where, self._stages = "0", "/", {}
        shutil.copytree("/etc", folder / "etc", symlinks=True)
        (folder / "python").mkdir()
        for stage in instructions((context / "Dockerfile").read_text()):
            self._build(stage)

    def run(self, command: str, *, built: bool = True, env: dict[str, str] | None = None) -> str:
        """What a shell says that runs it; as the image's user in a container of its own, unless the image is still being built."""
        script = "; ".join(["set -e", *self._mounts(), *(self._container() if built else ()), f"cd {self._where}"])
        as_user = _UNPRIVILEGED.format(user=self._user) if built else ""
        script += f"; exec {as_user} sh -ec {shlex.quote(command)}"
        done = subprocess.run(
            [*_ALONE, *(["--net"] if built else []), "sh", "-c", script],
            env=self._environment(built=built) | (env or {}), capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _build(self, stage: list[Instruction]) -> None:
        name = stage[0].text.partition(" AS ")[2]
        self._srv = self._stages[name] = self._folder / f"stage{len(self._stages)}"
        self._srv.mkdir(mode=0o755)
        self._user, self._where, self.env = "0", "/", {}
        for one in stage[1:]:
            getattr(self, f"_do_{one.name.lower()}")(one.text)

    def _do_run(self, text: str) -> None:
        self.run(text, built=False)

    def _do_workdir(self, text: str) -> None:
        self._where = text
        self._inside(text).mkdir(parents=True, exist_ok=True)

    def _do_copy(self, text: str) -> None:
        *sources, target = text.split()
        start, _, stage = sources[0].partition("=")
        if start == "--from":
            shutil.move(self._stages[stage] / Path(sources[1]).relative_to("/srv"), self._inside(target))
            return
        for source in sources:
            path = self._inside(target) / (source if target.endswith("/") else "")
            path.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (self._context / source).is_dir() else shutil.copy
            copy(self._context / source, path)

    def _do_env(self, text: str) -> None:
        for word in text.split():
            key, _, value = word.partition("=")
            self.env[key] = value.replace("$PATH", self._environment(built=False)["PATH"])

    def _do_user(self, text: str) -> None:
        self._user = text

    def _do_volume(self, text: str) -> None:
        self.volumes = json.loads(text)

    def _do_expose(self, text: str) -> None:
        assert text.split() == ["8080", "9464"]

    def _do_healthcheck(self, text: str) -> None:
        self.health = shlex.join(json.loads(text.partition("CMD ")[2]))

    def _do_entrypoint(self, text: str) -> None:
        self.entrypoint = json.loads(text)

    def _do_cmd(self, text: str) -> None:
        self.command = json.loads(text)

    def _inside(self, path: str) -> Path:
        """Where a path of the image, absolute or not, lies."""
        return self._srv / Path("/", self._where, path).relative_to("/srv")

    def _environment(self, *, built: bool) -> dict[str, str]:
        base = {"PATH": f"{sys.base_prefix}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8"}
        return base | (self.env if built else {})

    def _mounts(self) -> list[str]:
        return [f"mount --bind {self._folder}/etc /etc", f"mount --bind {self._srv} /srv"]

    def _container(self) -> list[str]:
        """Nothing may be written but the volumes and /tmp. Python may be hidden in a home: only it is shown there."""
        python, top = Path(sys.base_prefix), Path(*Path(sys.base_prefix).parts[:2])
        shown = [
            f"mount --bind {python} {self._folder}/python", f"mount -t tmpfs -o mode=755 none {top}",
            f"mkdir -p {python}", f"mount --bind {self._folder}/python {python}",
        ]  # fmt: skip
        volumes = [f"mount --bind {path} {path}" for path in self.volumes]
        closed = [f"mount -o remount,bind,ro {path}" for path in ("/srv", "/etc", "/")]
        return [*(shown if top != Path("/usr") else []), *volumes, "mount -t tmpfs none /tmp", *closed, "ip link set lo up"]
