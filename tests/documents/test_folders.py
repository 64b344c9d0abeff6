"""Files of a folder: read whole and once, and nothing that is elsewhere or no plain file."""

import os
import socket

import pytest

from outgate.documents import folders
from outgate.documents.folders import UnreadFileError, read_file


@pytest.fixture(name="folder")
def _folder(tmp_path):
    inside = tmp_path / "files" / "a"
    inside.mkdir(parents=True)
    (inside / "b.txt").write_bytes(b"words")
    (tmp_path / "secret").write_text("outside")
    return tmp_path / "files"


def read(folder, *steps, most=100, known=""):
    return read_file(str(folder), steps, most, known)


def test_a_file_is_read_once_while_it_stays_the_same(folder):
    first = read(folder, "a", "b.txt")

    assert b"words" == first.data
    assert read(folder, "a", "b.txt", known=first.version) is None


def test_a_file_that_changed_is_read_again(folder):
    first = read(folder, "a", "b.txt")
    (folder / "a" / "b.txt").write_bytes(b"WORDS")

    assert b"WORDS" == read(folder, "a", "b.txt", known=first.version).data


def test_a_large_file_is_refused(folder):
    with pytest.raises(UnreadFileError, match="max_bytes"):
        read(folder, "a", "b.txt", most=4)


def test_a_file_that_grows_while_it_is_read_is_refused(folder, monkeypatch):
    plain, file = os.read, folder / "a" / "b.txt"

    def growing(descriptor, size):
        found = plain(descriptor, size)
        if found:
            os.utime(file, ns=(1, 1))
        return found

    monkeypatch.setattr(folders.os, "read", growing)

    with pytest.raises(UnreadFileError, match="being written"):
        read(folder, "a", "b.txt")


def test_attack_a_link_leads_out_of_the_folder(folder):
    (folder / "link").symlink_to(folder.parent / "secret")
    (folder / "up").symlink_to(folder.parent)

    for steps in (("link",), ("up", "secret"), ("up", "files", "a", "b.txt")):
        with pytest.raises(UnreadFileError):
            read(folder, *steps)


@pytest.mark.parametrize("steps", [("..", "secret"), ("a", "..", "..", "secret"), ("a", "b\0"), ("missing",), ("a", "b.txt", "c")])
def test_attack_steps_that_are_none(folder, steps):
    with pytest.raises(UnreadFileError):
        read(folder, *steps)


def test_attack_a_folder_a_pipe_a_socket_and_a_device_are_not_read(folder):
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        for name in ("pipe", "socket", "a"):
            with pytest.raises(UnreadFileError, match="not a plain file"):
                read(folder, name)
    with pytest.raises(UnreadFileError):
        read("/dev", "zero")


def test_attack_a_file_becomes_a_link_between_look_and_open(folder, monkeypatch):
    look = os.stat

    def exchanged(name, **options):
        found = look(name, **options)
        (folder / "a" / "b.txt").unlink()
        (folder / "a" / "b.txt").symlink_to(folder.parent / "secret")
        return found

    monkeypatch.setattr(folders.os, "stat", exchanged)

    with pytest.raises(UnreadFileError):
        read(folder, "a", "b.txt")
