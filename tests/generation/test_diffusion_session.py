"""Shots through real pipelines of tiny Wans, loaded from disk: what comes out, and what it does not depend on."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from generation.engines.diffusion import batch, finish
from generation.engines.diffusion import session as sessions
from generation.engines.diffusion.accelerate import tiled
from generation.engines.diffusion.batch import Settings, denoise
from generation.engines.diffusion.families.wan import Wan
from generation.engines.diffusion.loading import as_pipeline, load_pipeline
from generation.engines.diffusion.memory import Footing, batch_for, is_out_of_memory
from generation.engines.diffusion.presets import Preset, Schedule
from generation.engines.diffusion.session import Session
from generation.engines.diffusion.tiny import KINDS, build
from generation.errors import BadMedia, NotAvailable, OutOfMemory
from generation.media.frames import VideoWriter, read_frames
from generation.media.poster import to_rgb
from generation.media.rgb import from_rgb
from generation.spec import Footage, Progress, Shot, Size
from tests.generation.tiny_wan import FPS, FRAMES, SIZE, preset, shot

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every kind of tiny model."""
    home = tmp_path_factory.mktemp("models")
    for kind in KINDS:
        build(home / kind, kind)
    return home


@pytest.fixture
def text(folders: Path) -> Preset:
    return preset(folders / "text")


def picture(path: Path, colour: tuple[int, int, int], size: tuple[int, int] = (96, 64)) -> Path:
    image = Image.new("RGB", size, colour)
    image.paste((255, 255, 255), (0, 0, size[0] // 4, size[1] // 4))
    image.save(path)
    return path


def render(session: Session, shots: list[Shot], folder: Path) -> list[Footage]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{index}.mp4" for index in range(len(shots))]
    return [event for event in session.render(shots, paths) if isinstance(event, Footage)]


def film(path: Path) -> np.ndarray:
    return np.stack([to_rgb(planes) for planes in read_frames(path)]).astype(np.int16)


def exhausted(steps: object) -> batch.Denoised:
    while True:
        try:
            next(steps)  # type: ignore[call-overload]
        except StopIteration as end:
            return end.value


# --- what comes out -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["text", "two_experts", "five"])
def test_frames_are_those_of_the_stock_pipeline(kind: str, folders: Path) -> None:
    chosen = preset(folders / kind, kind, guidance=5.0)
    one = shot(size=Size(64, 32))
    stock = load_pipeline(folders / kind, "WanPipeline", without=())
    theirs = stock(
        prompt=one.prompt, negative_prompt="", height=32, width=64, num_frames=FRAMES, num_inference_steps=4,
        guidance_scale=5.0, output_type="np", generator=torch.Generator("cpu").manual_seed(one.seed),
    ).frames[0]  # fmt: skip
    session = Session(chosen)
    family = session.family
    prompts, negatives = [session._encoded(one.prompt)], [session._encoded("")]
    pipe = session.models.pipeline(one, "auto", "native", offload=False)
    done = exhausted(denoise(family, pipe, [one], prompts, negatives, Settings.of(chosen, {}), "cpu"))
    ours = np.stack(list(family.decode(pipe, done.latents[0], one)))
    assert np.array_equal(ours, np.rint(theirs * 255).astype(np.uint8))


def test_the_file_holds_the_frames_that_were_decoded(text: Preset, tmp_path: Path) -> None:
    session = Session(text)
    made = render(session, [shot()], tmp_path)[0]
    pipe = session.models.pipeline(shot(), "auto", "native", offload=False)
    prompt = [session._encoded(shot().prompt)]
    done = exhausted(denoise(session.family, pipe, [shot()], prompt, None, Settings.of(text, {}), "cpu"))
    decoded = np.stack(list(session.family.decode(pipe, done.latents[0], shot()))).astype(np.int16)
    assert (made.frames, made.fps, made.size) == (FRAMES, FPS, SIZE)
    assert film(made.path).shape == decoded.shape
    luma = np.stack([from_rgb(picture.astype(np.uint8)).y for picture in decoded]).astype(np.int16)
    written = np.stack([planes.y.copy() for planes in read_frames(made.path)]).astype(np.int16)
    assert np.abs(written - luma).mean() < 2.5  # the encoder's own loss on coloured noise, at crf 12


def test_the_footage_says_how_it_was_made(text: Preset, tmp_path: Path) -> None:
    notes = render(Session(text), [shot(options={"steps": 3})], tmp_path)[0].notes
    expected = {
        "preset": "tiny-text",
        "way": "text",
        "steps": 3,
        "speed": "exact",
        "precision": "fp32",
        "device": "cpu",
    }
    assert expected.items() <= notes.items()


def test_prompts_in_four_scripts_give_four_films(text: Preset, tmp_path: Path) -> None:
    prompts = ["a red cube spins", "ein Würfel dreht sich", "赤い立方体が回る", "مكعب أحمر يدور"]
    films = [film(made.path) for made in render(Session(text), [shot(prompt) for prompt in prompts], tmp_path)]
    for index, one in enumerate(films):
        for other in films[index + 1 :]:
            assert np.abs(one - other).mean() > 0.5


# --- batches --------------------------------------------------------------------------------------------------------


def test_a_shot_is_the_same_alone_and_in_a_batch(text: Preset, tmp_path: Path) -> None:
    shots = [shot("one", seed=1), shot("two", seed=2), shot("three", seed=3)]
    together = render(Session(text), shots, tmp_path / "together")
    for index, one in enumerate(shots):
        alone = render(Session(text), [one], tmp_path / str(index))[0]
        assert alone.path.read_bytes() == together[index].path.read_bytes()


def test_like_shots_are_denoised_together_and_others_apart(
    text: Preset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []

    def counted(family: object, pipe: object, shots: list[Shot], *rest: object) -> object:
        batches.append(len(shots))
        return denoise(family, pipe, shots, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(sessions, "denoise", counted)
    shots = [shot(seed=1), shot(seed=2), shot(seed=3, frames=13), shot(seed=4, options={"batch": 1}), shot(seed=5)]
    made = render(Session(text), shots, tmp_path)
    assert batches == [2, 1, 1, 1]
    assert [footage.path.name for footage in made] == [f"{index}.mp4" for index in range(5)]
    assert [footage.frames for footage in made] == [9, 9, 13, 9, 9]


def test_a_clip_that_fills_a_card_is_denoised_alone() -> None:
    assert batch_for(Shot("a", Size(832, 480), 81, Fraction(16), 1)) == 1
    assert batch_for(Shot("a", Size(416, 240), 81, Fraction(16), 1)) == 3


# --- prompts apart --------------------------------------------------------------------------------------------------


def test_a_prompt_encoded_apart_gives_the_same_film_to_the_bit(folders: Path, tmp_path: Path) -> None:
    chosen = preset(folders / "text", guidance=5.0)
    one = shot("Ein Würfel 🎲 dreht sich", negative_prompt="text, letters")
    inline = render(Session(chosen), [one], tmp_path / "inline")[0]
    files = [tmp_path / "prompt.safetensors", tmp_path / "negative.safetensors"]
    list(Session(chosen).encode([one.prompt, one.negative_prompt], files))
    apart = replace(one, prompt_file=files[0], negative_file=files[1])
    assert render(Session(chosen), [apart], tmp_path / "apart")[0].path.read_bytes() == inline.path.read_bytes()
    other = replace(apart, prompt_file=files[1])
    assert render(Session(chosen), [other], tmp_path / "other")[0].path.read_bytes() != inline.path.read_bytes()


def test_the_text_encoder_is_gone_before_the_denoiser_comes(text: Preset, tmp_path: Path) -> None:
    session = Session(text)
    session.models.together = False  # as on a GPU
    events = session.render([shot()], [tmp_path / "0.mp4"])
    next(events)
    assert session.models._text is None
    assert session.models._open is not None
    assert getattr(session.models._open.pipe, "text_encoder", None) is None
    events.close()  # type: ignore[attr-defined]
    list(session.encode(["another text"], [tmp_path / "0.safetensors"]))
    assert session.models._open is None


def test_each_text_is_encoded_once(text: Preset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    encode = Wan.encode

    def counted(self: Wan, pipe: object, texts: list[str]) -> object:
        seen.extend(texts)
        return encode(self, pipe, texts)

    monkeypatch.setattr(Wan, "encode", counted)
    render(Session(text), [shot("a", seed=1), shot("b", seed=2), shot("a", seed=3)], tmp_path)
    assert seen == ["a", "b"]


def test_a_damaged_prompt_file_is_a_sentence(text: Preset, tmp_path: Path) -> None:
    (tmp_path / "prompt.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0nonsense")
    with pytest.raises(BadMedia, match=r"prompt\.safetensors: not a readable encoded prompt"):
        render(Session(text), [shot(prompt_file=tmp_path / "prompt.safetensors")], tmp_path)


# --- ways -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["image", "five"])
def test_a_film_begins_as_its_first_frame_says(kind: str, folders: Path, tmp_path: Path) -> None:
    session = Session(preset(folders / kind, kind))
    size = Size(64, 32)
    red, blue = (
        picture(tmp_path / f"{name}.png", colour) for name, colour in (("r", (200, 20, 20)), ("b", (20, 20, 200)))
    )
    shots = [shot(size=size, first_frame=red), shot(size=size, first_frame=blue), shot(size=size, image=red)]
    films = [film(made.path) for made in render(session, shots, tmp_path / "films")]
    assert np.abs(films[0] - films[1]).mean() > 0.3
    assert films[2].shape == films[0].shape
    again = render(session, [shots[0]], tmp_path / "again")[0]
    assert np.array_equal(film(again.path), films[0])


def test_first_and_last_frame_both_count(folders: Path, tmp_path: Path) -> None:
    session = Session(preset(folders / "image", "image"))
    red, blue = (
        picture(tmp_path / f"{name}.png", colour) for name, colour in (("r", (200, 20, 20)), ("b", (20, 20, 200)))
    )
    shots = [shot(first_frame=red), shot(first_frame=red, last_frame=red), shot(first_frame=red, last_frame=blue)]
    made = render(session, shots, tmp_path / "films")
    assert [footage.notes["way"] for footage in made] == ["image", "first_last", "first_last"]
    films = [film(footage.path) for footage in made]
    assert np.abs(films[1] - films[2]).mean() > 0.3
    assert np.abs(films[0] - films[1]).mean() > 0.1


def test_pictures_go_to_the_sister_checkpoint(folders: Path, tmp_path: Path) -> None:
    both = preset(folders / "text", image_checkpoint=preset(folders / "image", "image").checkpoint)
    session = Session(both)
    red = picture(tmp_path / "r.png", (200, 20, 20))
    made = render(session, [shot(), shot(first_frame=red), shot()], tmp_path / "films")
    assert [footage.notes["way"] for footage in made] == ["text", "image", "text"]
    assert made[0].path.read_bytes() == made[2].path.read_bytes()


def test_references_steer_the_film(folders: Path, tmp_path: Path) -> None:
    session = Session(preset(folders / "references", "references"))
    red, blue = (
        picture(tmp_path / f"{name}.png", colour) for name, colour in (("r", (200, 20, 20)), ("b", (20, 20, 200)))
    )
    shots = [shot(), shot(references=(red,)), shot(references=(blue,)), shot(references=(red, blue)), shot(image=red)]
    made = render(session, shots, tmp_path / "films")
    films = [film(footage.path) for footage in made]
    assert {one.shape for one in films} == {(FRAMES, SIZE.height_px, SIZE.width_px, 3)}
    for index in range(3):
        assert np.abs(films[index] - films[index + 1]).mean() > 0.05
    assert np.array_equal(films[4], films[1])


def moving(path: Path, colour: int) -> Path:
    with VideoWriter(path, Size(96, 64), Fraction(24)) as writer:
        for index in range(40):
            frame = np.full((64, 96, 3), colour, np.uint8)
            frame[:, index : index + 20] = 250
            writer.write(from_rgb(frame))
    return path


def test_a_restyled_film_keeps_more_of_its_source_at_less_strength(text: Preset, tmp_path: Path) -> None:
    session = Session(text)
    source = moving(tmp_path / "source.mp4", 40)
    options = {"steps": 10}
    little, much = (
        film(
            render(session, [shot(video=source, strength=strength, options=options)], tmp_path / str(strength))[0].path
        )
        for strength in (0.2, 0.9)
    )
    other = film(
        render(session, [shot(video=moving(tmp_path / "o.mp4", 200), strength=0.2, options=options)], tmp_path / "o")[
            0
        ].path
    )
    assert np.abs(little - other).mean() > 0.5
    assert np.abs(little - much).mean() > 0.5
    assert len(little) == FRAMES


def test_a_film_too_short_to_restyle_is_refused(text: Preset, tmp_path: Path) -> None:
    source = moving(tmp_path / "source.mp4", 40)  # 1.7 s
    with pytest.raises(BadMedia, match=r"source\.mp4: .* too few for a shot of"):
        render(Session(text), [shot(video=source, frames=29)], tmp_path / "films")


# --- previews, cancelling -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["text", "references"])
def test_a_preview_is_frame_0_of_the_full_decode_of_the_same_step(
    kind: str, folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(preset(folders / kind, kind))
    one = shot(references=(picture(tmp_path / "r.png", (200, 20, 20)),)) if kind == "references" else shot()
    previews: list[np.ndarray] = []
    full: list[np.ndarray] = []
    first_frames = type(session.family).first_frames

    def both(self: Wan, pipe: object, tensors: dict[str, torch.Tensor], shots: list[Shot]) -> list[np.ndarray]:
        made = first_frames(self, pipe, tensors, shots)
        previews.extend(made)
        output = type("Output", (), {"frames": tensors["latents"]})
        full.append(next(iter(list(self.decode(pipe, self.latents(pipe, output, shots)[0], shots[0])))))
        return made

    monkeypatch.setattr(Wan, "first_frames", both)
    events = list(session.render([replace(one, options={"preview_every": 2})], [tmp_path / "0.mp4"]))
    assert len(previews) == 2
    for preview, frame in zip(previews, full, strict=True):
        assert np.array_equal(preview, frame)
    assert [event.done for event in events if isinstance(event, Progress) and event.preview] == [2, 4]
    assert sorted(path.name for path in tmp_path.glob("0*")) == ["0.mp4"]


def test_a_preview_is_a_whole_picture_while_the_film_is_made(text: Preset, tmp_path: Path) -> None:
    for event in Session(text).render([shot(options={"preview_every": 1})], [tmp_path / "0.mp4"]):
        if isinstance(event, Progress) and event.preview:
            with Image.open(event.preview) as image:
                assert image.size == (SIZE.width_px, SIZE.height_px)


def test_closing_stops_between_two_steps_and_leaves_no_thread_and_no_file(
    text: Preset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(text)
    render(session, [shot()], tmp_path / "warm")
    pipe = session.models.pipeline(shot(), "auto", "native", offload=False)
    calls: list[int] = []
    pipe.transformer.register_forward_pre_hook(lambda *_: calls.append(1))
    monkeypatch.setattr(pipe.vae, "decode", lambda *_, **__: pytest.fail("decoded after cancelling"))
    (tmp_path / "cut").mkdir()
    before = threading.active_count()
    events = session.render([shot(options={"steps": 20, "preview_every": 0})], [tmp_path / "cut" / "0.mp4"])
    for _ in range(3):
        assert isinstance(next(events), Progress)
    events.close()  # type: ignore[attr-defined]
    assert len(calls) <= 4
    assert threading.active_count() == before
    assert list((tmp_path / "cut").iterdir()) == []


def test_closing_while_a_shot_is_decoded_leaves_no_file(text: Preset, tmp_path: Path) -> None:
    events = Session(text).render(
        [shot(options={"batch": 1}), shot(seed=8, options={"batch": 1})], [tmp_path / "0.mp4", tmp_path / "1.mp4"]
    )
    seen = 0
    for event in events:
        seen += isinstance(event, Progress) and event.shot == 1
        if seen == 1:
            break
    events.close()  # type: ignore[attr-defined]
    assert not (tmp_path / "1.mp4").exists()
    assert not list(tmp_path.glob("*.part"))


# --- memory ---------------------------------------------------------------------------------------------------------


def limited(session: Session, most_elements: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let the allocator refuse tensors larger than `most_elements` in the denoiser; returns the batches that it saw."""
    sizes: list[int] = []
    pipeline = session.models.pipeline

    def opened(*arguments: object, **others: object) -> object:
        pipe = pipeline(*arguments, **others)  # type: ignore[arg-type]
        if "forward" in pipe.transformer.__dict__:
            return pipe
        forward = pipe.transformer.forward

        def refusing(*inputs: object, **named: object) -> object:
            latents = named["hidden_states"]
            sizes.append(latents.shape[0])  # type: ignore[attr-defined]
            with Refusing(most_elements):
                return forward(*inputs, **named)

        pipe.transformer.forward = refusing
        return pipe

    monkeypatch.setattr(session.models, "pipeline", opened)
    return sizes


class Refusing(torch.utils._python_dispatch.TorchDispatchMode):
    """An allocator with little memory: every operation that would return more elements than it has fails."""

    def __init__(self, most_elements: int) -> None:
        super().__init__()
        self.most_elements = most_elements

    def __torch_dispatch__(self, operation, types, arguments=(), named=None):
        made = operation(*arguments, **(named or {}))
        if isinstance(made, torch.Tensor) and made.numel() > self.most_elements:
            raise torch.OutOfMemoryError(f"tried to allocate {made.numel()} elements")
        return made


@pytest.mark.fault(14, "the memory of a batch of shots does not suffice: smaller batches, same films")
def test_out_of_memory_makes_batches_smaller_and_the_films_stay_the_same(
    text: Preset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shots = [shot(str(seed), seed=seed) for seed in range(4)]
    plain = render(Session(text), shots, tmp_path / "plain")
    session = Session(text)
    sizes = limited(session, 40_000, monkeypatch)
    tight = render(session, shots, tmp_path / "tight")
    assert max(sizes) == 4
    assert sizes.count(4) == 1
    assert sizes[-1] < 4
    assert [one.path.read_bytes() for one in tight] == [one.path.read_bytes() for one in plain]
    sizes.clear()
    render(session, shots, tmp_path / "later")
    assert max(sizes) < 4, "what was learned about memory was forgotten"


@pytest.mark.fault(14, "the memory of one shot does not suffice")
def test_out_of_memory_ends_in_a_sentence_with_the_numbers(
    text: Preset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(text)
    limited(session, 10, monkeypatch)
    with pytest.raises(
        OutOfMemory, match=r"tiny-text: 48x32, 9 frames do not fit .* one shot at a time, decoding in tiles"
    ):
        render(session, [shot(), shot(seed=8)], tmp_path)
    assert list(tmp_path.glob("*.mp4")) == []


@pytest.mark.fault(14, "the memory for decoding does not suffice")
def test_a_decoder_out_of_memory_decodes_in_tiles_and_says_so(
    text: Preset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(text)
    tried: list[bool] = []
    write = finish.Finisher._write

    def failing(self: finish.Finisher, *rest: object, tiling: bool | None = None) -> None:
        asked = rest[-1] if tiling is None else tiling
        tried.append(bool(asked))
        assert sys.exc_info()[1] is None, "the error of the first try still holds what that had decoded"
        if not asked:
            raise torch.OutOfMemoryError("tried to allocate 3 GiB")
        write(self, *rest, **({} if tiling is None else {"tiling": tiling}))  # type: ignore[arg-type]

    monkeypatch.setattr(finish.Finisher, "_write", failing)
    made = render(session, [shot(), shot(seed=8)], tmp_path)
    assert tried == [False, True, True]
    assert [footage.notes["decoded"] for footage in made] == ["in tiles", "in tiles"]
    tried.clear()
    render(session, [shot(seed=9)], tmp_path / "later")
    assert tried == [True], "what was learned about memory was forgotten"


def test_a_shot_that_is_decoded_in_tiles_does_not_tile_the_next_shots_picture(folders: Path) -> None:
    session = Session(preset(folders / "image", "image"))
    vae = session.models.pipeline(shot(), "auto", "native", offload=False).vae
    began, seen = threading.Event(), []
    inner = vae._encode
    vae._encode = lambda picture: seen.append(vae.use_tiling) or inner(picture)

    def encode() -> None:
        began.set()
        vae.encode(torch.zeros(1, 3, 1, 32, 48))

    other = threading.Thread(target=encode)
    with tiled(vae):
        other.start()
        began.wait()
        other.join(0.2)
        assert seen == []
    other.join()
    assert seen == [False]


def test_a_text_encoder_without_room_comes_layer_by_layer_and_encodes_the_same(
    text: Preset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / "plain.safetensors", tmp_path / "tight.safetensors"]
    list(Session(text).encode(["a red cube"], paths[:1]))
    session = Session(text)
    encode, asked = session.family.encode, []

    def failing(pipe: object, texts: list[str]) -> object:
        asked.append(hasattr(pipe.text_encoder.encoder.block[0].layer[0].SelfAttention.q, "_diffusers_hook"))  # type: ignore[attr-defined]
        assert sys.exc_info()[1] is None
        if len(asked) == 1:
            raise torch.OutOfMemoryError("tried to allocate 3 GiB")
        return encode(pipe, texts)

    monkeypatch.setattr(session.models, "together", False)
    monkeypatch.setattr(session.family, "encode", failing)
    list(session.encode(["a red cube"], paths[1:]))
    assert asked == [False, True]
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        MemoryError(),
    ],
)
def test_every_library_that_runs_out_of_memory_is_understood(error: Exception) -> None:
    assert is_out_of_memory(error)
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_the_order_of_what_is_tried() -> None:
    tried: list[Footing | None] = [Footing(5)]
    while tried[-1]:
        tried.append(tried[-1].smaller(can_offload=True))
    assert tried == [Footing(5), Footing(3), Footing(2), Footing(1), Footing(1, True), Footing(1, True, True), None]
    assert Footing(1, tiling=True).smaller(can_offload=False) is None


# --- loading --------------------------------------------------------------------------------------------------------


def test_other_pipelines_share_the_loaded_parts_untouched(folders: Path) -> None:
    pipe = load_pipeline(folders / "five", "WanPipeline", without=("text_encoder", "tokenizer"), precision="bf16")
    other = as_pipeline(pipe, "WanImageToVideoPipeline")
    assert other.transformer is pipe.transformer
    assert other.transformer.dtype is torch.bfloat16
    assert other.config.expand_timesteps is True


def test_the_vae_stays_in_full_precision(folders: Path) -> None:
    pipe = load_pipeline(
        folders / "text",
        "WanPipeline",
        without=("text_encoder", "tokenizer"),
        precision="bf16",
        full_precision=("vae",),
    )
    assert pipe.vae.dtype is torch.float32
    assert pipe.transformer.dtype is torch.bfloat16


def test_a_broken_folder_is_a_sentence(folders: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(NotAvailable, match="not a whole model for WanPipeline"):
        load_pipeline(tmp_path / "model", "WanPipeline", without=())
    with pytest.raises(NotAvailable, match="has no NoSuchPipeline"):
        load_pipeline(folders / "text", "NoSuchPipeline", without=())


def test_exact_steps_of_a_schedule_are_visited(text: Preset, tmp_path: Path) -> None:
    exact = replace(text, schedule=Schedule("FlowMatchEulerDiscreteScheduler", {}, 4, (1.0, 0.9375, 0.8333, 0.625)))
    session = Session(exact)
    prompt = [session._encoded("a")]
    pipe = session.models.pipeline(shot(), "auto", "native", offload=False)
    steps = denoise(session.family, pipe, [shot()], prompt, None, Settings.of(exact, {}), "cpu")
    assert [round(step.timestep, 1) for step in steps] == [1000.0, 937.5, 833.3, 625.0]
