"""`tests/` mirrors `addons/outgate/`: a test beside each source file, and a source file for each test, but for the lists here.

A test belongs to `X.py` as `test_X.py` or `test_X_topic.py`, to a package as the package's name; `test_attacks_*` belong to a room.
"""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SOURCES = TESTS.parent / "addons/outgate"

ELSEWHERE = {
    "answers/test_shared.py": ["answers/entries.py", "answers/writer.py"],
    "cli/test_plan.py": ["cli/overview.py"],
    "cli/test_main.py": ["cli/commands.py", "cli/options.py"],
    "cli/test_evaluate_redaction.py": ["cli/policy_stages.py"],
    "cli/test_cache.py": ["answers/selecting.py"],
    "cli/test_denied.py": ["metering/denied.py", "metering/permits.py"],
    "cli/test_spend.py": ["cli/audit_lines.py", "cli/screen.py", "metering/spend.py"],
    "cli/test_why.py": ["metering/words.py"],
    "exchange/test_delivery.py": ["exchange/response_fields.py"],
    "detectors/injection/test_detector.py": [
        "detectors/injection/expressions.py",
        "detectors/injection/phrases.py",
        "detectors/injection/rules.py",
        "detectors/injection/views.py",
    ],
    "detectors/injection/test_guard.py": ["detectors/injection/finding.py"],
    "detectors/test_call_rules.py": ["detectors/call_denials.py", "detectors/call_readings.py", "detectors/call_schemas.py"],
    "detectors/output/test_judge.py": ["detectors/output/settings.py"],
    "detectors/names/test_prose.py": ["detectors/names/kinds.py"],
    "stages/test_toxicity_guard.py": ["detectors/output/sentences.py"],
    "detectors/paraphrase/test_names.py": ["detectors/paraphrase/kinds.py"],
    "detectors/pii/test_analyzer.py": ["detectors/pii/context.py"],
    "detectors/pii/test_recognizers.py": ["detectors/pii/finders.py"],
    "detectors/secrets/test_scanner.py": ["detectors/secrets/rules.py", "guards/secrets.py"],
    "dialects/anthropic/test_convert_read.py": ["dialects/anthropic/convert_blocks.py"],
    "dialects/anthropic/test_convert_reasoning.py": ["dialects/anthropic/convert_models.py"],
    "dialects/test_answer_forms.py": ["dialects/answer_heads.py", "dialects/answer_streams.py", "dialects/conversion.py"],
    "dialects/anthropic/test_messages.py": ["dialects/anthropic/tables.py", "dialects/parameters.py"],
    "dialects/bedrock/test_convert_write.py": ["dialects/bedrock/codec.py", "dialects/bedrock/convert.py"],
    "dialects/gemini/test_codec.py": ["dialects/gemini/parts.py", "dialects/gemini/tables.py", "dialects/gemini/tools.py"],
    "dialects/gemini/test_convert_read.py": ["dialects/gemini/convert_parts.py"],
    "dialects/gemini/test_convert_write.py": ["dialects/gemini/convert_contents.py", "dialects/gemini/convert_models.py"],
    "dialects/openai/test_answers.py": ["dialects/answers.py", "dialects/events.py"],
    "dialects/openai/test_chat.py": ["dialects/openai/tables.py"],
    "dialects/openai/test_works.py": ["dialects/openai/work_tables.py"],
    "dialects/openai/test_convert.py": [
        "dialects/openai/convert_answer.py",
        "dialects/openai/convert_read.py",
        "dialects/openai/convert_write.py",
    ],
    "dialects/responses/test_codec.py": ["dialects/responses/tables.py"],
    "dialects/responses/test_convert_read.py": ["dialects/responses/convert_items.py"],
    "dialects/responses/test_stream.py": ["dialects/responses/answers.py"],
    "dialects/test_ending.py": [
        "dialects/anthropic/ending.py",
        "dialects/gemini/ending.py",
        "dialects/openai/ending.py",
        "dialects/responses/ending.py",
    ],
    "dialects/test_calls.py": [
        "dialects/anthropic/calls.py",
        "dialects/openai/calls.py",
        "dialects/responses/calls.py",
        "inference/calls.py",
    ],
    "dialects/test_reading.py": ["dialects/rules.py", "inference/params.py", "inference/prompt.py"],
    "dialects/test_registry.py": ["dialects/opaque.py", "dialects/spec.py", "inference/operation.py"],
    "dialects/test_finish.py": ["inference/stream.py", "inference/usage.py"],
    "dialects/test_sdk_errors.py": ["errors.py"],
    "dialects/test_streams.py": ["dialects/lenient.py"],
    "dialects/test_translation.py": ["inference/conversation.py"],
    "documents/test_reader.py": ["documents/extract.py", "documents/process.py"],
    "documents/test_sources.py": ["documents/settings.py"],
    "e2e/connection": ["exchange/tunnel.py", "proxy/destination.py", "proxy/gateway.py", "proxy/handler.py", "proxy/layers.py"],
    "e2e/connection/test_client_certificates.py": ["net/connection.py", "proxy/tls.py"],
    "e2e/request": ["exchange/exchange.py", "exchange/receive.py", "proxy/http1.py"],
    "e2e/server/test_start.py": ["server/background.py", "server/hardening.py", "server/layout.py", "server/script.py"],
    "e2e/server/test_outages.py": ["server/telling.py"],
    "e2e/server/test_log.py": ["server/audit_files.py"],
    "e2e/server/test_workers.py": ["server/worker.py", "server/worker_config.py", "server/worker_master.py"],
    "e2e/upstream/test_pools.py": ["server/replicas.py"],
    "e2e/stock/test_web.py": ["cli/web.py", "proxy/observed.py", "proxy/shown.py"],
    "exchange/test_attempts.py": ["exchange/passed_over.py", "inference/attempt.py", "stages/dispatch.py", "upstreams/events.py"],
    "exchange/test_judging.py": ["inference/judge.py"],
    "identity/test_presented.py": ["net/headers.py", "net/secret.py"],
    "model_server/engines/test_engines.py": ["model_server/engines/sentence_transformers.py"],
    "model_server/engines/test_onnx.py": ["model_server/engines/bert.py", "model_server/engines/packaged.py"],
    "model_server/test_client.py": ["inference/finding.py"],
    "pipeline/test_executor.py": ["pipeline/plan.py"],
    "policy/test_live.py": ["policy/build.py"],
    "policy/test_load.py": ["policy/credential_settings.py", "policy/provider_settings.py", "policy/schema.py"],
    "policy/test_values.py": ["policy/credential_values.py"],
    "upstreams/fetched/test_oauth.py": ["upstreams/fetched/azure.py", "upstreams/fetched/settings.py"],
    "policy/test_stage_types.py": ["pipeline/stage.py"],
    "routing/test_exemplars.py": ["routing/model.py", "routing/scoring.py"],
    "routing/test_router.py": ["routing/difficulty.py", "routing/semantic.py"],
    "stages/cache/test_similar.py": ["answers/look_up.py"],
    "stages/test_hydrate.py": ["documents/texts.py"],
    "stages/test_route.py": ["inference/routing.py"],
    "stages/test_redact.py": ["guards/redaction.py", "guards/structured.py"],
    "stages/test_authenticate.py": ["inference/principal.py"],
    "stages/test_close_exchange.py": ["inference/names.py", "metering/audit.py", "metering/events.py"],
    "stages/test_secret_guard.py": ["guards/secret_search.py"],
    "stores/test_memo.py": ["inference/memory.py"],
    "stores/test_accounts.py": ["stores/leases.py"],
    "stores/test_recovery.py": ["stores/segments.py"],
    "test_docs.py": ["policy/reference.py"],
    "testing/test_behaviour.py": ["testing/beside.py", "testing/cases.py", "testing/ports.py"],
    "upstreams/test_client.py": ["upstreams/call.py"],
    "upstreams/test_health.py": ["upstreams/replica_settings.py"],
    "upstreams/test_reuse.py": ["upstreams/pool.py"],
}
"""Source files without a test of their own, under the test that would fail with them."""

OF_A_ROOM = {
    "answers": ["faults", "tenants"],
    "dialects": ["finish", "judged_is_sent", "sdk_errors", "server_state", "wire_errors"],
    "dialects/openai": ["answers"],
    "pipeline": ["corpus", "judged_text", "properties", "scenarios", "scenarios_of_failure"],
    "policy": ["costs_mean_nothing", "default_policy", "guards_together", "newcomer"],
    "stages/cache": ["age", "headers"],
    "stores": ["full_disk", "killed_workers", "no_overspend"],
    "upstreams": ["canary", "faults", "outbound_safety", "reuse"],
}
"""Tests of what several files of a folder promise together."""


def below(folder: Path, pattern: str) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob(pattern)}


FILES = {name for name in below(SOURCES, "*.py") if Path(name).name not in {"__init__.py", "__main__.py"}}
ROOMS = {Path(name).parts[0] for name in FILES} - {name for name in FILES if "/" not in name}
MIRRORED = {name for name in below(TESTS, "test_*.py") if Path(name).parts[0] in ROOMS}


def source_of(test: str) -> str | None:
    """The source file that a test is named after: `stores/test_accounts_clocks.py` after `stores/accounts.py`."""
    path = Path(test)
    words = path.stem.removeprefix("test_").split("_")
    names = ["_".join(words[:count]) for count in range(len(words), 0, -1)]
    found = next((str(path.with_name(f"{name}.py")) for name in names if str(path.with_name(f"{name}.py")) in FILES), None)
    package = path.with_name("__init__.py")
    return str(package) if found is None and path.parent.name == names[-1] and (SOURCES / package).exists() else found


TESTED = {source_of(test) for test in MIRRORED}
LISTED = [source for sources in ELSEWHERE.values() for source in sources]


def test_every_source_file_has_a_test_or_is_listed():
    assert sorted(FILES - TESTED) == sorted(LISTED)


@pytest.mark.parametrize("test", ELSEWHERE)
def test_what_a_list_names_exists(test):
    assert (TESTS / test).exists()


def test_every_test_is_named_after_a_source_file_or_is_listed():
    lost = {test for test in MIRRORED if source_of(test) is None and not Path(test).name.startswith("test_attacks_")}

    assert sorted(lost) == sorted(f"{folder}/test_{name}.py" for folder, names in OF_A_ROOM.items() for name in names)
