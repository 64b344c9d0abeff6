import asyncio
from random import Random

import pytest

from outgate.inference.operation import Kind, Operation
from outgate.inference.principal import Principal
from outgate.pipeline.contract import May
from outgate.stages.count_tokens import CountTokens, CountTokensSettings, Reads
from outgate.stores.memo import Memo
from outgate.tokens.encodings import TokenizerDataError
from outgate.tokens.tokenizers import Tokenizers
from support.wire_bodies import Spoken

CHAT = Operation("openai", Kind.CHAT)
BODY = b'{"model":"m","messages":[{"role":"user","content":"hello world"}]}'


class PerCharacter:
    def count(self, texts):
        return [len(text) for text in texts]


def stage(loads=None, preload=()):
    loads = [] if loads is None else loads

    def load(name):
        loads.append(name)
        return PerCharacter()

    tokenizers = Tokenizers(Memo(b"k" * 16), Random(1), load=load, spawn=lambda _: None)
    return CountTokens(CountTokensSettings(preload=preload), tokenizers)


def facts(body=BODY, model="gpt-4o", operation=CHAT):
    request = Spoken(operation.dialect).decode(operation, body)
    return Reads(request.prompt, request.tools, request.params, model, operation, Principal(name="w", tenant="t"))


def counted(made, given):
    (tokens,) = made.run(given)
    return tokens.exact()


def test_it_writes_the_count_of_the_judged_prompt():
    assert len("hello world") + 7 == counted(stage(), facts())


def test_redacted_text_is_what_is_counted():
    given = facts()
    redacted = given._replace(prompt=given.prompt.replace({0: "bye"}))

    assert len("bye") + 7 == counted(stage(), redacted)


def test_the_contract_reads_the_model_and_the_prompt_and_may_do_nothing_else():
    contract = stage().contract

    assert ("prompt", "tools", "params", "model", "operation", "principal") == contract.reads
    assert ("tokens.in",) == contract.writes
    assert May.NOTHING == contract.may


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        (Operation("openai", Kind.EMBEDDINGS), b'{"model":"m","input":[[1,2,3,4,5,6,7,8]]}'),
        (
            CHAT,
            b'{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x.example/a.png"}}]}]}',
        ),
    ],
)
def test_what_is_not_text_has_an_upper_bound_and_is_never_zero(operation, body):
    given = facts(body, "text-embedding-3-small" if operation is not CHAT else "gpt-4o", operation)

    assert counted(stage(), given) >= 8


def test_start_loads_what_policy_names():
    loads = []
    asyncio.run(stage(loads, ("gpt-4",)).start())

    assert ["o200k_base", "cl100k_base"] == loads


def test_start_fails_where_tokenizer_data_is_missing():
    def load(name):
        raise TokenizerDataError("missing")

    tokenizers = Tokenizers(Memo(b"k" * 16), Random(1), load=load)
    with pytest.raises(TokenizerDataError):
        asyncio.run(CountTokens(CountTokensSettings(), tokenizers).start())
