"""Private tests of LiveCodeBench: read in every form they come in, refused in every form they should not."""

from __future__ import annotations

import base64
import json
import os
import pickle
import struct
import zlib
from pathlib import Path

import pytest

from dsafe_runner.errors import DataError
from dsafe_runner.sandbox import pickles
from dsafe_runner.sandbox.pickles import decode_tests

TESTS = [{"input": f"{n}\n中文", "output": str(n), "testtype": "stdin"} for n in range(50)]


def packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_form(protocol):
    text = json.dumps(TESTS)
    assert decode_tests(text) == TESTS
    assert decode_tests(packed(pickle.dumps(text, protocol))) == TESTS
    assert decode_tests(packed(pickle.dumps(TESTS, protocol))) == TESTS


class Payload:
    """A pickle of this opens a file for writing when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_payload_does_not_run(tmp_path, protocol):
    trap = tmp_path / "trap"
    for value in (Payload(trap), [json.dumps(TESTS), Payload(trap)], {"input": Payload(trap)}):
        with pytest.raises(DataError, match="refused"):
            decode_tests(packed(pickle.dumps(value, protocol)))
    assert not trap.exists()


@pytest.mark.parametrize(
    "pickled",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",
        b"(S'true'\nios\nsystem\n.",
        b"\x80\x02cbuiltins\ngetattr\n.",
        b"Pid\n.",
        b"\x80\x02K\x01Q.",
        b"\x82\x01.",
        b"\x80\x04)\x81.",
        b"]}b.",
        b"\x97.",
    ],
)
def test_every_instruction_that_acts_is_refused(pickled):
    with pytest.raises(DataError):
        decode_tests(packed(pickled))


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps("not json"),
        pickle.dumps("[" * 100_000),
        pickle.dumps(7),
        pickle.dumps(None),
        pickle.dumps([1]),
        pickle.dumps([{"input": "1"}]),
        pickle.dumps([{"input": 1, "output": "2", "testtype": "stdin"}]),
        b"",
        b".",
        b"\x80",
        pickle.dumps(json.dumps(TESTS))[:-20],
        b"(" * 1000,
        b"\x80\x04\x8d" + b"\xff" * 8 + b".",
        # a memo of two thousand million places
        b"\x80\x02]r" + struct.pack("<I", 2**31 - 1) + b".",
        # one list, named in a list, named in a list ...: small here, endless when walked
        b"\x80\x04]q\x00"
        + b"".join(
            b"]q" + bytes([n]) + b"(" + b"h" + bytes([n - 1]) + b"h" + bytes([n - 1]) + b"e" for n in range(1, 60)
        )
        + b".",
        # a list in itself
        b"\x80\x04]q\x00h\x00a.",
    ],
)
def test_broken_and_swollen_pickles(data):
    with pytest.raises(DataError):
        decode_tests(packed(data))


@pytest.mark.parametrize(
    "text", ["", "no", "!!!!", base64.b64encode(b"no zlib").decode(), "[" * 200_000, "{}", "7", "null"]
)
def test_broken_texts(text):
    with pytest.raises(DataError) as raised:
        decode_tests(text)
    assert "\n" not in str(raised.value)


def test_bounds(monkeypatch):
    whole = packed(pickle.dumps(json.dumps(TESTS)))
    with pytest.raises(DataError):
        decode_tests(base64.b64encode(base64.b64decode(whole)[:-9]).decode())
    monkeypatch.setattr(pickles, "MAX_UNPACKED", 100)
    with pytest.raises(DataError, match="more than 100 bytes"):
        decode_tests(whole)
    monkeypatch.setattr(pickles, "MAX_PACKED", 100)
    with pytest.raises(DataError, match="at most 100"):
        decode_tests(whole)


def test_no_tests_is_for_the_grader_to_refuse():
    assert decode_tests("[]") == []
    assert not os.path.exists("trap")
