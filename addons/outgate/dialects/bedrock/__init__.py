"""Amazon Bedrock: Converse and ConverseStream, as providers of clients of other APIs."""

from outgate.dialects.bedrock.codec import Bedrock
from outgate.dialects.bedrock.convert import CONVERTER
from outgate.dialects.spec import BEARER, Spec

SPEC = Spec(
    name=Bedrock.name,
    codec=Bedrock,
    vendor="aws",
    paths=(),
    owns=("/model",),
    keys=(BEARER,),
    credential=BEARER,
    error_types={403: "AccessDeniedException", 404: "ResourceNotFoundException", 429: "ThrottlingException"},
    converter=CONVERTER,
)
