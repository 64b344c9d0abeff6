"""Find all that a policy has redacted: structured kinds, names, and what it names itself. Its settings are those of `redact`."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, Protocol, Self

from pydantic import Field, StringConstraints, model_validator

from outgate.detectors.finding import Finding, disjoint
from outgate.detectors.guard_settings import refuse_unknown
from outgate.detectors.names.kinds import NAMES, PERSON
from outgate.detectors.pii.finders import ENTITIES, kinds
from outgate.detectors.pii.national_ids import LANGUAGES
from outgate.detectors.pii.placeholders import WRITTEN, Mode
from outgate.detectors.pii.synthetic import SYNTHETIC
from outgate.detectors.regex_engines import Linear
from outgate.guards.custom import LISTED, Custom
from outgate.guards.mentions import mentioned
from outgate.guards.named import Named
from outgate.guards.structured import Found, Structured
from outgate.inference.names import ProviderName
from outgate.inference.principal import Principal
from outgate.inference.prompt import Prompt
from outgate.model_server.client import ModelClient
from outgate.pipeline.stage import TimedSettings
from outgate.stores.memo import Memo

type Entity = Literal[
    "CREDIT_CARD",
    "EMAIL_ADDRESS",
    "PHONE_NUMBER",
    "IBAN_CODE",
    "US_SSN",
    "IP_ADDRESS",
    "NATIONAL_ID",
    "PERSON",
    "LOCATION",
    "POSTAL_CODE",
    "ORGANIZATION",
]
type Language = Literal["en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "uk", "el", "zh", "ja", "ko", "ar"]
type Kind = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,39}$")]
type Word = Annotated[str, StringConstraints(min_length=2, max_length=200, strip_whitespace=True)]


class RedactSettings(TimedSettings):
    """Which personal data never leaves, and how long finding it may take."""

    entities: tuple[Entity, ...] = ENTITIES  # type: ignore[assignment]
    """What is replaced, by presidio's names. `PERSON`, `LOCATION` (with street addresses) and `POSTAL_CODE` are found by a model;
    it errs and costs 45 to 75 ms for 200 new words; `ORGANIZATION` only where a legal form or a word (Bank) gives one away."""
    languages: tuple[Language, ...] = Field(default=LANGUAGES, min_length=1)  # type: ignore[arg-type]
    """Whose words and forms count for telephone numbers without a calling code and for numbers of persons (`NATIONAL_ID`). Of the
    last seven none are known, and the model of names hardly reads their scripts: `outgate check` warns."""
    names_in: Literal["prose", "values"] = "prose"
    """Where names are looked for: in lines of prose, or in comments and quoted strings of code, logs and JSON too."""
    mentions: bool = True
    """Replace a full name that was found wherever else it stands in the request, in any case and in code, by one placeholder."""
    patterns: dict[Kind, str] = Field(default={}, max_length=50, examples=[{"EMPLOYEE": "E-[0-9]{6}"}])
    """Kinds of your own: what matches an expression in RE2's syntax, in normalised text, is replaced."""
    deny_list: tuple[Word, ...] = Field(default=(), max_length=1_000)
    """Words and phrases that are replaced, as the kind `DENY_LIST`: whole words, in any case."""
    allow_list: tuple[Word, ...] = Field(default=(), max_length=1_000)
    """Values that are never replaced, in any case: the name of your own company or its public address."""
    modes: dict[Kind, Mode] = Field(default={}, examples=[{"CREDIT_CARD": "mask", "EMPLOYEE": "deny"}])
    """What becomes of a kind. `placeholder` comes back in the answer; so does `synthetic`, an invented value of the same kind
    and form (a name, a number that nobody has). `mask` leaves the last four characters; `hash` is a keyed digest, the same for the
    same value; neither of these comes back. `deny` refuses the request."""
    raw_to: tuple[ProviderName, ...] = ()
    """Providers that get the text as it came: a model in the cluster. All others get it redacted, the one that a request falls back
    on too: then redaction runs for that attempt. No stage may hand the text to a third party as redacted."""
    limit: Annotated[float, Field(gt=0)] = 30.0
    """Seconds after which the stage counts as failed; what was judged until then is remembered."""
    scope: Literal["workload", "conversation"] = "workload"
    """Where the same value has the same placeholder, and a provider can tell that it is the same: in all requests of a workload, or
    only in those that begin with the same message of a user."""
    rotation: Annotated[int, Field(ge=0)] = 0
    """Raise it, and every value has another placeholder from then on. What providers have cached of conversations is lost."""

    @model_validator(mode="after")
    def _own(self) -> Self:
        known = (*ENTITIES, *NAMES, *self.patterns, LISTED)
        for kind in self.modes:
            refuse_unknown("kind", kind, known)
            if self.modes[kind] == "synthetic" and kind not in SYNTHETIC:
                raise ValueError(f"`{kind}` cannot be `synthetic`: that is for {', '.join(sorted(SYNTHETIC))}")
        for kind, pattern in self.patterns.items():
            if kind in (*ENTITIES, *NAMES, LISTED):
                raise ValueError(f"`{kind}` is a kind already: give the pattern another name")
            Linear(pattern, any_case=False, utf8=True)
        return self


class Finder(Protocol):
    """What finds some kinds in a prompt."""

    async def findings(self, prompt: Prompt, principal: Principal) -> Found: ...


class Redaction:
    """Finds what the settings name. `asks` are the models that it needs."""

    def __init__(self, settings: RedactSettings, models: ModelClient, memo: Memo) -> None:
        known = tuple(language for language in settings.languages if language in LANGUAGES)
        structured = kinds(sorted(kind for kind in settings.entities if kind in ENTITIES), known)
        names = tuple(sorted(kind for kind in settings.entities if kind in NAMES))
        self.asks = tuple((model, kinds) for model, kinds in (("pii", structured), ("ner", names)) if kinds)
        self._mentions = settings.mentions and PERSON in names
        self._allowed = frozenset(word.casefold() for word in settings.allow_list)
        self._finders: list[Finder] = [Structured(models, memo, structured)] if structured else []
        if names:
            self._finders.append(Named(models, memo, names, values=settings.names_in == "values"))
        if settings.patterns or settings.deny_list:
            self._finders.append(Custom(memo, settings.patterns, settings.deny_list))

    async def findings(self, prompt: Prompt, principal: Principal) -> Found:
        """What every finder found, one after the other."""
        found: dict[int, tuple[Finding, ...]] = {}
        for finder in self._finders:
            for leaf, some in (await finder.findings(prompt, principal)).items():
                found[leaf] = disjoint((*found.get(leaf, ()), *_whole(prompt.leaves[leaf].text, some)))
        if self._mentions and found:
            found = mentioned(prompt.leaves, found)
        return self._without_allowed(prompt, found) if self._allowed else found

    def _without_allowed(self, prompt: Prompt, found: Mapping[int, tuple[Finding, ...]]) -> Found:
        kept = {
            leaf: tuple(one for one in some if prompt.leaves[leaf].text[one.start : one.end].casefold() not in self._allowed)
            for leaf, some in found.items()
        }
        return {leaf: some for leaf, some in kept.items() if some}


def _whole(text: str, findings: Iterable[Finding]) -> Iterable[Finding]:
    """Findings that cut no placeholder of another stage: what is left of one that was cut never comes back."""
    written = [spot.span() for spot in WRITTEN.finditer(text)]
    return [one for one in findings if not any(_cuts(one, *span) for span in written)]


def _cuts(one: Finding, start: int, end: int) -> bool:
    return one.start < end and start < one.end and not (one.start <= start and end <= one.end)
