"""`outgate denied`: refusals that are alike, and lines of a policy that really let them pass."""

import re
import subprocess
import sys
import time

import orjson
import pytest
import yaml
from click.testing import CliRunner

from outgate.cli.main import cli
from support.policies import BASE, write


def line(name, code, stage, **more):
    return {
        "event": "close", "id": name, "time": time.time() - 60, "outcome": "denied", "outgate.denial.code": code,
        "outgate.denial.stage": stage, "http.response.status_code": 403, "outgate.workload": "alpha", "client.address": "192.0.2.9",
        "server.address": "api.openai.com:443", "http.request.method": "POST", "url.path": "/v1/chat/completions",
        "outgate.model.requested": "gpt-4o",
    } | more  # fmt: skip


ACCESS = line("req_1", "not_authorized", "authorize")
MODEL = line("req_2", "model_not_authorized", "authorize_model", **{
    "gen_ai.request.model": "gpt-4o", "gen_ai.provider.name": "openai"})  # fmt: skip
ROUTE = line("req_3", "no_route", "", **{"url.path": "/v1/responses"})
STRANGER = line("req_4", "proxy_authentication_required", "authenticate", **{
    "outgate.workload": "", "presented.name": "alpha", "outgate.denial.cause": "wrong token"})  # fmt: skip
NARROW = BASE.replace("model_map:", "authorize_model:\n    allow: [{models: [o1]}]\n  model_map:")
COUNTED = STRANGER | {"id": "req_5", "outgate.refusals": 4_199, "client.address": "192.0.2.7"}


def written(folder, *lines):
    path = folder / "state/accounts/audit/w0.a.00000001.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\n".join(map(orjson.dumps, lines)) + b"\n")
    return folder


def run(folder, *asked, columns="100"):
    policy = ("--policy", str(folder / "policy.yaml"))
    return CliRunner(env={"COLUMNS": columns}).invoke(cli, ["denied", "--state", str(folder / "state"), *policy, *asked])


def test_one_refusal_is_told_as_one(tmp_path):
    write(tmp_path)
    told = run(written(tmp_path, MODEL)).output

    assert "1 refused, 0 failed at a provider in the last 1 h, 1 kind\n" in told
    assert "once model_not_authorized" in told


def test_refusals_that_are_alike_are_told_once(tmp_path):
    write(tmp_path)
    told = run(written(tmp_path, ACCESS, ACCESS, MODEL, STRANGER, COUNTED, ACCESS | {"time": 5.0})).output

    assert "4,203 refused, 0 failed at a provider in the last 1 h, 3 kinds" in told
    assert "4,200 times proxy_authentication_required by authenticate (wrong token)" in told
    assert "nobody known, as 'alpha', from 192.0.2.7 and 1 more" in told
    assert "2 times not_authorized by authorize" in told
    assert "alpha, from 192.0.2.9" in told
    assert "POST /v1/chat/completions, at api.openai.com:443, model gpt-4o" in told
    assert "see       outgate why req_1" in told


def test_the_workload_of_an_expired_token_is_named(tmp_path):
    write(tmp_path)
    told = run(written(tmp_path, STRANGER | {"outgate.denial.cause": "expired token"})).output

    assert "a token of 'alpha' that has expired, from 192.0.2.9" in told


def attempts(**more):
    told = {"number": 1, "backend": "main", "endpoint": "eu:443", "status": None, "failure": "connect_failed", "phase": "connect"}
    return {"outgate.attempts": [told | {"reason": "refused", "seconds": 0.1} | more]}


GONE = line("req_6", "upstream_connect_failed", "", **attempts(), **{"http.response.status_code": 502})
BUSY = line("req_7", None, None, **attempts(failure="rate_limited", phase="answer", reason="error_status", status=429)) | {
    "http.response.status_code": 429,
    "outcome": "answered",
}
KEYLESS = line("req_8", "credential_missing", "inject_credentials", **{"gen_ai.provider.name": "main"})


def test_what_a_provider_failed_at_is_told_after_what_was_refused_with_what_to_mend(tmp_path):
    write(tmp_path)
    told = run(written(tmp_path, GONE, GONE | {"outgate.workload": "beta"}, BUSY, KEYLESS, ACCESS), columns="200").output

    assert "1 refused, 4 failed at a provider in the last 1 h, 4 kinds" in told
    assert "2 times FAILED at main/eu:443: connect.refused; callers got 502 upstream_connect_failed" in told
    assert "who       alpha, beta" in told
    assert "to mend   nothing listens there: whether the provider runs, and the port in `providers.main.endpoints`" in told
    assert "once FAILED at main/eu:443: answer.error_status 429; callers got 429" in told
    assert "once FAILED at main: credential.unreadable; callers got 403 credential_missing" in told
    assert told.index("not_authorized") < told.index("FAILED")


def test_what_failed_alone(tmp_path):
    write(tmp_path)
    told = run(written(tmp_path, GONE, ACCESS), "--failed").output

    assert "1 failed at a provider in the last 1 h, 1 kind" in told
    assert "not_authorized" not in told


def test_a_failure_for_programs_has_its_attempt_and_its_mend(tmp_path):
    write(tmp_path)
    (told,) = orjson.loads(run(written(tmp_path, GONE), "--json").output)

    assert ("connect_failed", None) == (told["failed"]["failure"], told["permit"])
    assert told["mend"].startswith("nothing listens there")


def test_an_attempt_that_failed_before_another_answered_is_none(tmp_path):
    write(tmp_path)
    answered = line("x", None, None, **attempts()) | {"http.response.status_code": 200, "outcome": "answered"}

    assert "0 refused, 0 failed" in run(written(tmp_path, answered, {"event": "close", "id": "y"})).output


@pytest.mark.parametrize(
    ("refused", "policy", "body"),
    [
        (ACCESS, BASE.replace("allow: [{}]", "allow: [{providers: [anthropic]}]"), "/v1/chat/completions"),
        (
            MODEL,
            NARROW,
            "/v1/chat/completions",
        ),
        (ROUTE, BASE, "/v1/responses"),
    ],
)
def test_the_line_that_is_told_lets_the_request_pass(tmp_path, refused, policy, body):
    """The policy refuses the request, and takes it once the line stands in it."""
    path = write(tmp_path, policy)
    request = {"workload": "alpha", "destination": "openai", "path": body, "body": {"model": "gpt-4o"}}
    request["body"] |= {"input": "hi"} if body == "/v1/responses" else {"messages": [{"role": "user", "content": "hi"}]}
    for decision in ("denied", "allowed"):
        case = [{"name": "it", "request": request, "expect": {"decision": decision}}]
        (tmp_path / "policy.test.yaml").write_text(yaml.safe_dump(case))
        checked = CliRunner().invoke(cli, ["check", str(path)])
        assert 0 == checked.exit_code, checked.output
        if decision == "denied":
            permit = orjson.loads(run(written(tmp_path, refused), "--json").output)[0]["permit"]
            data = yaml.safe_load(policy)
            at = data
            for name in permit["where"].split("."):
                at = at[name]
            at += yaml.safe_load(permit["what"].replace("NAME", "more"))
            path.write_text(yaml.safe_dump(data, sort_keys=False))


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        (STRANGER, "run `outgate workload rotate alpha --keep-old`"),
        (STRANGER | {"outgate.denial.cause": "unknown name"}, "run `outgate workload add alpha`"),
        (line("x", "budget_exhausted", "token_budget", **{"outgate.denial.cause": "budget day"}), "limits`:  more"),
        (
            line("x", "unjudged_content", "admit_parts", **{
                "outgate.verdicts": {"parts": {"action": "denied", "unjudged": [{"kind": "image", "count": 1}]}}}),
            "`stages.admit_parts`:  allow_unjudged: [image]",
        ),
        (
            line("x", "server_state", "admit_parts", **{
                "outgate.verdicts": {"parts": {"action": "denied", "matches": [{"rule": "store", "kind": "server_state"}]}}}),
            "allow_server_state: [store]",
        ),
        (
            line("x", "prompt_refused", "prompt_guard", **{
                "outgate.verdicts": {"prompt_guard": {"action": "denied", "matches": [{"rule": "override.previous"}]}}}),
            "`stages.prompt_guard.rules`:  override.previous: flag",
        ),
        (line("x", "destination_denied", "", **{"server.address": "api.mistral.ai:443", "gen_ai.operation.name": "chat"}),
            "mistral: {host: api.mistral.ai, dialect: openai, credential"),
        (line("x", "destination_denied", "", **{"server.address": "api.github.com:443", "gen_ai.operation.name": "opaque"}),
            "github: {host: api.github.com, dialect: none}"),
        (line("x", "destination_denied", "", **{"server.address": "github.com:443", "gen_ai.operation.name": None}),
            "github: {host: github.com, dialect: DIALECT, credential"),
        (line("x", "not_authorized", "authorize", **{"url.path": "/v1/files/(hidden)"}),
            "paths: [/v1/files/SEGMENT], models: [gpt-4o]}"),
        (line("x", "no_route", "", **{"url.path": "/v1/files/(hidden)", "http.request.method": "(hidden)"}),
            "match: {destinations: [openai], paths: [/v1/files/SEGMENT]}}"),
        (line("x", "model_not_authorized", "authorize_model", **{"gen_ai.request.model": "o1"}),
            "providers: [PROVIDER], models: [o1]}"),
        (line("x", "not_authorized", "authorize", **{"outgate.model.requested": "(hidden)"}), "completions], models: [MODEL]}"),
        (line("x", "not_authorized", "authorize", **{"outgate.model.requested": None, "url.path": None, "outgate.workload": ""}),
            "{workloads: [WORKLOAD], providers: [openai], paths: [PATH], models: [MODEL]}"),
        (line("x", "not_authorized", "authorize", **{
            "outgate.model.requested": None, "url.path": "/v1/models", "http.request.method": "GET"}),
            "paths: [/v1/models], methods: [GET]}"),
        (line("x", "not_authorized", "authorize", **{"server.address": "elsewhere:443"}),
            "providers: [PROVIDER], paths: [/v1/chat/"),
    ],
)  # fmt: skip
def test_other_refusals_name_what_would_let_them_pass(tmp_path, refused, said):
    write(tmp_path)

    assert said in run(written(tmp_path, refused), columns="200").output


@pytest.mark.parametrize("code", ["body_too_large", "destination_denied", "model_not_authorized"])
def test_nothing_is_told_where_nothing_is_known_to_help(tmp_path, code):
    write(tmp_path)
    folder = written(tmp_path, line("x", code, "y", **{"server.address": "10.0.0.1:443"}))

    assert "to allow" not in run(folder).output


@pytest.mark.parametrize("refused", [ACCESS, ROUTE])
def test_attack_of_a_line_that_allows_every_provider_where_the_policy_cannot_be_read(tmp_path, refused):
    """An empty list of providers stands for all of them: a word that is no provider stands there instead."""
    told = " ".join(run(written(tmp_path, refused)).output.split())

    assert re.search(r"(providers|destinations): \[PROVIDER\], paths: \[/v1/", told)


@pytest.mark.parametrize("word", ["providers: [PROVIDER]", "workloads: [WORKLOAD]"])
def test_a_policy_with_a_word_that_nobody_replaced_is_refused(tmp_path, word):
    checked = CliRunner().invoke(cli, ["check", str(write(tmp_path, BASE.replace("allow: [{}]", f"allow: [{{{word}}}]")))])

    assert 0 != checked.exit_code


BROKEN = [
    {"time": 1e18},
    *({"outgate.denial.code": code, "outgate.verdicts": said}
        for code in ("prompt_refused", "unjudged_content", "server_state")
        for said in ([1], 1, {"parts": 1, "g": [1]}, *({name: {"action": "denied", "matches": found, "unjudged": found}}
            for name in ("parts", "g") for found in (1, [1], [{}], [{"rule": 1, "kind": 1}], [{"rule": [1], "kind": [1]}])))),
    {"outgate.workload": 5}, {"http.request.method": 5, "url.path": 5, "server.address": 5, "outgate.model.requested": 5},
]  # fmt: skip


def test_broken_lines_cost_no_other(tmp_path):
    write(tmp_path)
    folder = written(tmp_path, *(ACCESS | more for more in BROKEN), MODEL)
    for asked in ((), ("--json",)):
        told = run(folder, "--limit", "1000", *asked)
        assert (0, True) == (told.exit_code, "model_not_authorized" in told.output), told.exception


def test_only_one_workload_and_only_so_many(tmp_path):
    write(tmp_path)
    folder = written(tmp_path, ACCESS, MODEL, ACCESS | {"outgate.workload": "beta"})

    assert "2 refused" in run(folder, "--workload", "alpha").output
    assert "there is no workload alhpa in" in run(folder, "--workload", "alhpa").output
    assert "did you mean" not in run(folder, "--workload", "beta").output
    assert "2 more of other kinds: --limit" in run(folder, "--limit", "1").output


@pytest.mark.parametrize("columns", [80, 100])
def test_a_screen_is_never_too_narrow(tmp_path, columns):
    write(tmp_path)
    told = run(written(tmp_path, ACCESS, MODEL, STRANGER), columns=str(columns)).output

    assert max(map(len, told.splitlines())) <= columns


def test_the_command_itself(tmp_path):
    write(tmp_path)
    command = [sys.executable, "-m", "outgate.cli.main", "denied", "--state", str(written(tmp_path, ACCESS) / "state")]

    assert b"not_authorized" in subprocess.run(command, capture_output=True, check=True, timeout=120).stdout


def test_a_misspelt_model_is_told_before_the_line_that_would_allow_it(tmp_path):
    write(tmp_path, NARROW)
    folder = written(tmp_path, MODEL | dict.fromkeys(("outgate.model.requested", "gen_ai.request.model"), "gpt-4o-mimi"))
    told = " ".join(run(folder, columns="200").output.split())

    assert "meant did you mean gpt-4o-mini? Neither the policy nor the list of prices knows gpt-4o-mimi to allow else under" in told
    assert "gpt-4o-mini" == orjson.loads(run(folder, "--json").output)[0]["meant"]


def test_of_a_misspelt_workload_the_command_names_the_one_that_there_is(tmp_path):
    write(tmp_path)
    folder = written(tmp_path, STRANGER | {"presented.name": "alhpa", "outgate.denial.cause": "unknown name"})
    told = run(folder, columns="200").output

    assert "did you mean alpha? The policy has no workload alhpa" in told
    assert "to allow  else run `outgate workload add alhpa`" in told
