"""Settings of credentials that are fetched: they name where secrets are read from, and never hold one.

Sources: RFC 6749 section 4.4, RFC 7523 section 2.2, and the documents of each cloud on its token endpoints.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from outgate.pipeline.stage import Settings

type TokenUrl = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[a-z0-9.-]+(:[0-9]{1,5})?/[!-\"$-~]*$", max_length=2048),
    Field(examples=["https://login.corp.example/oauth2/token"]),
]
type HostName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]+$", min_length=1, max_length=253)]
type Scope = Annotated[str, StringConstraints(pattern=r"^[!#-\[\]-~]+$", max_length=2048), Field(examples=["models.read"])]
type ClientId = Annotated[str, StringConstraints(pattern=r"^[ -~]*$", max_length=512)]
type Region = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]
type RoleArn = Annotated[
    str,
    StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", max_length=2048),
    Field(examples=["arn:aws:iam::123456789012:role/outgate"]),
]
_ANY_ENDING = "/.default"


class KeptSettings(Settings):
    """Where a secret that a token is asked for with is read from, each time anew: exactly one of these."""

    env: Annotated[str, StringConstraints(pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")] = ""
    """An environment variable."""
    file: str = ""
    """A file of one line."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.env) == bool(self.file):
            raise ValueError("name exactly one of env and file")
        return self


class OauthSettings(Settings):
    """An access token by OAuth 2.0 client credentials (RFC 6749 section 4.4)."""

    token_url: TokenUrl
    """The token endpoint. It is called as the policy's provider of this host, where there is one: for a server inside the network,
    with its own CA and `allow_addresses`. Plain `http` needs such a provider."""
    client_id: ClientId = ""
    """The client's name at the issuer."""
    client_secret: KeptSettings | None = None
    """The client's secret."""
    assertion_file: str = ""
    """A file with a signed token that stands for the client in place of a secret (RFC 7523): a projected token of Kubernetes."""
    authentication: Literal["basic", "post"] = "basic"
    """How id and secret are shown: in the field `Authorization`, or in the body."""
    scopes: tuple[Scope, ...] = ()
    """What the token is for."""
    audience: str = ""
    """Whom it is for, where the issuer asks."""

    @model_validator(mode="after")
    def _one_proof(self) -> Self:
        if (self.client_secret is None) == (not self.assertion_file):
            raise ValueError("name exactly one of client_secret and assertion_file")
        if self.client_secret is not None and not self.client_id:
            raise ValueError("a client_secret needs its client_id")
        return self


class GoogleSettings(Settings):
    """An access token of Google Cloud, by Google's own library."""

    file: str = ""
    """A key file of a service account, or a configuration file of workload identity federation (`external_account`). Empty: the
    metadata server of the machine or pod is asked."""
    service_account: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9@._-]+$")] = "default"
    """The account that the metadata server is asked for."""
    scopes: tuple[Scope, ...] = ("https://www.googleapis.com/auth/cloud-platform",)
    """What the token is for."""
    self_signed: bool = False
    """Sign the token here with the key of the file, which asks nobody."""
    hosts: tuple[HostName, ...] = ()
    """Token endpoints that may be called besides those of Google: a regional one, or one where a federated token comes from."""

    @model_validator(mode="after")
    def _signs_with_a_file(self) -> Self:
        if self.self_signed and not self.file:
            raise ValueError("self_signed needs the file of a service account's key")
        return self


class AzureSettings(Settings):
    """An access token of Microsoft Entra ID: by exactly one of a client secret, a federated token, and a managed identity."""

    scope: Scope = "https://cognitiveservices.azure.com/.default"
    """What the token is for: a resource, then `/.default`."""
    tenant: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]*$", max_length=253)] = ""
    """The tenant's id or domain."""
    client_id: ClientId = ""
    """The application's id; of a managed identity, the id of one that a user assigned."""
    client_secret: KeptSettings | None = None
    """The application's secret."""
    federated_token_file: str = ""
    """The file of a federated token, which stands in place of a secret: what `AZURE_FEDERATED_TOKEN_FILE` names in a pod."""
    managed_identity: bool = False
    """Ask the metadata server of the machine for its managed identity."""
    authority: HostName = "login.microsoftonline.com"
    """The login server, `login.microsoftonline.us` for example."""

    @model_validator(mode="after")
    def _one_proof(self) -> Self:
        if (self.client_secret is not None) + bool(self.federated_token_file) + self.managed_identity != 1:
            raise ValueError("name exactly one of client_secret, federated_token_file and managed_identity")
        if not self.managed_identity and not (self.tenant and self.client_id):
            raise ValueError("a client_secret or federated_token_file needs tenant and client_id")
        if not self.scope.endswith(_ANY_ENDING):
            raise ValueError("scope is a resource that ends in /.default")
        return self

    @property
    def resource(self) -> str:
        """The scope as the metadata server names it."""
        return self.scope.removesuffix(_ANY_ENDING)

    def oauth(self) -> OauthSettings:
        """The same as client credentials."""
        return OauthSettings(
            token_url=f"https://{self.authority}/{self.tenant}/oauth2/v2.0/token",
            client_id=self.client_id,
            client_secret=self.client_secret,
            assertion_file=self.federated_token_file,
            authentication="post",
            scopes=(self.scope,),
        )


class AwsSettings(Settings):
    """Temporary keys of a role of AWS, which sign requests: by exactly one of access keys and a federated token."""

    role: RoleArn
    """The role that is assumed."""
    region: Region
    """The region whose token service (STS) is called."""
    access_keys: KeptSettings | None = None
    """Where `ACCESS_KEY:SECRET_KEY`, or with `:SESSION_TOKEN`, are read from, with which the role is assumed."""
    web_identity_token_file: str = ""
    """The file of a federated token: what `AWS_WEB_IDENTITY_TOKEN_FILE` names in a pod."""
    session_name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_=,.@-]{2,64}$")] = "outgate"
    """What the session is called in the logs of AWS."""
    external_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+=,.@:/-]*$", max_length=1224)] = ""
    """The external id, where the role's trust policy asks for one."""
    duration: Annotated[int, Field(ge=900, le=43200)] = 3600
    """Seconds that the keys last."""
    host: HostName | Literal[""] = ""
    """The token service; `sts.REGION.amazonaws.com` when empty."""

    @model_validator(mode="after")
    def _one_proof(self) -> Self:
        if (self.access_keys is None) == (not self.web_identity_token_file):
            raise ValueError("name exactly one of access_keys and web_identity_token_file")
        return self

    @property
    def token_service(self) -> str:
        return self.host or f"sts.{self.region}.amazonaws.com"


type FetchedSettings = OauthSettings | GoogleSettings | AzureSettings | AwsSettings
