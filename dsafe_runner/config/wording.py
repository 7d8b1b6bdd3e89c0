"""pydantic's errors -> Mistakes: `max: 1.5 is not a rate; write a number from 0 to 1`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from dsafe_runner.config.document import Document, Loc
from dsafe_runner.config.expected import Expected, choices, is_rate, kind, wanted
from dsafe_runner.config.tree import Place
from dsafe_runner.config.words import label, printable, quoted, shown, suggestion
from dsafe_runner.errors import Mistake

_RANGE = {"greater_than", "greater_than_equal", "less_than", "less_than_equal", "multiple_of"}
_KEY_MARK = "[key]"
_SECRETS = frozenset({"api_key_env", "base_urls"})


@dataclass(frozen=True)
class _Error:
    """A pydantic error at a place of the document.

    loc     the place, without the labels pydantic puts in for union members
    union   the place of the union the error is inside of, if any
    member  which member of it
    on_key  the error is about the key, not its value
    """

    type: str
    loc: Loc
    union: Loc | None
    member: str
    on_key: bool
    message: str
    context: dict[str, Any]


class Wording:
    """Words the errors of one document. `bad` holds the places spoken about, after `mistakes`."""

    def __init__(self, document: Document, model: type[BaseModel]) -> None:
        self.document = document
        self.expected = Expected(model)
        self.bad: set[Loc] = set()

    def mistakes(self, errors: Iterable[dict[str, Any]]) -> list[Mistake]:
        """One Mistake per thing that is wrong: what is known already is left out, unions give one line."""
        found = [e for e in map(self._placed, errors) if not self._known(e)]
        mistakes: dict[Mistake, None] = {}
        for error in _one_per_union(found):
            self.bad.add(error.loc)
            mistakes[self._word(error)] = None
        return list(mistakes)

    def _placed(self, error: dict[str, Any]) -> _Error:
        loc: list[str | int] = []
        union: Loc | None = None
        member = ""
        on_key = False
        data: Any = self.document.data
        parts = error["loc"]
        for index, part in enumerate(parts):
            if _has(data, part):
                data = data[part]
            elif part == _KEY_MARK:
                on_key = True
                break
            elif index < len(parts) - 1 or error["type"] != "missing":
                if union is None:
                    union, member = tuple(loc), str(part)
                continue
            loc.append(part)
        return _Error(error["type"], tuple(loc), union, member, on_key, str(error["msg"]), error.get("ctx", {}))

    def _known(self, error: _Error) -> bool:
        if error.type == "missing" and error.loc[:-1] in self.document.incomplete:
            return True
        return any(error.loc[:n] in self.document.bad for n in range(len(error.loc) + 1))

    def _word(self, error: _Error) -> Mistake:
        loc, data = error.loc, self.document.data
        if error.type == "missing":
            return self._missing(loc)
        if error.type == "extra_forbidden":
            return self._unknown(loc)
        if error.type in ("union_tag_invalid", "union_tag_not_found"):
            return self._tag(error)
        if error.on_key:
            what = f"{label(loc[:-1])}: {quoted(str(loc[-1]))} is not a usable key"
            schema = {"type": "string", "pattern": error.context["pattern"]} if "pattern" in error.context else {}
            return self._at(self.document.keys.get(loc), loc, what, f"write {wanted([schema]) or 'shorter text'}")
        if error.type in ("value_error", "assertion_error"):
            # our models' own validators write `what; what to do`
            what, _, todo = str(error.context.get("error", error.message)).partition("; ")
            name = self._name(loc)
            return self._at(None, loc, f"{name}: {printable(what)}" if name else printable(what), printable(todo))
        return self._value(error, self.expected.at(loc, data))

    def _value(self, error: _Error, alternatives: list[Any]) -> Mistake:
        """A value of the wrong type, out of range, not among the choices, ..."""
        loc = error.loc
        value = self._data(loc)
        name = f"{self._name(loc)}: " if loc else ""
        text = quoted(self.document.raw[loc]) if loc in self.document.raw else shown(value)
        if _SECRETS.intersection(loc):
            # whoever writes the secret itself where its name belongs must not find it in a build log
            text = "this"
        want, sort = wanted(alternatives), kind(alternatives)
        todo = f"write {want}" if want else ""
        options = [c for s in alternatives for c in choices(s)]
        if error.type in _RANGE:
            verb = "is not a rate" if is_rate(alternatives) else "is out of range"
        elif error.type == "string_pattern_mismatch":
            verb = "cannot be used here"
        elif error.type in ("string_too_short", "too_short"):
            least = error.context.get("min_length", 1)
            verb = "is empty" if value == "" else "is too short"
            todo = "write text" if isinstance(value, str) else f"write at least {least}"
        elif error.type in ("string_too_long", "too_long"):
            verb, todo = "is too long", f"keep it to {error.context.get('max_length', 'fewer')}"
        elif options and isinstance(value, str):
            verb = "is not known"
            todo = suggestion(value, options, "the choices are" if len(options) > 1 else "the only choice is")
        elif sort:
            verb = f"is not {sort}"
            if sort == "text" and not isinstance(value, (dict, list)):
                todo = "put it in quotes"
            elif isinstance(value, str) and "number" in sort and _is_number(value):
                todo += " without quotes"
        else:
            verb, todo = f"is refused ({printable(error.message)})", ""
        return self._at(None, loc, f"{name}{text} {verb}", todo)

    def _missing(self, loc: Loc) -> Mistake:
        parent, key = loc[:-1], str(loc[-1])
        about = self.expected.description(parent, key, self.document.data).rstrip(".")
        if about[1:2].islower() or about[1:2] == " ":
            about = about[0].lower() + about[1:]
        prefix = f"{label(parent)}: " if parent else ""
        todo = f"add `{key}: ...`" + (f" ({about})" if about else "")
        return self._at(None, parent, f"{prefix}{quoted(key)} is missing", todo)

    def _unknown(self, loc: Loc) -> Mistake:
        parent, key = loc[:-1], str(loc[-1])
        prefix = f"{label(parent)}: " if parent else ""
        todo = suggestion(key, self.expected.keys(parent, self.document.data), "the keys here are")
        return self._at(self.document.keys.get(loc), loc, f"{prefix}unknown key {quoted(key)}", todo)

    def _tag(self, error: _Error) -> Mistake:
        """A union told apart by one key, and that key is wrong or absent."""
        key = str(error.context.get("discriminator", "")).strip("'")
        if error.type == "union_tag_not_found":
            return self._missing((*error.loc, key))
        options = [t.strip(" '") for t in str(error.context.get("expected_tags", "")).split(",")]
        tag = str(error.context.get("tag", ""))
        todo = suggestion(tag, options, "the choices are")
        return self._at(None, (*error.loc, key), f"{key}: {quoted(tag)} is not known", todo)

    def _at(self, place: Place | None, loc: Loc, what: str, todo: str) -> Mistake:
        return Mistake(*(place or self.document.where(loc)), what, todo)

    def _data(self, loc: Loc) -> Any:
        data: Any = self.document.data
        for part in loc:
            data = data[part]
        return data

    def _name(self, loc: Loc) -> str:
        """The last key, with the indices after it: `max`, `slices[2]`."""
        start = max((i for i, part in enumerate(loc) if isinstance(part, str)), default=0)
        return label(loc[start:])


def _one_per_union(errors: list[_Error]) -> list[_Error]:
    """Of a union's errors, those of the member that was meant: the deeper ones, else one that is not about the type."""
    groups: dict[Loc, list[_Error]] = {}
    for error in errors:
        if error.union is not None:
            groups.setdefault(error.union, []).append(error)
    chosen: list[_Error] = []
    for error in errors:
        group = groups.get(error.union, []) if error.union is not None else []
        if len({e.member for e in group}) < 2:
            chosen.append(error)
            continue
        deeper = [e for e in group if len(e.loc) > len(error.union or ())]
        if deeper:
            chosen += [error] if error in deeper else []
        else:
            chosen.append(next((e for e in group if not e.type.endswith("_type")), group[0]))
    return list({id(error): error for error in chosen}.values())


def _has(data: Any, part: str | int) -> bool:
    if isinstance(data, dict):
        return part in data
    return isinstance(data, list) and isinstance(part, int) and part < len(data)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
