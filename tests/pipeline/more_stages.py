"""Stages that are not in the standard plan: guards of every kind, rewrites, and what hands text to third parties."""

from outgate.pipeline.contract import Effect, Judges, May, Release
from pipeline.standard import OUTPUT_GUARD, PROMPT_GUARD, RECORD, RESTORE, stage, vary

ROUTER = stage("router", "prompt", "model", cost=0.1)
DECORATOR = stage("decorator", "model prompt", "prompt", may=May.MUTATE, cost=0.1)
REMOTE_GUARD = stage(
    "remote_guard",
    "prompt",
    "verdict.remote_guard",
    judges=Judges.CLEAN,
    may=May.DENY,
    releases=Release.THIRD_PARTY,
    limit=1.0,
    cost=20.0,
    passes=0.9,
)
EMBED = stage("embed", "prompt", "", releases=Release.THIRD_PARTY, effect=Effect.IDEMPOTENT, cost=5.0)
REWRITE_PATH = stage("rewrite_path", "path headers", "path", may=May.MUTATE, cost=0.01)
REDACT_OUTPUT = stage(
    "redact_output", "r.stream", "r.stream verdict.out.redact_output", judges=Judges.CLEAN, may=May.MUTATE, cost=0.05
)
TOOL_POLICY = stage("tool_policy", "r.stream tools", "verdict.out.tool_policy", judges=Judges.RELEASED, may=May.DENY)
PASS = tuple(each._replace(streams=True) for each in (OUTPUT_GUARD, RECORD, RESTORE))
"""The stages of the answer as judges of one pass."""
CANNED = vary(PROMPT_GUARD, may=May.RESPOND)
GUARD_REDACTS = vary(PROMPT_GUARD, writes="prompt verdict.prompt_guard", may=May.MUTATE)
MODEL_GUARD = vary(PROMPT_GUARD, reads="prompt model", judges=Judges.CLEAN)
CLEAN_GUARD = stage("clean_guard", "prompt", "verdict.clean_guard", judges=Judges.CLEAN, may=May.DENY, cost=0.01)
SECRET_GUARD = stage("secret_guard", "prompt", "verdict.secret_guard", judges=Judges.RAW, may=May.DENY, cost=45.0, passes=0.5)
SIGV4 = stage(
    "inject_credentials", "backend wire.body wire.path wire.origination", "wire.auth", outside="credential.epoch", cost=0.01
)
