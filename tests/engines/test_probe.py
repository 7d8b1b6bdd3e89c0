"""What this machine can run, and what an engine would get on another one."""

from __future__ import annotations

import json

import pytest

from dsafe_runner.engines.doctor import report_lines
from dsafe_runner.engines.probe import probe, resolve_device, usable
from dsafe_runner.errors import UnavailableError

CPU = {"devices": [], "bfloat16": False}
HOPPER = {"devices": [{"name": "H100"}], "bfloat16": True}
TURING = {"devices": [{"name": "T4"}], "bfloat16": False}


@pytest.mark.parametrize(
    ("engine", "machine", "expected"),
    [
        ({}, CPU, ("cpu", "float32")),
        ({"device": "auto", "dtype": "auto"}, HOPPER, ("cuda", "bfloat16")),
        ({"device": "auto", "dtype": "auto"}, TURING, ("cuda", "float16")),
        ({"device": "cpu"}, HOPPER, ("cpu", "float32")),
        ({"device": "cuda", "dtype": "float32"}, HOPPER, ("cuda", "float32")),
        ({"device": "cpu", "dtype": "bfloat16"}, CPU, ("cpu", "bfloat16")),
    ],
)
def test_devices_are_resolved_by_what_is_there(engine, machine, expected):
    got = resolve_device(engine, machine)
    assert (got["device"], got["dtype"]) == expected


@pytest.mark.parametrize(
    ("engine", "words"), [({"device": "cuda"}, "no GPU"), ({"attention": "flash_attention_2"}, "needs a GPU")]
)
def test_what_is_not_here_is_unavailable(engine, words):
    with pytest.raises(UnavailableError, match=words):
        resolve_device(engine, CPU)


def test_probe_tells_versions_and_devices_as_json():
    import torch

    seen = probe()
    assert json.loads(json.dumps(seen)) == seen
    assert seen["torch"] == torch.__version__
    assert len(seen["devices"]) == torch.cuda.device_count()
    assert seen["cpus"] >= 1
    assert probe() is not seen, "callers may change what they get"


def test_usable_does_not_take_installed_for_working():
    seen = probe()["installed"]
    for package in ("vllm", "deepspeed"):
        works, why = usable(package)
        assert not works or seen[package]
        assert why


def test_the_doctor_speaks_plainly(monkeypatch, tmp_path):
    monkeypatch.setenv("DSAFE_DATA", str(tmp_path))
    lines = report_lines()
    text = "\n".join(lines)
    assert lines[0] == "Machine"
    assert "transformers: runs models on the " in text
    assert f"DSAFE_DATA: {tmp_path}" in text
    assert all(line == line.rstrip() and "\n" not in line and len(line) < 200 for line in lines)
