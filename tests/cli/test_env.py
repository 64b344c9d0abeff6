"""`outgate env`: what it prints for a policy, and what shells and clients make of it."""

import os
import subprocess

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from outgate.cli.main import cli
from support.policies import BASE, write

TOKEN = "og_0123456789abcdef0123"


def run(*args, given=None):
    return CliRunner().invoke(cli, ["env", *map(str, args)], input=given)


def test_a_block_has_the_port_the_authority_and_a_line_for_each_language(tmp_path):
    path = write(tmp_path, BASE + "gateway: {listen: '127.0.0.1:18080'}\n")
    told = run("alpha", "--policy", path, "--certs", tmp_path).output

    assert 'HTTPS_PROXY="http://alpha:$TOKEN@127.0.0.1:18080" NO_PROXY=localhost,127.0.0.1' in told
    for name in ("CURL_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "DENO_CERT"):
        assert f"{name}={tmp_path}/mitmproxy-ca-cert.pem" in told
    assert "-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=18080" in told
    assert all(f"# {language}" in told for language in ("curl", "Python", "Node", "Go", "Java"))


def test_an_alias_on_the_port_is_the_base_url(tmp_path):
    text = BASE.replace("host: api.openai.com,", "host: api.openai.com, aliases: ['gateway:18080', 'llm.svc'],")
    told = run("alpha", "--policy", write(tmp_path, text + "gateway: {listen: '0.0.0.0:18080'}\n"), "--host", "gw.internal").output

    assert "@gw.internal:18080" in told
    assert 'OPENAI_BASE_URL=http://gateway:18080/v1 OPENAI_API_KEY="$TOKEN"' in told


def test_a_shell_reads_the_block_also_where_a_folder_has_a_space(tmp_path):
    block = run("alpha", "--policy", write(tmp_path), "--certs", tmp_path / "my certs").output
    env = {"TOKEN": TOKEN, "PATH": os.environ["PATH"]}
    code = f"{block}\necho $HTTPS_PROXY; echo $SSL_CERT_FILE"
    done = subprocess.run(["sh", "-euc", code], capture_output=True, text=True, check=True, env=env)

    assert f"http://alpha:{TOKEN}@127.0.0.1:8080\n{tmp_path}/my certs/mitmproxy-ca-cert.pem\n" == done.stdout


def test_a_file_for_docker_has_the_token_and_the_place_in_the_container(tmp_path):
    told = run("alpha", "--policy", write(tmp_path), "--format", "docker", "--token-stdin", given=f"{TOKEN}\n").output
    lines = dict(line.split("=", 1) for line in told.splitlines() if not line.startswith("#"))

    assert (f"http://alpha:{TOKEN}@127.0.0.1:8080", "/etc/outgate/ca.pem") == (lines["HTTPS_PROXY"], lines["SSL_CERT_FILE"])


def test_kubernetes_gets_a_secret_and_a_config_map(tmp_path):
    (tmp_path / "mitmproxy-ca-cert.pem").write_text("-----BEGIN\nabc\n-----END\n")
    arguments = ("--policy", write(tmp_path), "--certs", tmp_path, "--host", "outgate.svc", "--format", "k8s", "--token-stdin")
    secret, authority = YAML(typ="safe").load_all(run("alpha", *arguments, given=TOKEN).output)

    assert ("Secret", "outgate-alpha") == (secret["kind"], secret["metadata"]["name"])
    assert f"http://alpha:{TOKEN}@outgate.svc:8080" == secret["stringData"]["HTTPS_PROXY"]
    assert {str} == {type(value) for value in secret["stringData"].values()}
    assert "-----BEGIN\nabc\n-----END\n" == authority["data"]["ca.pem"]


@pytest.mark.parametrize("form", ["docker", "k8s"])
def test_without_a_token_the_command_that_brings_it_is_told(tmp_path, form):
    result = run("alpha", "--policy", write(tmp_path), "--format", form)

    assert (2, True) == (result.exit_code, f"rotate alpha | outgate env alpha --format {form} --token-stdin`" in result.output)


@pytest.mark.parametrize("given", ["", "short", 'x" y: z\n' * 9])
def test_attack_what_is_no_token_is_not_written_out(tmp_path, given):
    result = run("alpha", "--policy", write(tmp_path), "--format", "docker", "--token-stdin", given=given)

    assert (1, True) == (result.exit_code, "holds no token" in result.output)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [("beta", BASE, "there is no workload beta"), ("alpha", "routes: [", "E_"), ("alpha", None, "E_UNREADABLE")],
)
def test_what_cannot_be_is_said(tmp_path, name, text, said):
    path = write(tmp_path, text) if text is not None else tmp_path / "none.yaml"
    found = run(name, "--policy", path)

    assert (1, True) == (found.exit_code, said in found.output)
