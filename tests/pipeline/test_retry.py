from outgate.errors import FailureKind
from outgate.pipeline.compiler import compile_plan
from outgate.pipeline.retry import EVENTS
from pipeline.more_stages import SIGV4
from pipeline.standard import STANDARD, stage, swap


def _again(event, placements=STANDARD):
    return tuple(name for name, _ in compile_plan(placements).reruns[event])


def test_every_failure_is_an_event():
    assert {kind.value for kind in FailureKind} <= set(EVENTS)


def test_a_failed_endpoint_runs_the_picker_and_what_follows_from_it():
    for event in ("connect_failed", "tls_failed", "dns_failed", "reset_before_head", "timed_out", "server_error", "protocol_error"):
        assert ("pick_endpoint", "originate_tls", "dispatch") == _again(event)


def test_a_signed_request_is_signed_again_for_another_host():
    assert ("pick_endpoint", "originate_tls", "inject_credentials", "dispatch") == _again("connect_failed", swap(SIGV4))


def test_another_provider_runs_everything_that_depends_on_the_model_and_no_guard():
    again = _again("rate_limited")

    assert {"model_map", "authorize_model", "cache", "count_tokens", "token_budget", "pick_backend", "encode_request"} < set(again)
    assert not {"authenticate", "authorize", "prompt_guard", "redact"} & set(again)


def test_a_broken_stream_is_not_tried_again():
    assert () == _again("broken_stream")


def test_the_attempt_itself_is_repeated_where_nothing_depends_on_the_failure():
    placements = swap(stage("inject_credentials", "backend", "wire.auth"))

    assert (("dispatch", "the attempt failed"),) == compile_plan(placements).reruns["unauthorized"]


def test_a_stage_of_the_response_is_in_no_retry():
    assert all(name not in ("output_guard", "close_exchange") for event in EVENTS for name in _again(event))
