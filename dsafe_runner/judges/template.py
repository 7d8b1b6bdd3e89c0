"""What a judge is asked and how its reply is read: YAML files of the package, and the user's own."""

from __future__ import annotations

import functools
import itertools
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from dsafe_runner.config import load_yaml
from dsafe_runner.config.strict import Strict
from dsafe_runner.config.words import quoted, suggestion
from dsafe_runner.errors import ConfigError, Mistake
from dsafe_runner.judges.delimiters import DATA, NONCE, delimiter_lines, placeholders
from dsafe_runner.judges.marker import MarkerReader
from dsafe_runner.judges.verdicts import FieldReader, Reader, decide, fold
from dsafe_runner.records import digest

Class = Literal[0, 1, 2, 3]
Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[list[Text], Field(min_length=1)]


class Label(Strict):
    """A class and how the judge writes it."""

    gives: Class = Field(description="The class, 0 to 3.")
    texts: Texts = Field(description="Spellings of its label; the prompt must name the first.")


class ByMarker(Strict):
    """The verdict is a label behind a marker."""

    by: Literal["marker"] = Field(description="A label behind a marker.")
    markers: Texts = Field(description="What the line of the verdict starts with; the prompt must name the first.")
    until: list[Text] = Field(default=[], description="Marker of what may follow the verdict on the same line.")
    labels: Annotated[list[Label], Field(min_length=2)] = Field(description="The labels.")

    @field_validator("markers", "until")
    @classmethod
    def _words(cls, markers: list[str]) -> list[str]:
        for marker in markers:
            if not any(c.isalnum() for c in marker):
                raise ValueError(f"{quoted(marker)} has no word in it; write one, e.g. [答案]")
        return markers

    @field_validator("labels")
    @classmethod
    def _distinct(cls, labels: list[Label]) -> list[Label]:
        seen: dict[str, int] = {}
        classes: set[int] = set()
        for label in labels:
            if label.gives in classes:
                raise ValueError(f"class {label.gives} is there twice; put all its spellings into one list")
            classes.add(label.gives)
            for text in label.texts:
                key = "".join(c for c in fold(text) if c.isalnum())
                if not key:
                    raise ValueError(f"{quoted(text)} has no word in it; write the label")
                if seen.setdefault(key, label.gives) != label.gives:
                    raise ValueError(f"{quoted(text)} stands for two classes; let every spelling stand for one")
        return labels

    def reader(self) -> MarkerReader:
        """What reads such a reply."""
        return MarkerReader(self.markers, self.until, {label.gives: label.texts for label in self.labels})

    def classes(self) -> frozenset[int]:
        """The classes it can give."""
        return frozenset(label.gives for label in self.labels)


class Rule(Strict):
    """A class and the values of fields that give it."""

    gives: Class = Field(description="The class, 0 to 3.")
    when: dict[str, Texts] = Field(description="Field -> values, each of which will do; other fields do not matter.")


class ByFields(Strict):
    """The verdict follows from `name: value` lines."""

    by: Literal["fields"] = Field(description="Lines such as `Safety: Safe`.")
    fields: Annotated[dict[str, Texts], Field(min_length=1, max_length=8)] = Field(
        description="Field -> the values it may have. A reply without one of them has no verdict."
    )
    rules: Annotated[list[Rule], Field(min_length=1)] = Field(description="The first that applies gives the class.")

    @field_validator("rules")
    @classmethod
    def _decisive(cls, rules: list[Rule], info: ValidationInfo) -> list[Rule]:
        fields: dict[str, list[str]] | None = info.data.get("fields")
        if fields is None:  # its own mistake has been found
            return rules
        for rule in rules:
            for name, values in rule.when.items():
                if name not in fields:
                    raise ValueError(f"{quoted(name)} is not one of `fields`; add it there")
                for value in values:
                    if value not in fields[name]:
                        raise ValueError(f"{quoted(value)} is not among the values of {name}; add it there")
        for chosen in _combinations(fields):
            if decide([(rule.gives, rule.when) for rule in rules], chosen) is None:
                shown = ", ".join(f"{name}: {value}" for name, value in chosen.items())
                raise ValueError(f"no rule gives a class for {shown}; add one")
        return rules

    def reader(self) -> FieldReader:
        """What reads such a reply."""
        return FieldReader(self.fields, [(rule.gives, rule.when) for rule in self.rules])

    def classes(self) -> frozenset[int]:
        """The classes it can give."""
        rules = [(rule.gives, rule.when) for rule in self.rules]
        given = (decide(rules, values) for values in _combinations(self.fields))
        return frozenset(label for label in given if label is not None)


class Roles(Strict):
    """What the speakers of earlier turns are called in the prompt."""

    system: Text = "System"
    user: Text = "A"
    assistant: Text = "B"


class Template(Strict):
    """One way to ask a judge.

    A quoted conversation is put into `prompt`, one user turn. A native one (guard models) is the judge's conversation
    itself, the answer as its last assistant turn: its own chat template does the asking.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)] = Field(
        description="What reports call it."
    )
    version: Annotated[int, Field(ge=1)] = Field(description="Raise it when the template changes.")
    about: Text = Field(description="Where the protocol comes from.")
    conversation: Literal["quoted", "native"] = Field(description="quoted: inside `prompt`. native: as chat turns.")
    verdict: Annotated[ByMarker | ByFields, Field(discriminator="by")] = Field(description="How a reply is read.")
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] = Field(description="New tokens of a reply.")
    system: Text | None = Field(default=None, description="A system turn before the prompt.")
    prompt: Text | None = Field(default=None, description="The user turn, with {history}, {question}, {response}.")
    reminder: Text | None = Field(default=None, description="Put behind the prompt when a reply could not be read.")
    roles: Roles = Field(default=Roles(), description="Speakers of earlier turns.")
    no_history: Text = Field(default="(none)", description="Stands for {history} where there are no earlier turns.")
    reserved: list[Text] = Field(default=[], description="Texts the judge may act on; data lines with one are marked.")

    @property
    def labels(self) -> frozenset[int]:
        """The classes it can give."""
        return self.verdict.classes()

    def reader(self) -> Reader:
        """What reads the replies."""
        return self.verdict.reader()

    def sha256(self) -> str:
        """Hash of everything it says; comments and layout of its file do not count."""
        return digest(self.model_dump(mode="json"), 64)

    @field_validator("system", "reminder")
    @classmethod
    def _plain(cls, text: str | None, info: ValidationInfo) -> str | None:
        native = info.data.get("conversation") == "native"
        if text is not None and native:
            raise ValueError("a native conversation has none, it is the judge's own; remove it")
        if text is None and info.field_name == "reminder" and info.data.get("conversation") == "quoted":
            raise ValueError("there is none; add what is said when a reply cannot be read")
        if text is not None and set(placeholders(text)) & {*DATA, NONCE}:
            raise ValueError("placeholders stand in `prompt` only; remove them here")
        return text

    @field_validator("prompt")
    @classmethod
    def _fenced(cls, prompt: str | None, info: ValidationInfo) -> str | None:
        native = info.data.get("conversation") == "native"
        if native and prompt is not None:
            raise ValueError("a native conversation has none, it is the judge's own; remove it, or say `quoted`")
        if native or "conversation" not in info.data:
            return prompt
        if prompt is None:
            raise ValueError("there is none; add it, with {history}, {question} and {response} between fences")
        known = (*DATA, NONCE)
        for name in placeholders(prompt):
            if name not in known:
                raise ValueError(f"{{{name}}} is no placeholder; there are {', '.join(f'{{{n}}}' for n in known)}")
        for name in DATA:
            if name not in placeholders(prompt):
                raise ValueError(f"{{{name}}} is missing; put it on a line of its own between lines with {{{NONCE}}}")
        delimiter_lines(prompt)
        verdict = info.data.get("verdict")
        if isinstance(verdict, ByMarker):
            for text in (verdict.markers[0], *(label.texts[0] for label in verdict.labels)):
                if text not in prompt:
                    raise ValueError(f"{quoted(text)} is never named; tell the judge to write it")
        return prompt


def load_template(name_or_path: str, folder: Path) -> Template:
    """A template of the package by its name, or a .yaml file relative to `folder`.

    Raises:
        ConfigError: there is no such template, or there are mistakes in it, each with its place.
    """
    if name_or_path.endswith((".yaml", ".yml")):
        return load_yaml(folder / Path(name_or_path).expanduser(), Template).value
    if name_or_path not in packaged():
        known = ", ".join(packaged())
        todo = suggestion(name_or_path, packaged(), "the choices are") + ", or a .yaml file of yours"
        if known not in todo:
            todo = f"{todo} (there are {known})"
        raise ConfigError([Mistake(name_or_path, 1, 1, f"there is no judge template {quoted(name_or_path)}", todo)])
    return _packaged(name_or_path)


@functools.cache
def packaged() -> tuple[str, ...]:
    """Names of the package's templates."""
    files = (resources.files("dsafe_runner.judges") / "templates").iterdir()
    return tuple(sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")))


@functools.cache
def _packaged(name: str) -> Template:
    with resources.as_file(resources.files("dsafe_runner.judges") / "templates" / f"{name}.yaml") as path:
        return load_yaml(path, Template).value


def _combinations(fields: dict[str, list[str]]) -> list[dict[str, str]]:
    return [dict(zip(fields, values, strict=True)) for values in itertools.product(*fields.values())]
