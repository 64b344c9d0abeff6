import re

import pytest
from click.testing import CliRunner

from outgate.cli import workload
from outgate.cli.main import cli
from outgate.identity.workloads import digest_of
from outgate.policy.load import load_policy
from support.policies import BASE, write

HAND_WRITTEN = """\
# Our gateway.
version: 1   # the only one

providers:
    openai: { host: "api.openai.com" }   # flow, with spaces

workloads:
    # the first team
    research:
        tenant: 'acme'
        groups: [ people,
                  lab ]
        token_hashes:
        - "sha256:%s"   # the laptop

# What each route has.
stages:
    authenticate: {}
    authorize:
        allow:
        - paths:   [/v1/chat/completions]
    model_map: {passthrough: true}
    authorize_model: {allow: [{models: ["**"]}]}

routes:
- name: all      # all of it
""" % ("0" * 64)
COMMENTED = "# first\n" + BASE.replace("workloads:\n", "workloads:  # who may call\n") + "# last\n"


def run(*args):
    return CliRunner().invoke(cli, ["workload", *map(str, args)])


def token_of(result):
    assert 0 == result.exit_code, result.output
    return re.search(r"^og_[\w-]{43}$", result.stdout, re.MULTILINE).group()


def name_of(path, token):
    found = load_policy(path).workloads.by_token(None, token)
    return found.name if found is not None else None


def test_add_shows_the_token_once_and_writes_only_its_digest(tmp_path):
    path = write(tmp_path, COMMENTED)
    token = token_of(run("add", "beta", "--tenant", "t", "--group", "research", "--policy", path))
    text = path.read_text()

    assert token not in text
    assert "beta" == name_of(path, token)
    found = load_policy(path).workloads.by_token("beta", token)
    assert ("t", frozenset({"research"})) == (found.tenant, found.groups)
    assert text.startswith("# first\n")
    assert text.endswith("# last\n")
    assert "# who may call" in text
    assert [path.name] == [each.name for each in tmp_path.iterdir()]


def test_add_changes_no_line_of_a_hand_written_file(tmp_path):
    """Comments, blank lines, indents, quotes, block and flow: as they were, to the byte, whatever line ends there are."""
    for text in (HAND_WRITTEN, HAND_WRITTEN.replace("\n", "\r\n")):
        path = tmp_path / "policy.yaml"
        path.write_bytes(text.encode())
        token = token_of(run("add", "neu", "--tenant", "acme", "--policy", path))
        before, after = text.splitlines(keepends=True), path.read_bytes().decode().splitlines(keepends=True)

        at = before.index(next(line for line in before if "the laptop" in line)) + 1
        assert before == after[:at] + after[at + 3 :]
        assert ["neu:", "tenant: acme", f'token_hashes: ["{digest_of(token)}"]'] == [line.strip() for line in after[at : at + 3]]
        assert "neu" == name_of(path, token)
        assert 0 == run("revoke", "neu", "--policy", path).exit_code
        assert text == path.read_bytes().decode()


def test_every_token_is_new(tmp_path):
    path = write(tmp_path)

    assert token_of(run("add", "a", "--policy", path)) != token_of(run("add", "b", "--policy", path))


def test_add_to_a_policy_without_workloads(tmp_path):
    path = write(tmp_path, BASE.replace("workloads:\n  alpha: {groups: [research]}\n", "workloads: {}\n"))

    assert "beta" == name_of(path, token_of(run("add", "beta", "--policy", path)))


def test_add_refuses_a_name_that_is_there(tmp_path):
    path = write(tmp_path)
    result = run("add", "alpha", "--policy", path)

    assert 1 == result.exit_code
    assert f"use `outgate workload rotate alpha --policy {path}`" in result.output
    assert BASE == path.read_text()


def test_rotate_ends_the_old_token(tmp_path):
    path = write(tmp_path)
    old = token_of(run("rotate", "alpha", "--policy", path))
    new = token_of(run("rotate", "alpha", "--policy", path))

    assert [None, "alpha"] == [name_of(path, old), name_of(path, new)]


def test_rotate_may_let_the_old_one_work_on_until_the_next(tmp_path):
    path = write(tmp_path)
    first = token_of(run("rotate", "alpha", "--policy", path))
    second = token_of(run("rotate", "alpha", "--keep-old", "--policy", path))
    assert ["alpha", "alpha"] == [name_of(path, first), name_of(path, second)]
    third = token_of(run("rotate", "alpha", "--keep-old", "--policy", path))

    assert [None, "alpha", "alpha"] == [name_of(path, token) for token in (first, second, third)]


def test_revoke(tmp_path):
    path = write(tmp_path)
    token = token_of(run("add", "beta", "--policy", path))

    assert 0 == run("revoke", "beta", "--policy", path).exit_code
    assert name_of(path, token) is None
    assert 1 == run("revoke", "beta", "--policy", path).exit_code


@pytest.mark.parametrize("name", ["a b", "", "x" * 64, "a:b", "-a/../b"])
def test_what_the_policy_would_refuse_is_not_written(tmp_path, name):
    path = write(tmp_path)
    result = run("add", "--policy", path, "--", name)

    assert 1 == result.exit_code
    assert "og_" not in result.stdout
    assert BASE == path.read_text()


def test_a_policy_that_is_refused_is_not_touched(tmp_path):
    path = write(tmp_path, BASE + "nope: 1\n")

    assert 1 == run("add", "beta", "--policy", path).exit_code
    assert path.read_text().endswith("nope: 1\n")


def test_workloads_that_the_policy_names_are_added_one_after_the_other(tmp_path):
    path = write(tmp_path, BASE.replace("allow: [{}]", "allow: [{workloads: [alpha, beta, gamma]}]"))
    first = run("add", "beta", "--policy", path)
    token = token_of(first)

    assert "E_UNKNOWN_WORKLOAD: there is no workload 'gamma'" in first.stderr
    assert "until these are added too" in first.stderr
    assert "E_UNKNOWN" not in run("add", "gamma", "--policy", path).stderr
    assert "beta" == name_of(path, token)


def test_a_workload_that_the_policy_still_names_is_not_revoked_and_the_way_is_told(tmp_path):
    text = BASE.replace("allow: [{}]", "allow: [{workloads: [alpha]}]")
    path = write(tmp_path, text)
    result = run("revoke", "alpha", "--policy", path)

    assert 1 == result.exit_code
    assert "is left as it was: where the policy names alpha elsewhere, take it out there first; `rotate alpha`" in result.stderr
    assert text == path.read_text()


def test_the_file_keeps_its_mode_and_its_link(tmp_path):
    path = write(tmp_path)
    path.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    token_of(run("add", "beta", "--policy", link))

    assert link.is_symlink()
    assert 0o640 == path.stat().st_mode & 0o777


def test_attack_an_edit_that_comes_between_is_kept(tmp_path, monkeypatch):
    path = write(tmp_path, BASE)
    judge, between = workload.load_source, iter(["second"])

    def judged(source):
        for name in between:
            assert run("add", name, "--policy", path).exit_code == 0
        return judge(source)

    monkeypatch.setattr(workload, "load_source", judged)
    assert run("add", "first", "--policy", path).exit_code == 0
    text = path.read_text()
    assert "  first:\n" in text
    assert "  second:\n" in text


def test_a_file_that_is_not_there(tmp_path):
    assert 1 == run("add", "beta", "--policy", tmp_path / "none.yaml").exit_code
