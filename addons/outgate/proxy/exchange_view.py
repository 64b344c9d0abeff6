"""The content view `outgate`: what became of a request, the way it took, and what left the machine.

It is made of plain values on the flow, so that saved flows keep it. None of them holds a credential: of a request that was sent it
keeps the body as it was judged, and the credential's name.
"""

import difflib
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from mitmproxy import contentviews, http

from outgate.exchange.exchange import Exchange
from outgate.pipeline.executor import Execution
from outgate.stores.accounts import ClosingLine

_WIDTH, _BAR = 78, 12
_MOST_LINES = 3000
"""Lines of a body beyond which it is not compared: the comparison takes the square of them."""
_LONGEST = 2000
"""Characters of a line that are shown."""
_MARKS = {"denied": ":no_entry:", "failed": ":warning:", "killed": ":scissors:", "client_gone": ":scissors:"}


def add_exchange_view() -> None:
    """Make ExchangeView known to mitmproxy."""
    contentviews.add(ExchangeView)


class ExchangeView(contentviews.Contentview):
    """The verdict in a sentence, the path through the stages, what was sent. Flows that have it show it before any other view."""

    name = "outgate"
    syntax_highlight = "none"

    def prettify(self, data: bytes, metadata: contentviews.Metadata) -> str:  # noqa: ARG002
        flow = metadata.flow
        seen = flow.metadata.get("outgate") if flow is not None else None
        asked = flow.request.raw_content or b"" if isinstance(flow, http.HTTPFlow) else b""
        return "no exchange\n" if seen is None else "".join(f"{line}\n" for line in _lines(seen, asked))

    def render_priority(self, data: bytes, metadata: contentviews.Metadata) -> float:  # noqa: ARG002
        return 100 if metadata.flow is not None and "outgate" in metadata.flow.metadata else -1


def sent_of(execution: Execution | None) -> dict[str, Any]:
    """What the last attempt sent, as values; empty where none did. For as long as the execution has its slots."""
    if execution is None or "dispatch" not in {ran.stage for ran in execution.trace}:
        return {}
    origination, endpoint, auth = (execution.get(name) for name in ("wire.origination", "endpoint", "wire.auth"))
    if origination is None or endpoint is None:
        return {}
    return {
        "method": execution.get("method"),
        "path": execution.get("wire.path"),
        "address": f"{endpoint.host}:{endpoint.port}",
        "host": origination.host,
        "sni": origination.sni,
        "fields": [[name, value] for name, value in execution.get("wire.headers") or ()],
        "credential": auth.whose if auth is not None else "none",
        "body": execution.get("wire.body") or b"",
    }


def record(flow: http.HTTPFlow, exchange: Exchange, sent: Mapping[str, Any]) -> None:
    """Keep what the exchange did on its flow, one line of it as the flow's comment, and a mark of its outcome."""
    execution, denial = exchange.execution, exchange.denial
    show(
        flow,
        {
            "request_id": exchange.id,
            "outcome": exchange.outcome or "denied",
            "denial": {"code": denial.code, "stage": denial.stage or "gateway", "message": denial.message} if denial else None,
            "stages": [
                [ran.stage, ran.verdict, round(ran.ns / 1000, 1), round(ran.ahead / 1000, 1)]
                for ran in (execution.trace if execution is not None else ())
            ],
            "line": _told(execution.get("line")) if execution is not None else {},
            "sent": dict(sent),
        },
    )


def record_refused(flow: http.HTTPFlow) -> None:
    """The same of a CONNECT that was refused, from the answer that its client has: no exchange ever began."""
    response = flow.response
    told: Any = {}
    if response is not None and response.headers.get("content-type", "").startswith("application/json"):
        told = orjson.loads(response.content or b"{}").get("error") or {}
    code = told.get("code") or (response.headers.get("x-outgate-reason", "refused") if response is not None else "refused")
    denial = {"code": code, "stage": "CONNECT", "message": told.get("message") or (response.reason if response else "")}
    request_id = response.headers.get("x-outgate-request-id", "") if response is not None else ""
    show(flow, {"request_id": request_id, "outcome": "denied", "denial": denial, "stages": [], "line": {}, "sent": {}})


def show(flow: http.HTTPFlow, seen: dict[str, Any]) -> None:
    """Put these values on a flow, with the comment and the mark that follow from them."""
    flow.metadata["outgate"] = seen
    flow.comment = _comment(seen)
    flow.marked = _MARKS.get(seen["outcome"], "")


def _told(line: ClosingLine | None) -> dict[str, Any]:
    """The closing line's record, as values. It holds no secret and no text of a prompt."""
    told = orjson.loads(line.record) if line is not None else {}
    return told if isinstance(told, dict) else {}


# -- sentences ----------------------------------------------------------------------------------------------------------------


def _comment(seen: Mapping[str, Any]) -> str:
    """`research · gpt-4o · 22+71 tokens · $0.0008 · redacted 1 EMAIL_ADDRESS`, or who denied what."""
    line, denial = seen["line"], seen["denial"]
    who = line.get("outgate.workload") or ""
    if denial is not None:
        rules = [match["rule"] for verdict in _guards(line).values() for match in verdict.get("matches", ())]
        why = ", ".join([denial["code"], *rules])
        return " · ".join(filter(None, [f"{seen['outcome'].upper()} {denial['stage']}: {why}", who]))
    outcome = "" if seen["outcome"] == "answered" else seen["outcome"].upper()
    return " · ".join(filter(None, [outcome, who, line.get("gen_ai.request.model"), *_figures(line)]))


def _figures(line: Mapping[str, Any]) -> Iterator[str]:
    tokens = [line.get(f"gen_ai.usage.{way}_tokens") for way in ("input", "output")]
    if any(count is not None for count in tokens):
        yield "+".join("?" if count is None else str(count) for count in tokens) + " tokens"
    if dollars := line.get("outgate.cost.usd"):
        yield f"${dollars}"
    elif dollars := line.get("outgate.cost.hold.usd"):
        yield f"at most ${dollars}"
    if line.get("outgate.source") == "cache":
        yield "from the cache"
    if replaced := _counts(line.get("outgate.redacted")):
        yield f"redacted {replaced}"


def _verdict(seen: Mapping[str, Any]) -> str:
    line, denial = seen["line"], seen["denial"]
    tries = len(line.get("outgate.attempts") or ())
    who = f" for {line['outgate.workload']}" if line.get("outgate.workload") else ""
    if denial is not None:
        after = f" after {tries} attempt{'s' * (tries > 1)}" if tries else "; nothing was sent"
        return f"{seen['outcome'].capitalize()}{who} by {denial['stage']}{after}: {denial['message']} ({denial['code']})"
    cached = line.get("outgate.source") == "cache"
    by = "from the cache" if cached else f"by {line.get('gen_ai.provider.name') or 'the gateway'}"
    model = f" with {line['gen_ai.request.model']}" if line.get("gen_ai.request.model") else ""
    spent = "".join(f", {each}" for each in _figures(line))
    took = f" in {line['outgate.seconds']:.3f} s" if line.get("outgate.seconds") is not None else ""
    status = f" ({line['http.response.status_code']})" if line.get("http.response.status_code") else ""
    return f"{seen['outcome'].capitalize()} {by}{model}{who}{took}{status}{spent}."


def _counts(counted: Mapping[str, int] | None) -> str:
    return ", ".join(f"{count} {name}" for name, count in (counted or {}).items())


def _guards(line: Mapping[str, Any]) -> dict[str, Any]:
    return line.get("outgate.verdicts") or {}


# -- the three blocks ---------------------------------------------------------------------------------------------------------


def _lines(seen: Mapping[str, Any], asked: bytes) -> Iterator[str]:
    yield "VERDICT"
    yield from textwrap.wrap(_verdict(seen), _WIDTH, initial_indent="  ", subsequent_indent="  ")
    yield f"  request {seen['request_id']}, route {seen['line'].get('outgate.route') or '-'}"
    if seen["stages"]:
        yield ""
        yield "PATH"
        yield from _path(seen)
    if seen["sent"]:
        yield ""
        yield "SENT"
        yield from _sent(seen["sent"], asked)
    yield ""
    yield "LINE"
    for name, value in seen["line"].items():
        if name not in _ALREADY_SAID and value not in (None, "", [], {}):
            yield from _entry(name, value, "  ")


def _entry(name: str, value: Any, indent: str) -> Iterator[str]:
    """A member of the closing line; one that has members itself, each in a line of its own."""
    if isinstance(value, dict) and len(indent) < 6:
        yield f"{indent}{name}:"
        for each, inner in value.items():
            yield from _entry(each, inner, indent + "  ")
    else:
        yield from textwrap.wrap(f"{name}: {_scalar(value)}", _WIDTH, initial_indent=indent, subsequent_indent=indent + "    ")


def _path(seen: Mapping[str, Any]) -> Iterator[str]:
    """Each stage with what it took and decided. An attempt begins a part of its own."""
    stages, line = seen["stages"], seen["line"]
    attempts = iter(line.get("outgate.attempts") or ())
    longest = max((micros for name, _, micros, _ in stages if name != "dispatch"), default=0) or 1
    for part in _parts(stages):
        heading = _attempt(next(attempts, {})) if part[-1][0] == "dispatch" else "in the gateway"
        yield f"  {heading}"
        for name, verdict, micros, ahead in part:
            bar = "" if name == "dispatch" else "▇" * round(_BAR * micros / longest)
            beside = f" ({ahead:.0f} beside others)" if ahead else ""
            told = " ".join(filter(None, ["" if verdict == "ok" else verdict, _decided(name, seen)]))
            yield f"    {name:<18} {micros:>9.0f} µs  {bar:<{_BAR}}  {told}{beside}".rstrip()


def _parts(stages: Sequence[Any]) -> Iterator[list[Any]]:
    part: list[Any] = []
    for each in stages:
        part.append(each)
        if each[0] == "dispatch":
            yield part
            part = []
    if part:
        yield part


def _attempt(told: Mapping[str, Any]) -> str:
    where = ", ".join(filter(None, [told.get("backend"), told.get("endpoint")])) or "?"
    what = told.get("failure") or told.get("status") or "no answer"
    return f"attempt {told.get('number', '')}: {where}: {what}" + (f"; next: {told['followed']}" if told.get("followed") else "")


def _decided(stage: str, seen: Mapping[str, Any]) -> str:
    """What a stage decided, from the closing line."""
    line, denial = seen["line"], seen["denial"]
    guard = _guards(line).get(stage) or {}
    rules = ", ".join(match["rule"] for match in guard.get("matches", ()))
    if denial is not None and denial["stage"] == stage:
        return ": ".join(filter(None, [denial["code"], rules]))
    if guard:
        return ": ".join(filter(None, [guard["action"], rules]))
    told = line.get(_DECIDED.get(stage, ""))
    if stage == "count_tokens" and told is None and (bound := line.get("outgate.tokens.at_most")):
        return f"at most {bound}"
    return "" if told is None else _counts(told) if isinstance(told, dict) else str(told)


_DECIDED = {
    "authenticate": "outgate.workload",
    "model_map": "gen_ai.request.model",
    "pick_backend": "outgate.backend",
    "pick_endpoint": "outgate.endpoint",
    "count_tokens": "outgate.tokens.counted",
    "redact": "outgate.redacted",
    "inject_credentials": "outgate.credential",
}


def _sent(sent: Mapping[str, Any], asked: bytes) -> Iterator[str]:
    yield f"  {sent['method']} {sent['path']}"
    yield f"  Host {sent['host']}, SNI {sent['sni'] or 'none, in plain text'}, dialled {sent['address']}"
    yield f"  credential: {sent['credential']}"
    for name, value in sent["fields"]:
        yield f"  {name}: {value}"[:_WIDTH]
    body: bytes = sent["body"]
    if body == asked:
        yield f"  body: {len(body)} bytes, as its client sent it"
        return
    before, after = _pretty(asked), _pretty(body)
    yield f"  body: {len(body)} bytes, of {len(asked)} that its client sent"
    if max(len(before), len(after)) > _MOST_LINES:
        yield "  too long to be compared here"
        return
    for line in list(difflib.unified_diff(before, after, "", "", lineterm="", n=1))[2:]:
        yield from textwrap.wrap(
            line[:_LONGEST], _WIDTH, initial_indent="    ", subsequent_indent=f"    {line[0]}       ", drop_whitespace=False
        )


def _pretty(body: bytes) -> list[str]:
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode().splitlines()
    except ValueError:
        return body.decode("utf-8", "replace").splitlines()


_ALREADY_SAID = frozenset(
    {
        *("outcome", "outgate.denial.code", "outgate.denial.stage", "outgate.stages", "outgate.attempts", "outgate.seconds"),
        "outgate.route",
    }
)


def _scalar(value: Any) -> str:
    """JSON is YAML."""
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
