"""Sources of keys: what they read, and that no problem shows it."""

import asyncio
from pathlib import Path

import pytest

from outgate.net.secret import Secret
from outgate.upstreams.catalog import KeySource
from outgate.upstreams.key_sources import CommandSource, Reading, StillSource, line_of


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def command(*words: str) -> Reading:
    async def read() -> Reading:
        source = CommandSource("b", KeySource(command=words), {"KEY": "canary-1"}, Clock(), lambda: 0.0)
        await source.ready()
        return source.read()

    return asyncio.run(read())


def test_a_directory_is_swapped_as_kubernetes_swaps_a_mounted_secret(tmp_path: Path) -> None:
    clock, mount = Clock(), tmp_path / "mount"
    mount.mkdir()
    for version, keys in (("..v1", ("old",)), ("..v2", ("new", "more"))):
        (mount / version).mkdir()
        for at, key in enumerate(keys):
            (mount / version / f"k{at}").write_text(f"{key}\n")
    (mount / "..data").symlink_to("..v1")
    (mount / "k0").symlink_to("..data/k0")
    source = StillSource(KeySource(directory=str(mount)), {}, clock)
    before = source.read()
    (mount / "..next").symlink_to("..v2")
    (mount / "..next").replace(mount / "..data")
    (mount / "k1").symlink_to("..data/k1")
    clock.now += 2

    assert (Reading((Secret("old"),)), Reading((Secret("new"), Secret("more")))) == (before, source.read())


def test_a_directory_with_a_bad_file_gives_the_others_and_the_problem(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one\ntwo")
    (tmp_path / "b").write_text("key-b")
    read = StillSource(KeySource(directory=str(tmp_path)), {}, Clock()).read()

    assert ((Secret("key-b"),), True) == (read.keys, "more than one line" in read.problem)


def test_an_empty_directory_is_a_problem(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        assert "holds no file" in StillSource(KeySource(directory=str(folder)), {}, Clock()).read().problem


def test_a_command_has_the_environment_and_no_shell() -> None:
    assert (Secret("canary-1"),) == command("/bin/sh", "-c", "echo $KEY").keys
    assert (Secret("$KEY;id"),) == command("/bin/echo", "$KEY;id").keys
    assert (Secret("canary-1"),) == command("/bin/sh", "-c", "printf can; sleep 0.2; echo ary-1").keys


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("/no/such/program",), "program cannot be run"),
        (("/bin/sh", "-c", "echo canary; exit 3"), "sh ended with status 3"),
        (("/bin/sh", "-c", "echo canary; echo canary"), "more than one line"),
        (("/bin/true",), "missing or empty"),
        (("/bin/sh", "-c", "head -c 40000 /dev/zero | tr '\\0' c"), "prints too much"),
    ],
)
def test_a_command_that_fails_is_a_problem_and_shows_nothing(words: tuple[str, ...], problem: str) -> None:
    read = command(*words)

    assert () == read.keys
    assert problem in read.problem and "canary" not in read.problem


def test_a_line_is_printable_ascii() -> None:
    assert ("k", "") == line_of("KEY", "", {"KEY": " k "})
    assert "" == line_of("KEY", "", {"KEY": "k\x00"})[0]
