"""Lines for the operator's log: one for each denial, failed guard and failed attempt, identical ones counted.

What an exchange shows here is what its audit line shows, shorter; never text of a prompt or an answer. A flood writes a bounded
number of lines: what is like a line of the last seconds is counted, and told when they are over.
"""

import logging

from outgate.inference.attempt import AttemptRecord
from outgate.inference.shown import shown, shown_method, shown_path
from outgate.metering.events import Closed
from outgate.metering.mends import mend

_log = logging.getLogger("outgate")
PERIOD = 10.0
"""Seconds between two calls of `flush`."""
_DISTRUST, _DISTRUSTS = "trust the proxy's certificate", "The client does not trust the proxy's certificate"
"""mitmproxy's words, where a client may not and where it does not trust the authority."""
_MOST = 64
"""Different lines in a period; what comes beyond them is counted together."""


class Notices:
    """`tell` when an exchange ends, `flush` once a period."""

    def __init__(self) -> None:
        self._more: dict[str, int] = {}
        self._beyond = 0

    def tell(self, exchange_id: str, closed: Closed) -> None:
        """Log what went wrong in an exchange, if anything did; at level info, how it ended."""
        if _log.isEnabledFor(logging.INFO):
            _log.info("%s id=%s", _ended(closed), exchange_id)
        failed = [attempt for attempt in closed.attempts if attempt.failure is not None]
        denial = closed.denial
        fatal = failed.pop() if failed and denial is not None and denial.code.startswith("upstream_") else None
        for attempt in failed:
            self._say(f"attempt failed: {_failure(attempt)}", f"workload={closed.workload} id={exchange_id}{_mend(attempt)}")
        if denial is not None:
            what = _denial(closed, f" of {_failure(fatal)}" if fatal is not None else "")
            said = _mend(fatal) if fatal is not None else ""
            self._say(what, f"{_asked(closed)} id={exchange_id}{said or f': {_printable(denial.message)}'}")
            return
        for guard, verdict in closed.verdicts.items():
            if verdict.reason:
                self._say(f"{guard} failed ({verdict.reason}), the request went on", f"workload={closed.workload} id={exchange_id}")

    def distrusted(self, workload: str, peer: str, destination: str, error: str) -> None:
        """Log that a client broke off the handshake of TLS, where mitmproxy's `error` says that it does not trust the certificate;
        where it only may not, of a known workload alone.
        """
        certain = error.startswith(_DISTRUSTS)
        if certain or (workload and _DISTRUST in error):
            who = f" workload={workload}" if workload else ""
            what = f"the client {'does' if certain else 'may'} not trust the gateway's authority,{who} for {destination or '-'}"
            mend = f"`outgate env {workload or 'NAME'}` says what it must set, `outgate ca show` which authority it is"
            self._say(_printable(what), f"client={peer}; to mend: {mend}")

    def flush(self) -> None:
        """Log how many more there were of each line, and begin a new period."""
        for what, count in self._more.items():
            if count:
                _log.warning("%s: %d more in %.0f s", what, count, PERIOD)
        if self._beyond:
            _log.warning("%d more denials and failures of other kinds in %.0f s", self._beyond, PERIOD)
        self._more.clear()
        self._beyond = 0

    def _say(self, what: str, about: str) -> None:
        if what in self._more:
            self._more[what] += 1
        elif len(self._more) < _MOST:
            self._more[what] = 0
            _log.warning("%s %s", what, about)
        else:
            self._beyond += 1


def _ended(closed: Closed) -> str:
    told = {
        "workload": closed.workload,
        "route": closed.route,
        "provider": closed.provider,
        "model": shown(closed.model, admitted=closed.admitted),
        "tokens": f"{closed.charge.tokens_in}+{closed.charge.tokens_out}" if closed.charge.tokens_in else "",
        "client": closed.peer,
    }
    words = (f"{name}={value}" for name, value in told.items() if value)
    return f"{closed.outcome} {closed.status or '-'} {' '.join(words)} seconds={closed.seconds:.3f}"


def _denial(closed: Closed, of: str) -> str:
    """`of` says which attempt it comes from: then it is no stage's."""
    denial = closed.denial
    assert denial is not None
    cause = f" ({denial.cause})" if denial.cause else ""
    who = f" workload={closed.workload}" if closed.workload else ""
    by, destination = of or f" by {denial.stage or 'the gateway'}", closed.destination or "-"
    return f"{'failed' if of else closed.outcome} {denial.status} {denial.code}{cause}{by}{who} for {destination}"


def _printable(message: str) -> str:
    """The denial's sentence on one line; it holds no more of the caller's words than `shown` lets it."""
    return "".join(each if each.isprintable() else "?" for each in message)


def _asked(closed: Closed) -> str:
    """The request line, who sent it and what model it names, so far as they are known."""
    assert closed.denial is not None
    told = {
        "model": shown(closed.model_requested),
        "presented": shown(closed.denial.presented),
        "client": closed.peer,
    }
    line = (shown_method(closed.method), shown_path(closed.path))
    return " ".join([*filter(None, line), *(f"{name}={value}" for name, value in told.items() if value)])


def _failure(attempt: AttemptRecord) -> str:
    """`connect.refused at vllm/10.0.0.9:8000`; the address too, where the endpoint has another name."""
    why = attempt.reason or attempt.failure
    status = f" {attempt.status}" if attempt.status is not None else ""
    address = f" ({attempt.address})" if attempt.address != attempt.endpoint else ""
    return f"{why}{status} at {attempt.backend}/{attempt.endpoint}{address}"


def _mend(attempt: AttemptRecord) -> str:
    told = mend(attempt.backend, attempt.failure or "", attempt.reason or "", attempt.credential)
    return f"; to mend: {told}" if told else ""
