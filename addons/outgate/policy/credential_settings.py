"""Settings of the credentials of providers: where they are read from or fetched, and how they travel or sign."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from outgate.pipeline.stage import Settings
from outgate.upstreams.fetched.settings import AwsSettings, AzureSettings, GoogleSettings, OauthSettings

type Variable = Annotated[
    str,
    StringConstraints(pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$"),
    Field(description="the name of an environment variable, not its value", examples=["OPENAI_API_KEY"]),
]
type Argument = Annotated[str, StringConstraints(min_length=1, max_length=4096), Field(examples=["/usr/bin/vault"])]
type Seconds = Annotated[float, Field(gt=0, le=86400)]
_SOURCES = ("env", "file", "directory", "command", "oauth", "google", "azure", "aws")


class SigningSection(Settings):
    """AWS Signature Version 4: each request is signed, and the keys never travel."""

    service: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]
    """The service as signatures name it: `bedrock`, or `s3`, also of other makers' object stores."""
    region: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]
    """The region, `eu-central-1` for example; for MinIO `us-east-1`, unless it was given another."""


class KeySection(Settings):
    """Where a key is read from: exactly one of these."""

    env: Variable = ""
    """An environment variable."""
    file: str = ""
    """A file of one line; read again when it changes."""
    directory: str = ""
    """A directory, such as a mounted secret of Kubernetes: each file is one key, in the order of their names."""
    command: tuple[Argument, ...] = ()
    """A program, by its absolute path, and its arguments; it prints the key, and has ten seconds for it. It gets the gateway's
    environment, and no shell."""
    every: Seconds = 300.0
    """Seconds after which the command is run again."""
    oauth: OauthSettings | None = None
    """A token endpoint of OAuth 2.0."""
    google: GoogleSettings | None = None
    """Google Cloud: a key file, workload identity federation, or the metadata server."""
    azure: AzureSettings | None = None
    """Microsoft Entra ID: a secret, a federated token, or a managed identity."""
    aws: AwsSettings | None = None
    """Temporary keys of a role of AWS, for `sigv4`."""

    def named(self) -> tuple[str, ...]:
        """The kinds of source that are written here."""
        return tuple(name for name in _SOURCES if getattr(self, name))

    @model_validator(mode="after")
    def _runs_a_program(self) -> Self:
        if self.command and not self.command[0].startswith("/"):
            raise ValueError("name the program of a command by its absolute path")
        return self


class KeyOfSeveralSection(KeySection):
    """One key, or the keys of one directory, of several."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if len(self.named()) != 1:
            raise ValueError(f"name exactly one of {', '.join(_SOURCES)}")
        return self


class CredentialSection(KeySection):
    """Where the provider's credential is read from. It never stands in the policy."""

    keys: tuple[KeyOfSeveralSection, ...] = ()
    """Several keys, in order: one is used until the provider limits it (429, 402), then the next, while it rests; one that is
    refused (401) is used only where nothing else is left."""
    rest: Seconds = 60.0
    """Seconds for which a key rests that met its limit, where the provider does not say (`Retry-After`); doubled each time that it
    meets the limit again."""
    header: str = ""
    """The header field it travels in; empty, the dialect decides."""
    prefix: str = ""
    """What stands before it in that field, `Bearer ` for example."""
    sigv4: SigningSection | None = None
    """Sign requests, for Amazon Bedrock and object stores: the credential is `ACCESS_KEY:SECRET_KEY`, or
    `ACCESS_KEY:SECRET_KEY:SESSION_TOKEN`."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if len(self.named()) + bool(self.keys) != 1:
            raise ValueError(f"name exactly one of {', '.join(_SOURCES)}, keys")
        if self.sigv4 is not None and (self.header or self.prefix):
            raise ValueError("header and prefix are for credentials that travel, sigv4 is for keys that sign")
        if self.sigv4 is None and (self.aws or any(key.aws for key in self.keys)):
            raise ValueError("the keys of aws sign requests: say for which service and region with sigv4")
        return self
