"""The judged request as bytes and fields for one provider."""

from dataclasses import replace

import orjson

from outgate.dialects import registry
from outgate.dialects.translation import Outbound
from outgate.inference.conversation import Conversation, Loss, Translation
from outgate.inference.operation import Kind, Operation
from outgate.inference.principal import Principal
from outgate.stages.encode_request import EncodeRequest, Reads
from outgate.stores.state_secret import SIZE, StateSecret
from outgate.upstreams.catalog import Backend, Catalog, Endpoint, Translating
from support.wire_bodies import Spoken

CHAT = Operation("openai", Kind.CHAT)
BODY = orjson.dumps({"model": "fast", "messages": [{"role": "user", "content": "hi"}]})
OWN = (("idempotency-key", "i"), ("openai-organization", "o"), ("openai-project", "p"))
FIELDS = (*OWN, ("user-agent", "u"), ("content-type", "text/plain"))


AGENT = Principal(name="agent", tenant="acme")


def translated(
    fields=FIELDS,
    *,
    who=AGENT,
    provider="first",
    failed=None,
    operation=CHAT,
    speaks="openai",
    prefix="",
    body=BODY,
    dropped=None,
    edited=None,
    drop=(),
):
    request = Spoken(operation.dialect).decode(operation, body)
    endpoint = Endpoint(name="e", host="p.test", port=443)
    backend = Backend(
        name=provider, provider=provider, dialect=speaks, host="p.test", endpoints=(endpoint,), path_prefix=prefix,
        translating=Translating(drop=frozenset(drop)),
    )  # fmt: skip
    given = (request.prompt.replace(edited or {}), request.tools, request.params, "routed", backend, None, failed, None, dropped)
    return EncodeRequest(StateSecret(bytes(SIZE))).run(Reads(who, operation, "POST", "/v1/x", fields, *given))


def key_sent(**case):
    return dict(translated(**case)[2])["idempotency-key"]


def test_the_body_is_the_judged_one_for_the_routed_model():
    body, path, *_ = translated(prefix="/openai")

    assert ("/openai/v1/x", {"model": "routed", "messages": [{"role": "user", "content": "hi"}]}) == (path, orjson.loads(body))


def test_what_was_judged_as_json_is_called_json():
    assert (("content-type", "application/json"), *FIELDS[1:-1]) == tuple(
        field for field in translated()[2] if field[0] != "idempotency-key"
    )


def test_an_idempotency_key_is_the_workloads_own_at_one_provider_and_the_same_every_time():
    others = [{"who": Principal(name="agent", tenant="emca")}, {"who": Principal(name="b", tenant="acme")}, {"provider": "second"}]
    keys = [key_sent(), *(key_sent(**other) for other in others)]

    assert 4 == len(set(keys))
    assert key_sent() == keys[0] != "i"


def test_without_selected_fields_nothing_of_the_callers_goes_on():
    assert (("content-type", "application/json"),) == translated(None)[2]


def test_what_one_provider_keeps_does_not_follow_to_another():
    assert (("content-type", "application/json"), ("user-agent", "u")) == translated(failed=frozenset({"other"}))[2]


def test_it_stays_where_the_same_provider_is_asked_again():
    assert translated() == translated(failed=frozenset({"first"})) == translated(failed=frozenset())


def test_a_provider_of_a_dialect_that_nothing_translates_is_not_asked():
    assert "dialect_mismatch" == translated(speaks="none").code


def test_hosted_tools_are_left_out_where_policy_says_so():
    responses = Operation("responses", Kind.CHAT)
    given = {"model": "m", "input": "hi", "tools": [{"type": "web_search"}, {"type": "function", "name": "f", "parameters": {}}]}

    def sent(dropped):
        body, *_ = translated(operation=responses, body=orjson.dumps(given), dropped=dropped)
        return [tool["type"] for tool in orjson.loads(body)["tools"]]

    assert ["function"] == sent(dropped=True)
    assert ["web_search", "function"] == sent(dropped=None)


def test_what_a_policy_put_in_and_cannot_stand_there_is_refused():
    body = orjson.dumps({"model": "fast", "messages": [{"role": "user", "content": "hi"}], "seed": 4111111111111111})
    denial = translated(body=body, edited={1: "CARD_kqwz"})

    assert ("private_number", 400) == (denial.code, denial.status)
    assert "`seed`" in denial.message
    assert "4111" not in denial.message


class Lossy:
    """A converter of nothing but losses."""

    def __init__(self, *losses):
        self._losses = losses

    def read_request(self, path, tree):
        return Conversation((), ()), ()

    def write_request(self, asked, model, max_tokens):
        return Outbound("/v1/messages", {"model": model, "max_tokens": max_tokens}, [Loss(each, "a[0].b") for each in self._losses])


def across(monkeypatch, *losses, drop=(), **case):
    specs = [replace(each, converter=Lossy(*losses)) if each.name == "anthropic" else each for each in registry.SPECS]
    monkeypatch.setattr(registry, "SPECS", tuple(specs))
    return translated(speaks="anthropic", drop=drop, **case)


def test_a_request_for_another_dialect_is_translated(monkeypatch):
    fields = (("openai-beta", "b"), ("user-agent", "u"))
    body, path, sent, asked, told = across(monkeypatch, "top_k", "metadata", drop=("top_k",), fields=fields, prefix="/p")

    assert ("/p/v1/messages", {"model": "routed", "max_tokens": 8192}) == (path, orjson.loads(body))
    assert {"content-type": "application/json", "anthropic-version": "2023-06-01", "user-agent": "u"} == dict(sent)
    assert "hi" == asked.turns[0].parts[0].text
    assert Translation("openai", "anthropic", ("top_k", "metadata"), set()) == told


def test_a_loss_that_no_policy_accepts_is_refused(monkeypatch):
    denial = across(monkeypatch, "metadata", "top_k", drop=("seed",))

    assert ("translation_loss", 400) == (denial.code, denial.status)
    assert "`a[0].b`" in denial.message
    assert "`top_k` under `translation.drop`" in denial.message


def test_the_plan_says_what_is_translated():
    def backend(name, speaks, **translating):
        endpoint = Endpoint(name="e", host=f"{name}.test", port=443)
        how = Translating(**translating)
        return Backend(name=name, provider=name, dialect=speaks, host=f"{name}.test", endpoints=(endpoint,), translating=how)

    catalog = Catalog((backend("a", "openai", drop=frozenset({"seed"})), backend("b", "none")))
    [line] = EncodeRequest(StateSecret(bytes(SIZE)), catalog).explained()

    assert line.startswith("a: ")
    assert "anthropic" in line
    assert line.endswith(" translated to openai, without seed")
