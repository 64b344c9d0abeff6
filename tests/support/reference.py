"""The generated pages of docs/reference, from the code itself: policy, stages, denials, diagnostics, commands and others; and
the dashboards of docs/monitoring.

`PYTHONPATH=tests python tests/support/reference.py --write` writes them; the tests compare.
"""

import ast
import inspect
import re
import sys
import types
import typing
from collections.abc import Iterator
from enum import EnumType
from typing import Any

from pydantic import BaseModel, WithJsonSchema
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from outgate.detectors.injection.rules import BEGIN, HIDDEN, RULES
from support.dashboards import boards
from support.reference_commands import commands_page
from support.reference_denials import NOTICE, ROOT, denials_page, trees
from support.reference_dialects import dialects_page
from support.reference_matrix import every_cell, matrix_page
from support.reference_translation import translation_page

PAGES, MONITORING = ROOT / "docs" / "reference", ROOT / "docs" / "monitoring"


def type_text(annotation: Any) -> str:
    """A type as an operator would write it: `number`, `list of string`, `"a" or "b"`, or the name of a section."""
    if isinstance(annotation, typing.TypeAliasType):
        return type_text(annotation.__value__)
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        named = next((each.json_schema["enum"] for each in inner if isinstance(each, WithJsonSchema)), ())
        return " or ".join(f"`{value}`" for value in named) or type_text(inner[0])
    if origin is typing.Literal:
        return " or ".join(f"`{str(value).lower() if isinstance(value, bool) else value}`" for value in inner)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(type_text(part) for part in inner if part is not type(None)))
    if origin in (tuple, list, set, frozenset):
        return f"list of {type_text(inner[0])}" if inner else "list"
    if origin is dict or annotation is dict:
        return f"mapping of name to {type_text(inner[1])}" if inner else "mapping"
    if isinstance(annotation, EnumType):
        return " or ".join(f"`{member.value}`" for member in annotation)
    names = {str: "text", int: "integer", float: "number", bool: "`true` or `false`", Any: "anything"}
    return names.get(annotation) or section(annotation)


def section(annotation: Any) -> str:
    name = getattr(annotation, "__name__", str(annotation))
    return f"[{name}](#{name.lower()})" if is_model(annotation) else name


def is_model(annotation: Any) -> bool:
    return inspect.isclass(annotation) and issubclass(annotation, BaseModel)


def default_text(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined or value is None or value in ((), {}, "", frozenset()) or isinstance(value, BaseModel):
        return ""
    if isinstance(value, tuple | frozenset):
        return ", ".join(f"`{_plain_value(each)}`" for each in value)
    return f"`{_plain_value(value)}`"


def _plain_value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(getattr(value, "value", value))


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The sections a type mentions, in order."""
    if isinstance(annotation, typing.TypeAliasType):
        yield from models_in(annotation.__value__)
    elif is_model(annotation):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from models_in(inner)


def fields_table(model: type[BaseModel]) -> list[str]:
    lines = ["| key | value | default | meaning |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        text = type_text(field.annotation).replace("|", "\\|")
        meaning = " ".join((field.description or "").split()).replace("|", "\\|")
        lines.append(f"| `{field.alias or name}` | {text} | {default_text(field)} | {meaning} |")
    return lines


def model_pages(model: type[BaseModel], level: str, seen: set[type[BaseModel]]) -> list[str]:
    """A model's table, then those of the sections it mentions, each once."""
    seen.add(model)
    lines = [f"{level} {model.__name__}", "", " ".join((inspect.getdoc(model) or "").split()), "", *fields_table(model), ""]
    for field in model.model_fields.values():
        for part in models_in(field.annotation):
            if part not in seen:
                lines += model_pages(part, level, seen)
    return lines


def policy_page() -> str:
    from outgate.policy.schema import PolicySection

    intro = "What a policy file may say. Unknown keys are refused; `outgate check` reports every problem at once."
    return "\n".join([NOTICE, "# Policy reference", "", intro, "", *model_pages(PolicySection, "##", set())]).rstrip() + "\n"


def stages() -> Iterator[Any]:
    from outgate.policy.stage_types import stage_names, stage_type

    return (stage_type(name) for name in sorted(stage_names()))


def stages_page() -> str:
    lines = [
        NOTICE,
        "# Stages",
        "",
        "Every stage, in alphabetical order, with its settings under `stages:` of a policy or route.",
        "",
    ]
    told: dict[type[BaseModel], str] = {}
    for stage in stages():
        lines += [f"## {stage.name}", "", inspect.getdoc(sys.modules[stage.__module__]) or "", ""]
        if first := told.get(stage.settings_type):
            lines += [f"Its settings are those of [{first}](#{first}).", ""]
        elif stage.settings_type.model_fields:
            told[stage.settings_type] = stage.name
            lines += [*fields_table(stage.settings_type), ""]
            seen = {stage.settings_type}
            for field in stage.settings_type.model_fields.values():
                for part in models_in(field.annotation):
                    if part not in seen:
                        lines += model_pages(part, "###", seen)
        else:
            lines += ["No settings.", ""]
    return "\n".join(lines).rstrip() + "\n"


def diagnostics_page() -> str:
    from outgate.policy.reference import DIAGNOSTICS

    given = givers("[EW]_[A-Z0-9_]*[A-Z0-9]")
    intro = (
        "What `outgate check` and a reload report: `E_` refuses the policy, `W_` does not. The problem itself names stage, fact "
        "and line; `outgate check --explain CODE` prints these rows."
    )
    lines = [NOTICE, "# Diagnostics", "", intro, "", "| code | meaning | repair | given by |", "|---|---|---|---|"]
    for code, (meaning, repair) in sorted(DIAGNOSTICS.items()):
        files = ", ".join(f"`{file}`" for file in sorted(given.get(code, ())))
        lines.append(f"| `{code}` | {meaning} | {repair} | {files} |")
    return "\n".join(lines) + "\n"


def metrics_page() -> str:
    from outgate.metering.table import METRICS

    intro = (
        "What `/metrics` exposes, exact over all workers. A label names a model where the policy names it, or a provider has "
        "answered for it (at most 64 such per worker); every other model is `other`."
    )
    lines = [NOTICE, "# Metrics", "", intro, "", "| name | type | labels | meaning |", "|---|---|---|---|"]
    for metric in sorted(METRICS):
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        lines.append(f"| `{metric.name}` | {metric.type} | {labels} | {metric.doc} |")
    return "\n".join(lines) + "\n"


def givers(pattern: str) -> dict[str, set[str]]:
    """Every code that stands in the source as a literal, and the files that give it; `cli/` and the table of them give none."""
    found: dict[str, set[str]] = {}
    for file, tree in trees():
        for node in ast.walk(tree) if file != "policy/reference.py" and not file.startswith("cli/") else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(pattern, node.value):
                found.setdefault(node.value, set()).add(file)
    return found


def rules_page() -> str:
    """The built-in rules of the prompt guard: what follows each other, `…n…` for at most so many words between."""
    rows = []
    for rule in RULES:
        pieces = [
            "*a sentence opens*" if each == (BEGIN,) else ", ".join(each[:4]) + " …" * (len(each) > 4) for each in rule.pieces
        ]
        gaps = [f" …{gap}… " for gap in rule.gaps]
        told = "".join(part for pair in zip(pieces, [*gaps, ""], strict=True) for part in pair)
        rows.append(f"| `{rule.id}` | {rule.weight} | {told} |")
    rows.append(
        f"| `{HIDDEN}` | certain | a rule's wording letter by letter, with digits, encoded, turned round or in tag characters |"
    )
    head = "# Rules of `prompt_guard`\n\nOnly what is certain refuses, answers or withholds by itself; a signal is written down.\n"
    return "\n".join((NOTICE + head, "| rule | class | words (the first of each list) |", "|---|---|---|", *rows, ""))


def pages() -> dict[str, str]:
    """File name to content, for every generated page but the guard matrix, which takes its exchanges."""
    return {
        "policy.md": policy_page(),
        "stages.md": stages_page(),
        "denials.md": denials_page(),
        "guard_rules.md": rules_page(),
        "diagnostics.md": diagnostics_page(),
        "metrics.md": metrics_page(),
        "commands.md": NOTICE + commands_page(),
        "dialects.md": NOTICE + dialects_page(),
        "translation-matrix.md": NOTICE + translation_page(),
    }


def main() -> int:
    made = {PAGES / name: text for name, text in pages().items()}
    made[PAGES / "guard-matrix.md"] = NOTICE + matrix_page(every_cell())
    made |= {MONITORING / name: text for name, text in boards().items()}
    stale = [path for path, text in made.items() if not path.exists() or path.read_text() != text]
    if "--write" in sys.argv:
        for path in stale:
            path.parent.mkdir(exist_ok=True)
            path.write_text(made[path])
        return 0
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
