"""Tool calls through the whole gateway: official SDKs read what is left of an answer, and restored values are what is judged."""

import pytest

from e2e.calling import ASK, ENDS, MAIL, calling, cells
from e2e.world import STAGES, World, lines
from support.waiting import until

POLICY = (
    STAGES
    + """
redact: {}
tool_policy:
  allow:
    - {tools: [read]}
    - {tools: [mail], where: [{at: /to, matches: "@mail.test$"}]}
  deny:
    - {tools: [wipe], action: deny}
"""
)


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("tools"), *providers)
    with world.inside(world.policy(POLICY)) as gateway:
        yield gateway


@cells
def test_restored_arguments_are_judged_and_an_allowed_call_arrives(gateway, providers, name, stream):
    providers[name == "anthropic"].script(calling(name, ("mail", '{"to":"MAIL"}'), ("read", "{}")))
    text, calls, end = ASK[name](gateway, stream=stream)

    assert [("mail", '{"to":"jane@mail.test"}'), ("read", "{}")] == calls
    assert ("Hm.", ENDS[name][0]) == (text, end)
    assert MAIL.encode() not in providers[name == "anthropic"].seen[-1].body


@cells
def test_words_take_the_place_of_a_refused_call_and_the_others_stay(gateway, providers, name, stream):
    providers[name == "anthropic"].script(calling(name, ("mail", '{"to":"eve@evil.test"}'), ("read", "{}"), ("rm", "{}")))
    text, calls, end = ASK[name](gateway, stream=stream)

    assert [("read", "{}")] == calls
    assert ENDS[name][0] == end
    assert text.startswith("Hm.")
    assert "call of the tool `mail` (arguments)" in text
    assert "call of the tool `rm` (not_allowed)" in text


@cells
def test_an_answer_of_refused_calls_alone_ends_as_one_in_words(gateway, providers, name, stream):
    before = {line["id"] for line in lines(gateway.world)}
    providers[name == "anthropic"].script(calling(name, ("rm", "{}")))
    text, calls, end = ASK[name](gateway, stream=stream)

    assert ([], ENDS[name][1]) == (calls, end)
    assert "`rm`" in text
    assert until(lambda: len({line["id"] for line in lines(gateway.world)} - before) == 1)
    [line] = [line for line in lines(gateway.world) if line["id"] not in before]
    told = line.get("audit", line)["outgate.verdicts"]["out.tool_policy"]
    assert ("withheld", "not_allowed") == (told["action"], told["matches"][0]["rule"])


@cells
def test_a_call_that_is_denied_raises_in_the_sdk(gateway, providers, name, stream):
    providers[name == "anthropic"].script(calling(name, ("wipe", "{}")))

    with pytest.raises(Exception, match=r"tool_call_refused|refused a call of the tool"):
        ASK[name](gateway, stream=stream)
