"""F4: an unsafe start is impossible. Exit code not 0 within seconds, and what is wrong is named; under stock and `outgate run`."""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from mitmproxy import exceptions
from mitmproxy.addonmanager import Loader
from mitmproxy.addons import (
    anticache,
    anticomp,
    blocklist,
    clientplayback,
    maplocal,
    mapremote,
    modifybody,
    modifyheaders,
    onboarding,
    proxyauth,
    proxyserver,
    serverplayback,
    stickyauth,
    stickycookie,
    tlsconfig,
    upstream_auth,
)
from mitmproxy.options import Options

from e2e.world import ANTHROPIC_KEY, OPENAI_KEY, World
from outgate.server.hardening import REQUIRED, deviations, harden, insist, keep_local
from outgate.server.layout import authority_problem
from support.certificates import make_ca, new_ca
from support.speed import slowness
from support.stock import ADDONS, command

_PROMISED = 3.0
"""Seconds."""
DEFINING = (
    anticache.AntiCache, anticomp.AntiComp, blocklist.BlockList, clientplayback.ClientPlayback, maplocal.MapLocal,
    mapremote.MapRemote, modifybody.ModifyBody, modifyheaders.ModifyHeaders, onboarding.Onboarding, proxyauth.ProxyAuth,
    proxyserver.Proxyserver, serverplayback.ServerPlayback, stickyauth.StickyAuth, stickycookie.StickyCookie,
    tlsconfig.TlsConfig, upstream_auth.UpstreamAuth,
)  # fmt: skip
FLIPPED = {
    "allow_hosts": "example.com",
    "anticache": "true",
    "anticomp": "true",
    "block_list": ":~q:404",
    "body_size_limit": "1m",
    "client_replay": "flows",
    "connection_strategy": "eager",
    "emudhra": "true",
    "emudhra_old": "true",
    "http2": "false",
    "http3": "true",
    "ignore_hosts": "example.com",
    "map_local": "|a|b",
    "map_remote": "|a|b",
    "modify_body": "/a/b",
    "modify_headers": "/a/b",
    "onboarding": "true",
    "proxyauth": "any",
    "rawtcp": "true",
    "request_client_cert": "true",
    "server_replay": "flows",
    "ssl_insecure": "true",
    "stickyauth": ".*",
    "stickycookie": ".*",
    "store_streamed_bodies": "true",
    "stream_large_bodies": "1m",
    "tcp_hosts": "example.com",
    "udp_hosts": "example.com",
    "upstream_auth": "a:b",
    "upstream_cert": "true",
    "validate_inbound_headers": "false",
    "websocket": "true",
    "mode": "socks5",
    "tls_version_client_min": "TLS1",
    "tls_version_server_min": "UNBOUNDED",
}


class _Master:
    """What a Loader asks of a master."""

    def __init__(self, options):
        self.options = options


def options_of_stock():
    """Every option that the addons of stock mitmproxy define."""
    options = Options()
    for addon in DEFINING:
        instance = addon()
        if hasattr(instance, "load"):
            instance.load(Loader(_Master(options)))
    return options


def test_every_hardened_option_is_known_to_stock_and_flipped_here():
    options = options_of_stock()

    assert {name for name in REQUIRED if name not in options} == set()
    assert set(REQUIRED) <= set(FLIPPED)


def test_what_nobody_set_is_hardened():
    options = options_of_stock()
    assert list(deviations(options)) != []
    harden(options)

    assert list(deviations(options)) == []


@pytest.mark.parametrize("name", FLIPPED)
def test_an_option_that_somebody_set_otherwise_refuses_the_start_and_is_named(name):
    options, said = options_of_stock(), ["mitmdump", "--set", f"{name}={FLIPPED[name]}"]
    options.set(said[-1])
    harden(options, said)
    told = []

    with pytest.raises(exceptions.OptionsError, match=name):
        insist(options, told.append, said)
    assert name in told[0]


@pytest.mark.parametrize("said", [["--rawtcp"], ["--set=rawtcp"], ["--set", "rawtcp"], ["--no-http2"]])
def test_every_spelling_of_a_flag_counts(said):
    options = options_of_stock()
    harden(options, said)

    assert len(list(deviations(options, said))) == 1


@pytest.mark.parametrize("said", [["--no-rawtcp"], ["--set", "rawtcp=false"], ["--set", "web_open_browser=false"], ["--set"]])
def test_what_is_asked_for_and_right_is_no_deviation(said):
    options = options_of_stock()
    harden(options, said)

    assert list(deviations(options, said)) == []


@pytest.mark.parametrize("said", [[], ["--listen-port", "9"], ["--set", "listen_port=9"], ["-s", "listen_host.py"]])
def test_where_nobody_says_on_which_address_it_is_this_machines_own(said):
    options = options_of_stock()

    assert keep_local(options, said)
    assert options.listen_host == "127.0.0.1"


@pytest.mark.parametrize(
    "said", [["--listen-host", ""], ["--listen-host="], ["--set", "listen_host="], ["--set=listen_host="], ["--set", "listen_host"]]
)
def test_an_address_that_was_said_stays_also_where_it_is_mitmproxys_default(said):
    options = options_of_stock()

    assert not keep_local(options, said)
    assert options.listen_host == ""
    options.update(listen_host="0.0.0.0")
    assert not keep_local(options, [])
    assert options.listen_host == "0.0.0.0"


def test_an_authority_that_is_missing_torn_or_of_another_key_is_named(tmp_path):
    good, other = new_ca(tmp_path / "good"), new_ca(tmp_path / "other")
    assert authority_problem(good) == ""
    pem = (good / "mitmproxy-ca.pem").read_text()
    mark = "-----BEGIN CERTIFICATE-----"
    mixed = pem.partition(mark)[0] + mark + (other / "mitmproxy-ca.pem").read_text().partition(mark)[2]

    for name, content in {"torn": pem[:200], "mixed": mixed, "cert_only": mark + pem.partition(mark)[2]}.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / "mitmproxy-ca.pem").write_text(content)
        assert "mitmproxy-ca.pem" in authority_problem(folder), name
    assert "outgate ca init" in authority_problem(tmp_path / "nowhere")


class Start(NamedTuple):
    """One start that must fail, and what its output must name."""

    name: str
    words: list[str]
    expected: list[str]


def outgate(policy, state, certs, *more):
    program = str(Path(sys.executable).with_name("outgate"))
    words = ["run", "--policy", str(policy), "--state", str(state), "--certs", str(certs), "--listen", "127.0.0.1:0"]
    return [program, *words, "--admin", "127.0.0.1:0", *more]


def without_authority(root):
    """mitmdump as somebody starts it who has made no authority yet, from a clone of its own."""
    root.mkdir()
    lines = f"import sys, pathlib\nsys.path.insert(0, {str(ADDONS)!r})\nfrom outgate.server import script\n"
    (root / "gateway.py").write_text(f"{lines}script._ROOT = pathlib.Path({str(root)!r})\naddons = [script.Script()]\n")
    home = ["env", f"HOME={root}"]  # where mitmproxy makes an authority of its own, which is not to be used
    return [*home, str(Path(sys.executable).with_name("mitmdump")), "-s", str(root / "gateway.py"), "--set", "listen_port=0"]


def starts(world, certs):
    """Starts of both kinds, each with what its output must name."""
    folder = world.folder
    good = world.policy()
    bad = folder / "bad.yaml"
    bad.write_text(good.read_text().replace("authenticate: {}", "authenticat: {}").replace("passthrough: true", "passthrough: 7"))
    turned = folder / "turned.yaml"
    turned.write_text(good.read_text().replace("- name: all", "- {name: all, pin: [dispatch, authenticate]}"))
    file = folder / "a_file"
    file.write_text("")
    script, free = ADDONS / "gateway.py", folder / "free"

    def stock(policy, state, certs, *more):
        return command("mitmdump", script, policy, state, certs, *more)

    yield Start("stock: a way around", stock(good, free, certs, "--ignore-hosts", ".*", "-k"), ["ignore_hosts", "ssl_insecure"])
    yield Start("stock: no authority", without_authority(folder / "bare"), ["bare/certs", "outgate ca init --certs"])
    yield Start("stock: bad policy", stock(bad, free, certs), ["authenticat", "passthrough"])
    yield Start("stock: state", stock(good, file, certs), ["outgate_state"])
    yield Start("stock: pin", stock(good, free, certs, "--set", "outgate_revision=000000000000"), ["000000000000"])
    yield Start("run: bad policy", outgate(bad, free, certs), ["authenticat", "passthrough"])
    yield Start("run: bad order", outgate(turned, free, certs), ["E_DISPATCH_NOT_LAST"])
    yield Start("run: no authority", outgate(good, free, folder / "nowhere"), ["nowhere", "outgate ca init"])
    yield Start("run: state", outgate(good, file, certs), ["a_file"])
    yield Start("run: pin", outgate(good, folder / "free2", certs, "--pin", "000000000000"), ["000000000000"])
    yield Start("run: address", outgate(good, folder / "free3", certs, "--listen", "192.0.2.1:8080"), ["refuses to run"])


def ended(start, env):
    """Exit code, output, seconds and CPU seconds of a start."""
    began, before = time.monotonic(), _spent()
    done = subprocess.run(
        start.words, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout, time.monotonic() - began, _spent() - before


def _spent():
    """CPU seconds of the processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.exhaustive
@pytest.mark.timeout(300)
def test_F4_processes_end_within_three_seconds_and_name_what_is_wrong(tmp_path, providers):
    """Promised: within 3 s, from the command to the exit code, on a machine that has nothing else to do.

    Tests share their machine: no start may take more CPU than that, nor wait four times as long beside its neighbours. The first
    start of a kind compiles what an installation holds compiled: the best of three counts.
    Measured so on two cores: 0.5 s where the supervisor refuses by itself, 1.0 to 1.3 s under stock and where a worker refuses.
    """
    env = {
        **os.environ,
        "E2E_OPENAI_KEY": OPENAI_KEY,
        "E2E_ANTHROPIC_KEY": ANTHROPIC_KEY,
    }
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    world = World(tmp_path, *providers)

    for start in starts(world, make_ca(tmp_path / "certs")):
        quickest = least = 60.0
        for _ in range(3):
            code, said, seconds, spent = ended(start, env)
            assert code != 0, (start.name, said)
            assert [word for word in start.expected if word not in said] == [], (start.name, said)
            assert OPENAI_KEY not in said
            quickest, least = min(quickest, seconds), min(least, spent)
            if least < _PROMISED:
                break
        assert least < _PROMISED * slowness(), start.name
        assert quickest < 4 * _PROMISED * slowness(), start.name


def test_F4_a_worker_reads_its_policy_before_it_imports_mitmproxy():
    """Half of the time that a worker takes to refuse a policy was spent on importing what would have served it."""
    code = "import sys, outgate.server.worker; print([name for name in sys.modules if name.partition('.')[0] == 'mitmproxy'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert "[]" == done.stdout.strip()


def test_who_starts_again_is_told_again_what_is_wrong(tmp_path, providers):
    """Workers of one gateway say a line once. Another start, a moment later, is another gateway."""
    world = World(tmp_path, *providers)
    bad = tmp_path / "bad.yaml"
    bad.write_text(world.policy().read_text().replace("passthrough: true", "passthrough: 7"))
    env = {**os.environ, "E2E_OPENAI_KEY": OPENAI_KEY, "E2E_ANTHROPIC_KEY": ANTHROPIC_KEY}
    start = Start("again", outgate(bad, tmp_path / "state", make_ca(tmp_path / "certs")), [])

    assert ["passthrough" in ended(start, env)[1] for _ in range(2)] == [True, True]
