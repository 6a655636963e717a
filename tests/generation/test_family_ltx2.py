"""LTX-2 on the CPU with a tiny model of random weights that was saved and is loaded by the real loading code."""

from __future__ import annotations

import wave
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from generation.engines.diffusion.drive import drive
from generation.engines.diffusion.families import get_family, ltx2
from generation.engines.diffusion.families.contract import Embedding
from generation.engines.diffusion.families.ltx2 import ONE_CALL, Ltx2
from generation.engines.diffusion.families.sounds import Latents
from generation.engines.diffusion.loading import load_pipeline
from generation.engines.diffusion.presets import Checkpoint, Preset, Schedule
from generation.engines.diffusion.prompts import read_embedding, write_embedding
from generation.engines.diffusion.session import Session
from generation.errors import NotAvailable
from generation.media.frames import VideoWriter, read_frames
from generation.media.rgb import from_rgb
from generation.spec import Footage, Progress, Shot, Size
from tests.generation.tiny_families import build_ltx2

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

pytestmark = pytest.mark.usefixtures("one_thread")
SIZE, FRAMES, FPS, TOKENS = Size(96, 64), 17, Fraction(24), 64
SHOT = Shot("a red cube spins while a bell rings", SIZE, FRAMES, FPS, seed=7)
SCRIPTS = ("a red cube", "красный куб", "一个红色的立方体", "مكعب أحمر")
CALL: dict[str, object] = {"max_sequence_length": TOKENS}
GUIDED: dict[str, object] = {**CALL, "spatio_temporal_guidance_blocks": [0]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models") / "ltx2"
    build_ltx2(made, upsampler=True)
    return made


@pytest.fixture(scope="module")
def loaded(folder: Path) -> Mapping[str, Any]:
    """The text parts alone, and each pipeline without them."""
    rest = ("connectors", "transformer", "vae", "audio_vae", "vocoder")
    without = (*Ltx2.text_parts, *Ltx2.unused_parts)
    return {
        "texts": load_pipeline(folder, "LTX2Pipeline", without=(*rest, *Ltx2.unused_parts)),
        **{name: load_pipeline(folder, name, without=without) for name in set(Ltx2.pipelines.values())},
    }


def _preset(call: Mapping[str, object] = CALL, guidance: float = 1.0) -> Preset:
    return Preset(
        name="tiny-av", title="Tiny", family="ltx2", checkpoint=Checkpoint("local/tiny", "", 0.0), licence="ours",
        licence_url="", commercial_use="yes", fps=FPS, sizes=(SIZE,), size_multiple_px=32, frames_step=8,
        frames_offset=1, min_frames=9, max_frames=241, schedule=Schedule(steps=2), guidance=guidance,
        makes_audio=True, call=call,
    )  # fmt: skip


def _encoded(loaded: Mapping[str, Any], texts: Sequence[str], call: Mapping[str, object] = CALL) -> list[Embedding]:
    return Ltx2(_preset(call)).encode(loaded["texts"], texts)


def _started(loaded: Mapping[str, Any], shots: Sequence[Shot], preset: Preset) -> tuple[Ltx2, Any, dict[str, Any]]:
    """The family, the pipeline of the shots' way and its arguments, as a session puts them together."""
    family = get_family("ltx2")(preset)
    assert isinstance(family, Ltx2)
    pipe = loaded[family.pipelines[family.way(shots[0])]]
    guided = preset.guidance > 1
    negatives = _encoded(loaded, [shot.negative_prompt for shot in shots]) if guided else None
    arguments = family.arguments(pipe, shots, _encoded(loaded, [shot.prompt for shot in shots]), negatives)
    arguments |= {
        "num_inference_steps": preset.schedule.steps,
        "guidance_scale": preset.guidance,
        "generator": [torch.Generator().manual_seed(shot.seed) for shot in shots],
        "output_type": "latent",
    }
    return family, pipe, arguments


def _clips(
    loaded: Mapping[str, Any], shots: Sequence[Shot], preset: Preset | None = None
) -> list[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
    """Film and sound of each shot."""
    family, pipe, arguments = _started(loaded, shots, preset or _preset())
    output = pipe(**arguments)
    passes = 1
    while changes := family.refine(pipe, output, shots, passes):
        output = pipe(**{**arguments, **changes})
        passes += 1
    clips = []
    for latent, shot in zip(family.latents(pipe, output, shots), shots, strict=True):
        clips.append((np.stack(list(family.decode(pipe, latent, shot))), family.sound(pipe, latent, shot)[0]))
    return clips


def _stock(folder: Path, shot: Shot, **changes: Any) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The whole pipeline as its publisher would call it: prompts as text, frames and sound decoded by itself."""
    pipe = load_pipeline(folder, "LTX2Pipeline", without=())
    arguments: dict[str, Any] = {
        "prompt": shot.prompt, "negative_prompt": shot.negative_prompt, "height": shot.size.height_px,
        "width": shot.size.width_px, "num_frames": shot.frames, "frame_rate": float(shot.fps),
        "num_inference_steps": 2, "guidance_scale": 1.0, "max_sequence_length": TOKENS, "output_type": "np",
        "generator": torch.Generator().manual_seed(shot.seed), **ONE_CALL,
    }  # fmt: skip
    output = pipe(**{**arguments, **changes})
    return np.rint(output.frames[0] * 255).astype(np.uint8), output.audio[0].numpy().T


def _picture(path: Path, colour: tuple[int, int, int], size: Size = SIZE) -> Path:
    image = Image.new("RGB", (size.width_px, size.height_px), colour)
    image.paste((255 - colour[0], colour[1], 128), (0, 0, size.width_px // 2, size.height_px // 2))
    image.save(path)
    return path


def _same(
    one: tuple[NDArray[np.uint8], NDArray[np.float32]], other: tuple[NDArray[np.uint8], NDArray[np.float32]]
) -> bool:
    """Equal but for roundings: the time's embedding of one row is a vector product and of two a matrix product, whose
    last bits differ (measured: 5e-7 of latents up to 3, 1 of 255 in a few values)."""
    off = np.abs(one[0].astype(int) - other[0])
    return bool(off.max() <= 1 and (off > 0).mean() < 1e-3 and np.abs(one[1] - other[1]).max() < 1e-5)


def test_film_and_sound_are_those_of_the_whole_pipeline(folder: Path, loaded: Mapping[str, Any]) -> None:
    film, sound = _clips(loaded, [SHOT])[0]
    wanted, heard = _stock(folder, SHOT)
    assert film.shape == (FRAMES, SIZE.height_px, SIZE.width_px, 3)
    assert np.array_equal(film, wanted)
    # The last 5 ms are faded, because the model's sound ends before the film.
    same = min(len(sound), len(heard)) - 80
    assert np.array_equal(sound[:same], heard[:same])
    assert float(np.abs(sound).max()) > 0.01


def test_ltx_2_3_too_gives_film_and_sound_of_the_whole_pipeline(tmp_path: Path) -> None:
    build_ltx2(tmp_path / "later", version="2.3")
    pipe = load_pipeline(tmp_path / "later", "LTX2Pipeline", without=Ltx2.unused_parts)
    film, sound = _clips({"texts": pipe, "LTX2Pipeline": pipe}, [SHOT])[0]
    wanted, heard = _stock(tmp_path / "later", SHOT)
    assert np.array_equal(film, wanted)
    assert len(sound) == round(SHOT.seconds * 48_000)
    same = min(len(sound), len(heard)) - 240
    assert np.array_equal(sound[:same], heard[:same])
    assert float(np.abs(sound).max()) > 0.01


def test_guidance_gives_what_the_whole_pipeline_gives(folder: Path, loaded: Mapping[str, Any]) -> None:
    shot = replace(SHOT, negative_prompt="blurry")
    film, _ = _clips(loaded, [shot], _preset(GUIDED, guidance=3.0))[0]
    defaults = {"audio_guidance_scale": 7.0, "stg_scale": 1.0, "audio_stg_scale": 1.0, "modality_scale": 3.0}
    wanted, _ = _stock(
        folder, shot, guidance_scale=3.0, audio_modality_scale=3.0, spatio_temporal_guidance_blocks=[0], **defaults
    )
    assert np.array_equal(film, wanted)
    assert not np.array_equal(film, _clips(loaded, [shot])[0][0])


@pytest.mark.parametrize(("guidance", "calls"), [(1.0, 2), (3.0, 6)])
def test_a_distilled_preset_calls_the_denoiser_once_a_step(
    loaded: Mapping[str, Any], guidance: float, calls: int
) -> None:
    _, pipe, arguments = _started(loaded, [SHOT], _preset(GUIDED, guidance))
    counted: list[int] = []
    hook = pipe.transformer.register_forward_hook(lambda *_: counted.append(1))
    pipe(**arguments)
    hook.remove()
    assert len(counted) == calls


def test_the_same_shot_gives_the_same_film_and_sound_and_another_seed_another(loaded: Mapping[str, Any]) -> None:
    one, again, other = (_clips(loaded, [replace(SHOT, seed=seed)])[0] for seed in (7, 7, 8))
    assert np.array_equal(one[0], again[0])
    assert np.array_equal(one[1], again[1])
    assert not np.array_equal(one[0], other[0])
    assert not np.array_equal(one[1], other[1])


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_a_shot_does_not_depend_on_its_batch(loaded: Mapping[str, Any], guidance: float) -> None:
    preset = _preset(GUIDED, guidance)
    shots = [SHOT, replace(SHOT, prompt=SCRIPTS[1], negative_prompt="noise", seed=8)]
    for together, shot in zip(_clips(loaded, shots, preset), shots, strict=True):
        assert _same(together, _clips(loaded, [shot], preset)[0])


def test_prompts_in_four_scripts_give_four_films(loaded: Mapping[str, Any]) -> None:
    films = [_clips(loaded, [replace(SHOT, prompt=text)])[0][0] for text in SCRIPTS]
    assert len({film.tobytes() for film in films}) == len(SCRIPTS)


def test_a_prompt_on_disk_is_the_encoders_own_without_its_padding(loaded: Mapping[str, Any], tmp_path: Path) -> None:
    family = Ltx2(_preset())
    embedding = family.encode(loaded["texts"], [SHOT.prompt])[0]
    assert 0 < len(embedding["prompt_embeds"]) < TOKENS
    write_embedding(tmp_path / "p.safetensors", embedding)
    padded = family._padded(loaded["LTX2Pipeline"], [read_embedding(tmp_path / "p.safetensors")], "")
    embeds, mask, _, _ = loaded["texts"].encode_prompt(
        SHOT.prompt, do_classifier_free_guidance=False, max_sequence_length=TOKENS
    )
    assert torch.equal(padded["prompt_attention_mask"], mask)
    assert torch.equal(padded["prompt_embeds"][mask.bool()], embeds[mask.bool()])


def test_prompts_are_cut_at_the_presets_length_and_not_before(loaded: Mapping[str, Any]) -> None:
    long = "bell " * 200
    assert len(_encoded(loaded, [long])[0]["prompt_embeds"]) == TOKENS
    assert len(_encoded(loaded, [long], {"max_sequence_length": 128})[0]["prompt_embeds"]) == 128
    assert len(_encoded(loaded, [long], {})[0]["prompt_embeds"]) == 1000


@pytest.mark.parametrize(("frames", "fps"), [(9, 24), (17, 24), (25, 25), (121, 24), (33, 30)])
def test_sound_is_exactly_as_long_as_the_film_and_ends_without_a_click(
    loaded: Mapping[str, Any], frames: int, fps: int
) -> None:
    shot = replace(SHOT, frames=frames, fps=Fraction(fps))
    family, pipe, _ = _started(loaded, [shot], _preset())
    length = round(frames / fps * 25)
    latent = torch.randn((1, 2, length, 2), generator=torch.Generator().manual_seed(1))
    sound, rate_hz = family.sound(pipe, Latents(None, latent), shot)
    assert sound.shape == (round(frames / Fraction(fps) * rate_hz), 2)
    assert sound.dtype == np.float32
    # What the model made covers the film but for 50 ms.
    assert float(np.abs(sound[: -round(0.056 * rate_hz)]).min(axis=1)[-400:].max()) > 0
    assert np.abs(sound[-1]).max() == 0.0


def _previews(loaded: Mapping[str, Any], shots: Sequence[Shot], preset: Preset) -> Iterator[tuple[Any, Any]]:
    """Per step: the previews, and frame 0 of the whole decode of the same latents."""
    family, pipe, arguments = _started(loaded, shots, preset)
    for step in drive(pipe, arguments):
        whole = ltx2._unpacked(pipe, step.tensors["latents"], shots[0])
        yield family.first_frames(pipe, step.tensors, shots), [next(ltx2._decoded(pipe, film[None])) for film in whole]


def test_a_preview_is_frame_0_of_the_whole_decode_where_the_decoder_sees_no_further(
    loaded: Mapping[str, Any],
) -> None:
    shots = [replace(SHOT, frames=25), replace(SHOT, frames=25, seed=8)]
    steps = list(_previews(loaded, shots, _preset()))
    assert len(steps) == 2
    for seen, wanted in steps:
        assert len(seen) == 2
        assert all(np.array_equal(*pair) for pair in zip(seen, wanted, strict=True))


def test_a_preview_of_a_long_film_is_near_frame_0_and_nearer_than_its_first_latents_alone(
    loaded: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    shot = replace(SHOT, frames=97)
    near = [float(np.abs(a[0].astype(float) - b[0]).mean()) for a, b in _previews(loaded, [shot], _preset())]
    monkeypatch.setattr(ltx2, "_PREVIEW_LATENTS", 1)
    alone = [float(np.abs(a[0].astype(float) - b[0]).mean()) for a, b in _previews(loaded, [shot], _preset())]
    assert max(near) < 10
    assert max(near) < 0.3 * min(alone)


def test_a_causal_decoder_gives_exact_previews_of_the_first_latent_alone(tmp_path: Path) -> None:
    build_ltx2(tmp_path / "causal", causal=True)
    pipe = load_pipeline(tmp_path / "causal", "LTX2Pipeline", without=())
    loaded = {"texts": pipe, "LTX2Pipeline": pipe}
    for seen, wanted in _previews(loaded, [replace(SHOT, frames=97)], _preset()):
        # Convolutions over one frame and over thirteen add in another order: 2e-6 before rounding.
        off = np.abs(seen[0].astype(int) - wanted[0])
        assert off.max() <= 1
        assert (off > 0).mean() < 1e-3


def test_a_film_follows_its_first_frame(loaded: Mapping[str, Any], tmp_path: Path) -> None:
    shots = [
        replace(SHOT, image=_picture(tmp_path / f"{number}.png", colour))
        for number, colour in enumerate([(200, 30, 30), (20, 40, 220)])
    ]
    both = _clips(loaded, shots)
    for clip, shot in zip(both, shots, strict=True):
        assert _same(clip, _clips(loaded, [shot])[0])
    assert not np.array_equal(both[0][0], both[1][0])
    # What is held is the picture's own latent.
    family, pipe, arguments = _started(loaded, shots[:1], _preset())
    film = family.latents(pipe, pipe(**arguments), shots)[0].film
    picture = torch.from_numpy(np.array(arguments["image"][0])).permute(2, 0, 1)[None, :, None].float() / 127.5 - 1
    with torch.no_grad():
        wanted = pipe.vae.encode(picture).latent_dist.mode()
    assert torch.allclose(film[:, :, :1], wanted, atol=1e-5)


def test_pictures_are_compressed_as_the_pipeline_would_do_it(loaded: Mapping[str, Any], tmp_path: Path) -> None:
    shot = replace(SHOT, first_frame=_picture(tmp_path / "p.png", (90, 160, 40)))
    films = []
    for own in (
        {},
        {"image": Image.open(tmp_path / "p.png"), "image_crf": None},
        {"image": Image.open(tmp_path / "p.png")},
    ):
        _, pipe, arguments = _started(loaded, [shot], _preset())
        films.append(pipe(**{**arguments, **own}).frames)
    assert torch.equal(films[0], films[1])
    assert not torch.equal(films[0], films[2])


def test_first_and_last_frame_both_count(loaded: Mapping[str, Any], tmp_path: Path) -> None:
    first, last = _picture(tmp_path / "a.png", (200, 30, 30)), _picture(tmp_path / "b.png", (20, 40, 220))
    shot = replace(SHOT, first_frame=first, last_frame=last)
    film = _clips(loaded, [shot])[0][0]
    assert film.shape[0] == FRAMES
    assert not np.array_equal(film, _clips(loaded, [replace(shot, first_frame=last)])[0][0])
    assert not np.array_equal(film, _clips(loaded, [replace(shot, last_frame=first)])[0][0])
    assert not np.array_equal(film, _clips(loaded, [replace(shot, first_frame=None)])[0][0])
    # The frames that condition the film stand behind it in the latents, and are no part of a preview.
    for seen, wanted in _previews(loaded, [shot], _preset()):
        assert np.array_equal(seen[0], wanted[0])


def test_a_shot_with_two_ends_is_made_alone(loaded: Mapping[str, Any], tmp_path: Path) -> None:
    shot = replace(SHOT, last_frame=_picture(tmp_path / "a.png", (200, 30, 30)))
    with pytest.raises(ValueError, match="one shot at a time, not 2"):
        _started(loaded, [shot, shot], _preset())


def _film(path: Path) -> NDArray[np.uint8]:
    pictures = np.zeros((FRAMES, SIZE.height_px, SIZE.width_px, 3), np.uint8)
    for number in range(FRAMES):
        pictures[number] = (40, 60, 90)
        pictures[number, 16:40, 2 * number : 2 * number + 24] = (220, 180, 60)
    with VideoWriter(path, SIZE, FPS) as writer:
        for picture in pictures:
            writer.write(from_rgb(picture))
    return pictures


def test_a_film_is_kept_at_strength_0_and_leaves_nothing_at_1(loaded: Mapping[str, Any], tmp_path: Path) -> None:
    _film(tmp_path / "film.mp4")
    kept, half, free = (
        _started(loaded, [replace(SHOT, video=tmp_path / "film.mp4", strength=strength)], _preset())
        for strength in (0.0, 0.5, 1.0)
    )
    films = [family.latents(pipe, pipe(**arguments), [SHOT])[0].film for family, pipe, arguments in (kept, half, free)]
    source = np.stack([np.array(picture) for picture in kept[2]["conditions"][0].frames])
    pixels = torch.from_numpy(source).permute(3, 0, 1, 2)[None].float() / 127.5 - 1
    with torch.no_grad():
        wanted = kept[1].vae.encode(pixels).latent_dist.mode()
    distances = [float((film - wanted).abs().mean()) for film in films]
    assert distances[0] < 1e-5
    assert distances[0] < distances[1] < distances[2]


TWO_PASSES = _preset({**CALL, "upsampler": True})
LARGE = replace(SHOT, size=Size(128, 128), frames=9)


def test_two_passes_run_small_and_then_three_steps_at_the_whole_size(loaded: Mapping[str, Any]) -> None:
    pipe = loaded["LTX2Pipeline"]
    places: list[int] = []
    hook = pipe.transformer.register_forward_pre_hook(
        lambda _, __, values: places.append(values["hidden_states"].shape[1]), with_kwargs=True
    )
    film, sound = _clips(loaded, [LARGE], TWO_PASSES)[0]
    hook.remove()
    assert places == [8, 8, 32, 32, 32], "two latents of 2x2 places, then of 4x4"
    assert film.shape == (9, 128, 128, 3)
    assert len(sound) == 6000
    assert np.array_equal(film, _clips(loaded, [LARGE], TWO_PASSES)[0][0])
    for seen, wanted in _previews(loaded, [LARGE], TWO_PASSES):
        assert seen[0].shape == (64, 64, 3)
        assert np.array_equal(seen[0], wanted[0])


def test_in_two_passes_too_a_shot_does_not_depend_on_its_batch(loaded: Mapping[str, Any], tmp_path: Path) -> None:
    shots = [
        replace(LARGE, seed=seed, image=_picture(tmp_path / f"{seed}.png", (seed * 20, 30, 30))) for seed in (7, 8)
    ]
    for together, shot in zip(_clips(loaded, shots, TWO_PASSES), shots, strict=True):
        assert _same(together, _clips(loaded, [shot], TWO_PASSES)[0])


def test_a_missing_upsampler_is_a_sentence(tmp_path: Path) -> None:
    build_ltx2(tmp_path / "plain")
    pipe = load_pipeline(tmp_path / "plain", "LTX2Pipeline", without=())
    with pytest.raises(NotAvailable, match=r"latent_upsampler: the second pass needs it; .* take `upsampler` off"):
        _clips({"texts": pipe, "LTX2Pipeline": pipe}, [LARGE], TWO_PASSES)


def _wav(path: Path) -> tuple[NDArray[np.float32], int]:
    with wave.open(str(path), "rb") as file:
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        return data.astype(np.float32) / 32767, file.getframerate()


def test_a_session_writes_film_and_sound_of_each_shot(folder: Path, loaded: Mapping[str, Any], tmp_path: Path) -> None:
    preset = replace(_preset(), checkpoint=Checkpoint("local/tiny", "", 0.0, folder=str(folder)))
    shots = [SHOT, replace(SHOT, seed=8), replace(SHOT, image=_picture(tmp_path / "p.png", (200, 30, 30)))]
    shots = [replace(shot, options={"preview_every": 1}) for shot in shots]
    paths = [tmp_path / f"{number}.mp4" for number in range(len(shots))]
    events = list(Session(preset, "cpu").render(shots, paths))
    assert sum(isinstance(event, Progress) and event.preview is not None for event in events) == 6
    footage = [event for event in events if isinstance(event, Footage)]
    assert [made.path for made in footage] == paths
    for made, shot in zip(footage, shots, strict=True):
        assert sum(1 for _ in read_frames(made.path)) == FRAMES
        assert made.sound == made.path.with_suffix(".wav")
        sound, rate_hz = _wav(made.sound)
        assert abs(len(sound) / rate_hz - shot.seconds) < 1 / FPS
        # 16 bits, and what two shots together round otherwise than one alone.
        assert np.abs(sound - _clips(loaded, [shot], preset)[0][1]).max() < 1 / 32767


def test_a_session_encodes_prompts_apart_and_films_from_them_are_the_same(folder: Path, tmp_path: Path) -> None:
    session = Session(replace(_preset(), checkpoint=Checkpoint("local/tiny", "", 0.0, folder=str(folder))), "cpu")
    list(session.encode([SHOT.prompt], [tmp_path / "p.safetensors"]))
    list(session.render([SHOT], [tmp_path / "inline.mp4"]))
    apart = replace(SHOT, prompt="not read", prompt_file=tmp_path / "p.safetensors")
    list(session.render([apart], [tmp_path / "apart.mp4"]))
    for suffix in (".mp4", ".wav"):
        inline = (tmp_path / "inline").with_suffix(suffix).read_bytes()
        assert (tmp_path / "apart").with_suffix(suffix).read_bytes() == inline


def test_a_session_makes_two_passes_and_counts_the_steps_of_both(folder: Path, tmp_path: Path) -> None:
    preset = replace(
        TWO_PASSES,
        checkpoint=Checkpoint("local/tiny", "", 0.0, folder=str(folder)),
        schedule=Schedule(steps=2, sigmas=(1.0, 0.5)),
    )
    shots = [LARGE, replace(LARGE, seed=8)]
    events = list(Session(preset, "cpu").render(shots, [tmp_path / "0.mp4", tmp_path / "1.mp4"]))
    done = [event for event in events if isinstance(event, Progress) and event.shot == 1]
    assert [(event.done, event.total) for event in done] == [(at, 6) for at in range(1, 7)]
    films = [event for event in events if isinstance(event, Footage)]
    assert [sum(1 for _ in read_frames(film.path)) for film in films] == [9, 9]
    assert all(film.notes["steps"] == 5 and film.sound is not None for film in films)
