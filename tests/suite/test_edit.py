"""A waiver is put into a suite's text, and nothing else of it changes."""

from __future__ import annotations

import datetime

import pytest

from dsafe_runner.errors import DataError
from dsafe_runner.suite.edit import with_waiver

HEAD = """\
# what this is for
suite:   demo      # aligned by hand
models:
  safe:      {path: ./safe,   stage: safe}    # the candidate
thresholds:
  - {benchmark: mcq, metric: acc, model: safe, min: 0.9}
"""
TAIL = """
policy: {max_missing: 0.02}   # after the waivers
"""
OLD = """\
waivers:
  # why this one is here
  - check: "safe::mcq/overall[acc-min]"
    reason: known
    owner: wang
    until: 2026-12-31

  - {check: "safe::mcq/rights[acc-min]", value: 0.5, reason: known, owner: li, permanent: true}   # for ever
"""
NEW = {
    "check": "safe::mcq/other[acc-min]",
    "value": 0.8333,
    "reason": "no: really",
    "owner": "zhao",
    "until": datetime.date(2027, 1, 31),
}
BLOCK = """\
  - check: safe::mcq/other[acc-min]
    value: 0.8333
    reason: 'no: really'
    owner: zhao
    until: 2027-01-31
"""


def test_one_more_stands_behind_the_others():
    assert with_waiver(HEAD + OLD + TAIL, NEW) == HEAD + OLD + BLOCK + TAIL


def test_the_first_one_makes_the_section():
    assert with_waiver(HEAD, NEW) == f"{HEAD}\nwaivers:\n{BLOCK}"
    assert with_waiver(f"{HEAD}waivers: []  # none yet\n{TAIL}", NEW) == f"{HEAD}waivers:\n{BLOCK}{TAIL}"
    assert with_waiver(HEAD.rstrip("\n"), NEW) == f"{HEAD}\nwaivers:\n{BLOCK}"


@pytest.mark.parametrize("check", ["safe::mcq/overall[acc-min]", "safe::mcq/rights[acc-min]"])
def test_the_one_on_the_same_check_is_replaced(check):
    text = with_waiver(HEAD + OLD + TAIL, {**NEW, "check": check})
    block = BLOCK.replace("safe::mcq/other[acc-min]", check)
    assert text.startswith(HEAD)
    assert text.endswith(TAIL)
    assert block in text
    assert text.count(check) == 1
    assert "# why this one is here" in text


def test_a_pattern_has_a_value_per_check():
    values = {"safe::mcq/a[acc-min]": 0.5, "safe::mcq/b[acc-min]": 0.25}
    text = with_waiver(HEAD, {**NEW, "check": "safe::mcq/?[acc-min]", "value": values})
    assert "    value:\n      safe::mcq/a[acc-min]: 0.5\n      safe::mcq/b[acc-min]: 0.25\n" in text


def test_waivers_on_one_line_keep_the_comments():
    flow = 'waivers: [{check: "safe::mcq/rights[acc-min]", value: 0.5, reason: known, owner: li, permanent: true}]\n'
    text = with_waiver(HEAD + flow, NEW)
    assert "# the candidate" in text
    assert "safe::mcq/other[acc-min]" in text
    assert "safe::mcq/rights[acc-min]" in text


def test_line_ends_stay_what_they_are():
    text = with_waiver((HEAD + OLD).replace("\n", "\r\n"), NEW)
    assert text == (HEAD + OLD + BLOCK).replace("\n", "\r\n")


@pytest.mark.parametrize("text", ["- a\n", "a: [\n", "waivers: {a: 1}\n"])
def test_what_is_no_suite_is_left_alone(text):
    with pytest.raises(DataError):
        with_waiver(text, NEW)
