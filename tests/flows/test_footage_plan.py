"""How shots become footage of an engine: frame counts, parts, prompts, files, joins. Nothing is rendered here."""

import math
from dataclasses import replace
from fractions import Fraction

import pytest

from flows import footage_plan
from flows.footage_plan import FootagePlanner
from flows.model import ConformBrief, LoraBrief, ShotBrief
from flows.order import Order, prepare
from generation.engines.animatic.engine import Animatic
from generation.engines.contract import Engine
from tests.flows.small import small_campaign
from tests.flows.toy_engine import Toy

DELIVERY = Fraction(30000, 1001)
SHOT = ShotBrief("a sea", "", Fraction(1), None, 7, "")
SQUARE = (1080, 1080)


def engine(**facts) -> Toy:
    made = Toy()
    for name, value in facts.items():
        setattr(made, name, value)
    return made


def planner(made: Engine, options=None, conform=None) -> FootagePlanner:
    def sha256_of(path):
        return f"bytes of {path.read_text()}"

    return FootagePlanner(made, options or {}, DELIVERY, "dissolve", sha256_of, conform)


def reel(made: Engine, *shots: ShotBrief, frames: int = 45, options=None, style=("", "")):
    return planner(made, options).reel(shots or (SHOT,), SQUARE, frames, style)


def ruled(fps: int, step: int, offset: int = 1):
    """An engine with frame counts of `step` * n + `offset` at a rate of its own."""

    class Ruled(Toy):
        max_seconds = 60.0

        def native_fps(self, wanted):
            return Fraction(fps)

        def native_frames(self, seconds, rate):
            least = super().native_frames(seconds, rate)
            return math.ceil((least - offset) / step) * step + offset

    return Ruled()


@pytest.mark.parametrize(("fps", "step"), [(16, 4), (24, 8), (8, 1), (25, 1)])
def test_the_last_delivered_frame_lies_within_the_footage_and_nothing_is_rendered_in_vain(fps, step):
    made = ruled(fps, step)
    for frames in (2, 30, 90, 179, 180, 181, 300):
        (shot,) = reel(made, frames=frames).footage
        last = Fraction(frames - 1) / DELIVERY
        assert shot.fps == fps
        assert (shot.frames - 1) % step == 0
        assert Fraction(shot.frames - 1, fps) >= last, f"{frames} frames"
        assert Fraction(shot.frames - step - 1, fps) < last, f"{frames} frames: fewer would have done"


def test_an_engine_at_the_delivery_rate_renders_exactly_what_is_shown():
    made = reel(Animatic(), frames=180)
    assert [(shot.frames, shot.fps) for shot in made.footage] == [(180, DELIVERY)]
    assert (made.conformed, made.stems, made.transition) == ((), (), "dissolve")
    assert made.footage[0].encoded == ()


def test_options_that_change_no_pixel_are_passed_and_change_no_key():
    plain, fast, moody = (reel(Toy(), options=options).footage[0] for options in ({}, {"speed": "fast"}, {"mood": "x"}))
    assert plain.key == fast.key != moody.key
    assert (fast.options, fast.neutral_options) == ({}, {"speed": "fast"})
    assert moody.options == {"mood": "x"}


@pytest.mark.parametrize("asset", ["picture", "last_picture", "clip", "references", "loras"])
def test_files_count_by_their_bytes_and_not_by_their_names(tmp_path, asset):
    made = engine(ways=frozenset({"image", "last_frame", "video", "references", "loras"}))

    def key(name, text):
        (tmp_path / name).write_text(text)
        path = tmp_path / name
        value = {"references": (path,), "loras": (LoraBrief(path, 0.5),)}.get(asset, path)
        return reel(made, replace(SHOT, **{asset: value})).footage[0].key

    assert key("a", "one") == key("b", "one") != key("a", "other")
    assert key("a", "one") != reel(made).footage[0].key


def test_the_weight_of_a_lora_and_the_strength_of_a_restyle_count(tmp_path):
    (tmp_path / "a").write_text("a")
    made = engine(ways=frozenset({"video", "loras"}))
    for change in ({"loras": (LoraBrief(tmp_path / "a", 0.5),)}, {"clip": tmp_path / "a", "strength": 0.5}):
        other = {"loras": (LoraBrief(tmp_path / "a", 0.6),)} if "loras" in change else {**change, "strength": 0.6}
        first, second = (reel(made, replace(SHOT, **one)).footage[0].key for one in (change, other))
        assert first != second
    plain, other = (reel(made, replace(SHOT, strength=strength)).footage[0].key for strength in (0.1, 0.9))
    assert plain == other, "without a clip there is nothing that a strength could change"


def test_a_shot_longer_than_the_engine_makes_becomes_equal_parts_that_go_on_from_each_other():
    made = reel(Toy(), frames=180)  # six seconds of an engine that makes two
    first, *others = made.footage
    assert len(made.footage) == 4, "three parts of two seconds would have no frame to go on from"
    assert [step.frames for step in made.conformed] == [45, 45, 45, 45]
    assert first.before is None
    assert [step.before for step in others] == list(made.footage[:-1])
    assert all(step.seconds <= 2.0 for step in made.footage)
    assert len({step.key for step in made.footage}) == 4


def test_a_part_goes_on_from_the_first_frame_that_is_not_shown_of_the_one_before():
    made = reel(Toy(), frames=90)
    first, second = made.footage
    due = Fraction(45) / DELIVERY
    assert abs(Fraction(second.before_frame) / second.fps - due) <= Fraction(1, 2) / second.fps
    assert second.before_frame <= first.frames - 1


def test_an_engine_that_cannot_begin_with_a_frame_is_asked_for_the_whole_shot():
    made = reel(engine(ways=frozenset()), frames=180)
    assert [shot.seconds > 2.0 for shot in made.footage] == [True], "check has the engine refuse it"


def thirds(*more):
    names = ("a sea", "a boat", "a cup")
    return [replace(SHOT, share=Fraction(1, 3), prompt=name, **one) for name, one in zip(names, more, strict=True)]


def test_a_shot_that_goes_on_is_cut_to_and_others_dissolve():
    apart, going_on = thirds({}, {}, {}), thirds({}, {"continues": True}, {})
    apart, together = reel(Toy(), *apart, frames=90), reel(Toy(), *going_on, frames=90)
    assert (apart.transition, together.transition) == ("dissolve", ("cut", "dissolve"))
    assert sum(step.frames for step in apart.conformed) == 90 + 2 * 8
    assert sum(step.frames for step in together.conformed) == 90 + 8
    assert [step.before for step in together.footage] == [None, together.footage[0], None]


def test_parts_of_one_shot_are_cut_and_the_next_shot_is_dissolved_to():
    halves = [replace(SHOT, share=Fraction(3, 4)), replace(SHOT, share=Fraction(1, 4), prompt="a boat")]
    made = reel(Toy(), *halves, frames=90)
    assert made.transition == ("cut", "dissolve")
    assert sum(step.frames for step in made.conformed) == 98
    last = made.stems[-1]
    assert last.at_seconds + last.seconds == pytest.approx(90 / float(DELIVERY), abs=1e-5), "sound ends with the film"


def test_an_engine_that_cannot_begin_with_a_frame_makes_an_ordinary_shot_of_one_that_goes_on():
    made = reel(engine(ways=frozenset()), *thirds({}, {"continues": True}, {}), frames=90)
    assert [step.before for step in made.footage] == [None] * 3
    assert made.transition == "dissolve"


def test_the_first_shot_of_a_film_goes_on_from_nothing():
    assert reel(Toy(), replace(SHOT, continues=True)).footage[0].before is None


def test_only_the_last_part_ends_with_the_last_picture_and_only_the_first_begins_with_the_picture(tmp_path):
    (tmp_path / "a").write_text("a")
    made = engine(ways=frozenset({"image", "first_frame", "last_frame"}))
    parts = reel(made, replace(SHOT, picture=tmp_path / "a", last_picture=tmp_path / "a"), frames=90).footage
    assert [bool(part.picture) for part in parts] == [True, False]
    assert [bool(part.last_picture) for part in parts] == [False, True]


@pytest.mark.parametrize(
    ("ways", "image", "references"), [({"image"}, True, 0), ({"references"}, False, 1), ({"first_frame"}, False, 0)]
)
def test_the_rows_picture_goes_where_the_engine_can_take_it(tmp_path, ways, image, references):
    (tmp_path / "a").write_text("a")
    (shot,) = reel(engine(ways=frozenset(ways)), replace(SHOT, picture=tmp_path / "a")).footage
    assert (shot.picture is not None, len(shot.references)) == (image, references)


def test_what_the_engine_cannot_take_is_left_for_it_to_refuse(tmp_path):
    (tmp_path / "a").write_text("a")
    made = engine(ways=frozenset())
    (shot,) = reel(made, replace(SHOT, clip=tmp_path / "a", loras=(LoraBrief(tmp_path / "a", 1.0),))).footage
    assert shot.clip is not None
    assert len(shot.loras) == 1


def test_prompt_and_negative_prompt_are_steps_where_the_engine_encodes_them_apart():
    (shot,) = reel(Toy(), replace(SHOT, negative_prompt="")).footage
    assert [text.text for text in shot.encoded] == ["a sea", ""]
    (styled,) = reel(Toy(), replace(SHOT, negative_prompt="blur"), style=("soft light", "text")).footage
    assert [text.text for text in styled.encoded] == ["a sea, soft light", "blur, text"]
    (guarded,) = reel(engine(negative_prompt="warped hands"), replace(SHOT, negative_prompt="blur")).footage
    assert guarded.encoded[1].text == guarded.negative_prompt == "warped hands, blur"
    assert reel(engine(encodes_prompts=False)).footage[0].encoded == ()
    assert reel(engine(encodes_prompts=False)).footage[0].key == reel(Toy()).footage[0].key


def test_own_sound_is_heard_when_its_shot_is_seen():
    halves = [replace(SHOT, share=Fraction(1, 2)), replace(SHOT, share=Fraction(1, 2), prompt="a boat")]
    stems = reel(Toy(), *halves, frames=60).stems
    assert [stem.footage.prompt for stem in stems] == ["a sea", "a boat"]
    assert stems[0].at_seconds == 0
    # 34 + 34 frames, 8 of them shared.
    assert stems[1].at_seconds == pytest.approx(26 / float(DELIVERY), abs=1e-6)
    assert stems[1].seconds == pytest.approx(34 / float(DELIVERY), abs=1e-6)


def test_shots_too_short_for_their_joins_are_planned_and_left_for_the_plate_to_refuse():
    made = reel(Toy(), *thirds({}, {}, {}), frames=20)
    assert len(made.footage) == 3
    assert made.stems == ()


def test_without_torch_frames_are_mixed_and_the_plan_says_so(monkeypatch):
    monkeypatch.setattr(footage_plan, "find_spec", lambda name: None)
    assert [step.interpolation for step in reel(Toy()).conformed] == ["blend"]
    (note,) = planner(Toy()).notes
    assert "torch" in note
    assert "8 to 29.97" in note
    assert planner(Animatic()).notes == ()


def test_with_torch_motion_is_followed_and_nothing_needs_saying(monkeypatch):
    monkeypatch.setattr(footage_plan, "find_spec", lambda name: object())
    assert planner(Toy()).notes == ()
    assert [step.interpolation for step in reel(Toy()).conformed] == ["motion"]


def test_what_a_model_made_is_measured_at_any_rate_and_what_is_drawn_is_left_alone():
    assert len(reel(ruled(30, 1)).conformed) == 1
    assert reel(Animatic()).conformed == ()


def test_conform_is_as_the_campaign_wants_it(tmp_path):
    model = tmp_path / "x2.onnx"
    model.write_bytes(b"one")
    wanted = ConformBrief("nearest", None, model, 0.25)
    (step,) = planner(Toy(), conform=wanted).reel((SHOT,), SQUARE, 45, ("", "")).conformed
    assert (step.interpolation, step.deflicker, step.upscale_model.path) == ("nearest", 0.25, model)
    model.write_bytes(b"two")
    (other,) = planner(Toy(), conform=wanted).reel((SHOT,), SQUARE, 45, ("", "")).conformed
    assert other.key != step.key, "another model makes another film"
    assert other.footage.key == step.footage.key, "footage is not paid for again"


# --- in a campaign's plan ---------------------------------------------------------------------------------------------


def films(folder, **order):
    return [film for plan in prepare(Order(folder, **order)).plans() for film in plan.films]


def mixes(found):
    return {step.track.mix.key for film in found for step in film.deliveries}


def test_films_of_one_length_share_a_mix_unless_their_footage_sounds(tmp_path, monkeypatch):
    from tests.flows.toy_engine import register

    register(monkeypatch)
    campaign = small_campaign(tmp_path / "c", "row_id,product\nred,Cup\n", "[linkedin_square, instagram_reels]")
    assert len(films(campaign)) == 2
    assert len(mixes(films(campaign))) == 1
    assert len(mixes(films(campaign, engine="toy"))) == 2


def test_an_animatic_plan_has_neither_prompts_nor_conformed_clips(tmp_path):
    campaign = small_campaign(tmp_path / "c")
    kinds = {step.kind for plan in prepare(Order(campaign)).plans() for step in plan.steps()}
    assert kinds == {"footage", "plate", "voice", "bed", "mix", "track", "master", "package", "delivery"}


def test_every_text_is_one_step_however_many_shots_it_is_for(tmp_path, monkeypatch):
    from tests.flows.toy_engine import register

    register(monkeypatch)
    campaign = small_campaign(tmp_path / "c", placements="[linkedin_square, instagram_reels]")
    steps = [step for plan in prepare(Order(campaign, engine="toy")).plans() for step in plan.steps()]
    texts = {step.key: step.text for step in steps if step.kind == "prompt"}
    assert len(texts) == len(set(texts.values())) == 3, "two rows and the empty negative prompt"


def test_a_plan_shows_the_kinds_of_step_that_it_has(tmp_path, monkeypatch, capsys):
    from flows.estimate import survey
    from flows.settings import Settings
    from flows.terminal import print_plan
    from tests.flows.toy_engine import register

    register(monkeypatch)
    campaign = small_campaign(tmp_path / "c")

    def shown(name):
        prepared = prepare(Order(campaign, engine=name))
        print_plan(survey(prepared, Settings(out=tmp_path, workers=1)), prepared, as_json=False)
        return {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.strip()}

    assert shown("animatic").isdisjoint({"prompt", "conform"})
    assert shown("toy") >= {"prompt", "conform", "footage", "delivery"}
