# ruff: noqa: E501  messages are quoted whole
"""YAML files in, models or mistakes out: every kind of broken file has one answer, and none is a traceback."""

from __future__ import annotations

import datetime
import os
import string
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, model_validator

from dsafe_runner.config import load_yaml, read_document, tree
from dsafe_runner.config.source import MAX_BYTES
from dsafe_runner.errors import ConfigError


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class Local(_Strict):
    backend: Literal["local"]
    threads: int = 1


class Remote(_Strict):
    backend: Literal["remote"]
    url: str


class Entry(_Strict):
    """One entry."""

    rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    size: Annotated[int, Field(ge=1, le=1024)] | None = None
    mode: Literal["fast", "slow"] = "fast"
    day: datetime.date | None = None
    on: bool = False
    text: str = Field(default="", max_length=10)
    who: Annotated[str, Field(pattern="^[a-z]+$")] | list[Annotated[str, Field(pattern="^[a-z]+$")]] = "x"
    extra: dict[str, str | int | bool] = {}

    @model_validator(mode="after")
    def _size_only_when_slow(self) -> Entry:
        if self.size == 7:
            raise ValueError("size 7 is unlucky; choose another")
        return self


class Recipe(_Strict):
    name: str = Field(min_length=1, description="What it is called.")
    entries: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")], Entry] = {}
    rows: list[Entry] = []
    engine: Annotated[Local | Remote, Field(discriminator="backend")] | None = None
    numbers: Annotated[list[float], Field(min_length=2)] | None = None


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def mistakes(text: str | bytes, environ: dict[str, str] | None = None, name: str = "r.yaml") -> list[str]:
    data = text.encode() if isinstance(text, str) else text
    Path(name).write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        load_yaml(name, Recipe, environ or {})
    return str(caught.value).split("\n")


def load(text: str | bytes, environ: dict[str, str] | None = None) -> Recipe:
    Path("r.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
    return load_yaml("r.yaml", Recipe, environ or {}).value


# ---------------------------------------------------------------------------------------------------- files and bytes


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "r.yaml:1:1: the file is empty; write `key: value` lines"),
        (b"# only a comment\n", "r.yaml:1:1: the file is empty; write `key: value` lines"),
        (b"---\n...\n", "r.yaml:1:1: the file is empty; write `key: value` lines"),
        (b"- a\n", "r.yaml:1:1: the top level is a list, not a mapping; write `key: value` lines"),
        (b"hello\n", "r.yaml:1:1: the top level is a single value, not a mapping; write `key: value` lines"),
        (b"name: caf\xe9\n", "r.yaml:1:10: byte 0xe9 is not UTF-8; save the file as UTF-8"),
        (b"\xef\xbb\xbfname: x\nb: \xff\n", "r.yaml:2:4: byte 0xff is not UTF-8; save the file as UTF-8"),
        ("name: x\n".encode("utf-16"), "r.yaml:1:1: the file is UTF-16, not UTF-8; save it as UTF-8"),
        (b"name: a\nb: \x00\n", "r.yaml:2:4: control character U+0000; remove it"),
        (b"name: a\r\nb: \x1b[31m\r\n", "r.yaml:2:4: control character U+001B; remove it"),
        (b"name: a\n---\nname: b\n", "r.yaml:2:1: a second document starts here; keep one document per file"),
        (b"%YAML 1.1\n---\nname: a\n", "r.yaml:1:1: %YAML and %TAG lines are not supported; remove the line"),
        (b"%TAG ! tag:x:\n---\nname: a\n", "r.yaml:1:1: %YAML and %TAG lines are not supported; remove the line"),
    ],
)
def test_files_that_are_no_mapping(data: bytes, expected: str) -> None:
    assert mistakes(data) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: a\n\tb: 1\n", "r.yaml:2:1: a tab where only spaces may indent; replace it by spaces"),
        (
            "name: a: b\n",
            "r.yaml:1:8: a colon that cannot stand here; put text that contains `: ` in quotes, or check the indentation",
        ),
        ("name: 'x\n", "r.yaml:2:1: the quote opened at 1:7 is never closed; close it"),
        ("rows: [1, 2\nname: x\n", "r.yaml:2:5: a comma or ] is missing (opened at 1:7); add it"),
        ("rows: {a: 1\nb: 2\n", "r.yaml:2:2: a comma or } is missing (opened at 1:7); add it"),
        ("name: @x\n", "r.yaml:1:7: found character '@' that cannot start any token; put the text in quotes"),
        (
            'name: "\\q"\n',
            "r.yaml:1:9: found unknown escape character 'q'; write \\\\ for a backslash, or use single quotes",
        ),
        (
            "name: a\nrows\n",
            "r.yaml:3:1: this line does not continue the block above it; check its indentation and its colon",
        ),
        (
            "rows: [{text: ${X}}]\n",
            'r.yaml:1:16: a comma or } is missing (opened at 1:8); inside { } and [ ] put ${NAME} in quotes: "${NAME}"',
        ),
    ],
)
def test_syntax_errors_say_what_to_do(text: str, expected: str) -> None:
    found = mistakes(text)
    assert [m.partition(": ")[2] for m in found] == [expected.partition(": ")[2]]
    assert len(found) == 1


def test_bom_crlf_and_chinese_are_fine() -> None:
    recipe = load("\ufeffname: 安全\r\nrows:\r\n  - {text: 拒绝}\r\n")
    assert recipe.name == "安全"
    assert recipe.rows[0].text == "拒绝"


def test_missing_folder_and_special_files(tmp_path: Path) -> None:
    for name, why in {
        "none.yaml": "there is no such file; check the path",
        ".": "this is a folder; name a file",
        "/dev/zero": "this is not a regular file; name a file",
        "a\0b": "the file cannot be read (embedded null byte); check the path",
    }.items():
        with pytest.raises(ConfigError) as caught:
            load_yaml(name, Recipe)
        assert str(caught.value).endswith(f":1:1: {why}")
        assert "\n" not in str(caught.value)


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("name: x")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user reads everything (root)")
    with pytest.raises(ConfigError, match="the file may not be read; check its permissions"):
        load_yaml(path, Recipe)


def test_big_files_are_refused_before_they_are_parsed() -> None:
    with Path("r.yaml").open("wb") as file:
        file.truncate(50_000_000)
    with pytest.raises(ConfigError) as caught:
        load_yaml("r.yaml", Recipe)
    assert (
        str(caught.value)
        == "r.yaml:1:1: the file is larger than 1 MB, with what it includes; split it into several files"
    )
    assert MAX_BYTES == 1_000_000


def test_paths_are_shown_relative_only_below_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "r.yaml").write_text("x: 1")
    for start, given_path, shown in [
        (tmp_path, tmp_path / "r.yaml", "r.yaml"),
        (tmp_path, "sub/../r.yaml", "r.yaml"),
        (tmp_path / "sub", "../r.yaml", f"{tmp_path}/r.yaml"),
    ]:
        monkeypatch.chdir(start)
        with pytest.raises(ConfigError) as caught:
            load_yaml(given_path, Recipe)
        assert {m.path for m in caught.value.mistakes} == {shown}


def test_a_line_break_in_a_file_name_cannot_forge_a_line() -> None:
    assert mistakes("nam: 1", name="a\nb.yaml")[0].startswith("a\\nb.yaml:1:1: ")


# ------------------------------------------------------------------------------------------------ keys, tags, aliases


def test_every_duplicate_key_is_reported_with_both_lines() -> None:
    text = "name: a\nrows:\n  - rate: 0.1\n    rate: 0.2\nname: b\nentries: {x: {}, x: {}}\n"
    assert mistakes(text) == [
        'r.yaml:4:5: duplicate key "rate", first on line 3; remove one of the two',
        'r.yaml:5:1: duplicate key "name", first on line 1; remove one of the two',
        'r.yaml:6:18: duplicate key "x", first on line 6; remove one of the two',
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "name: !!python/object/apply:os.system [ls]\n",
            '1:7: tags such as "tag:yaml.org,2002:python/object/apply:os.system" are not supported; remove the tag',
        ),
        ("name: !foo x\n", '1:7: tags such as "!foo" are not supported; remove the tag'),
        ("name: !!str 5\n", '1:7: tags such as "tag:yaml.org,2002:str" are not supported; remove the tag'),
        ("!x name: a\n", '1:1: tags such as "!x" are not supported; remove the tag'),
        ("name: a\n1: b\n", '2:1: the key 1 is not text; put it in quotes: "1"'),
        ("name: a\ntrue: b\n", '2:1: the key true is not text; put it in quotes: "true"'),
        ("name: a\n2027-01-31: b\n", '2:1: the key 2027-01-31 is not text; put it in quotes: "2027-01-31"'),
        ("name: a\n: b\n", "2:1: an empty key; write text before the colon"),
        ("name: a\n? [x, y]\n: b\n", "2:3: a list or mapping as a key; write plain text before the colon"),
        ("name: &n a\n*n : b\n", "2:1: an alias as a key; write plain text before the colon"),
        (
            "name: a\nrows: [*no]\n",
            "2:8: *no repeats an anchor that is not above it; write &no before the value to repeat",
        ),
        ("name: a\nrows: &r [*r]\n", "2:11: *r stands inside the value it repeats; remove it"),
        (
            "name: a\nentries: {a: &a {rate: 0.1}, b: {<<: *a}}\n",
            "2:34: merge keys (<<) are not supported; write the keys out, so that each limit can be read in its place",
        ),
    ],
)
def test_refused_yaml_features(text: str, expected: str) -> None:
    assert mistakes(text) == [f"r.yaml:{expected}"]


def test_aliases_repeat_values() -> None:
    recipe = load("name: x\nentries:\n  a: &a {rate: 0.5, mode: slow}\n  b: *a\nrows: [*a]\n")
    assert recipe.entries["a"] == recipe.entries["b"] == recipe.rows[0] == Entry(rate=0.5, mode="slow")


def test_alias_bombs_are_refused() -> None:
    text = "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
    for here, last in zip("bcdefghi", "abcdefgh", strict=True):
        text += f"{here}: &{here} [{','.join([f'*{last}'] * 10)}]\n"
    assert mistakes(text) == ["r.yaml:2:35: aliases expand to more than 100,000 values; repeat less"]


def test_nesting_is_bounded_also_through_aliases() -> None:
    assert mistakes("name: x\nrows: " + "[" * 100_000) == ["r.yaml:2:47: nested more than 40 levels deep; flatten it"]
    deep = "".join(" " * level + "- \n" for level in range(300))
    assert "nested more than 40 levels deep" in mistakes("rows:\n" + deep)[0]
    chain = "a0: &a0 1\n" + "".join(f"a{i}: &a{i} {'[' * 20}*a{i - 1}{']' * 20}\n" for i in range(1, 60))
    assert "aliases nest more than 40 levels deep; repeat less" in mistakes(chain)[0]


def test_too_many_values_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tree.MAX_NODES == 100_000
    monkeypatch.setattr(tree, "MAX_NODES", 1000)  # the real limit takes 5 s to reach
    text = "numbers: [" + "1," * 1100 + "1]"
    assert mistakes(text) == ["r.yaml:1:2007: more than 1,000 values in one file; split the file"]


def test_empty_values_are_not_taken_for_absent_ones() -> None:
    assert mistakes("name: x\nrows:\n  - {rate: , mode: fast}\n  -\nengine:\nnumbers: null\n") == [
        'r.yaml:3:6: "rate" is empty; write a value or remove the key',
        "r.yaml:4:4: an empty list item; write a value or remove the line",
        'r.yaml:5:1: "engine" is empty; write a value or remove the key',
    ]


# ------------------------------------------------------------------------------------------------------------ scalars


def test_yaml_1_2_scalars() -> None:
    recipe = load(
        "name: no\nnumbers: [0, 1e-3, .5, -1.5, 010, 0x1F, 0o17, +3]\n"
        "rows: [{day: 2027-01-31, on: true, text: 'true', size: null}, {text: off, rate: 0}]\n"
    )
    assert recipe.name == "no"
    assert recipe.numbers == [0, 0.001, 0.5, -1.5, 10, 31, 15, 3]
    assert recipe.rows[0].day == datetime.date(2027, 1, 31)
    assert recipe.rows[0].on is True
    assert recipe.rows[1].text == "off"
    assert recipe.rows[1].rate == 0.0


def test_only_plain_python_types_come_out() -> None:
    Path("r.yaml").write_text("name: 'x'\nnumbers: [1.50, 2]\nrows: [{day: 2027-01-31, on: True, text: >\n  folded}]\n")
    Path("r.yaml").write_text("name: 'x'\nnumbers: [1.50, 2]\nrows:\n- day: 2027-01-31\n  on: True\n  text: |\n    a\n")
    data = read_document("r.yaml", {}).data
    kinds = set()

    def walk(value: object) -> None:
        kinds.add(type(value))
        for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(child)

    walk(data)
    assert kinds == {dict, list, str, int, float, bool, datetime.date}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "name: x\nnumbers: [.nan, 1]\n",
            "2:11: .nan is not a finite number; write a finite number, or put it in quotes",
        ),
        (
            "name: x\nnumbers: [1, -.inf]\n",
            "2:14: -.inf is not a finite number; write a finite number, or put it in quotes",
        ),
        ("name: x\nnumbers: [1, 1e999]\n", "2:14: 1e999 is too large; write a finite number"),
        (
            f"name: x\nnumbers: [1, {'9' * 5000}]\n",
            "2:14: a number of 5000 digits; write a shorter one, or put it in quotes",
        ),
        ("name: x\nrows: [{day: 2027-02-30}]\n", "2:14: 2027-02-30 is no day of the calendar; write YYYY-MM-DD"),
    ],
)
def test_refused_scalars(text: str, expected: str) -> None:
    assert mistakes(text) == [f"r.yaml:{expected}"]


# -------------------------------------------------------------------------------------------------------- environment


def test_environment_references() -> None:
    recipe = load(
        "name: ${A}-${B_2}\nrows:\n  - {text: '$${A}'}\n  - text: |\n      ${A}\n  - {text: $A}\n",
        {"A": "x", "B_2": "7"},
    )
    assert recipe.name == "x-7"
    assert [row.text for row in recipe.rows] == ["${A}", "x\n", "$A"]


def test_environment_mistakes_all_at_once_and_never_with_a_secret() -> None:
    text = 'name: ${NOPE}\nrows: [{text: "${A"}, {text: "${SECRET}"}, {size: "${ONE}"}, {text: "${ESC}"}]\n'
    environ = {"SECRET": "sk-123456789012345", "ONE": "1", "ESC": "\x1b[2J"}
    assert mistakes(text, environ) == [
        "r.yaml:1:7: environment variable NOPE is not set; set it (export NOPE=...), or write $${ for a plain ${",
        'r.yaml:2:15: "${A": a ${ that is no ${NAME}; write ${NAME}, or $${ for a plain ${',
        'r.yaml:2:30: text: "${SECRET}" is too long; keep it to 10',
        'r.yaml:2:51: size: "${ONE}" is not a whole number; write a whole number from 1 to 1024 without quotes',
        "r.yaml:2:69: environment variable ESC has control characters in it; set it to plain text",
    ]


# --------------------------------------------------------------------------------------------------------- validation


def test_all_mistakes_of_a_file_at_once() -> None:
    text = """\
nam: x
entries:
  "a b": {}
  c: {rate: 1.5, size: 0, mode: fats, day: "2027-01-31", on: yes, text: 12, who: X, extra: {k: 1.5}}
  d: fast
rows:
  - {rate: "0.5", size: 2.0, who: [a, B, 3]}
  - {rate: true, size: 7}
  - {rate: [1], who: {}, text: "much too long a text", modee: slow, zzz: 1}
numbers: [1]
engine: {backend: remote, threads: 2}
"""
    assert mistakes(text) == [
        'r.yaml:1:1: "name" is missing; add `name: ...` (what it is called)',
        'r.yaml:1:1: unknown key "nam"; did you mean "name"?',
        'r.yaml:3:3: entries: "a b" is not a usable key; write a name of letters, digits, . _ and -, a letter or digit first',
        "r.yaml:4:13: rate: 1.5 is not a rate; write a number from 0 to 1",
        "r.yaml:4:24: size: 0 is out of range; write a whole number from 1 to 1024",
        'r.yaml:4:33: mode: "fats" is not known; did you mean "fast"?',
        'r.yaml:4:44: day: "2027-01-31" is not a date; write a date as YYYY-MM-DD',
        'r.yaml:4:62: on: "yes" is not true or false; write true or false',
        "r.yaml:4:73: text: 12 is not text; put it in quotes",
        'r.yaml:4:82: who: "X" cannot be used here; write text that matches ^[a-z]+$ or a list',
        "r.yaml:4:96: k: 1.5 is not text or a whole number or true or false; write text or a whole number or true or false",
        'r.yaml:5:6: d: "fast" is not a mapping; write a mapping with the keys rate, size, mode, day, on, text, who, extra',
        'r.yaml:7:12: rate: "0.5" is not a number; write a number from 0 to 1 without quotes',
        "r.yaml:7:25: size: 2.0 is not a whole number; write a whole number from 1 to 1024",
        'r.yaml:7:39: who[1]: "B" cannot be used here; write text that matches ^[a-z]+$',
        "r.yaml:7:42: who[2]: 3 is not text; put it in quotes",
        "r.yaml:8:12: rate: true is not a number; write a number from 0 to 1",
        "r.yaml:9:6: rate: a list is not a number; write a number from 0 to 1",
        "r.yaml:9:17: who: an empty mapping is not text or a list; write text that matches ^[a-z]+$ or a list",
        'r.yaml:9:32: text: "much too long a text" is too long; keep it to 10',
        'r.yaml:9:56: rows[2]: unknown key "modee"; did you mean "mode"?',
        'r.yaml:9:69: rows[2]: unknown key "zzz"; the keys here are rate, size, mode, day, on, text, who, extra',
        "r.yaml:10:1: numbers: a list is too short; write at least 2",
        'r.yaml:11:1: engine: "url" is missing; add `url: ...`',
        'r.yaml:11:27: engine: unknown key "threads"; the keys here are backend, url',
    ]


def test_a_models_own_validator_and_a_wrong_tag() -> None:
    assert mistakes("name: x\nrows: [{size: 7}]\nengine: {backend: remot}\n") == [
        "r.yaml:2:8: rows[0]: size 7 is unlucky; choose another",
        'r.yaml:3:19: backend: "remot" is not known; did you mean "remote"?',
    ]
    assert mistakes("name: x\nengine: {threads: 2}\n") == [
        'r.yaml:2:1: engine: "backend" is missing; add `backend: ...`'
    ]


def test_a_mistake_is_told_once_and_hides_no_other() -> None:
    # the tag, the merge key and the empty value are reported; what follows from them is not
    assert mistakes("name: !x 5\nentries: {a: {<<: {}, rate: 2}}\nrows: [{rate: }]\n") == [
        'r.yaml:1:7: tags such as "!x" are not supported; remove the tag',
        "r.yaml:2:15: merge keys (<<) are not supported; write the keys out, so that each limit can be read in its place",
        "r.yaml:2:29: rate: 2 is not a rate; write a number from 0 to 1",
        'r.yaml:3:9: "rate" is empty; write a value or remove the key',
    ]


def test_positions_of_values() -> None:
    Path("r.yaml").write_text("name: x\nentries:\n  a:\n    rate: 0.5\nrows:\n  - {mode: slow}\n")
    loaded = load_yaml("r.yaml", Recipe)
    assert {loc: tuple(place) for loc, place in loaded.positions.items() if loc} == {
        ("name",): ("r.yaml", 1, 7),
        ("entries",): ("r.yaml", 2, 1),
        ("entries", "a"): ("r.yaml", 3, 3),
        ("entries", "a", "rate"): ("r.yaml", 4, 11),
        ("rows",): ("r.yaml", 5, 1),
        ("rows", 0): ("r.yaml", 6, 5),
        ("rows", 0, "mode"): ("r.yaml", 6, 12),
    }


# ----------------------------------------------------------------------------------------------------------- includes


def write(**files: str) -> None:
    for name, text in files.items():
        path = Path(name.replace("__", "/") + ".yaml")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def test_includes_join_mappings_and_lists() -> None:
    write(
        r="include: [sub/a.yaml, b.yaml]\nname: x\nentries: {own: {}}\nrows: [{text: own}]\n",
        sub__a="include: ../b.yaml\nentries: {a: {}}\nrows: [{text: a}]\n",
        b="entries: {b: {}}\nrows: [{text: b}]\n",
    )
    loaded = load_yaml("r.yaml", Recipe)
    assert list(loaded.value.entries) == ["b", "a", "own"]
    assert [row.text for row in loaded.value.rows] == ["b", "a", "own"]
    assert loaded.positions["rows", 1, "text"] == ("sub/a.yaml", 3, 15)
    assert loaded.positions["rows", 2, "text"] == ("r.yaml", 4, 15)
    assert [p.name for p in loaded.files] == ["r.yaml", "a.yaml", "b.yaml"]


def test_a_mistake_in_an_included_file_points_into_it() -> None:
    write(r="include: a.yaml\nname: x\nrows: [{rate: 2}]\n", a="rows: [{rate: 3}]\n")
    with pytest.raises(ConfigError) as caught:
        load_yaml("r.yaml", Recipe)
    assert str(caught.value).split("\n") == [
        "a.yaml:1:15: rate: 3 is not a rate; write a number from 0 to 1",
        "r.yaml:3:15: rate: 2 is not a rate; write a number from 0 to 1",
    ]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"r": "include: a.yaml\nname: x\nentries: {k: {}}\n", "a": "name: y\nentries:\n  k: {}\n"},
            [
                'r.yaml:2:1: duplicate key "name", first in a.yaml:1; remove one of the two',
                'r.yaml:3:11: duplicate key "entries.k", first in a.yaml:3; remove one of the two',
            ],
        ),
        (
            {"r": "name: x\ninclude:\n- a.yaml\n", "a": "include: b.yaml\n", "b": "rows: []\ninclude: a.yaml\n"},
            ["b.yaml:2:10: include: a.yaml includes itself (a.yaml:1 -> b.yaml:2); remove one of these lines"],
        ),
        (
            {"r": "name: x\ninclude: r.yaml\n"},
            ["r.yaml:2:10: include: r.yaml includes itself (r.yaml:2); remove one of these lines"],
        ),
        (
            {"r": "name: x\ninclude: [no.yaml, .]\n"},
            [
                "r.yaml:2:11: include: no.yaml: there is no such file; check the path",
                "r.yaml:2:20: include: .: this is a folder; name a file",
            ],
        ),
        (
            {"r": "name: x\ninclude: [5, '']\n"},
            [
                "r.yaml:2:11: include: 5 is not a file name; write a path, or a list of paths",
                'r.yaml:2:14: include: "" is not a file name; write a path, or a list of paths',
            ],
        ),
        (
            {"r": "name: x\ninclude: {a: b}\n"},
            ["r.yaml:2:10: include: a mapping is not a file name; write a path, or a list of paths"],
        ),
        (
            {"r": "include: a.yaml\nname: x\n", "a": "rows: [}\n"},
            ["a.yaml:1:8: not valid YAML: expected the node content, but found '}'; check this line and the one above"],
        ),
    ],
)
def test_include_mistakes(files: dict[str, str], expected: list[str]) -> None:
    write(**files)
    with pytest.raises(ConfigError) as caught:
        load_yaml("r.yaml", Recipe)
    assert str(caught.value).split("\n") == expected


def test_what_a_broken_include_would_have_defined_is_not_reported_missing() -> None:
    write(r="include: a.yaml\nrows: [{rate: 2}]\n", a="name: 'x\n")
    with pytest.raises(ConfigError) as caught:
        load_yaml("r.yaml", Recipe)
    assert [m.path for m in caught.value.mistakes] == ["a.yaml", "r.yaml"]


def test_includes_share_one_size_limit_and_are_counted() -> None:
    write(r="include: [a.yaml, b.yaml]\nname: x\n", a="#" * 600_000, b="#" * 600_000)
    with pytest.raises(ConfigError, match=r"b\.yaml: the file is larger than 1 MB, with what it includes"):
        load_yaml("r.yaml", Recipe)
    write(r="include: f0.yaml\nname: x\n", **{f"f{i}": f"include: f{i + 1}.yaml\n" for i in range(150)})
    with pytest.raises(ConfigError, match="more than 100 files included"):
        load_yaml("r.yaml", Recipe)


def test_include_paths_take_the_environment() -> None:
    write(r="include: ${WHERE}/a.yaml\nname: x\n", sub__a="rows: [{text: a}]\n")
    assert load_yaml("r.yaml", Recipe, {"WHERE": "sub"}).value.rows[0].text == "a"


# ------------------------------------------------------------------------------------------------------- never a trace


def outcome(data: bytes) -> None:
    Path("r.yaml").write_bytes(data)
    lines = ["r.yaml:"]
    try:
        load_yaml("r.yaml", Recipe, {"A": "x"})
    except ConfigError as error:
        lines = str(error).split("\n")
    assert all(line.startswith("r.yaml:") and line.isprintable() for line in lines)


_YAMLISH = st.text(alphabet="ab01:-?,[]{}#&*!|>'\"%@`~<.\\$ \n\t\r=_\u00a0安\u2028\x85\ufeff", max_size=60)
_FUZZ = settings(
    max_examples=int(os.environ.get("DSAFE_FUZZ", "120")),
    deadline=None,
    derandomize="DSAFE_FUZZ" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@_FUZZ
@given(st.binary(max_size=80))
def test_any_bytes(data: bytes) -> None:
    outcome(data)


@_FUZZ
@given(_YAMLISH)
@example("? ")
@example("- - : ? [")
@example("a: |9\n")
@example("&a *a : !")
@example("%")
@example("!<")
def test_any_yamlish_text(text: str) -> None:
    outcome(text.encode())


_VALID = """\
name: x
entries: &e {a: {rate: 0.5, mode: slow, who: [a, b]}, b: {day: 2027-01-31}}
rows:
  - {size: 3, extra: {k: true}}
  - text: |
      ${A}
engine: {backend: local, threads: 2}
numbers: [1, 2.5]
"""


@_FUZZ
@given(st.lists(st.tuples(st.integers(0, len(_VALID)), st.integers(0, 4), _YAMLISH), min_size=1, max_size=4))
def test_mutations_of_a_valid_file(edits: list[tuple[int, int, str]]) -> None:
    text = _VALID
    for where, cut, new in edits:
        text = text[:where] + new + text[where + cut :]
    outcome(text.encode())


_KEYS = st.sampled_from(
    ["name", "entries", "rows", "engine", "numbers", "rate", "size", "who", "extra", "backend", "day"]
)
_VALUES = st.recursive(
    st.sampled_from(
        ["1", "0.5", "x", "true", "null", "~", "2027-01-31", '""', "1e308", "9" * 39, "-1", "local", '"${A}"']
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda v: f"[{', '.join(v)}]"),
        st.dictionaries(_KEYS | st.text(string.ascii_letters, min_size=1, max_size=3), inner, max_size=3).map(
            lambda v: "{" + ", ".join(f"{k}: {x}" for k, x in v.items()) + "}"
        ),
    ),
    max_leaves=8,
)


@_FUZZ
@given(st.dictionaries(_KEYS, _VALUES, max_size=5))
def test_well_formed_files_with_any_values(values: dict[str, str]) -> None:
    outcome("".join(f"{k}: {v}\n" for k, v in values.items()).encode() or b"x: 1")
