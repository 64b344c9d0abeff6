"""Load a policy file: a live policy, or every problem at once."""

from hashlib import sha256
from pathlib import Path

from outgate.errors import PolicyError
from outgate.policy.build import Builder, sorted_problems
from outgate.policy.changes import parts_of
from outgate.policy.files import content_problems, named_files
from outgate.policy.lint import lint
from outgate.policy.live import LivePolicy
from outgate.policy.references import reference_problems
from outgate.policy.schema import GatewaySection
from outgate.policy.source import Source, read_source
from outgate.policy.stage_types import Ports
from outgate.policy.validate import Validated, canonical, validate


def load_policy(path: Path, ports: Ports | None = None, *, elsewhere: bool = False) -> LivePolicy:
    """The compiled policy of a file; its stages are not started. Without `ports` it cannot run, and nothing is opened.

    `elsewhere`: it is checked on another machine than the one it runs on, where files it names may be missing. Raises PolicyError
    with all problems, warnings included, by line.
    """
    return load_source(read_source(path), ports, elsewhere=elsewhere)


def load_source(source: Source, ports: Ports | None = None, *, elsewhere: bool = False) -> LivePolicy:
    """As load_policy, of a source that was read already."""
    validated, problems = validate(source)
    problems += reference_problems(source, validated, elsewhere=elsewhere)
    policy = None
    try:
        builder = Builder(source, validated, ports or Ports(), revision_of(source, validated), rules_of(source, validated))
    except PolicyError as error:
        problems += error.problems
    else:
        problems += content_problems(source, validated, builder.catalog.backends)
        policy = builder.build()
        problems += builder.problems
    if not any(problem.is_error for problem in problems):
        problems += lint(source, validated)
    found = sorted_problems(problems)
    if policy is None or any(problem.is_error for problem in found):
        raise PolicyError(found)
    policy.warnings, policy.parts = found, parts_of(validated.policy)
    return policy


def rules_of(source: Source, validated: Validated) -> str:
    """The revision without workloads and `gateway`: who asks is known by name and tenant, and is judged again; listeners and bounds
    change no answer.
    """
    policy = validated.policy.model_copy(update={"workloads": {}, "gateway": GatewaySection()})
    return revision_of(source, validated._replace(policy=policy))


def revision_of(source: Source, validated: Validated) -> str:
    """Twelve hex digits that name the content of the policy: its sections, and the files they name (not credentials)."""
    digest = sha256(canonical(validated.policy))
    folder = Path(source.file).parent
    for _, name in named_files(validated):
        if name and (folder / name).is_file():
            digest.update(sha256((folder / name).read_bytes()).digest())
    return digest.hexdigest()[:12]
