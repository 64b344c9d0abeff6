"""Answers to the same question in other words, through the real listener: who gets them, who does not, what is left in files."""

import json

import pytest

from e2e.asking import AGAIN, FAR, HOW, POLICY, URL, echo, starting, status, text_of, whole
from e2e.world import OTHER_TOKEN, World, http, lines
from outgate.metering.metrics import render
from support.talks import talk_at
from support.waiting import until


@pytest.fixture(name="start")
def _start(providers, tmp_path, monkeypatch):
    yield from starting(providers, tmp_path, monkeypatch)


def test_a_question_in_other_words_is_answered_from_the_cache(start):
    asking = start()
    first, again = asking.ask(HOW), asking.ask(AGAIN)

    assert "" == status(first)
    assert status(again).startswith("outgate; hit; ttl=3")
    assert "detail=similar; similarity=0.9" in status(again)
    assert "score=0.99" in status(again)
    assert again.headers["age"].isdigit()
    assert f"1: {HOW}" == text_of(first) == text_of(again)
    assert 1 == asking.sent

    line = lines(asking.world)[-1]
    exact, similar = line["outgate.cache"]
    assert ("exact", "miss") == (exact["tier"], exact["result"])
    assert ("similar", "hit", 0.99) == (similar["tier"], similar["result"], similar["score"])
    assert similar["similarity"] > 0.9
    assert first.headers["x-outgate-request-id"] == similar["entry"]
    assert ("cache", "nothing", 0) == (line["outgate.source"], line["outgate.charged"], line["outgate.charged.output_tokens"])


DIFFERENT = {
    "a near miss": ("How do I not reset my router to factory settings?", {}),
    "another question": (FAR, {}),
    "another model": (AGAIN, {"model": "gpt-4.1"}),
    "a parameter": (AGAIN, {"temperature": 0.5}),
    "a stream": (AGAIN, {"stream": True}),
    "a system prompt": ([{"role": "system", "content": "Be brief."}, {"role": "user", "content": AGAIN}], {}),
    "an earlier turn": (
        [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hi!"}, {"role": "user", "content": AGAIN}],
        {},
    ),
}


def test_everything_but_the_words_must_be_the_same(start):
    asking = start()
    asking.ask(HOW)
    for name, (text, members) in DIFFERENT.items():
        reply = asking.ask(text, **members)
        assert (name, "") == (name, status(reply))
    others = asking.ask(AGAIN, token=OTHER_TOKEN, workload="other")

    assert "" == status(others)
    assert len(DIFFERENT) + 2 == asking.sent
    assert "detail=similar" in status(asking.ask(AGAIN))


@pytest.mark.parametrize("at", ["openai", "anthropic"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_hit_speaks_the_callers_api_streamed_and_whole(start, at, stream):
    asking = start()
    members = {"stream": True} if stream else {}
    members |= {"max_tokens": 50} if at == "anthropic" else {}
    first, again = (asking.ask(text, at=at, **members) for text in (HOW, AGAIN))

    assert "detail=similar" in status(again)
    assert text_in(first) == text_in(again) != ""
    assert first.headers["content-type"] == again.headers["content-type"]


@pytest.mark.parametrize("at", ["openai", "anthropic"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_translated_answer_is_kept_and_given_in_the_callers_api(start, at, stream):
    there = {"openai": "{provider: anthropic, model: claude-sonnet-4-5}", "anthropic": "{provider: openai, model: gpt-4o-mini}"}
    asking = start(POLICY.replace("{passthrough: true}", f"{{models: {{there: [{there[at]}]}}}}"))
    members = {"model": "there", "stream": stream, "max_tokens": 50}
    first, again = (asking.ask(text, at=at, **members) for text in (HOW, AGAIN))

    assert "detail=similar" in status(again)
    assert text_in(first) == text_in(again) == f"1: {HOW}"
    assert 1 == asking.sent


MINE, YOURS = "jane.roe@acme-shop.com", "john.doe@corp-mail.com"
ASKS = ("Who is {}?", "Tell me who {} is.")


@pytest.mark.parametrize("stream", [False, True])
def test_callers_who_differ_in_what_was_redacted_share_and_each_gets_its_own(start, stream):
    asking = start()
    first = asking.ask(ASKS[0].format(MINE), stream=stream)
    exact = asking.ask(ASKS[0].format(YOURS), stream=stream)
    similar = asking.ask(ASKS[1].format(YOURS), stream=stream)

    assert ["", "exact", "similar"] == [
        status(reply).partition("detail=")[2].partition(";")[0] for reply in (first, exact, similar)
    ]
    assert [MINE in "".join(pieces_of(first)), YOURS in "".join(pieces_of(first))] == [True, False]
    for reply in (exact, similar):
        assert f"1: {ASKS[0].format(YOURS)}" == "".join(pieces_of(reply))
        assert MINE not in reply.text
    assert 1 == asking.sent


def text_in(reply):
    """What the model said, in either API."""
    raw, talk = reply.content, talk_at(reply.request.url.path)
    return talk.heard(raw) if raw.startswith((b"data:", b"event:")) else talk.said(reply.json())


def pieces_of(reply):
    if reply.headers["content-type"].startswith("text/event-stream"):
        events = [json.loads(line[6:]) for line in reply.text.splitlines() if line.startswith("data: {")]
        return [choice["delta"].get("content") or "" for event in events for choice in event["choices"]]
    return [text_of(reply)]


def test_planted_personal_data_is_in_no_vector_no_entry_and_no_file(start, tmp_path):
    asking = start()
    card = "4111 1111 1111 1111"
    asking.ask(f"My card {card} was charged twice, and {MINE} knows of it. What now?")
    asking.ask(f"My card {card} was charged two times, and {MINE} knows of it. What can I do now?")
    asked = zip(asking.models.items, asking.models.asked, strict=False)
    embedded = [item for item, name in asked if name == "answers" and "charged" in item]
    files = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]

    assert any("CARD_1" in item and "EMAIL_1" in item for item in embedded)
    assert any(path.name.startswith("answers.sqlite") and b"CARD_1" in path.read_bytes() for path in files)
    for secret in (card, card.replace(" ", ""), MINE):
        assert [] == [path for path in files if secret.encode() in path.read_bytes()]
    wanted = [
        name
        for item, name in zip(asking.models.items, asking.models.asked, strict=False)
        if name in ("embed", "answers") and card in item
    ]
    assert [] == wanted


def test_a_dead_model_server_is_a_miss_and_nothing_else(start):
    asking = start(POLICY.replace("redact: {}\n", ""))
    asking.ask(HOW)
    asking.models.down = True
    reply = asking.ask(AGAIN)

    assert (200, "", f"2: {AGAIN}") == (reply.status_code, status(reply), text_of(reply))
    assert "failed" == lines(asking.world)[-1]["outgate.cache"][1]["result"]
    assert "detail=exact" in status(asking.ask(AGAIN))


def test_a_failed_attempt_neither_embeds_nor_looks_up_again(start):
    closed = "127.0.0.1:1"
    asking = start(endpoints=f'{{address: "{closed}"}}, ')
    reply = asking.ask(HOW)

    assert 200 == reply.status_code
    assert 2 == len(lines(asking.world)[-1]["outgate.attempts"])
    assert (0, 1) == (asking.models.asked.count("embed"), asking.models.asked.count("answers"))


def test_shadow_mode_gives_nothing_compares_and_tells(start, tmp_path):
    asking = start(POLICY.replace('mode: "on"', "mode: shadow"))
    asking.ask(HOW)
    reply = asking.ask(AGAIN)
    similar = lines(asking.world)[-1]["outgate.cache"][1]

    assert ("", f"2: {AGAIN}") == (status(reply), text_of(reply))
    assert ("shadow", 0.99) == (similar["result"], similar["score"])
    assert until(lambda: b'comparisons_total{result="different",bound="calibrated"} 1.0' in render(tmp_path / "state" / "metrics"))
    told = render(tmp_path / "state" / "metrics").decode()
    assert 'outgate_cache_lookups_total{tier="similar",result="shadow"} 1.0' in told


def test_a_sampled_hit_is_asked_of_the_provider(start):
    asking = start(POLICY.replace("sample: 0", "sample: 1"))
    asking.ask(HOW)
    reply = asking.ask(AGAIN)

    assert ("", f"2: {AGAIN}") == (status(reply), text_of(reply))
    assert "sampled" == lines(asking.world)[-1]["outgate.cache"][1]["result"]


def test_the_real_judgement_gives_a_rewording_and_no_near_miss(providers, tmp_path):
    world = World(tmp_path, *providers)
    providers[0].script(*[echo()] * 9)
    with world.gateway(world.policy(POLICY), workers=2) as gateway:

        def asked(text, **fields):
            with http(gateway) as client:
                return client.post(URL["openai"], json=whole(text), headers=fields)

        asked("Explain what a hash table is.")
        asked("How do I cancel my subscription?")
        kept = {"cache-control": "only-if-cached"}
        assert until(lambda: asked("Can you explain what a hash table is?", **kept).status_code == 200)
        near = [asked(text, **kept).status_code for text in ("Explain what a heap is.", "How do I renew my subscription?")]

        assert [504, 504] == near
        assert "detail=similar" in status(asked("Can you explain what a hash table is?", **kept))


MEANING = POLICY.replace('mode: "on"', 'mode: "on", history: meaning')


def talk(first, last, reply="Hold the button for ten seconds."):
    said = (("system", "Be brief."), ("user", first), ("assistant", reply), ("user", last))
    return [{"role": by, "content": text} for by, text in said]


LOSE, LOSE_TOO = "Will I lose my password?", "Will I lose the password?"
NOT_THE_SAME = {
    "a negation in an earlier turn": talk("How do I not reset my router to factory settings?", LOSE),
    "a number in an earlier turn": talk(HOW + " It has 4 ports.", LOSE),
    "another answer of the assistant": talk(AGAIN, LOSE, "Hold the button for nine seconds."),
    "turns in another order": talk(LOSE, HOW),
    "another number of turns": [*talk(AGAIN, "OK."), {"role": "assistant", "content": "Yes?"}, {"role": "user", "content": LOSE}],
    "a question that does not hold": talk(AGAIN, "Will I not lose my password?"),
}


def test_a_history_in_other_words_is_answered_from_the_cache_where_policy_says_so(start):
    asking = start(MEANING)
    asking.ask(talk(HOW, LOSE))
    reworded, both = asking.ask(talk(AGAIN, LOSE)), asking.ask(talk(AGAIN, LOSE_TOO))

    assert ["similar"] * 2 == [status(reply).partition("detail=")[2].partition(";")[0] for reply in (reworded, both)]
    assert f"1: {LOSE}" == text_of(reworded) == text_of(both)
    assert 1 == asking.sent
    for name, messages in NOT_THE_SAME.items():
        assert (name, "") == (name, status(asking.ask(messages)))


def test_by_default_a_history_in_other_words_is_none(start):
    asking = start()
    asking.ask(talk(HOW, LOSE))

    assert "" == status(asking.ask(talk(AGAIN, LOSE)))
    assert "detail=similar" in status(asking.ask(talk(HOW, LOSE_TOO)))


def test_personal_data_in_earlier_turns_is_in_no_file(start, tmp_path):
    asking = start(MEANING)
    asking.ask(talk(f"How do I forward my mail to {MINE}?", "And where is it kept?", f"Add {MINE} under Rules."))
    reply = asking.ask(talk(f"How can I forward my mail to {YOURS}?", "And where is it kept?", f"Add {YOURS} under Rules."))
    files = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]

    assert "detail=similar" in status(reply)
    assert any(b"forward my mail to EMAIL_1" in path.read_bytes() for path in files)
    assert [] == [path for path in files for secret in (MINE, YOURS) if secret.encode() in path.read_bytes()]


def test_what_the_one_setting_kept_the_other_never_gives(start):
    asking = start()
    asking.ask(talk(HOW, LOSE))
    file, before = asking.world.folder / "policy.yaml", asking.gateway.runtime.revision
    file.write_text(file.read_text().replace('mode: "on"', 'mode: "on", history: meaning'))
    asking.gateway.call(asking.gateway.runtime.reload_soon)
    assert until(lambda: asking.gateway.runtime.revision != before)

    assert "" == status(asking.ask(talk(HOW, LOSE_TOO)))
