import re
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from outgate.cli import workload
from outgate.cli.main import cli
from outgate.identity.workloads import Expired, digest_of
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
    found = load_policy(path).workloads.by_token(None, token, 0.0)
    return found.name if found is not None else None


def test_add_shows_the_token_once_and_writes_only_its_digest(tmp_path):
    path = write(tmp_path, COMMENTED)
    token = token_of(run("add", "beta", "--tenant", "t", "--group", "research", "--policy", path))
    text = path.read_text()

    assert token not in text
    assert "beta" == name_of(path, token)
    found = load_policy(path).workloads.by_token("beta", token, 0.0)
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
        assert 0 == run("remove", "neu", "--policy", path).exit_code
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


def test_revoke_ends_every_token_of_a_workload_that_the_policy_names(tmp_path):
    path = write(tmp_path, BASE.replace("allow: [{}]", "allow: [{workloads: [alpha]}]"))
    tokens = [token_of(run("rotate", "alpha", "--policy", path)), token_of(run("rotate", "alpha", "--keep-old", "--policy", path))]
    result = run("revoke", "alpha", "--policy", path)

    assert (0, True) == (result.exit_code, "`outgate workload rotate alpha` gives it one" in result.output)
    assert [None, None] == [name_of(path, token) for token in tokens]
    assert "{workloads: [alpha]}" in path.read_text()
    assert "groups: [research]" in path.read_text()
    assert 0 == run("revoke", "alpha", "--policy", path).exit_code
    assert "alpha" == name_of(path, token_of(run("rotate", "alpha", "--policy", path)))


def test_revoke_of_a_workload_that_has_nothing_but_a_token(tmp_path):
    path = write(tmp_path)
    token = token_of(run("add", "beta", "--policy", path))

    assert 0 == run("revoke", "beta", "--policy", path).exit_code
    assert name_of(path, token) is None
    assert "beta" in [each.name for each in load_policy(path).workloads.all]
    assert 1 == run("revoke", "gamma", "--policy", path).exit_code


def test_revoke_tells_of_other_ways_in(tmp_path):
    path = write(tmp_path, BASE.replace("groups: [research]", "certificates: [spiffe://acme/alpha]"))

    assert "it may still call by certificates" in run("revoke", "alpha", "--policy", path).stderr


def test_remove(tmp_path):
    path = write(tmp_path)
    token = token_of(run("add", "beta", "--policy", path))

    assert 0 == run("remove", "beta", "--policy", path).exit_code
    assert name_of(path, token) is None
    assert 1 == run("remove", "beta", "--policy", path).exit_code


def test_what_to_set_is_told_beside_the_token_and_without_it(tmp_path):
    path = write(tmp_path, BASE + "gateway: {listen: '127.0.0.1:18080'}\n")
    result = run("rotate", "alpha", "--policy", path)

    assert f"{token_of(result)}\n" == result.stdout
    assert 'HTTPS_PROXY="http://alpha:$TOKEN@127.0.0.1:18080"' in result.stderr
    assert token_of(result) not in result.stderr


@pytest.mark.parametrize("command", ["add", "rotate"])
def test_a_token_may_have_an_end(tmp_path, command):
    path = write(tmp_path)
    name = {"add": "beta", "rotate": "alpha"}[command]
    token = token_of(run(command, name, "--expires", "2099-01-31", "--policy", path))
    end = datetime(2099, 1, 31, tzinfo=UTC).timestamp()
    workloads = load_policy(path).workloads

    assert f'"{digest_of(token)} until 2099-01-31T00:00:00Z"' in path.read_text()
    assert name == workloads.by_token(name, token, end - 1).name
    assert Expired(name, end) == workloads.by_token(name, token, end)
    assert "ends 2099-01-31 00:00" in run("ls", "--policy", path).output
    assert 0 == run("revoke", name, "--policy", path).exit_code


def test_an_end_in_days_is_counted_from_now(tmp_path):
    path = write(tmp_path)
    token_of(run("rotate", "alpha", "--expires", "90d", "--policy", path))
    said = re.search(r" until (\S+)\"", path.read_text()).group(1)

    assert 89 <= (datetime.fromisoformat(said) - datetime.now(UTC)).days <= 90


@pytest.mark.parametrize("said", ["yesterday", "2020-01-01", "0s", "2999-01-01", "2027-13-01", "9999999999d"])
def test_what_is_no_end(tmp_path, said):
    path = write(tmp_path)
    result = run("rotate", "alpha", "--expires", said, "--policy", path)

    assert (2, BASE, True) == (result.exit_code, path.read_text(), "--expires" in result.output)


def test_ls(tmp_path):
    path = write(tmp_path)
    assert "alpha     default  research  none" in run("ls", "--policy", path).output
    path.write_text(
        BASE.replace("groups: [research]", f'token_hashes: ["{digest_of("x")} until 2020-01-31T00:00:00Z", "{digest_of("y")}"]')
    )
    assert "EXPIRED 2020-01-31 00:00, never ends" in run("ls", "--policy", path).output
    assert 1 == run("ls", "--policy", tmp_path / "none.yaml").exit_code


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


def test_a_workload_that_the_policy_still_names_is_not_removed_and_the_way_is_told(tmp_path):
    text = BASE.replace("allow: [{}]", "allow: [{workloads: [alpha]}]")
    path = write(tmp_path, text)
    result = run("remove", "alpha", "--policy", path)

    assert 1 == result.exit_code
    assert "is left as it was: where the policy names alpha elsewhere, take it out there first; `revoke alpha`" in result.stderr
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
