import pytest

from outgate.answers.keys import Partition
from outgate.answers.settings import CacheSettings, SimilarSettings
from outgate.detectors.pii.canonical import NONE, Names
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Form
from outgate.inference.principal import Principal
from outgate.inference.usage import Usage
from outgate.model_server.embedders import DEFAULT, Embedders
from outgate.pipeline.contract import OnError
from outgate.stages.cache.write import CacheWrite, Reads
from outgate.stores.answers import MemoryAnswers, Similar
from support.placeholders import placeholder

KEY = b"k" * 32
USAGE = Usage(input_tokens=3, output_tokens=2)


EMBEDDERS = Embedders({})


class Recording:
    usage = USAGE

    def __init__(self, body=b"{}"):
        self._body = body

    def body(self):
        return self._body

    def names_any(self):
        return False


def facts(**changed):
    fields = {
        "r_client": True,
        "cache_key": KEY,
        "cache_names": NONE,
        "cache_recording": Recording(),
        "outcome": "answered",
        "r_status": 200,
        "r_source": "upstream",
        "cache_partition": None,
        "cache_vector": b"",
        "model": "m",
        "principal": Principal(name="w", tenant="t"),
        "operation": Operation("openai", Kind.CHAT),
        "answer_form": Form(),
        "policy_revision": "r7",
        "exchange_id": "req_1",
    }
    return Reads(**(fields | changed))


def run(given, settings=CacheSettings(max_age=100.0, tags=("faq",)), **bounds):  # noqa: B008
    answers = MemoryAnswers(lambda: 50.0, **bounds)
    (stored,) = CacheWrite(settings, answers, EMBEDDERS, lambda: 42.0).run(given)
    return answers, stored


def test_an_answer_that_ended_well_is_stored_under_its_key():
    answers, stored = run(facts())

    assert stored is answers.get(KEY, 60.0)
    assert "req_1" == stored.request
    assert (200, "application/json", b"{}", USAGE, 42.0, "r7") == (
        stored.status,
        stored.content_type,
        stored.body,
        stored.usage,
        stored.created,
        stored.revision,
    )


def test_a_stream_is_stored_as_one():
    _, stored = run(facts(answer_form=Form(stream=True)))

    assert stored.content_type.startswith("text/event-stream")


def test_an_answer_that_its_client_left_is_stored_where_it_was_judged_whole():
    _, stored = run(facts(outcome="client_gone"))

    assert stored is not None


@pytest.mark.parametrize(
    "changed",
    [
        {"cache_key": None},
        {"cache_recording": None},
        {"cache_recording": Recording(None)},
        {"outcome": "failed"},
        {"outcome": "denied"},
        {"outcome": "killed"},
        {"r_status": 500},
        {"r_status": 206},
        {"r_source": "cache"},
        {"r_source": "gateway"},
    ],
)
def test_a40_nothing_else_is_stored(changed):
    answers, stored = run(facts(**changed))

    assert stored is None
    assert 0 == len(answers)


def test_an_answer_too_large_is_not_written():
    answers, stored = run(facts(cache_recording=Recording(b"x" * 100)), max_entry_bytes=99)

    assert stored is None
    assert 0 == len(answers)


def test_its_failure_changes_nothing():
    contract = CacheWrite(CacheSettings(), MemoryAnswers(lambda: 0.0), EMBEDDERS, lambda: 0.0).contract

    assert (OnError.FALLBACK, (None,)) == (contract.on_error, contract.fallback)


def test_it_runs_when_the_last_byte_has_gone_and_never_restores():
    contract = CacheWrite(CacheSettings(), MemoryAnswers(lambda: 0.0), EMBEDDERS, lambda: 0.0).contract

    assert "r.client" in contract.reads
    assert "placeholders" not in contract.reads
    assert ("cache.entry",) == contract.writes


JANE, JOHN = placeholder("jane@x.example"), placeholder("john@x.example")
WHOLE = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"%s"},"finish_reason":"stop"}],"model":"%s"}'


class Naming(Recording):
    def names_any(self):
        return True


def test_an_answer_is_kept_with_placeholders_by_kind_and_order():
    _, stored = run(facts(cache_names=Names.of([JANE]), cache_recording=Naming(WHOLE % (f"to {JANE}".encode(), b"m"))))

    assert WHOLE % (b"to EMAIL_cbbbbbbbbbbb", b"m") == stored.body


@pytest.mark.parametrize(
    "body", [WHOLE % (JOHN.encode(), b"m"), WHOLE % (b"hi", JANE.encode()), WHOLE % (b"hi", JANE.upper().encode())]
)
def test_an_answer_is_not_kept_that_names_what_the_request_does_not_or_out_of_reach(body):
    _, stored = run(facts(cache_names=Names.of([JANE]), cache_recording=Naming(body)))

    assert stored is None


def test_a_placeholder_in_an_answer_to_a_request_without_any_is_somebody_elses():
    _, stored = run(facts(cache_recording=Naming(WHOLE % (JANE.encode(), b"m"))))

    assert stored is None


def test_an_entry_says_whose_it_is_and_until_when():
    _, stored = run(facts())

    assert ("t", "w", "m", "openai chat", ("faq",), 142.0) == (
        stored.tenant, stored.workload, stored.model, stored.kind, stored.tags, stored.expires,
    )  # fmt: skip


@pytest.mark.parametrize("mode", ["shadow", "on"])
def test_an_answer_to_a_question_is_found_by_its_words(mode):
    asked = Partition(b"p" * 32, "mail EMAIL_1")
    settings = CacheSettings(similar=SimilarSettings(mode=mode))
    _, stored = run(facts(cache_partition=asked, cache_vector=b"v"), settings)
    _, unembedded = run(facts(cache_partition=asked), settings)
    _, unasked = run(facts(cache_vector=b"v"), settings)

    assert (
        Similar(partition=b"p" * 32, text="mail EMAIL_1", vector=b"v", encoder=EMBEDDERS.named(DEFAULT).version) == stored.similar
    )
    assert (None, None) == (unembedded.similar, unasked.similar)
