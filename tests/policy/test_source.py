import pytest

from outgate.errors import PolicyError
from outgate.policy.source import parse_source, read_source


def problems_of(text):
    with pytest.raises(PolicyError) as caught:
        parse_source(text, "p.yaml")
    return [(problem.code, problem.line, problem.message) for problem in caught.value.problems]


def test_plain_data_with_lines():
    source = parse_source("a: 1\nb:\n  - x\n  - {c: true, d: null}\n", "p.yaml")

    assert {"a": 1, "b": ["x", {"c": True, "d": None}]} == source.data
    assert [1, 2, 4, 4, 1] == [source.line_of(place) for place in (("a",), ("b",), ("b", 1), ("b", 1, "c"), ("nowhere",))]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("true", True), ("False", False), ("~", None),
        ("012", 12), ("0o17", 15), ("0x1f", 31),
        ("1.5", 1.5), ("'1'", "1"), ("12:30", "12:30"), ("2001-01-01", "2001-01-01"), ("-3", -3), ("og_1", "og_1"),
    ],
)  # fmt: skip
def test_scalars_are_yaml_1_2(text, value):
    found = parse_source(f"a: {text}", "p").data["a"]

    assert (type(value), value) == (type(found), found)


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("a: 1\na: 2\n", 2, "twice"),
        ("a: &x 1\nb: *x\n", 1, "anchor"),
        ("b: *x\n", 1, "anchor"),
        ("a: !!python/object:os.system x\n", 1, "tags"),
        ("a: !custom x\n", 1, "tags"),
        ("a: 1\n---\nb: 2\n", 1, "more than one document"),
        ("a: [1\n", 2, "not YAML"),
        ("a:\n\t- b\n", 2, "not YAML"),
        ("{[1]: 2}\n", 1, "plain name"),
        ("a:\n  <<: {b: 1}\n", 2, "plain name"),
        ("a: \x00\n", 1, "not YAML"),
        ("[" * 30 + "]" * 30, 1, "nested"),
    ],
)
def test_what_is_refused(text, line, word):
    found = problems_of(text)

    assert {"E_YAML"} == {code for code, _, _ in found}
    assert any(word in message and line == at for _, at, message in found), found


def test_tabs_are_named_with_every_line_they_stand_on():
    with pytest.raises(PolicyError) as caught:
        parse_source("a: 1\nb:\n\tc: 2\n  \td: 3\n\n\te: 4\n", "p.yaml")
    (found,) = caught.value.problems

    assert ("E_YAML", "p.yaml", 3, "write spaces in place of tabs") == (found.code, found.file, found.line, found.repair)
    assert "a tab" in found.message
    assert "also on lines 4, 6" in found.message


@pytest.mark.parametrize(
    ("text", "line", "meaning", "repair"),
    [
        ("a:\tb\n", 1, "a tab", "spaces"),
        ("a: b: c\n", 1, "mapping values are not allowed", "in quotes"),
        ("a:\n  b: 1\n    c: 2\n", 3, "mapping values are not allowed", "align"),
        ("a: @x\n", 1, "cannot start any token", "in quotes"),
        ("a: *\n", 1, "alphabetic or numeric", "in quotes"),
        ("a: 'x\nb: 1\n", 3, "opened on line 1", "close the quote"),
        ("a: [1\nb: 2\n", 2, "opened on line 1", "`]`"),
        ("a: {b: 1\nc: 2\n", 2, "opened on line 1", "`}`"),
        ("- a\nb: 1\n", 2, "expected <block end>", "align"),
        ('a: "x\\d"\n', 1, "escape character", "single quotes"),
    ],
)
def test_a_mistake_in_syntax_is_told_with_its_line_and_repair(text, line, meaning, repair):
    with pytest.raises(PolicyError) as caught:
        parse_source(text, "p.yaml")
    (found,) = caught.value.problems

    assert ("E_YAML", line) == (found.code, found.line)
    assert meaning in found.message
    assert repair in found.repair


def test_every_duplicate_is_reported_at_once():
    assert [2, 5] == [line for _, line, _ in problems_of("a: 1\na: 2\nb:\n  c: 1\n  c: 2\n")]


def test_billion_laughs_is_refused_before_it_grows():
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]

    assert {"E_YAML"} == {code for code, _, _ in problems_of("\n".join(lines))}


def test_files(tmp_path):
    (tmp_path / "big.yaml").write_text("a: '" + "x" * (1 << 20) + "'")
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9\n")
    for name, code in (("none.yaml", "E_UNREADABLE"), ("big.yaml", "E_YAML"), ("latin.yaml", "E_YAML"), (".", "E_UNREADABLE")):
        with pytest.raises(PolicyError) as caught:
            read_source(tmp_path / name)
        assert [code] == [problem.code for problem in caught.value.problems]


def test_an_empty_file_is_no_data(tmp_path):
    (tmp_path / "empty.yaml").write_text("# nothing\n")

    assert read_source(tmp_path / "empty.yaml").data is None
