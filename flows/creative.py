"""One creative end to end, as plain functions over the ledger, without Prefect and without Ray.

Each function makes one step if it is missing and returns it finished; what a step needs must have been finished before
(`need`). This is where a campaign's words become the plain sizes, seconds and texts of `generation` and `audio`, and
the only place that calls both. Footage comes from a loaded engine, several shots at once: see `rendering.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.files import sha256_file
from flows.ledger import Finished, Ledger, Workspace
from flows.node import secret_bytes
from flows.sheet import title_sheet, words_from
from flows.steps import (
    LEAD_IN_SECONDS,
    BedStep,
    ConformStep,
    ContentStep,
    FootageStep,
    MasterStep,
    MixStep,
    PackageStep,
    PlateStep,
    Step,
    TrackStep,
    VoiceStep,
)

if TYPE_CHECKING:
    from audio.spec import Cue, Speech, Stem
    from audio.voices.contract import Voice
    from generation.check import Expected
    from generation.marks.invisible.contract import MarkWriter
    from generation.spec import Footage

VIDEO, WAV, TRACK = "video.mp4", "sound.wav", "track.m4a"


class StepMissing(RuntimeError):
    """A step that another one builds on is not there, or not whole any more."""

    code = "step_missing"


class DeliveryRefused(Exception):
    """The finished file breaks a limit of its placement; the text names every breach with its measure."""

    code = "check_failed"


def need(ledger: Ledger, step: Step) -> Finished:
    """The finished step that another one builds on."""
    found = ledger.find(step.kind, step.key)
    if not found:
        raise StepMissing(f"{step.kind} {step.key} is not in the ledger")
    return found


def make_conform(ledger: Ledger, step: ConformStep) -> Finished:
    """Bring footage from its model's rate to the delivery's, by following its motion."""

    def work(space: Workspace) -> None:
        from generation.conform.conform import ConformSettings, conform

        settings = ConformSettings(
            interpolation=str(step.interpolation_model.path) if step.interpolation_model else step.interpolation,
            upscale=str(step.upscale_model.path) if step.upscale_model else "none",
            deflicker=step.deflicker,
        )
        source = _footage(need(ledger, step.footage), step.footage)
        done = conform(source, space.file(VIDEO), fps=step.fps, frames=step.frames, settings=settings)
        space.facts["notes"] = _measured(done.notes["conform"])
        space.facts["size"] = [done.size.width_px, done.size.height_px]
        space.facts["work"] = megapixel_frames(step.footage.size, step.frames)

    return ledger.make(step.kind, step.key, work)


def make_plate(ledger: Ledger, step: PlateStep) -> Finished:
    """Join, reframe and grade the shots."""

    def work(space: Workspace) -> None:
        from generation.plate import make_plate as join
        from generation.spec import Size

        clips = [_footage(need(ledger, clip), clip) for clip in step.clips]
        size = Size(*step.size)
        plate = join(
            clips,
            space.file(VIDEO),
            size=size,
            fps=step.fps,
            frames=step.frames,
            look=step.look,
            seed=step.seed,
            transition=step.transition,
        )
        space.facts["notes"] = dict(plate.notes)
        space.facts["work"] = megapixel_frames(step.size, step.frames)

    return ledger.make(step.kind, step.key, work)


def make_voice(ledger: Ledger, step: VoiceStep, voice: Voice) -> Finished:
    """Speak the text so that it fits; the word times go into the facts."""

    def work(space: Workspace) -> None:
        from audio.fit import speak_to_fit

        options = voice.Options(**step.options).model_dump()
        speech = speak_to_fit(
            voice,
            step.text,
            step.locale,
            space.file(WAV),
            available_seconds=step.available_seconds,
            options=options,
        )
        words = [[word.text, word.offset, word.start_seconds, word.end_seconds] for word in speech.words]
        space.facts |= {"seconds": speech.seconds, "speed": speech.speed, "words": words, "notes": dict(speech.notes)}
        space.facts["work"] = speech.seconds

    return ledger.make(step.kind, step.key, work)


def make_bed(ledger: Ledger, step: BedStep) -> Finished:
    """Compose the music."""

    def work(space: Workspace) -> None:
        from audio.beds import make_bed as compose
        from audio.waveform import write_wav

        write_wav(space.file(WAV), compose(step.seconds, step.mood, step.seed))
        space.facts["work"] = step.seconds

    return ledger.make(step.kind, step.key, work)


def make_mix(ledger: Ledger, step: MixStep) -> Finished:
    """Lay the voice over the ducked music and the film's own sound."""

    def work(space: Workspace) -> None:
        from audio.mix import make_mix as mix

        speech = _speech(ledger, step.voice) if step.voice else None
        bed = need(ledger, step.bed).file(WAV) if step.bed else None
        mix(
            space.file(WAV),
            speech,
            seconds=step.seconds,
            mood=None,
            seed=0,
            lead_in_seconds=LEAD_IN_SECONDS,
            bed_path=bed,
            stems=_stems(ledger, step),
        )
        space.facts["work"] = step.seconds

    return ledger.make(step.kind, step.key, work)


def make_track(ledger: Ledger, step: TrackStep) -> Finished:
    """Bring the mix to the placement's loudness and encode it."""

    def work(space: Workspace) -> None:
        from audio.loudness import master_track
        from audio.spec import Loudness

        target = Loudness(step.integrated_lufs, step.true_peak_dbtp)
        measured = master_track(need(ledger, step.mix).file(WAV), space.file(TRACK), target, kbps=step.kbps)
        space.facts |= {"lufs": round(measured.integrated_lufs, 2), "peak_dbtp": round(measured.true_peak_dbtp, 2)}
        space.facts["work"] = step.mix.seconds

    return ledger.make(step.kind, step.key, work)


def make_content(ledger: Ledger, step: ContentStep) -> Finished:
    """Have the user's models look at the plate; what they say is kept, whether it is refused or not.

    Raises: ContentRefused, after it has been kept.
    """

    def work(space: Workspace) -> None:
        from flows.policy.content import checks_of
        from generation.content.check import check_content

        video = need(ledger, step.plate).file(VIDEO)
        space.facts["content"] = check_content(video, checks_of(step.checks)).as_json()
        space.facts["work"] = megapixel_frames(step.plate.size, step.plate.frames)

    from generation.content.check import refuse_content

    made = ledger.make(step.kind, step.key, work)
    refuse_content(made.facts["content"])  # type: ignore[arg-type]  # a JSON object
    return made


def make_master(ledger: Ledger, step: MasterStep) -> Finished:
    """Draw titles, captions and marks over the plate and encode the film."""

    def work(space: Workspace) -> None:
        from generation.layers.compose import compose_master

        plate = need(ledger, step.plate)
        sheet = title_sheet(step, captions(ledger, step))
        notes = compose_master(plate.file(VIDEO), space.file(VIDEO), sheet, tier=step.quality, mark=_mark(step))
        space.facts["notes"] = dict(notes)
        space.facts["work"] = megapixel_frames(step.plate.size, step.plate.frames)

    return ledger.make(step.kind, step.key, work)


def _mark(step: MasterStep) -> MarkWriter | None:
    """What draws the invisible mark: the beginning of the step's own key."""
    if not step.invisible_mark:
        return None
    from generation.marks.invisible import get_mark
    from generation.spec import Size

    secret = secret_bytes(step.mark_secret)
    plate, payload = step.plate, bytes.fromhex(step.mark_id)
    return get_mark(step.invisible_mark).writer(Size(*plate.size), plate.fps, payload, key=secret)


def make_package(ledger: Ledger, step: PackageStep) -> Finished:
    """Join film and sound for a placement, write poster and captions, and check the finished bytes."""

    def work(space: Workspace) -> None:
        from generation.media.mux import mux_delivery
        from generation.media.poster import write_poster

        master = need(ledger, step.master).file(VIDEO)
        track = need(ledger, step.track).file(TRACK) if step.track else None
        path = space.file(VIDEO)
        mux_delivery(master, track, path, language=step.master.locale, title=step.title)
        space.facts["measures"] = check(step, path)
        space.facts["sha256"] = sha256_file(path)
        write_poster(path, _poster_second(step), space.file("poster.jpg"))
        write_captions(captions(ledger, step.master), step.master.locale, space)
        space.facts["work"] = megapixel_frames(step.master.plate.size, step.master.plate.frames)

    return ledger.make(step.kind, step.key, work)


def captions(ledger: Ledger, step: MasterStep) -> tuple[Cue, ...]:
    """Caption cues of a master's voice; none without a voice."""
    if not step.voice:
        return ()
    from audio.captions import make_cues

    words = words_from(need(ledger, step.voice).facts)
    return make_cues(step.voice.text, words, step.locale, max_characters=step.caption_characters)


def write_captions(cues: tuple[Cue, ...], locale: str, space: Workspace) -> None:
    """Sidecar files; none when nothing is spoken."""
    if not cues:
        return
    from audio.captions import write_srt, write_vtt

    write_srt(cues, space.file("captions.srt"))
    write_vtt(cues, space.file("captions.vtt"), locale)


def check(step: PackageStep, path: Path) -> dict[str, object]:
    """Measure the finished file against the placement's limits.

    Raises: DeliveryRefused with every breach.
    """
    from generation.check import check_delivery

    checked = check_delivery(path, expected(step))
    breaches = [finding for finding in checked.findings if finding.severity == "error"]
    if breaches:
        raise DeliveryRefused("; ".join(finding.message for finding in breaches))
    warnings = [finding.message for finding in checked.findings]
    return {**checked.measures, "warnings": warnings}


def expected(step: PackageStep) -> Expected:
    """The placement's limits as `generation` checks them."""
    from generation.check import Expected
    from generation.spec import Size

    limits, plate = step.limits, step.master.plate
    number = {name: float(str(value)) for name, value in limits.items() if isinstance(value, int | float)}
    return Expected(
        size=Size(*plate.size),
        fps=plate.fps,
        frames=plate.frames,
        min_seconds=number["min_seconds"],
        max_seconds=number["max_seconds"],
        max_bytes=int(number["max_bytes"]),
        min_video_kbps=number.get("min_kbps", 0.0),
        audio_codec="aac" if step.track else None,
        integrated_lufs=number["loudness_lufs"],
        true_peak_dbtp=number["true_peak_dbtp"],
    )


def _poster_second(step: PackageStep) -> float:
    """A moment when the titles stand: past the middle, where films of two shots dissolve, and before an end card."""
    return round(float(step.master.plate.frames / step.master.plate.fps) * 0.55, 3)


def megapixel_frames(size: tuple[int, int], frames: int) -> float:
    """The unit in which the cost of pictures grows."""
    return size[0] * size[1] * frames / 1e6


def _footage(finished: Finished, step: FootageStep | ConformStep) -> Footage:
    from generation.spec import Footage, Size

    # Only the model that enlarged a clip knows by how much.
    size: Any = finished.facts["size"] if isinstance(step, ConformStep) else step.size
    return Footage(finished.file(VIDEO), Size(*size), step.frames, step.fps)


def _measured(notes: Any) -> dict[str, object]:
    """What conform says of a clip; the figures of the finished clip stand in front, under the report's names."""
    return {"flicker": notes["after"]["flicker"], "frozen": notes["after"]["frozen_share"], **notes}


def _stems(ledger: Ledger, step: MixStep) -> list[Stem]:
    """The own sound of the shots that have one, each when it is seen."""
    from audio.spec import Stem

    shots = [(part, need(ledger, part.footage)) for part in step.stems]
    return [
        Stem(made.file(WAV), part.at_seconds, part.seconds) for part, made in shots if made.facts.get("sound") is True
    ]


def _speech(ledger: Ledger, step: VoiceStep) -> Speech:
    from audio.spec import Speech, Word

    finished = need(ledger, step)
    words = tuple(Word(*word) for word in finished.facts["words"])  # type: ignore[attr-defined]  # a JSON list
    return Speech(finished.file(WAV), float(str(finished.facts["seconds"])), words)
