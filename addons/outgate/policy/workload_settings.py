"""What a policy may say about a workload. Field descriptions become the reference."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from outgate.identity.workloads import ALGORITHMS
from outgate.pipeline.stage import Settings

type Name = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"),
    Field(description="a name of letters, digits, dots, dashes and underscores", examples=["research"]),
]
type TokenHash = Annotated[
    str,
    StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$"),
    Field(description="what `outgate workload add NAME` writes: `sha256:` and 64 hex digits"),
]


class JwksSection(Settings):
    """Where an issuer's keys are: a file, or a path of a provider of this policy, fetched under the same rules as all else."""

    file: str = ""
    """A JWK set on disk (RFC 7517)."""
    provider: str = ""
    """The provider that publishes it."""
    path: str = ""
    """Its path there, `/.well-known/jwks.json` for example."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.file) == bool(self.provider) or bool(self.provider) != bool(self.path):
            raise ValueError("name either file, or provider and path")
        return self


class JwtSection(Settings):
    """JWTs (RFC 7519) that stand for the workload. `exp` is always required, `nbf` honoured."""

    issuer: Annotated[str, StringConstraints(min_length=1)]
    """The exact `iss`."""
    audience: Annotated[str, StringConstraints(min_length=1)]
    """The `aud` it must carry."""
    jwks: JwksSection
    """The issuer's keys."""
    claims: dict[str, str] = Field(default_factory=dict)
    """Claims and the exact values they must have: which of the issuer's tokens are this workload's."""
    groups_claim: str = ""
    """A claim, a list of strings, whose values become groups of the caller."""
    algorithms: tuple[str, ...] = ("RS256", "ES256", "EdDSA")
    """Signature algorithms; asymmetric ones only."""

    @field_validator("algorithms")
    @classmethod
    def _asymmetric(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or set(value) - set(ALGORITHMS):
            raise ValueError(f"algorithms must be of {', '.join(ALGORITHMS)}")
        return value


class WorkloadSection(Settings):
    """One workload: its name, which is also the user name it presents, stands as its key."""

    tenant: Name = "default"
    """What caches and memos never cross."""
    groups: tuple[Name, ...] = ()
    """Groups that rules and routes may name."""
    token_hashes: tuple[TokenHash, ...] = ()
    """Digests of its tokens, written by `outgate workload add`; several while one is being rotated."""
    certificates: tuple[str, ...] = ()
    """SPIFFE ids or subjects of client certificates."""
    jwt: tuple[JwtSection, ...] = ()
    """JWTs that stand for it."""
