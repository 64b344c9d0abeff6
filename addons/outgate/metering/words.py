"""Say in words what a closing line says: one screen for a request, one for a text that a guard found. Never a piece of text."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from outgate.metering.mends import mend_of

type Line = Mapping[str, Any]

_WIDTH = 10
_ACTIONS = {"denied": "refused", "answered": "answered with a fixed text", "withheld": "withheld, a sentence stood in its place",
            "flagged": "written down only, and sent as it was"}  # fmt: skip

_STOOD = {
    "not_listed": "no other attempt, `retry.on` of the route does not list this failure",
    "attempts": "no other attempt, that was the last of `retry.attempts`",
    "sent": "no other attempt, the provider may have it already (`retry: {sent: true}` allows one)",
    "refreshed": "no other attempt, there is no other key",
    "budget": "no other attempt, too many are being made already (`retry.budget`)",
    "nowhere": "no other attempt, there is no other place",
}
"""Why a failure stood (`Why` of the retry policy); other words say where the next attempt went."""


_STATES = {
    "pool_tripped": "its pool has tripped: all its replicas failed or are down",
    "pool_crowded": "its pool is too full for this caller",
    "replica_ejected": "ejected after failures, or down",
    "key_rests": "it rests: its quota is spent",
    "key_refused": "the provider refused it",
}
"""Why something was passed over (`PassedOver.code`)."""


class Budget(NamedTuple):
    """What is left of a budget of a request."""

    name: str
    left: int
    tokens: int


def request_in_words(line: Line, budgets: Sequence[Budget], permit: str = "", meant: str = "") -> list[str]:
    """One exchange: who, what, what was found and done, what it cost; `permit` would let it pass, `meant` is a name instead."""
    revision = line.get("outgate.policy.revision")
    rows = [
        ("who", who(line)),
        ("asked", _asked(line)),
        ("dialects", _translated(line)),
        ("route", _joined(line.get("outgate.route"), f"policy revision {revision}" if revision else "")),
        ("routed", _routed(line)),
        ("refused", _refused(line)),
        ("meant", meant),
        ("to allow", f"else {permit}" if meant and permit else permit),
        ("counted", _counted(line)),
        *(("found", each) for each in _found(line)),
        *(("redacted", each) for each in _redacted(line)),
        *(("cache", _cached(each)) for each in line.get("outgate.cache") or ()),
        *(("attempt", each) for each in _attempts(line)),
        *(("to mend", each) for each in _mends(line)),
        ("tokens", _tokens(line)),
        ("cost", _cost(line)),
        *(("asked of", each) for each in _spent(line)),
        *(("budget", f"{each.name}: {each.left:,} of {each.tokens:,} tokens left") for each in budgets),
    ]
    status = line.get("http.response.status_code")
    head = f"{line.get('id')}: {line.get('outcome')}" + (f" with {status}" if status else "")
    return [f"{head}, {_moment(line)}, after {line.get('outgate.seconds', 0):.3f} s", *_table(rows)]


def text_in_words(digest: str, lines: Sequence[Line]) -> list[str]:
    """One text: which rules matched it where, what became of it, when and how often."""
    spoken = [(line, match) for line in lines for match in _matches(line) if match.get("text") == digest]
    requests = {str(line.get("id")): line for line, _ in spoken}
    times = sorted(float(line.get("time", 0)) for line in requests.values())
    by: dict[str, set[str]] = {}
    for line, match in spoken:
        by.setdefault(f"{match.get('rule')} in {match.get('channel')}: {_ACTIONS.get(match.get('action', ''))}", set()).add(
            str(line.get("id"))
        )
    latest = max(requests.values(), key=lambda line: float(line.get("time", 0)))
    rows = [
        ("whose", who(latest)),
        *(("found", f"{what} ({len(which)} {plural('request', len(which))})") for what, which in sorted(by.items())),
        ("first", _time(times[0])),
        ("last", f"{_time(times[-1])}, request {latest.get('id')}"),
    ]
    return [f"{digest}: a text in {len(requests)} {plural('request', len(requests))}", *_table(rows)]


def verdicts(line: Line) -> Iterator[tuple[str, Line]]:
    """Guards and what each said; what has not that form is passed over, so that a broken line costs no other."""
    said = line.get("outgate.verdicts")
    for guard, verdict in said.items() if isinstance(said, Mapping) else ():
        if isinstance(verdict, Mapping):
            yield guard, verdict


def entries(verdict: Line, name: str, *needed: str) -> list[Line]:
    """The objects of a list in a verdict that have these members as text or number; others are passed over."""
    told = verdict.get(name)
    found = (each for each in told if isinstance(each, Mapping)) if isinstance(told, list) else ()
    return [each for each in found if all(isinstance(each.get(member), str | int) for member in needed)]


def _table(rows: Sequence[tuple[str, str]]) -> list[str]:
    return [f"  {name:<{_WIDTH}}{text}" for name, text in rows if text]


def who(line: Line) -> str:
    """The workload, or the name that a stranger gave, its tenant, and where it called from."""
    tenant, peer = line.get("outgate.tenant"), line.get("client.address")
    return _joined(caller(line), f"of tenant {tenant}" if tenant else "", f"from {peer}" if peer else "")


def caller(line: Line) -> str:
    """The workload, or what is known of a stranger."""
    if line.get("outgate.workload"):
        return str(line["outgate.workload"])
    given = line.get("presented.name")
    if given and line.get("outgate.denial.cause") == "expired token":
        return f"a token of {given!r} that has expired"
    return f"nobody known, as {given!r}" if given else "nobody known"


def _asked(line: Line) -> str:
    asked, model = line.get("outgate.model.requested"), line.get("gen_ai.request.model")
    called = f"called as {model}" if model and model != asked else ""
    if called and line.get("gen_ai.provider.name"):
        called += f" of {line['gen_ai.provider.name']}"
    to = f"{line.get('http.request.method') or ''} {line.get('url.path') or ''}".strip()
    return _joined(
        line.get("gen_ai.operation.name") or "", to, f"at {line.get('server.address')}" if line.get("server.address") else "",
        f"model {asked}" if asked else "", called,
        f"answered from the {line['outgate.source']}" if line.get("outgate.source") in ("cache", "gateway") else "",
    )  # fmt: skip


def _translated(line: Line) -> str:
    told = line.get("outgate.translation")
    if not isinstance(told, Mapping):
        return ""
    lost = ", ".join(map(str, told.get("lost") or ()))
    return f"from {told.get('source')} to {told.get('target')}" + (f", without {lost}" if lost else "")


def _cached(status: Mapping[str, Any]) -> str:
    """`similar: hit, 12 s old, similarity 0.957, verifier 0.998, stored by req_…; outgate cache ls --request req_…`."""
    reason = ": ".join(filter(None, (status.get("reason"), ", ".join(status.get("checks", ())))))
    result = f"{status.get('tier')}: {status.get('result')}" + (f" ({reason})" if reason else "")
    near = (("similarity", "similarity"), ("verifier", "score"), ("needed was", "needed"))
    entry = status.get("entry")
    return _joined(
        result,
        f"{status['age']:.0f} s old" if "age" in status else "",
        *(f"{word} {status[name]:.3f}" for word, name in near if name in status),
        f"stored by {entry}; outgate cache ls --request {entry}" if entry else "",
    )


def _routed(line: Line) -> str:
    routing = line.get("outgate.routing")
    if not routing:
        return ""
    near = "; ".join(
        f"{each['similarity']:.2f} {'/'.join(filter(None, (each['name'], each['topic'])))} {each['phrase']!r}"
        for each in routing.get("nearest", ())
    )
    score = f"score {routing['score']:.2f}" if routing.get("score") is not None else ""
    rule = f"rule {routing['rule']}" if routing.get("rule") else ""
    return _joined(f"to {routing['name'] or 'nothing'} by {routing['method']}", rule, score, f"near {near}" if near else "")


def _refused(line: Line) -> str:
    code, stage = line.get("outgate.denial.code"), line.get("outgate.denial.stage")
    if not code:
        return ""
    return _joined(f"{code}" + (f" by {stage}" if stage else ""), line.get("outgate.denial.cause") or "")


def _counted(line: Line) -> str:
    number, first = line.get("outgate.refusals"), line.get("outgate.refusals.like")
    return f"the last of {number}" + (f" like {first}" if first else ", of many kinds") + ", in one second" if number else ""


def _found(line: Line) -> Iterator[str]:
    for guard, verdict in verdicts(line):
        for match in entries(verdict, "matches"):
            where = f" in {match['channel']}" if match.get("channel") else ""
            became = _ACTIONS.get(match.get("action", ""), verdict.get("action"))
            times = f" {match['count']} times" if match.get("count", 1) > 1 else ""
            text = f"; outgate why {match['text']}" if match.get("text") else ""
            yield f"{match.get('rule')}{where}{times}, by {guard}: {became}{text}"
        reason = f" ({verdict['reason']})" if verdict.get("reason") else ""
        if verdict.get("action") == "failed":
            yield f"{guard} failed{reason}, and read nothing to its end"
        elif reason:
            yield f"{guard} went on without its model{reason}"
        unread = ", ".join(f"{each['count']} {each['kind']}" for each in entries(verdict, "unjudged", "kind", "count"))
        if unread and verdict.get("action") == "denied":
            yield f"{guard} did not read: {unread}"


def _redacted(line: Line) -> Iterator[str]:
    counts = line.get("outgate.redacted")
    if isinstance(counts, Mapping) and counts:
        yield ", ".join(f"{count} {entity}" for entity, count in sorted(counts.items()))


def _attempts(line: Line) -> Iterator[str]:
    for each in line.get("outgate.attempts") or ():
        reason = f" ({each['phase']}: {each['reason']})" if each.get("reason") else ""
        how = each.get("failure") or each.get("status")
        waited = f" after {each['waited']:.3f} s" if each.get("waited") else ""
        then = each.get("followed")
        followed = f"; then: {_STOOD.get(then, then)}{waited}" if then else ""
        passed = "".join(f"; not asked: {_target(target)} ({target.get('code')})" for target in each.get("not_asked") or ())
        passed += "".join(f"; passed over: {_passed_over(it)}" for it in each.get("passed_over") or ())
        yield f"{each['number']}: {each['backend']} at {each['endpoint']}, {how}{reason}, {each['seconds']:.3f} s{passed}{followed}"


def _passed_over(told: Line) -> str:
    code = str(told.get("code"))
    return f"{told.get('what')} ({_STATES.get(code, code)})"


def _mends(line: Line) -> Iterator[str]:
    """What to look at, once for each reason for which an attempt failed."""
    told = (mend_of(each) for each in line.get("outgate.attempts") or () if each.get("failure"))
    yield from filter(None, dict.fromkeys(told))


def _target(target: Line) -> str:
    return "/".join(filter(None, (target.get("provider"), target.get("model"))))


def _tokens(line: Line) -> str:
    into, out, basis = (line.get(f"outgate.charged{name}") for name in (".input_tokens", ".output_tokens", ""))
    return f"{into:,} in, {out:,} out, {basis}" if into or out else ""


def _cost(line: Line) -> str:
    spent, held = line.get("outgate.cost.usd"), line.get("outgate.cost.hold.usd")
    return _joined(f"{spent} US dollars" if spent else "", f"at most {held} US dollars more" if held else "")


def _spent(line: Line) -> Iterator[str]:
    """`external_guard: 2 questions, 310 characters, 41.2 ms, 0.0004 US dollars`."""
    for stage, each in (line.get("outgate.spent") or {}).items():
        cost = f"{each['cost.usd']} US dollars" if "cost.usd" in each else ""
        asked = f"{each['asked']} {plural('question', each['asked'])}"
        yield f"{stage}: " + _joined(asked, f"{each['characters']:,} characters", f"{each['ms']:.1f} ms", cost)


def _matches(line: Line) -> Iterator[Mapping[str, Any]]:
    for _, verdict in verdicts(line):
        yield from entries(verdict, "matches")


def _moment(line: Line) -> str:
    return _time(float(line.get("time", 0)))


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _joined(*parts: Any) -> str:
    return ", ".join(str(part) for part in parts if part)


def plural(noun: str, count: int) -> str:
    """The noun after this number."""
    return noun if count == 1 else f"{noun}s"
