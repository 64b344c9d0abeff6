import asyncio

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outgate.errors import Denial, FailureKind, FailureReason
from outgate.inference.cached import CacheStatus
from outgate.inference.principal import Principal
from outgate.inference.usage import Usage
from outgate.metering.metrics import Metrics
from outgate.pipeline.contract import Effect
from outgate.stages.close_exchange import CloseExchange
from support.budgets import Clock, audited, limit, running
from support.endings import DENIED, attempt, ended, refused_at_the_door
from support.metered import metered


class Observed(list):
    """Tokenizers that note what they are told."""

    def observe(self, model, counted, reported):
        self.append((model, counted, reported))


def test_an_answer_settles_its_usage_and_writes_its_line(tmp_path):
    found = metered(tmp_path, ended(), reserve="x")

    assert 60 == found.settled
    assert {
        "event": "close",
        "id": "x",
        "settle": [["team@day", 1795392000, 60, 60, 0]],
        "time": 1_795_435_199.0,
        "outgate.seconds": 1.0,
        "outcome": "answered",
        "outgate.denial.code": None,
        "outgate.denial.stage": None,
        "http.response.status_code": 200,
        "client.address": "192.0.2.9",
        "outgate.workload": "agent",
        "outgate.tenant": "acme",
        "outgate.route": "chat",
        "outgate.policy.revision": "r1",
        "server.address": "api.example:443",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "outgate.model.requested": "fast",
        "outgate.backend": "main",
        "outgate.endpoint": "eu",
        "outgate.source": "upstream",
        "outgate.tokens.counted": 60,
        "outgate.tokens.at_most": None,
        "gen_ai.usage.input_tokens": 50,
        "gen_ai.usage.output_tokens": 10,
        "gen_ai.usage.cache_read.input_tokens": 20,
        "gen_ai.usage.cache_creation.input_tokens": None,
        "gen_ai.usage.reasoning.output_tokens": None,
        "outgate.usage.estimated": False,
        "outgate.charged.input_tokens": 50,
        "outgate.charged.output_tokens": 10,
        "outgate.charged": "reported",
        "outgate.cost.usd": "0.00015",
        "outgate.cost.hold.usd": None,
        "outgate.redacted": {"EMAIL_ADDRESS": 2},
        "outgate.attempts": [
            {
                "number": 1,
                "backend": "main",
                "endpoint": "eu",
                "status": 200,
                "failure": None,
                "phase": None,
                "reason": None,
                "sent": True,
                "seconds": 0.5,
                "charged.input_tokens": 50,
                "charged.output_tokens": 10,
            }
        ],
        "outgate.verdicts": {},
        "outgate.stages": [["authenticate", 12, "ok"], ["embed", 9000, "ok", 8000], ["dispatch", 500000, "ok"]],
    } == found.lines[0]


def test_an_answer_is_counted(tmp_path):
    counted = metered(tmp_path, ended(), reserve="x").counted

    assert 1.0 == counted["outgate_exchanges_total", ("chat", "openai", "gpt-4o-mini", "agent", "answered", "2xx", "r1")]
    assert 1.0 == counted["outgate_attempts_total", ("main", "", "")]
    assert 1.0 == counted["outgate_answers_total", ("upstream",)]
    assert 50.0 == counted["gen_ai_client_token_usage_sum", ("chat", "openai", "gpt-4o-mini", "input", "agent")]
    assert 10.0 == counted["gen_ai_client_token_usage_sum", ("chat", "openai", "gpt-4o-mini", "output", "agent")]
    assert 1.0 == counted["gen_ai_server_request_duration_seconds_sum", ("chat", "openai", "gpt-4o-mini", "chat")]
    assert 0.00015 == counted["outgate_cost_total", ("openai", "gpt-4o-mini", "agent", "reported")]
    assert 0.2 == counted["outgate_token_count_error_ratio_sum", ("openai", "gpt-4o-mini")]
    assert 0.5 == counted["outgate_stage_seconds_sum", ("dispatch", "ok")]
    assert 1.0 == counted["outgate_stage_seconds_count", ("authenticate", "ok")]


ENDINGS = {
    "answered": ended(),
    "denied at the door": refused_at_the_door(),
    "denied by a guard of the answer": ended(outcome="denied", denial=DENIED),
    "cached": ended(r_source="cache", attempts=()),
    "canned": ended(r_source="gateway", usage=None, attempts=()),
    "refused by the provider": ended(r_status=400, usage=None),
    "failed": ended(
        outcome="failed", r_status=None, r_source=None, usage=None, attempts=(attempt(failure=FailureKind.TIMEOUT, status=None),)
    ),
    "client gone before anything was sent": ended(outcome="client_gone", r_status=None, r_source=None, usage=None, attempts=()),
    "client gone before the head": ended(
        outcome="client_gone", r_status=None, r_source=None, usage=None, attempts=(attempt(status=None),)
    ),
    "client gone before the head of a stream": ended(
        outcome="client_gone", r_status=None, r_source=None, usage=None, attempts=(attempt(status=None, streams=True),)
    ),
    "client gone in the stream": ended(outcome="client_gone", usage=Usage(input_tokens=60, output_tokens=3, estimated=True)),
    "killed": ended(outcome="killed", usage=None),
}


@pytest.mark.parametrize(
    ("ending", "charged", "basis"),
    [
        ("answered", 60, "reported"),
        ("denied at the door", 0, "nothing"),
        ("denied by a guard of the answer", 60, "reported"),
        ("cached", 0, "nothing"),
        ("canned", 0, "nothing"),
        ("refused by the provider", 0, "nothing"),
        ("failed", 100, "hold"),
        ("client gone before anything was sent", 0, "nothing"),
        ("client gone before the head", 100, "hold"),
        ("client gone before the head of a stream", 60, "estimated"),
        ("client gone in the stream", 63, "estimated"),
        ("killed", 100, "hold"),
    ],
)
def test_every_ending_is_one_line_and_one_settlement_F3(tmp_path, ending, charged, basis):
    found = metered(tmp_path, ENDINGS[ending], reserve="x")

    assert [("x", basis)] == [(fields["id"], fields["outgate.charged"]) for fields in found.lines]
    assert charged == found.settled
    assert charged == found.lines[0]["outgate.charged.input_tokens"] + found.lines[0]["outgate.charged.output_tokens"]
    assert [] == list((tmp_path / "journals").iterdir())


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(ENDINGS)), st.booleans(), st.integers(1, 3)), max_size=12))
def test_any_mix_of_endings_gives_one_line_each_and_leaves_nothing_open_F3(tmp_path_factory, schedule):
    folder = tmp_path_factory.mktemp("mix")
    endings = [
        ENDINGS[name]._replace(exchange_id=str(number)) for number, (name, _, times) in enumerate(schedule) for _ in range(times)
    ]
    reserve = [str(number) for number, (_, held, _) in enumerate(schedule) if held]
    found = metered(folder, *endings, reserve=reserve)

    assert sorted(str(number) for number in range(len(schedule))) == sorted(fields["id"] for fields in found.lines)
    assert [] == list((folder / "journals").iterdir())
    assert len(schedule) == sum(value for (name, _), value in found.counted.items() if name == "outgate_exchanges_total")


def test_a_cached_answer_costs_nothing_and_reports_no_usage_A39(tmp_path):
    found = metered(tmp_path, ended(r_source="cache", attempts=()))

    assert (None, None) == (found.lines[0]["gen_ai.usage.input_tokens"], found.lines[0]["outgate.cost.usd"])
    assert 1.0 == found.counted["outgate_answers_total", ("cache",)]
    assert not [name for name, _ in found.counted if name.startswith("gen_ai_client_token_usage")]


def test_an_attempt_that_failed_says_in_which_phase_and_why(tmp_path):
    found = metered(tmp_path, ended(attempts=(attempt(failure=FailureKind.TLS, reason=FailureReason.TLS_CERTIFICATE_EXPIRED),)))

    assert {"phase": "tls", "reason": "certificate_expired"}.items() <= found.lines[0]["outgate.attempts"][0].items()


def test_debt_is_counted(tmp_path):
    found = metered(tmp_path, ended(usage=Usage(input_tokens=50, output_tokens=90)), reserve="x")

    assert 140 == found.settled
    assert 40.0 == found.counted["outgate_debt_tokens_total", ("openai", "gpt-4o-mini")]


def test_a_denial_is_told_with_its_code_and_stage_but_not_its_message(tmp_path):
    found = metered(tmp_path, refused_at_the_door())
    line = found.lines[0]

    assert ("budget_exhausted", "token_budget", 429) == (
        line["outgate.denial.code"],
        line["outgate.denial.stage"],
        line["http.response.status_code"],
    )
    assert DENIED.message not in orjson.dumps(line).decode()
    assert 1.0 == found.counted["outgate_denials_total", ("token_budget", "budget_exhausted", "", "", "r1")]


def test_a_factor_is_learned_from_a_report_and_never_from_an_estimate(tmp_path):
    learned = Observed()
    endings = [
        ended("a"),
        ended("b", usage=Usage(input_tokens=1, output_tokens=1, estimated=True)),
        ended("c", r_source="cache"),
        ended("d", usage=Usage(output_tokens=1)),
        ended("a"),
    ]
    metered(tmp_path, *endings, learned=learned)

    assert [("gpt-4o-mini", 60, 50)] == learned


def test_without_prices_or_tokenizers_it_still_closes(tmp_path):
    async def story():
        async with running(tmp_path, limit(1000)) as accounts:
            CloseExchange(accounts, Metrics(tmp_path / "metrics"), Clock().wall).run(ended())

    asyncio.run(story())

    assert None is audited(tmp_path)[0]["outgate.cost.usd"]


CANARIES = (
    "sk-canary0123456789abcdef0123456789",
    "please tell me about canary-prompt",
    "canary@person.example",
    "123-45-6789",
    "x-4111111111111111",
)


@pytest.mark.parametrize("canary", CANARIES)
def test_what_a_caller_wrote_reaches_no_line_and_no_label_K1(tmp_path, canary):
    secret_denial = Denial(code="denied", status=403, message=canary, stage="prompt_guard")
    endings = [
        ended("a", model_requested=canary, model=canary, model_admitted=None, r_source=None, r_status=None, outcome="denied"),
        refused_at_the_door("b", model_requested=canary, denial=secret_denial),
        ended("c", model_requested=canary, outcome="failed", r_status=500, usage=None),
    ]
    metered(tmp_path, *endings, reserve="abc")
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]

    assert 4 <= len(written)
    assert [] == [text for text in written if canary.encode() in text]


@pytest.mark.parametrize(
    "model", ["gpt-4o", "claude-sonnet-4-5-20250929", "meta-llama/Llama-3.3-70B", "ft:gpt-4o:acme::a1b2", "claude-3-5@20240620"]
)
def test_the_name_of_a_model_that_was_refused_is_told_where_it_looks_like_one(tmp_path, model):
    found = metered(tmp_path, ended(model_requested=model, model=model, model_admitted=None, r_source=None, r_status=None))

    assert model == found.lines[0]["outgate.model.requested"]
    assert not [labels for _, labels in found.counted if model in labels]


def test_the_line_says_what_each_tier_of_the_cache_found(tmp_path):
    exact, similar = CacheStatus("exact", "miss"), CacheStatus("similar", "hit", "", 12.34567, 0.95678, 0.99871)
    (line,) = metered(tmp_path, ended(cache_status=exact, cache_similar=similar, r_source="cache", attempts=())).lines

    assert [
        {"tier": "exact", "result": "miss"},
        {"tier": "similar", "result": "hit", "age": 12.3457, "similarity": 0.9568, "score": 0.9987},
    ] == line["outgate.cache"]
    assert ("cache", "nothing", 0) == (line["outgate.source"], line["outgate.charged"], line["outgate.charged.output_tokens"])
    assert "outgate.cache" not in metered(tmp_path / "without", ended()).lines[0]


def test_it_reads_everything_optionally_but_the_ending_itself():
    meter = CloseExchange(None, None, None)

    assert ("line",) == meter.contract.writes
    assert ("policy.revision",) == meter.contract.outside
    assert {"exchange.id", "started", "outcome", "attempts", "trace", "verdict.*"} == set(meter.contract.reads) - set(
        meter.contract.optional
    )
    assert Effect.IDEMPOTENT is meter.contract.effect


def test_the_line_of_an_unknown_outcome_names_things_as_the_others_do(tmp_path):
    found = metered(tmp_path, ended(principal=Principal(name="agent", tenant="acme")), reserve="x")
    told = {
        "event",
        "id",
        "settle",
        "time",
        "outgate.workload",
        "outgate.tenant",
        "gen_ai.request.model",
        "outcome",
        "outgate.charged",
    }

    assert told <= found.lines[0].keys()
