"""Settings of `hydrate`: which files are resolved, how much of them is read, and what takes their place."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from outgate.documents.reader import Bounds
from outgate.inference.names import ProviderName
from outgate.pipeline.stage import Settings, TimedSettings

type Positive = Annotated[int, Field(ge=1)]


class BucketSettings(Settings):
    """A bucket whose objects are fetched, by `s3://BUCKET/KEY` or by the URL of its host, presigned or not."""

    bucket: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    """Its name."""
    provider: ProviderName
    """The provider of this policy that keeps it: its host is the endpoint, and its credential signs (`sigv4`). Where the host
    begins with the bucket's name, paths do not."""
    prefix: str = ""
    """What keys begin with, `public/` for example."""


class FolderSettings(Settings):
    """A folder of this machine whose files are read."""

    prefix: Annotated[str, StringConstraints(pattern=r"^file:///([^%?#\\\x00-\x20]*/)?$")]
    """What its URLs begin with, `file:///shared/` for example; what follows is the path inside the folder."""
    folder: Annotated[str, StringConstraints(pattern=r"^/[^\x00]*$")]
    """Its path. No symbolic link inside is followed, and no file that is not a plain one is opened."""


class HydrateSettings(TimedSettings):
    """Which files of a request become text, from where they are fetched, and within which bounds."""

    limit: Annotated[float, Field(gt=0)] = 30.0
    """Seconds for all files of a request; what was read until then is remembered."""
    provider_files: bool = False
    """Fetch what a `file_id` stands for from the provider that was addressed, under the gateway's credential. All workloads share
    the provider's account: whoever knows an id can have the file."""
    urls: tuple[str, ...] = ()
    """Beginnings of URLs that are fetched, `https://docs.example.com/public/` for example: the host must be that of a provider of
    this policy, whose addresses, TLS and credential hold. Any other is left to `admit_parts`, which refuses it."""
    buckets: tuple[BucketSettings, ...] = ()
    """Buckets of object stores (S3, MinIO) that are fetched from."""
    folders: tuple[FolderSettings, ...] = ()
    """Folders of this machine that are read from, by URLs that begin with `file:///`."""
    batches: bool = False
    """Let batches be started, looked at and cancelled: the file of a batch (`input_file_id`) is fetched from the provider that was
    addressed, and judged line by line. All workloads share the provider's account, and so each other's batches."""
    max_bytes: Positive = 16 * 1024 * 1024
    """Of one file that is fetched."""
    max_files: Positive = 20
    """In one request."""
    max_characters: Positive = 1_000_000
    """Of the text of one file."""
    memory_bytes: Positive = 256 * 1024 * 1024
    """For reading one document, in its own process."""
    cpu_seconds: Positive = 10
    """For reading one document."""
    unreadable: Literal["deny", "parts"] = "deny"
    """What becomes of a document that cannot be read or holds no text (a scan): refused, or left as it is to `admit_parts`."""

    @property
    def bounds(self) -> Bounds:
        """Bounds on reading one document."""
        return Bounds(self.max_characters, self.memory_bytes, self.cpu_seconds)
