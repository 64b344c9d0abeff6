"""Report of the bench: ratios to stock in the same run, against the goals, as a table and as JSON."""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from bench.suites import Samples

STOCK, STREAMING, EMPTY, PLAN, FULL, DIRECT = "stock", "stock stream=True", "empty plan", "plan", "plan + redaction", "direct"
REDACTION, BARE = "redaction without guard", "mitmproxy, 6 addons"
UNCACHED, SIMILAR, FULL_SIMILAR, ROUTING = "plan without cache", "plan + similar", "every stage + similar", "plan + route"


class Goal(NamedTuple):
    """A figure's most, what it is, and its least."""

    most: float | None
    meaning: str
    least: float | None = None

    def judged(self, value: float) -> tuple[str, str]:
        """The goal, and whether a value meets it; both empty where there is none."""
        if self.most is None and self.least is None:
            return "", ""
        if self.least is not None:
            return f">= {self.least:g}", "ok" if value >= self.least else "UNDER"
        return f"<= {self.most:g}", "ok" if value <= (self.most or 0.0) else "OVER"


GOALS = {
    "keepalive_empty": Goal(0.50, "CPU per 2 KB request, empty plan ÷ stock"),
    "keepalive_plan": Goal(0.65, "the same, every stage but redaction"),
    "keepalive_plan_bare": Goal(None, "the same, every stage but redaction ÷ mitmproxy with six addons"),
    "keepalive_full": Goal(None, "the same, redaction too (worker)"),
    "newconn_empty": Goal(0.45, "CPU per request on a connection of its own, empty plan ÷ stock"),
    "body64k": Goal(1.0, "CPU per 64 KB of new text, every stage but redaction ÷ stock"),
    "body64k_full": Goal(None, "the same, redaction too (worker)"),
    "known64k": Goal(0.85, "CPU per request of 64 KB judged before and a new message, every stage but redaction ÷ stock"),
    "sse_empty": Goal(1.1, "CPU per stream of 100 events at 20 ms, 20 streams, empty plan ÷ stock with stream=True"),
    "sse_plan": Goal(1.6, "the same, every stage but redaction"),
    "burst_empty": Goal(0.6, "CPU per stream of 100 events at once, empty plan ÷ stock with stream=True"),
    "burst_plan": Goal(0.6, "the same, every stage but redaction"),
    "ttft_added_ms": Goal(4.0, "time to the first event, p50, plan - direct"),
    "gap_p99_added_ms": Goal(5.0, "gap between events, p99, plan - direct"),
    "agent_first_ms": Goal(None, "CPU that the plan adds to an agent's first turn of 400 KB"),
    "agent_turn_ms": Goal(20.0, "the same, of its next turn: 400 KB judged before + 1 KB new"),
    "conversation_first_ms": Goal(
        400.0, "time to the first event of an agent's conversation that begins with 150 KB, every stage on"
    ),
    "conversation_later": Goal(2.0, "time to the first event of its later turns, every stage on ÷ empty plan"),
    "conversation_cpu": Goal(1.6, "CPU of its turns, every stage on, worker and model server ÷ stock with stream=True"),
    "new_text_ms": Goal(None, "the longest that one of 16 clients waits, each with 64 KB of new prose, every stage on"),
    "rss_empty_mb": Goal(120.0, "memory of a worker, empty plan"),
    "rss_plan_mb": Goal(230.0, "memory of a worker, every stage on"),
    "tree_rss_mb": Goal(None, "memory of the whole gateway, every stage on: worker, supervisor, model server"),
    "tree_pss_mb": Goal(None, "the same, shared pages counted once"),
    "rss_encoder_mb": Goal(350.0, "memory of the encoder"),
    "growth_mb": Goal(1.0, "what 10,000 requests more add to a worker after warm-up"),
    "open_stream_kb": Goal(300.0, "memory of an open stream with a 100 KB prompt"),
    "redaction_worker_ms": Goal(None, "what redaction adds to a 2 KB request, in the worker"),
    "redaction_encoder_ms": Goal(None, "the same, in the encoder"),
    "exact_hit_ms": Goal(10.0, "exact hit, whole answer, p50, one client, every stage on, 2 workers"),
    "similar_hit_ms": Goal(45.0, "the same, similar hit"),
    "similar_hit_full_ms": Goal(45.0, "the same, similar hit among 100,000 entries of one partition, after a restart"),
    "forwarded_ms": Goal(None, "the same, forwarded: look-up, and nothing found"),
    "exact_hit_cpu": Goal(0.8, "worker CPU of an exact hit ÷ the same requests forwarded by the plan without its cache"),
    "miss_cpu": Goal(1.1, "worker CPU of a miss with `similar` on ÷ without, every stage but redaction"),
    "miss_full_cpu": Goal(1.1, "the same, every stage on"),
    "look_up_ms": Goal(0.3, "CPU in a worker of both look-ups at 100,000 entries: the file by key, the question by socket"),
    "look_up_file_ms": Goal(None, "of it, the file by a key that it does not hold"),
    "look_up_hit_ms": Goal(None, "the file by a key that it holds: 2 KB read and unpacked"),
    "embed_ms": Goal(6.0, "embedding of 50 tokens, one at a time, over the socket"),
    "embed_together": Goal(None, "32 embeddings of 50 tokens, one by one ÷ together, wall time", least=1.5),
    "embed_together_short": Goal(None, "the same, of 17 tokens"),
    "verifier_ms": Goal(25.0, "the verifier, a pair of written questions"),
    "stored_mb": Goal(300.0, "memory that 100,000 entries add: shared pages in parts, all processes, what workers remember too"),
    "restart_exact_s": Goal(5.0, "from the start of the process with 100,000 entries to the first exact hit"),
    "restart_similar_s": Goal(None, "the same, to the first similar hit"),
    "route_worker_ms": Goal(None, "worker CPU that choosing a model adds to a request, semantic rule and difficulty"),
    "route_model_server_ms": Goal(None, "the same, CPU of the model server"),
    "route_ms": Goal(None, "time that choosing a model adds to a request, p50, one client"),
}


def figures(samples: Samples, encoder_rss: float) -> dict[str, float]:
    """Every figure of GOALS."""
    return {
        "keepalive_empty": samples.ratio("keepalive", EMPTY, STOCK),
        "keepalive_plan": samples.ratio("keepalive", PLAN, STOCK),
        "keepalive_plan_bare": samples.ratio("keepalive", PLAN, BARE),
        "keepalive_full": samples.ratio("keepalive", FULL, STOCK),
        "newconn_empty": samples.ratio("newconn", EMPTY, STOCK),
        "body64k": samples.ratio("body64k", PLAN, STOCK),
        "body64k_full": samples.ratio("body64k", FULL, STOCK),
        "known64k": samples.ratio("known64k", PLAN, STOCK),
        "sse_empty": samples.ratio("sse", EMPTY, STREAMING),
        "sse_plan": samples.ratio("sse", PLAN, STREAMING),
        "burst_empty": samples.ratio("burst", EMPTY, STREAMING),
        "burst_plan": samples.ratio("burst", PLAN, STREAMING),
        "ttft_added_ms": samples.added("ttft", PLAN, DIRECT),
        "gap_p99_added_ms": samples.added("gap_p99", PLAN, DIRECT),
        "agent_first_ms": samples.added("agent.first", PLAN, EMPTY),
        "agent_turn_ms": samples.added("agent", PLAN, EMPTY),
        "conversation_first_ms": samples.median("conversation.first_event.first", FULL),
        "conversation_later": samples.ratio("conversation.first_event.later", FULL, EMPTY),
        "conversation_cpu": samples.ratio("conversation.cpu.later", FULL, STREAMING),
        "new_text_ms": samples.median("newtext.longest", FULL),
        "rss_empty_mb": samples.median("rss", EMPTY),
        "rss_plan_mb": samples.median("rss", FULL),
        "tree_rss_mb": samples.median("tree_rss", FULL),
        "tree_pss_mb": samples.median("tree_pss", FULL),
        "rss_encoder_mb": encoder_rss,
        "growth_mb": max(samples.median("growth", EMPTY), samples.median("growth", PLAN)),
        "open_stream_kb": samples.median("open_stream", PLAN),
        "redaction_worker_ms": samples.added("keepalive", FULL, PLAN),
        "redaction_encoder_ms": samples.median("keepalive.encoder", FULL),
    }


def table(values: dict[str, float]) -> str:
    lines = [f"{'figure':<22} {'value':>8}  {'goal':>8}       meaning"]
    for name, value in values.items():
        goal = GOALS[name]
        bound, mark = goal.judged(value)
        lines.append(f"{name:<22} {value:>8.2f}  {bound:>8} {mark:<5} {goal.meaning}")
    return "\n".join(lines)


def absolute(samples: Samples) -> dict[str, dict[str, float]]:
    """The medians behind the ratios: suite -> subject -> value."""
    medians: dict[str, dict[str, float]] = {}
    for suite, subject in samples.values:
        medians.setdefault(suite, {})[subject] = round(samples.median(suite, subject), 4)
    return medians


def write(path: Path, values: dict[str, float], samples: Samples, repetitions: int) -> None:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    report = {
        **{name: round(value, 3) for name, value in values.items()},
        "repetitions": repetitions,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": commit,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "medians": absolute(samples),
    }
    path.write_text(json.dumps(report, indent=1) + "\n")
