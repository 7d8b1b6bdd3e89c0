"""What a checkpoint is: its files, or its commit."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys

import pytest

from dsafe_runner.engines.checkpoint import is_hub_id, local_folder
from dsafe_runner.engines.fingerprint import fingerprint
from dsafe_runner.errors import UnavailableError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def folder(tiny, tmp_path):
    return shutil.copytree(tiny.folder, tmp_path / "model")


@pytest.fixture
def hub(tiny, tmp_path, monkeypatch):
    """A hub cache that holds one model, as huggingface_hub lays it out."""
    repo = tmp_path / "hub" / "models--some--model"
    shutil.copytree(tiny.folder, repo / "snapshots" / COMMIT)
    (repo / "refs").mkdir()
    (repo / "refs/main").write_text(COMMIT)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return repo


def test_every_file_that_makes_the_model_counts(folder):
    before = fingerprint(str(folder))
    assert before["kind"] == "folder"
    weights = folder / "model.safetensors"
    assert before["files"]["model.safetensors"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert {"config.json", "generation_config.json", "tokenizer.json", "chat_template.jinja"} <= set(before["files"])
    for name in before["files"]:
        file = folder / name
        old = file.read_bytes()
        file.write_bytes(old + b" ")
        assert fingerprint(str(folder))["digest"] != before["digest"], name
        file.write_bytes(old)
    assert fingerprint(str(folder)) == before


def test_place_and_paperwork_do_not_count(folder, tmp_path):
    before = fingerprint(str(folder))
    for name in (
        "README.md",
        "LICENSE.txt",
        "trainer_state.json",
        "optimizer.pt",
        "training_args.bin",
        ".gitattributes",
    ):
        (folder / name).write_text("x")
    (folder / "checkpoint-5").mkdir()
    (folder / "checkpoint-5/model.safetensors").write_bytes(b"x")
    assert fingerprint(str(folder)) == before
    assert fingerprint(str(shutil.move(folder, tmp_path / "elsewhere"))) == before


def test_the_cache_is_used_and_never_trusted_after_a_change(folder):
    cache = {}
    first = fingerprint(str(folder), cache=cache)
    assert len(cache) == len(first["files"])
    key = next(k for k in cache if "config.json|" in k)
    cache[key] = "remembered"
    assert "remembered" in fingerprint(str(folder), cache=cache)["files"].values()
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    os.utime(weights, ns=(1, 1))
    assert fingerprint(str(folder), cache=cache)["files"]["model.safetensors"] == hashlib.sha256(data).hexdigest()


def test_weights_changed_in_place_with_their_time_put_back_are_seen(folder):
    cache = {}
    before = fingerprint(str(folder), cache=cache)["digest"]
    weights = folder / "model.safetensors"
    stat = weights.stat()
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    os.utime(weights, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert fingerprint(str(folder), cache=cache)["digest"] != before


@pytest.mark.parametrize("shard", ["parts/model-1.safetensors", "optimizer.safetensors"])
def test_every_shard_an_index_names_counts_whatever_it_is_called(folder, shard):
    import json

    (folder / shard).parent.mkdir(exist_ok=True)
    (folder / "model.safetensors").rename(folder / shard)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": {"a": shard}}))
    before = fingerprint(str(folder))
    assert shard in before["files"]
    (folder / shard).write_bytes((folder / shard).read_bytes()[:-1] + b"!")
    assert fingerprint(str(folder))["digest"] != before["digest"]


def test_a_template_that_prints_the_date_is_told(folder):
    assert not fingerprint(str(folder))["uses_date"]
    template = folder / "chat_template.jinja"
    template.write_text("{{ strftime_now('%d %b %Y') }}" + template.read_text())
    assert fingerprint(str(folder))["uses_date"]
    template.unlink()
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**config, "chat_template": "{{ strftime_now('%d') }}"}))
    assert fingerprint(str(folder))["uses_date"]


def test_a_hub_id_is_its_commit(hub):
    said = fingerprint("some/model")
    assert (said["kind"], said["id"], said["commit"]) == ("hub", "some/model", COMMIT)
    assert fingerprint("some/model", COMMIT) == said
    assert local_folder("some/model", download=True) == hub / "snapshots" / COMMIT


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda f: (f / "config.json").unlink(), "no config.json"),
        (lambda f: (f / "model.safetensors").unlink(), "has no weights"),
        (lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"), "allow_pickle: true"),
        (lambda f: (f / "model.safetensors.index.json").write_text("{"), "cannot be read"),
        (
            lambda f: (f / "model.safetensors.index.json").write_text('{"weight_map": {"a": "model-2.safetensors"}}'),
            "1 of 1 weight files are missing, e.g. model-2.safetensors",
        ),
    ],
)
def test_an_incomplete_checkpoint_is_unavailable(folder, hub, break_it, words):
    for place, path in ((folder, str(folder)), (hub / "snapshots" / COMMIT, "some/model")):
        break_it(place)
        with pytest.raises(UnavailableError, match=words) as caught:
            fingerprint(path)
        assert "\n" not in str(caught.value)


def test_what_is_absent_says_how_to_get_it(hub, tmp_path):
    with pytest.raises(UnavailableError, match="run `hf download other/model --revision v2`"):
        fingerprint("other/model", "v2")
    with pytest.raises(UnavailableError, match="HF_HUB_OFFLINE is set"):
        fingerprint("other/model", download=True)
    with pytest.raises(UnavailableError, match="there is no folder"):
        fingerprint(str(tmp_path / "nothing"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Qwen/Qwen2.5-7B", True),
        ("gpt2", True),
        ("./x", False),
        ("/a/b", False),
        ("~/m", False),
        ("a/b/c", False),
        ("../a", False),
    ],
)
def test_hub_ids_are_told_from_folders(path, expected):
    assert is_hub_id(path) is expected


def test_identity_needs_no_torch(folder):
    code = "import sys\nfrom dsafe_runner.engines.fingerprint import fingerprint\nfingerprint(sys.argv[1])\n"
    code += "import dsafe_runner.engines.process, dsafe_runner.engines.doctor\n"
    code += "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, str(folder)], timeout=60).returncode == 0
