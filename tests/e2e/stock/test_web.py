"""`outgate web`, which is `mitmweb -s addons/gateway.py`: what an operator sees, may edit, and may not do."""

import json
import shutil
import subprocess
import threading

import httpx
import pytest

from e2e.load import BODY, URL, ask
from e2e.world import ANTHROPIC_KEY, OPENAI_KEY, PASSING_ALL, TOKEN, World, http, openai_client
from support.stock import StockGateway

ENV = {"E2E_OPENAI_KEY": OPENAI_KEY, "E2E_ANTHROPIC_KEY": ANTHROPIC_KEY}


class Web:
    """mitmweb's own interface, as its pages use it."""

    def __init__(self, gateway):
        self.token = gateway.found(r"token=([0-9a-f]+)")
        headers = {"authorization": f"Bearer {self.token}"}
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{gateway.ui}", headers=headers, timeout=20, trust_env=False)
        self.client.cookies["_mitmproxy_xsrf"] = self.client.headers["x-xsrftoken"] = "ab" * 16

    def flows(self, intercepted=False):
        """The flows of requests, CONNECT apart, oldest first."""
        flows = self.client.get("/flows").json()
        found = [flow for flow in flows if flow["type"] == "http" and flow["request"]["method"] != "CONNECT"]
        return [flow for flow in found if flow["intercepted"]] if intercepted else found

    def view(self, flow, name="outgate"):
        return self.client.get(f"/flows/{flow['id']}/response/content/{name}.json").json()

    def intercept(self, what):
        assert self.client.put("/options", json={"intercept": what}).status_code == 200


OBJECTS = """
objects:
  host: objects.test
  dialect: none
  stream_uploads: true
  endpoints: [{address: "127.0.0.1:9"}]
  allow_addresses: [127.0.0.0/8]
"""


@pytest.fixture(name="web", scope="module")
def _web(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("web"), *providers)
    stages = (
        PASSING_ALL.replace('- {models: ["**"]}', '- {models: ["gpt-*"]}\n    - {providers: [objects]}')
        + "redact: {}\nadmit_parts: {allow_unjudged: [opaque]}\n"
    )
    policy = world.policy(stages, gateway="limits: {body_bytes: 400000, buffered_bytes: 1600000}", providers=OBJECTS)
    with StockGateway(policy, world.folder / "state", web=True, env=ENV) as gateway:
        gateway.web = Web(gateway)
        yield gateway


@pytest.fixture(autouse=True)
def _cleared(web):
    web.web.intercept("")
    web.web.client.post("/clear")


def last(web, count=1):
    assert web.wait(lambda: len(web.web.flows()) >= count and all(flow["comment"] for flow in web.web.flows()))
    return web.web.flows()[-1]


def test_a_flow_shows_its_stages_verdicts_timings_tokens_and_cost(web):
    assert openai_client(web).chat.completions.create(**BODY).usage.total_tokens == 14
    flow = last(web)
    seen = web.web.view(flow)

    assert (seen["view_name"], seen["syntax_highlight"]) == ("outgate", "none")
    lines = seen["text"].splitlines()
    assert ["VERDICT", "PATH", "SENT", "LINE"] == [line for line in lines if line.isupper() and not line.startswith(" ")]
    assert lines[1].startswith("  Answered by openai with gpt-4o-mini for app in "), seen["text"]
    assert "9+5 tokens" in "".join(lines[1:3])
    stages = [line.split()[0] for line in lines if line.startswith("    ") and "µs" in line]
    assert stages[:2] == ["authenticate", "authorize"]
    assert stages.index("inject_credentials") < stages.index("dispatch")
    assert any(line.startswith("  attempt 1: openai, 127.0.0.1:") and line.endswith(": 200") for line in lines)
    assert "  credential: gateway" in lines
    assert flow["comment"].startswith("app · gpt-4o-mini · 9+5 tokens · $0.0000")
    assert (flow["request"]["host"], flow["request"]["path"]) == ("api.openai.com", "/v1/chat/completions")


def test_it_is_what_a_flow_shows_unasked_and_times_are_those_of_its_exchange(web):
    assert ask(web) == 200
    flow = last(web)

    assert {"outgate"} == {
        web.web.client.get(f"/flows/{flow['id']}/{part}/content/auto.json").json()["view_name"] for part in ("request", "response")
    }
    times = [flow[part][f"timestamp_{end}"] for part in ("request", "response") for end in ("start", "end")]
    assert sorted(times) == times


def test_what_left_is_shown_beside_what_its_client_sent(web, providers):
    body = BODY | {"messages": [{"role": "user", "content": "Mail ada@example.org."}]}
    with http(web) as client:
        assert client.post(URL, json=body).status_code == 200
    text = web.web.view(last(web))["text"]
    (sent,) = json.loads(providers[0].seen[-1].body)["messages"]

    assert "ada@example.org" not in sent["content"]
    assert f'    +      "content": "{sent["content"]}"' in text.splitlines(), text
    assert '    -      "content": "Mail ada@example.org."' in text.splitlines()
    assert "Host api.openai.com, SNI api.openai.com, dialled 127.0.0.1:" in text


def test_a_denial_says_who_denied(web):
    with http(web) as client:
        assert client.post(URL, json=BODY | {"model": "o9-nobody"}).status_code == 403
    flow = last(web)

    assert flow["comment"].startswith("DENIED authorize_model: model_not_authorized · app"), flow["comment"]
    assert flow["marked"] == "⛔"
    assert "Denied for app by authorize_model; nothing was sent: " in web.web.view(flow)["text"]


def test_a_streamed_answer_is_seen_whole(web):
    text = "".join(
        part.choices[0].delta.content or ""
        for part in openai_client(web).chat.completions.create(**BODY, stream=True)
        if part.choices
    )
    flow = last(web)
    content = web.web.client.get(f"/flows/{flow['id']}/response/content.data").text

    assert text
    assert content.endswith("data: [DONE]\n\n")


def test_no_secret_is_shown_but_what_the_client_itself_sent(web):
    assert ask(web) == 200
    flow = last(web)
    shown = web.web.client.get("/flows").text + web.web.view(flow)["text"] + web.web.client.get("/events").text
    shown += web.web.client.get("/state").text + web.web.client.get("/options").text
    dump = web.web.client.get("/flows/dump").content

    assert OPENAI_KEY not in shown
    assert OPENAI_KEY.encode() not in dump
    assert TOKEN not in web.web.view(flow)["text"]


def intercepted(web, body, seconds=20):
    """A request that is being held, and the thread that waits for its answer in `.answers`."""
    web.web.intercept("~u chat & ~q")
    answers = []

    def send():
        try:
            with http(web) as client:
                answers.append(client.post(URL, json=body, timeout=seconds).status_code)
        except httpx.TransportError as error:
            answers.append(type(error).__name__)

    thread = threading.Thread(target=send)
    thread.answers = answers
    thread.start()
    assert web.wait(lambda: len(web.web.flows(intercepted=True)) == 1)
    return web.web.flows(intercepted=True)[0], thread


@pytest.mark.parametrize(("edited", "status"), [({"user": "edited"}, 200), ({"model": "claude-sonnet-4-5"}, 403)])
def test_what_was_edited_is_what_is_judged_and_sent(web, providers, edited, status):
    flow, thread = intercepted(web, BODY)
    assert providers[0].seen == []
    content = json.dumps(BODY | edited)
    assert web.web.client.put(f"/flows/{flow['id']}", json={"request": {"content": content}}).status_code == 200
    web.web.client.post(f"/flows/{flow['id']}/resume")
    thread.join(20)

    assert thread.answers == [status]
    assert [json.loads(seen.body).get("user") for seen in providers[0].seen] == (["edited"] if status == 200 else [])


@pytest.mark.parametrize(("to", "status"), [("/v1/files", 400), ("https://api.evil.example/", 421)])
def test_an_edited_head_is_judged_like_any_other(web, providers, to, status):
    flow, thread = intercepted(web, BODY)
    change = {"path": to} if to.startswith("/") else {"headers": [["host", "api.evil.example"]]}
    web.web.client.put(f"/flows/{flow['id']}", json={"request": change})
    web.web.client.post(f"/flows/{flow['id']}/resume")
    thread.join(20)

    assert thread.answers == [status]
    assert providers[0].seen == []


def test_attack_an_upload_that_is_too_large_to_be_shown_is_not_sent_in_part(web):
    with http(web) as client:
        reply = client.put("https://objects.test/large", content=(bytes(65536) for _ in range(20)))

    assert (413, "body_too_large") == (reply.status_code, reply.headers["x-outgate-reason"])


def test_a_killed_request_goes_nowhere(web, providers):
    """mitmproxy leaves the client of a request that was killed while it was held without an answer."""
    flow, thread = intercepted(web, BODY, seconds=1.5)
    web.web.client.post(f"/flows/{flow['id']}/kill")
    thread.join(20)

    assert thread.answers != [200]
    assert providers[0].seen == []


def test_a_replay_is_asked_again_under_the_policy_as_a_flow_of_its_own(web, providers):
    assert ask(web) == 200
    flow, seen = last(web), len(providers[0].seen)
    assert web.web.client.post(f"/flows/{flow['id']}/replay").status_code == 200
    again = last(web, count=2)
    assert (len(web.web.flows()), again["response"]["status_code"], again["is_replay"]) == (2, 200, "request")
    assert web.web.flows()[0]["response"]["status_code"] == 200, "the one that was replayed is as it was"
    assert again["comment"].startswith("app · gpt-4o-mini")
    assert [seen + 1, providers[0].seen[seen - 1].body] == [len(providers[0].seen), providers[0].seen[seen].body]


@pytest.mark.parametrize(("edited", "status"), [({"user": "edited"}, 200), ({"model": "claude-sonnet-4-5"}, 403)])
def test_what_was_edited_and_replayed_is_judged_and_sent(web, providers, edited, status):
    assert ask(web) == 200
    flow, seen = last(web), len(providers[0].seen)
    content = json.dumps(BODY | edited)
    assert web.web.client.put(f"/flows/{flow['id']}", json={"request": {"content": content}}).status_code == 200
    web.web.client.post(f"/flows/{flow['id']}/replay")

    assert last(web, count=2)["response"]["status_code"] == status
    assert [json.loads(each.body).get("user") for each in providers[0].seen[seen:]] == (["edited"] if status == 200 else [])


def test_attack_a_loaded_flow_is_replayed_with_nobodys_credential(web, providers):
    assert ask(web) == 200
    dump = web.web.client.get("/flows/dump").content
    web.web.client.post("/clear")
    web.web.client.post("/flows/dump", files={"filecontents": ("flows", dump)})
    flow, seen = last(web), len(providers[0].seen)
    web.web.client.post(f"/flows/{flow['id']}/replay")

    assert web.wait(lambda: "outgate replays requests of this session only" in web.web.client.get("/events").text)
    assert (len(web.web.flows()), len(providers[0].seen)) == (1, seen)


def test_a_tunnel_that_was_refused_is_listed(web):
    with http(web, token="og_of_nobody") as client, pytest.raises(httpx.ProxyError):
        client.post(URL, json=BODY)
    assert web.wait(lambda: web.web.client.get("/flows").json())
    (flow,) = web.web.client.get("/flows").json()
    assert (flow["request"]["method"], flow["response"]["status_code"], flow["marked"]) == ("CONNECT", 407, "⛔")
    assert flow["comment"].startswith("DENIED CONNECT: "), flow["comment"]
    assert "nothing was sent: " in web.web.view(flow)["text"]


@pytest.mark.parametrize("change", [{"rawtcp": True}, {"map_remote": ["|a|b"]}, {"mode": ["socks5"]}, {"outgate_policy": "x.yaml"}])
def test_no_way_around_can_be_opened_from_the_interface(web, change):
    before = web.web.client.get("/options").json()
    refused = web.web.client.put("/options", json=change)

    assert refused.status_code >= 400 or web.wait(lambda: web.web.client.get("/options").json() == before)
    assert web.web.client.get("/options").json() == before


def test_a_command_lists_the_ordered_stages(web):
    told = web.web.client.post("/commands/outgate.plan", json={"arguments": []}).json()

    assert told["value"].startswith("all: authenticate → authorize")
    assert "dispatch" in told["value"]


def test_the_interface_is_for_its_operator_alone(web):
    assert httpx.get(f"http://127.0.0.1:{web.ui}/flows", trust_env=False).status_code == 403
    with http(web) as client:
        through = client.get(f"http://127.0.0.1:{web.ui}/flows", headers={"authorization": f"Bearer {web.web.token}"})
    assert through.status_code == 403
    assert through.headers["x-outgate-reason"] == "destination_denied"


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
def test_a_browser_shows_the_comment_and_the_three_blocks(web, tmp_path):
    body = BODY | {"messages": [{"role": "user", "content": "Mail ada@example.org."}]}
    with http(web) as client:
        assert client.post(URL, json=body).status_code == 200
    page = f"http://127.0.0.1:{web.ui}/?token={web.web.token}#/flows/{last(web)['id']}/response"
    quiet = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")
    folder = f"--user-data-dir={tmp_path / 'profile'}"
    command = ["chromium", "--headless", *quiet, folder, "--virtual-time-budget=9000", "--dump-dom", page]
    seen = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True).stdout

    assert "app · gpt-4o-mini · 9+5 tokens" in seen
    assert all(word in seen for word in ("VERDICT", "PATH", "SENT", "redacted 1 EMAIL_ADDRESS")), seen


def test_it_says_where_to_look_and_how_to_point_clients_at_it(web):
    assert web.says(f"http://127.0.0.1:{web.ui}")
    assert web.says(f"HTTPS_PROXY=http://WORKLOAD:TOKEN@127.0.0.1:{web.port}")
    assert web.says(f"SSL_CERT_FILE={web.ca}")
