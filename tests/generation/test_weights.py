"""Weights: what a folder of them has to be, where they lie, and fetching them from a hub that runs in this process."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from generation.engines.diffusion import weights
from generation.engines.diffusion.hub import Hub
from generation.engines.diffusion.presets import Adapter, Checkpoint, Preset, get_preset
from generation.engines.diffusion.pull import pull
from generation.engines.diffusion.verify import faults, safetensors_fault
from generation.errors import NotAvailable, Transient

COMMIT, NEWER = "a" * 40, "b" * 40
HUB_ID = "acme/Shoes-Wan"


def safetensors(value: int = 1, length: int = 64) -> bytes:
    """A whole safetensors file with one tensor of `length` bytes."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [length], "data_offsets": [0, length]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes([value]) * length


def model_files() -> dict[str, bytes]:
    """The files of a whole model, as a repository holds them: one component in two shards, and things nobody needs."""
    index = {
        "_class_name": "WanPipeline", "_diffusers_version": "0.42.1", "boundary_ratio": 0.875,
        "scheduler": ["diffusers", "UniPCMultistepScheduler"],
        "tokenizer": ["transformers", "T5TokenizerFast"],
        "transformer": ["diffusers", "WanTransformer3DModel"],
        "transformer_2": [None, None],
        "vae": ["diffusers", "AutoencoderKLWan"],
    }  # fmt: skip
    shards = {f"w{n}": f"diffusion_pytorch_model-0000{n}-of-00002.safetensors" for n in (1, 2)}
    return {
        "model_index.json": json.dumps(index).encode(),
        "README.md": b"# Shoes",
        "scheduler/scheduler_config.json": b"{}",
        "tokenizer/tokenizer_config.json": b"{}",
        "transformer/config.json": b'{"_class_name": "WanTransformer3DModel"}',
        "transformer/diffusion_pytorch_model.safetensors.index.json": json.dumps({"weight_map": shards}).encode(),
        "transformer/diffusion_pytorch_model-00001-of-00002.safetensors": safetensors(1),
        "transformer/diffusion_pytorch_model-00002-of-00002.safetensors": safetensors(2),
        "vae/config.json": b"{}",
        "vae/diffusion_pytorch_model.safetensors": safetensors(3),
        "vae/diffusion_pytorch_model.bin": b"a pickle",
        "shoes-wan-single-file.safetensors": safetensors(4, 4096),
    }


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has loaded a model is offline for good; here the order of the tests must not matter."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPOTMILL_MODELS", str(tmp_path / "models"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return tmp_path / "models"


def preset_of(checkpoint: Checkpoint, **changes: object) -> Preset:
    return replace(get_preset("draft"), name="shoes", checkpoint=checkpoint, **changes)  # type: ignore[arg-type]


# -- what a folder has to be -----------------------------------------------------------------------------------------


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write(tmp_path / "model", model_files())


def test_a_whole_model_is_accepted_pickles_beside_it_or_not(model: Path) -> None:
    assert faults(model) == ()


@pytest.mark.fault(21, "a model lacks one of its files")
@pytest.mark.parametrize(
    ("gone", "fault"),
    [
        ("model_index.json", "model_index.json is missing or broken"),
        (
            "transformer/diffusion_pytorch_model-00002-of-00002.safetensors",
            "transformer: .*00002-of-00002.* is missing",
        ),
        ("vae/diffusion_pytorch_model.safetensors", "vae: no safetensors, only diffusion_pytorch_model.bin, a pickle"),
    ],
)
def test_a_model_that_lacks_a_file_is_refused(model: Path, gone: str, fault: str) -> None:
    (model / gone).unlink()
    found = faults(model)
    assert len(found) == 1
    assert re.search(fault, found[0])


def test_a_missing_shard_is_noticed_without_its_index_too(model: Path) -> None:
    (model / "transformer" / "diffusion_pytorch_model.safetensors.index.json").unlink()
    (model / "transformer" / "diffusion_pytorch_model-00001-of-00002.safetensors").unlink()
    assert faults(model) == ("transformer: diffusion_pytorch_model-00001-of-00002.safetensors is missing",)


def test_a_missing_component_is_refused(model: Path) -> None:
    shutil.rmtree(model / "vae")
    assert faults(model) == ("the folder vae is missing",)


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        (
            "transformer/config.json",
            b'{"auto_map": {"AutoModel": "own.Model"}}',
            "transformer/config.json asks for code",
        ),
        ("tokenizer/tokenizer_config.json", b'{"auto_map": {}}', "asks for code of its own"),
        ("transformer/modeling.py", b"print('run')", "transformer/modeling.py is code"),
        ("model_index.json", b'{"_class_name": ["pipeline", "Own"]}', "a pipeline class from elsewhere"),
    ],
)
def test_code_that_comes_with_weights_is_refused(model: Path, name: str, content: bytes, fault: str) -> None:
    write(model, {name: content})
    assert fault in " ".join(faults(model))
    with pytest.raises(NotAvailable, match="never run"):
        weights.find(Checkpoint(folder=str(model)))


@pytest.mark.fault(21, "a model's file is cut short or is none")
@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (safetensors()[:-1], "cut short"),
        (safetensors() + b"x", "cut short|instead of"),
        (b"", "is no safetensors file"),
        (b"PK\x03\x04 a pickle in a zip", "is no safetensors file"),
        (b"\xff" * 40, "is no safetensors file"),
        ((5).to_bytes(8, "little") + b"[1,2]", "is no safetensors file"),
    ],
)
def test_a_damaged_file_is_noticed_without_reading_it_all(tmp_path: Path, content: bytes, fault: str) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    assert any(part in safetensors_fault(path) for part in fault.split("|"))
    path.write_bytes(safetensors())
    assert safetensors_fault(path) == ""


def test_an_index_that_leads_out_of_the_folder_leads_nowhere(model: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.safetensors"
    outside.write_bytes(safetensors())
    index = model / "transformer" / "diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"w": "../../outside.safetensors"}}))
    assert "transformer: outside.safetensors is missing" in faults(model)


# -- finding ---------------------------------------------------------------------------------------------------------


def test_weights_that_are_not_here_are_a_sentence_with_the_one_command() -> None:
    draft = get_preset("draft")
    with pytest.raises(NotAvailable, match=r"Wan2.1-T2V-1.3B.* not here; .*27.0 GiB.*: spotmill models pull draft"):
        weights.find(draft.checkpoint, "draft")
    (sentence,) = weights.lacking(draft)
    assert "licence: Apache-2.0" in sentence


def test_a_preset_of_two_checkpoints_and_loras_is_one_sentence_with_the_whole_size() -> None:
    (sentence,) = weights.lacking(get_preset("quality"))
    assert "240.0 GiB with all that quality needs" in sentence


def test_what_a_preset_is_not_used_for_is_not_asked_for() -> None:
    texts_only = replace(get_preset("quality"), ways=frozenset({"loras"}))
    assert weights.download_gib(texts_only) == pytest.approx(120.0)
    assert [one.for_image for one in weights.adapters(texts_only)] == [False, False]


def test_a_folder_of_ones_own_is_used_where_it_lies(model: Path) -> None:
    preset = preset_of(Checkpoint(folder=str(model)))
    assert weights.find(preset.checkpoint, preset.name) == model
    assert weights.lacking(preset) == ()
    (model / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    (sentence,) = weights.lacking(preset)
    assert "correct `folder` in the preset" in sentence


def test_other_weights_in_a_folder_are_another_identity(model: Path) -> None:
    checkpoint = Checkpoint(folder=str(model))
    before = weights.identity(checkpoint)
    (model / "speeds.json").write_text("{}")  # measured figures lie beside the model and are not of it
    assert weights.identity(checkpoint) == before
    (model / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(safetensors(9))
    assert weights.identity(checkpoint) != before


@pytest.mark.fault(21, "the weights are of another commit than the one that is pinned")
def test_weights_of_another_commit_than_the_pinned_one_are_refused(home: Path) -> None:
    folder = write(home / "acme--Shoes-Wan", model_files())
    weights.write_lock(folder, weights.Lock(NEWER, {}))
    with pytest.raises(NotAvailable, match=r"holds commit bbbbbbbbbbbb, the preset wants aaaaaaaaaaaa"):
        weights.find(Checkpoint(HUB_ID, COMMIT), "shoes")
    assert weights.find(Checkpoint(HUB_ID, NEWER), "shoes") == folder


def test_the_lock_pins_what_the_preset_does_not(home: Path) -> None:
    assert weights.identity(Checkpoint(HUB_ID)) == "not pinned"
    folder = write(home / "acme--Shoes-Wan", model_files())
    weights.write_lock(folder, weights.Lock(COMMIT, {}))
    assert weights.identity(Checkpoint(HUB_ID)) == COMMIT
    assert weights.identity(Checkpoint(HUB_ID, NEWER)) == NEWER


def test_moving_into_place_replaces_what_lies_there(tmp_path: Path) -> None:
    write(tmp_path / "final", {"old": b"1"})
    write(tmp_path / "part", {"new": b"2"})
    weights.move(tmp_path / "part", tmp_path / "final")
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["final", "final/new"]


# -- the tiny model --------------------------------------------------------------------------------------------------


def test_the_tiny_model_is_built_once_and_again_when_its_source_changed(home: Path) -> None:
    pytest.importorskip("diffusers")
    pytest.importorskip("torch").set_num_threads(1)
    tiny = get_preset("tiny")
    assert weights.lacking(tiny) == ()
    (folder,) = pull(tiny)
    assert folder == home / "tiny" == weights.find(tiny.checkpoint, "tiny")
    assert faults(folder) == ()
    lock = weights.read_lock(folder)
    assert lock
    assert lock.commit == weights.identity(tiny.checkpoint, "tiny")
    weight = "vae/diffusion_pytorch_model.safetensors"
    assert lock.files[weight]["sha256"] == hashlib.sha256((folder / weight).read_bytes()).hexdigest()
    written = (folder / "model_index.json").stat().st_mtime_ns
    pull(tiny)
    assert (folder / "model_index.json").stat().st_mtime_ns == written
    weights.write_lock(folder, weights.Lock("an older source", lock.files))
    weights.find(tiny.checkpoint, "tiny")
    assert weights.read_lock(folder) == lock
    assert [path.name for path in home.iterdir()] == ["tiny"]


# -- fetching, from a hub in this process ------------------------------------------------------------------------------


class FakeHub(ThreadingHTTPServer):
    """As much of the hub's API as fetching needs: a repository at two commits, and a note of every request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.files = {COMMIT: model_files(), NEWER: model_files() | {"vae/config.json": b'{"newer": 1}'}}
        self.gated = False
        self.breaks_at = ""
        self.damages = ""
        self.requests: list[tuple[str, str]] = []
        self.tokens: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fetched(self) -> set[str]:
        """Names of the files whose content was sent."""
        return {path.split("/", 5)[5] for verb, path in self.requests if verb == "GET" and "/resolve/" in path}


class _Answers(BaseHTTPRequestHandler):
    server: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: Any) -> None:
        """Quiet."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        hub, path = self.server, self.path.partition("?")[0]
        hub.requests.append((self.command, path))
        hub.tokens.add(self.headers.get("Authorization", ""))
        if hub.gated:
            return self._send(401, b"", {"X-Error-Code": "GatedRepo", "X-Error-Message": "gated"}, body)
        for prefix in (f"/api/models/{HUB_ID}", f"/{HUB_ID}/resolve/"):
            if path.startswith(prefix):
                return self._repository(path.removeprefix(prefix), body)
        return self._send(404, b"", {"X-Error-Code": "RepoNotFound"}, body)

    def _repository(self, rest: str, body: bool) -> None:
        parts = [part for part in rest.split("/") if part]
        if self.path.startswith("/api/") and parts[:1] != ["tree"]:
            commit = parts[1] if parts[:1] == ["revision"] else NEWER
            if commit not in self.server.files:
                return self._send(404, b"", {"X-Error-Code": "RevisionNotFound"}, body)
            siblings = [{"rfilename": one["path"], **one} for one in self._listing(commit)]
            return self._json({"id": HUB_ID, "sha": commit, "siblings": siblings}, body)
        if self.path.startswith("/api/"):
            return self._json([{"type": "file", "oid": "0" * 40, **one} for one in self._listing(parts[1])], body)
        return self._file(parts[0], "/".join(parts[1:]), body)

    def _listing(self, commit: str) -> list[dict[str, Any]]:
        return [
            {"path": name, "size": len(content), "blobId": "0" * 40}
            | ({"lfs": self._lfs(content)} if name.endswith(".safetensors") else {})
            for name, content in self.server.files[commit].items()
        ]

    @staticmethod
    def _lfs(content: bytes) -> dict[str, Any]:
        sha256 = hashlib.sha256(content).hexdigest()
        return {"size": len(content), "sha256": sha256, "oid": sha256, "pointerSize": 130}

    def _file(self, commit: str, name: str, body: bool) -> None:
        content = self.server.files[commit].get(name)
        if content is None:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound"}, body)
        if body and name == self.server.breaks_at:
            return self._send(500, b"", {}, body)
        etag = hashlib.sha256(content).hexdigest()
        if name == self.server.damages:
            content = content[:-1] + b"?"
        return self._send(200, content, {"ETag": f'"{etag}"', "X-Repo-Commit": commit}, body)

    def _json(self, value: object, body: bool) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"}, body)

    def _send(self, status: int, content: bytes, headers: Mapping[str, str], body: bool) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    pytest.importorskip("huggingface_hub")
    server = FakeHub()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_preset_is_fetched_checked_and_locked(home: Path, hub: FakeHub) -> None:
    preset = preset_of(Checkpoint(HUB_ID, COMMIT))
    told: list[tuple[str, int, int]] = []
    (folder,) = pull(preset, lambda *what: told.append(what), hub=Hub(hub.url))
    assert folder == home / "acme--Shoes-Wan" == weights.find(preset.checkpoint, preset.name)
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    unwanted = {"README.md", "vae/diffusion_pytorch_model.bin", "shoes-wan-single-file.safetensors"}
    assert files == set(model_files()) - unwanted | {weights.LOCK}
    assert not hub.fetched() & unwanted
    lock = weights.read_lock(folder)
    assert lock
    assert lock.commit == COMMIT
    content = model_files()["vae/diffusion_pytorch_model.safetensors"]
    assert lock.files["vae/diffusion_pytorch_model.safetensors"] == {
        "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(),
    }  # fmt: skip
    total = sum(len(content) for name, content in model_files().items() if name not in unwanted)
    assert (HUB_ID, total, total) in told
    assert told[-1] == (f"checking {HUB_ID}", total, total)
    assert [path.name for path in home.iterdir()] == ["acme--Shoes-Wan"]


def test_what_is_here_is_not_asked_for_again(hub: FakeHub) -> None:
    preset = preset_of(Checkpoint(HUB_ID, COMMIT))
    pull(preset, hub=Hub(hub.url))
    hub.requests.clear()
    pull(preset, hub=Hub(hub.url))
    assert hub.requests == []


def test_a_repository_that_is_not_pinned_is_taken_at_its_newest_commit_and_locked(hub: FakeHub) -> None:
    preset = preset_of(Checkpoint(HUB_ID))
    (folder,) = pull(preset, hub=Hub(hub.url))
    lock = weights.read_lock(folder)
    assert lock
    assert lock.commit == NEWER == weights.identity(preset.checkpoint)


def test_a_download_that_broke_goes_on_where_it_was(home: Path, hub: FakeHub) -> None:
    preset = preset_of(Checkpoint(HUB_ID, COMMIT))
    hub.breaks_at = "vae/diffusion_pytorch_model.safetensors"
    with pytest.raises(Transient, match=r"could not be fetched .*run the command again, it goes on"):
        pull(preset, hub=Hub(hub.url))
    assert weights.lacking(preset)
    assert [path.name for path in home.iterdir()] == ["acme--Shoes-Wan.part"]
    there = {path.relative_to(home / "acme--Shoes-Wan.part").as_posix() for path in home.rglob("*.safetensors")}
    hub.breaks_at = ""
    hub.requests.clear()
    pull(preset, hub=Hub(hub.url))
    assert hub.breaks_at not in there
    assert "vae/diffusion_pytorch_model.safetensors" in hub.fetched()
    assert not hub.fetched() & there


def test_a_gated_repository_says_what_a_person_has_to_do(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.gated = True
    monkeypatch.setenv("HF_TOKEN", "hf_a_secret")
    with pytest.raises(NotAvailable, match=r"accept it, and put a read token .* as HF_TOKEN") as caught:
        pull(preset_of(Checkpoint(HUB_ID, COMMIT, gated=True)), hub=Hub(hub.url))
    assert "hf_a_secret" not in str(caught.value)
    assert hub.tokens == {"Bearer hf_a_secret"}


def test_no_token_but_the_environments_is_sent(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("hf_from_a_file")
    # Where the library looks for a token by itself; it reads the variable for it once, at its import.
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))
    pull(preset_of(Checkpoint(HUB_ID, COMMIT)), hub=Hub(hub.url))
    assert hub.tokens == {""}


@pytest.mark.parametrize(
    ("checkpoint", "sentence"),
    [
        (Checkpoint("acme/Nothing", COMMIT), "no public repository acme/Nothing"),
        (Checkpoint(HUB_ID, "c" * 40), "no such commit"),
    ],
)
def test_what_the_hub_does_not_have_is_a_sentence(hub: FakeHub, checkpoint: Checkpoint, sentence: str) -> None:
    with pytest.raises(NotAvailable, match=sentence):
        pull(preset_of(checkpoint), hub=Hub(hub.url))


def test_a_hub_that_does_not_answer_may_be_tried_again(hub: FakeHub) -> None:
    with pytest.raises(Transient, match="run the command again"):
        pull(preset_of(Checkpoint(HUB_ID, COMMIT)), hub=Hub("http://127.0.0.1:9"))


def test_fetched_weights_with_code_of_their_own_never_get_into_place(home: Path, hub: FakeHub) -> None:
    hub.files[COMMIT]["transformer/config.json"] = b'{"auto_map": {"AutoModel": "own.Model"}}'
    with pytest.raises(NotAvailable, match=r"acme/Shoes-Wan at aaaaaaaaaaaa cannot be used: .*auto_map"):
        pull(preset_of(Checkpoint(HUB_ID, COMMIT)), hub=Hub(hub.url))
    assert not (home / "acme--Shoes-Wan").exists()


def test_a_full_disk_is_noticed_before_anything_is_fetched(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(Path.cwd())
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(NotAvailable, match=r"GiB more and .* has 0.0 GiB free; make room, or .* SPOTMILL_MODELS"):
        pull(preset_of(Checkpoint(HUB_ID, COMMIT)), hub=Hub(hub.url))
    assert hub.fetched() == set()


@pytest.mark.fault(21, "a file of weights arrives with another hash")
def test_a_file_that_arrived_damaged_is_removed_and_fetched_again(hub: FakeHub) -> None:
    preset = preset_of(Checkpoint(HUB_ID, COMMIT))
    name = "vae/diffusion_pytorch_model.safetensors"
    hub.damages = name
    with pytest.raises(NotAvailable, match=r"diffusion_pytorch_model.safetensors arrived damaged and was removed"):
        pull(preset, hub=Hub(hub.url))
    assert weights.lacking(preset)
    hub.damages = ""
    hub.requests.clear()
    pull(preset, hub=Hub(hub.url))
    assert hub.fetched() == {name}
    assert weights.lacking(preset) == ()


def test_a_presets_own_loras_are_fetched_beside_each_other(home: Path, hub: FakeHub) -> None:
    names = [f"steps/{name}_noise_model.safetensors" for name in ("high", "low")]
    hub.files[COMMIT] |= {name: safetensors(7) for name in names}
    preset = preset_of(Checkpoint(HUB_ID, NEWER), adapters=tuple(Adapter(HUB_ID, COMMIT, name) for name in names))
    preset = replace(preset, checkpoint=Checkpoint(folder=str(write(home / "own", model_files()))))
    paths = pull(preset, hub=Hub(hub.url))[1:]
    assert paths == tuple(home / "acme--Shoes-Wan" / name for name in names)
    assert hub.fetched() == set(names)
    assert [weights.adapter_path(one) for one in preset.adapters] == list(paths)
    lock = weights.read_lock(home / "acme--Shoes-Wan")
    assert lock
    assert [lock.files[name]["commit"] for name in names] == [COMMIT, COMMIT]
    other = replace(preset.adapters[0], revision=NEWER)
    with pytest.raises(NotAvailable, match="commit aaaaaaaaaaaa lies here; fetch it: spotmill models pull"):
        weights.adapter_path(other)


def test_models_are_kept_in_the_users_cache_unless_a_folder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPOTMILL_MODELS", "~/big/models")
    assert weights.home() == Path.home() / "big" / "models"
    monkeypatch.delenv("SPOTMILL_MODELS")
    assert weights.home() == Path("~").expanduser() / ".cache" / "spotmill" / "models"
