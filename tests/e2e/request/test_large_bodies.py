"""Bodies as large as providers take them: text up to one bound, images and files up to another where a route admits them."""

import pytest

from e2e.world import STAGES, World, http
from support import behaviours as b

MIB = 1 << 20
URL = "https://api.openai.com/v1/chat/completions"
ROUTES = """
- name: pictures
  match: {models: ["gpt-4o*"]}
  stages: {admit_parts: {allow_unjudged: [image]}}
- name: text
"""
LIMITS = "limits: {body_bytes: 1048576, media_bytes: 4194304}"


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("large"), *providers)
    with world.gateway(world.policy(stages=STAGES, routes=ROUTES, gateway=LIMITS)) as gateway:
        yield gateway


def said(text=0, image=0, model="gpt-4o-mini"):
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * image}}
    parts = [{"type": "text", "text": "word " * (text // 5)}, *([picture] if image else [])]
    return {"model": model, "messages": [{"role": "user", "content": parts}]}


@pytest.fixture(name="post")
def _post(gateway, providers):
    providers[0].behaviour = b.provider("ok")
    with http(gateway) as client:
        yield lambda body: client.post(URL, json=body)


@pytest.mark.parametrize("body", [said(text=MIB - 1000), said(image=3 * MIB), said(text=MIB - 1000, image=3 * MIB - 1000)])
def test_what_fits_is_served(post, body):
    assert 200 == post(body).status_code


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        (said(image=5 * MIB), 4 * MIB),
        (said(text=2 * MIB), MIB),
        (said(text=2 * MIB, image=MIB), MIB),
    ],
)
def test_what_does_not_is_refused_with_the_limit_and_its_size(post, body, limit):
    reply = post(body)
    error = reply.json()["error"]

    assert (413, "body_too_large") == (reply.status_code, error["code"])
    assert f"{limit} bytes" in error["message"]
    assert error["message"].count("bytes") >= 2


def test_a_route_that_admits_no_pictures_refuses_a_long_body_by_its_head(gateway, providers, tmp_path):
    world = World(tmp_path, *providers)
    with world.gateway(world.policy(gateway=LIMITS)) as plain, http(plain) as client:
        reply = client.post(URL, content=b"{" + b" " * (2 * MIB), headers={"content-type": "application/json"})

    assert 413 == reply.status_code
    assert f"{2 * MIB + 1} bytes" in reply.json()["error"]["message"]
