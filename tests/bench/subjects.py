"""Subjects of the bench: stock mitmdump and the gateway, each a pinned process tree whose CPU clock and memory can be read."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.load import Target

BIN = Path(sys.executable).parent
HERE = Path(__file__).parent
CPUCLOCK_SCHED = 2


class Cores(NamedTuple):
    """The core of the process under test, and the core of everything else."""

    subject: int
    rest: int


def cores() -> Cores:
    usable = sorted(os.sched_getaffinity(0))
    return Cores(usable[0], usable[-1])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tree(pid: int) -> list[int]:
    """`pid` and all processes below it."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def cpu_seconds(pid: int) -> float:
    """CPU time of a process, all its threads, in nanosecond resolution (its POSIX CPU clock); 0.0 once it has ended."""
    try:
        return time.clock_gettime((~pid << 3) | CPUCLOCK_SCHED)
    except OSError:
        return 0.0


def rss_mb(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6
    except OSError:
        return 0.0


def pss_mb(pid: int) -> float:
    """Memory of a process where pages that are shared are counted in parts."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6


def is_model_server(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"-m\0outgate.model_server" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


class Subject:
    """A running proxy. The model server's CPU and memory are told apart from those of the rest of the tree."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], target: Target, admin: int = 0) -> None:
        self.name = name
        self.process = process
        self.target = target
        self.admin = admin

    def counted(self, metric: str) -> dict[str, float]:
        """The values of a metric by its labels, as /metrics writes them."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/metrics") as reply:
            lines = reply.read().decode().splitlines()
        rows = (line.removeprefix(metric).rpartition(" ") for line in lines if line.startswith(metric + "{"))
        return {labels: float(value) for labels, _, value in rows}

    def cpu(self) -> float:
        return sum(cpu_seconds(pid) for pid in tree(self.process.pid) if not is_model_server(pid))

    def model_server_cpu(self) -> float:
        return sum(cpu_seconds(pid) for pid in tree(self.process.pid) if is_model_server(pid))

    def rss(self) -> float:
        """Memory of the worker: the largest process of the tree but the model server."""
        return max(rss_mb(pid) for pid in tree(self.process.pid) if not is_model_server(pid))

    def tree_memory(self) -> tuple[float, float]:
        """Memory of all processes, supervisor and model server too: as resident, and with shared pages counted in parts."""
        pids = tree(self.process.pid)
        return sum(map(rss_mb, pids)), sum(map(pss_mb, pids))

    def model_server_rss(self) -> float:
        return max((rss_mb(pid) for pid in tree(self.process.pid) if is_model_server(pid)), default=0.0)


def pinned(core: int | str, *command: str, environment: dict[str, str] | None = None, log: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["taskset", "-c", str(core), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log.open("wb"),
        env={**os.environ, **(environment or {})},
    )


def stopped(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def await_ready(process: subprocess.Popen[bytes], log: Path, is_ready: Callable[[], bool], seconds: float = 120.0) -> None:
    """Poll until it is ready. Raises RuntimeError with the end of its log where it ends or takes longer."""
    end = time.monotonic() + seconds
    while not is_ready():
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{process.args} did not start: {log.read_text()[-2000:]}")
        time.sleep(0.05)


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def settle(subjects: Sequence[Subject], seconds: float = 90.0) -> None:
    """Wait until none of them is busy starting (a model server that loads its models, say). Raises RuntimeError."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        before = sum(subject.cpu() + subject.model_server_cpu() for subject in subjects)
        time.sleep(1)
        if sum(subject.cpu() + subject.model_server_cpu() for subject in subjects) - before < 0.05:
            return
    raise RuntimeError("the processes under test do not come to rest")


class Upstream(NamedTuple):
    """The provider: its port, and its process, whose CPU shows that requests arrive."""

    port: int
    pid: int

    @property
    def target(self) -> Target:
        return Target("localhost", self.port)

    def cpu(self) -> float:
        return cpu_seconds(self.pid)


@contextlib.contextmanager
def provider(core: int, folder: Path) -> Iterator[Upstream]:
    """The bench's provider. Its certificate's authority is `folder`/ca.pem, which has a key on a curve, as that of mitmproxy here
    and as the gateway's.
    """
    import trustme

    authority, shown = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    authority.issue_cert("api.openai.com", "localhost").private_key_and_cert_chain_pem.write_to_path(str(folder / "provider.pem"))
    (folder / "stock").mkdir()
    (folder / "stock/mitmproxy-ca.pem").write_bytes(shown.private_key_pem.bytes() + shown.cert_pem.bytes())
    process = pinned(
        core,
        sys.executable,
        "-m",
        "bench.provider",
        str(folder / "provider.pem"),
        environment={"PYTHONPATH": str(HERE.parent)},
        log=folder / "provider.log",
    )
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline().split()[1])
        [pid] = tree(process.pid)
        yield Upstream(port, pid)
    finally:
        stopped(process)


@contextlib.contextmanager
def bare(core: int, folder: Path, upstream: Upstream) -> Iterator[Subject]:
    """mitmproxy with no more addons than it takes."""
    port, log = free_port(), folder / "bare.log"
    process = pinned(core, sys.executable, str(HERE / "bare.py"), str(port), str(folder / "stock"), str(folder / "ca.pem"), log=log)
    try:
        await_ready(process, log, lambda: listens(port))
        yield Subject("mitmproxy, 6 addons", process, Target("localhost", upstream.port, port))
    finally:
        stopped(process)


@contextlib.contextmanager
def stock(core: int, folder: Path, upstream: Upstream, *, streaming: bool = False) -> Iterator[Subject]:
    """Stock mitmdump with its default addons; `streaming` sets `flow.response.stream` for event streams."""
    port, log = free_port(), folder / f"stock-{streaming}.log"
    options = [
        "-q",
        *("--listen-host", "127.0.0.1", "-p", str(port)),
        *("--set", f"ssl_verify_upstream_trusted_ca={folder / 'ca.pem'}"),
        *("--set", f"confdir={folder / 'stock'}"),
    ]
    if streaming:
        options += ["-s", str(HERE / "streaming.py")]
    process = pinned(core, str(BIN / "mitmdump"), *options, log=log)
    try:
        await_ready(process, log, lambda: listens(port))
        yield Subject("stock stream=True" if streaming else "stock", process, Target("localhost", upstream.port, port))
    finally:
        stopped(process)
