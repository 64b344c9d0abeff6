"""Settings of what workloads present to a provider: placeholders, and tokens of their own. They stand in its section."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from outgate.identity.access import Who
from outgate.pipeline.stage import Settings
from outgate.policy.credential_settings import CredentialSection
from outgate.upstreams.bindings import Holders, PassThrough, Placeholder, Scope
from outgate.upstreams.fields import HOP_BY_HOP

MARK = "placeholder"
"""What the text of every placeholder holds, so that whoever finds one knows what it is."""
_FRAMING = HOP_BY_HOP | {"content-encoding", "content-length", "content-type", "expect", "host"}

type PlaceholderName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"),
    Field(description="a name of letters, digits, dots, dashes and underscores", examples=["git"]),
]
type PlaceholderText = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_-]*placeholder[A-Za-z0-9_-]*$", min_length=24, max_length=256),
    Field(description="what `outgate placeholder` prints: letters, digits, dashes and underscores, `placeholder` among them"),
]
type FieldName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9!#$%&'*+.^_`|~-]+$", max_length=100), Field(examples=["private-token"])
]
type Parameter = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]+$", max_length=100), Field(examples=["access_token"])]
type Method = Annotated[str, StringConstraints(pattern=r"^[A-Z]+$"), Field(description="a method in upper case", examples=["POST"])]
type Pattern = Annotated[
    str, StringConstraints(min_length=1, max_length=512), Field(description="a path or pattern", examples=["/acme/**"])
]


class ScopeSection(Settings):
    """Requests by method and path."""

    methods: tuple[Method, ...] = ()
    """Request methods; all, where none is named."""
    paths: tuple[Pattern, ...] = ("**",)
    """Paths without query, as they are sent: `*` stands for anything but a slash, `**` for anything."""

    def scope(self) -> Scope:
        return Scope(self.methods, self.paths)


class StandsInSection(Settings):
    """Where in a request a placeholder may stand. In a head, anywhere else it is refused."""

    headers: tuple[FieldName, ...] = ("authorization",)
    """Header fields, lower case, which go on with all that they hold; also inside `Basic` credentials, as Git sends them."""
    query: tuple[Parameter, ...] = ()
    """Parameters of the query whose whole value it is."""
    body: bool = False
    """Anywhere in the body."""

    @model_validator(mode="after")
    def _no_framing(self) -> Self:
        framing = sorted(_FRAMING.intersection(self.headers))
        if framing:
            raise ValueError(f"fields that frame or describe a message hold no secret: {', '.join(framing)}")
        return self


class PlaceholderSection(ScopeSection, Who):
    """A secret of a workload that is none: the credential is put in for it at the wire, on the way to this provider only."""

    text: PlaceholderText
    """What the workload holds; `outgate placeholder` makes one. It may stand in the policy: it opens nothing by itself."""
    credential: CredentialSection
    """Where the credential is read from that goes in its place."""
    stands_in: StandsInSection = Field(default_factory=StandsInSection)
    """Where it may stand, for a provider of dialect `none`. Others get the credential as their API has it, and it may stand
    wherever a client puts its key."""
    exclude: tuple[ScopeSection, ...] = ()
    """Requests that never get the credential: those whose answer repeats what was sent."""

    @model_validator(mode="after")
    def _takes_the_place(self) -> Self:
        credential = self.credential
        if credential.header or credential.prefix or credential.sigv4 is not None:
            raise ValueError("a credential that goes in for a placeholder has no header, prefix or sigv4 of its own")
        return self


class PassThroughSection(ScopeSection, Who):
    """Workloads whose own token goes on to this provider, where they addressed it; the gateway's credential stays at home then."""

    header: FieldName = "authorization"
    """The header field in which it comes."""
    prefixes: tuple[Annotated[str, StringConstraints(min_length=2, max_length=40)], ...] = ()
    """How such tokens begin, behind `Bearer`: `sk-ant-oat` for example. Any other goes the usual way: it ends at the gateway."""
    also: tuple[FieldName, ...] = ()
    """Header fields that belong to the token and go with it, `chatgpt-account-id` for example."""

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not self.workloads and not self.groups:
            raise ValueError("name the workloads or groups whose own tokens go on")
        if _FRAMING.intersection((self.header, *self.also)):
            raise ValueError("fields that frame or describe a message hold no token")
        return self


def placeholder_of(name: str, section: PlaceholderSection) -> Placeholder:
    """The placeholder of these settings."""
    return Placeholder(
        name=name,
        text=section.text,
        holders=Holders(section.workloads, section.groups),
        scope=section.scope(),
        excluded=tuple(each.scope() for each in section.exclude),
        fields=section.stands_in.headers,
        query=section.stands_in.query,
        body=section.stands_in.body,
    )


def pass_through_of(section: PassThroughSection) -> PassThrough:
    """The binding of these settings."""
    holders = Holders(section.workloads, section.groups)
    return PassThrough(holders=holders, scope=section.scope(), field=section.header, prefixes=section.prefixes, also=section.also)
