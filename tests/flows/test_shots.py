"""All the ways of asking for a shot: camera, first and last pictures, clips, references, shots that go on, LoRAs."""

import json
import re
import struct
from pathlib import Path

import pytest
from PIL import Image

from audio.voices import get_voice
from flows.camera import cameras
from flows.expand import expand, file_sha256
from flows.model import BadInput
from flows.plan import Planner
from flows.template_file import ShotPart
from generation.engines.animatic.words import read_prompt
from generation.media.frames import VideoWriter, new_frame
from generation.spec import DELIVERY_FPS, Size
from tests.flows.toy_engine import Toy
from tests.flows.written import CAMPAIGN, TEMPLATE, complaints, creatives, opened, write

VARIABLES = """
  picture: {type: image}
  close: {type: image}
  side: {type: image}
  film: {type: video}
"""
HEADER = "row_id,product,picture,close,side,film\n"


def template(*shots: str) -> str:
    """The written template with these shots, all of one length."""
    before, _, rest = TEMPLATE.partition("  picture: {type: image}\n")
    factors = rest.partition("shots:")[0]
    lines = "".join(f"  - {{share: 1/{len(shots)}, prompt: prompt, {shot}}}\n" for shot in shots)
    return f"{before}{VARIABLES.strip(chr(10))}\n{factors}shots:\n{lines}voiceover: voiceover\n"


def film(path: Path, frames: int = 3) -> Path:
    size = Size(96, 64)
    with VideoWriter(path, size, DELIVERY_FPS, "intermediate") as writer:
        for _ in range(frames):
            frame, planes = new_frame(size)
            for plane, level in zip(planes, (90, 128, 128), strict=True):
                plane[:] = level
            writer.write_frame(frame)
    return path


def lora(path: Path, header: dict[str, object] | None = None, data: bytes = bytes(16)) -> Path:
    tensors = header or {"blocks.0.lora_A.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}
    text = json.dumps({"__metadata__": {"format": "pt"}, **tensors}).encode()
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def refused(folder: Path, *shots: str) -> str:
    with pytest.raises(BadInput) as caught:
        opened(write(folder, template=template(*shots)))
    (problem,) = caught.value.problems
    return problem.sentence()


# Camera ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", cameras())
def test_every_move_is_one_that_the_animatic_draws(name):
    reading = read_prompt(cameras()[name].words)
    moves = {"push_in": "push", "pull_out": "pull", "tilt_up": "rise", "tilt_down": "sink"}
    moves |= {"crane_up": "rise", "crane_down": "sink", "tracking": "pan_right"}
    assert reading.concepts("camera") == (moves.get(name, name),)
    assert reading.unknown() == ()
    assert cameras()[name].description.endswith(".")


def test_the_page_about_shots_has_every_key_and_every_move():
    page = (Path(__file__).parents[2] / "docs" / "templates.md").read_text("utf-8")
    tables = {block.split("|")[1].strip(): block for block in page.split("\n\n") if block.startswith("| ")}
    keys = re.findall(r"^\| `(\w+)` \|", tables["key of a shot"], re.MULTILINE)
    assert keys == list(ShotPart.model_fields)
    moves = re.findall(r"^\| `(\w+)` \| (.*) \|$", tables["camera"], re.MULTILINE)
    assert moves == [(move.name, move.description) for move in cameras().values()]


def test_a_shots_move_is_said_first_and_counts_before_the_prompts_own(tmp_path):
    texts = {"prompt.j2": "Wide shot of {{ product }}, panning."}
    (made,) = creatives(write(tmp_path, template=template("camera: orbit", "negative: blur"), texts=texts))
    directed, plain = made.shots
    assert directed.prompt == "Slow orbit. Wide shot of Red cup, panning."
    assert (directed.camera, plain.camera) == ("orbit", "")
    assert read_prompt(directed.prompt).concepts("camera")[0] == "orbit"
    assert plain.prompt == "Wide shot of Red cup, panning."


def test_a_look_leaves_its_own_move_out_where_a_shot_names_one(tmp_path):
    class Model(Toy):
        reads_style_words, max_seconds = True, 10.0

    rows = "row_id,product,look\na,Cup,documentary\n"
    campaign, written, read = opened(write(tmp_path, template=template("camera: orbit", "negative: blur"), rows=rows))
    planner = Planner(campaign, written.spec.seconds, Model(), get_voice("none"), file_sha256)
    (creative,) = expand(campaign, written, read.rows)
    directed, plain = planner.plan(creative).films[0].master.plate.footage
    assert "35mm lens" in directed.prompt
    assert "handheld" not in directed.prompt
    assert plain.prompt.endswith("35mm lens, handheld camera")


def test_a_misspelt_move_is_answered_with_the_nearest(tmp_path):
    assert "no such camera move ('push_inn'). Did you mean \"push_in\"?" in refused(tmp_path, "camera: push_inn")


# What a shot is made from ---------------------------------------------------------------------------------------------


def test_pictures_films_and_references_come_from_the_rows_cells(tmp_path):
    shots = ("picture: picture, last_picture: close", "clip: film, strength: 0.4", "references: [picture, close, side]")
    rows = HEADER + "a,Cup,cup.png,close.png,,film.mp4\nb,Jug,,,,\n"
    folder = write(tmp_path, template=template(*shots), rows=rows)
    Image.new("RGB", (200, 200), "red").save(folder / "close.png")
    film(folder / "film.mp4", frames=70)
    full, bare = creatives(folder)
    cup, close = (folder / "cup.png").resolve(), (folder / "close.png").resolve()
    assert (full.shots[0].picture, full.shots[0].last_picture) == (cup, close)
    assert (full.shots[1].clip, full.shots[1].strength) == ((folder / "film.mp4").resolve(), 0.4)
    assert full.shots[2].references == (cup, close)
    assert not any((shot.picture, shot.last_picture, shot.clip, shot.references) != (None, None, None, ())
                   for shot in bare.shots)  # fmt: skip
    assert complaints(folder) == ()


def test_a_locale_may_have_a_reference_of_its_own_and_the_same_picture_counts_once(tmp_path):
    rows = "row_id,product,picture,close,close.de\na,Cup,cup.png,cup.png,other.png\n"
    text = CAMPAIGN.replace("[en-US]", "[en-US, de-DE]")
    folder = write(tmp_path, template=template("references: [picture, close]"), rows=rows, campaign=text)
    Image.new("RGB", (200, 200), "red").save(folder / "other.png")
    english, german = (made.shots[0].references for made in creatives(folder))
    assert [path.name for path in english] == ["cup.png"]
    assert [path.name for path in german] == ["cup.png", "other.png"]


@pytest.mark.parametrize(
    ("shot", "said"),
    [
        ("picture: pictur", "a shot's picture is no variable of type image ('pictur'). Did you mean \"picture\"?"),
        ("last_picture: film", "a shot's last_picture is no variable of type image ('film'). Known: close, "),
        ("clip: picture", "a shot's clip is no variable of type video ('picture'). Known: film"),
        (
            "references: [close, sid]",
            "a shot's references is no variable of type image ('sid'). Did you mean \"side\"?",
        ),
        ("clip: film, strength: 1.5", "strength"),
        ("strength: 0.5", "name the `clip`, or leave it out"),
        ("clip: film, last_picture: close", "leave out `clip` or `last_picture`"),
        ("references: [close, close]", "twice under `references`"),
        ("continues: true", "the first shot has none before it to go on from"),
    ],
)
def test_a_shot_that_cannot_be_is_refused_before_any_row(tmp_path, shot, said):
    assert said in refused(tmp_path, shot)


def test_a_template_has_shots(tmp_path):
    text = template("camera: static").partition("shots:")[0] + "shots: []\nvoiceover: voiceover\n"
    with pytest.raises(BadInput, match="at least one shot"):
        opened(write(tmp_path, template=text))


def test_a_clip_that_also_goes_on_is_refused(tmp_path):
    assert "leave out `clip` or `continues`" in refused(tmp_path, "camera: static", "clip: film, continues: true")


# Seeds ----------------------------------------------------------------------------------------------------------------


def test_a_shot_that_goes_on_has_a_seed_that_depends_on_the_shot_before(tmp_path):
    (made,) = creatives(write(tmp_path / "a", template=template("negative: a", "continues: true", "continues: true")))
    first, second, third = made.shots
    assert [shot.continues for shot in made.shots] == [False, True, True]
    assert second.prompt == third.prompt
    assert second.seed != third.seed  # a take that says the same twice does not repeat its motion
    assert "shot before" in second.seed_basis
    (other,) = creatives(write(tmp_path / "b", template=template("negative: b", "continues: true", "continues: true")))
    assert other.shots[0].seed != first.seed
    assert other.shots[1].seed != second.seed


def test_the_seed_follows_what_files_hold_and_where_they_are_used(tmp_path):
    def seed(name, shot, colour="red"):
        folder = write(tmp_path / name, template=template(shot), rows=HEADER + "a,Cup,x.png,,,x.mp4\n")
        Image.new("RGB", (200, 200), colour).save(folder / "x.png")
        film(folder / "x.mp4")
        return creatives(folder)[0].shots[0].seed

    keys = ("picture: picture", "last_picture: picture", "references: [picture]", "clip: film", "negative: ''")
    assert len({seed(f"{number}", key) for number, key in enumerate(keys)}) == len(keys)
    assert seed("again", keys[2]) == seed("2", keys[2])
    assert seed("other", keys[2], "blue") != seed("2", keys[2])


def test_strength_and_loras_keep_the_seed_so_that_they_are_compared_on_the_same_noise(tmp_path):
    rows = "row_id,product,film,lora\na,Cup,x.mp4,\nb,Cup,x.mp4,one.safetensors:0.3\n"
    seeds = set()
    for strength in (0.2, 0.9):
        folder = write(tmp_path, template=template(f"clip: film, strength: {strength}"), rows=rows)
        film(folder / "x.mp4")
        lora(folder / "one.safetensors")
        made = creatives(folder)
        seeds |= {creative.shots[0].seed for creative in made}
        assert [len(creative.shots[0].loras) for creative in made] == [0, 1]
    assert len(seeds) == 1


# LoRAs ----------------------------------------------------------------------------------------------------------------


def test_a_rows_loras_and_its_looks_are_for_every_shot_and_the_rows_weight_counts(tmp_path):
    rows = "row_id,product,lora,look\na,Cup,loras/my cup.safetensors:0.8; loras/film.safetensors,documentary\nb,Jug,,\n"
    extra = "look_loras: {documentary: [loras/film.safetensors:0.4, loras/grain.safetensors:-1], noir: []}\n"
    folder = write(tmp_path, rows=rows, extra=extra)
    for name in ("my cup", "film", "grain"):
        lora(folder / "loras" / f"{name}.safetensors")
    first, second = creatives(folder)
    named = [(entry.path.name.removesuffix(".safetensors"), entry.weight) for entry in first.shots[0].loras]
    assert named == [("my cup", 0.8), ("film", 1.0), ("grain", -1.0)]
    assert first.shots[1].loras == first.shots[0].loras
    assert second.shots[0].loras == ()
    assert complaints(folder) == ()


def test_a_look_that_is_tested_brings_its_loras_into_its_own_arm_only(tmp_path):
    extra = "factors: {look: [clean, noir]}\nlook_loras: {noir: loras/noir.safetensors:0.5}\n"
    folder = write(tmp_path, extra=extra)
    lora(folder / "loras" / "noir.safetensors")
    assert [len(made.shots[0].loras) for made in creatives(folder)] == [0, 1]


@pytest.mark.parametrize(
    ("cell", "code", "said"),
    [
        ("alba.ckpt:0.8", "bad_lora", "not a safetensors file"),
        ("alba.safetensors:much", "bad_lora", "Write a number, like alba.safetensors:0.8"),
        ("alba.safetensors:nan", "bad_lora", "no weight"),
        ("alba.safetensors:2.5", "bad_lora", "from -2 to 2"),
        ("alba.safetensors; alba.safetensors:1", "bad_lora", "twice"),
        ("../alba.safetensors", "file_outside", "not a plain path"),
        ("https://a.example/alba.safetensors", "file_address", "Download it"),
        ("alb.safetensors", "file_missing", "Put it at alb.safetensors"),
    ],
)
def test_a_lora_that_cannot_be_used_is_a_complaint_of_its_row(tmp_path, cell, code, said):
    folder = write(tmp_path, rows=f'row_id,product,lora\na,Cup,"{cell}"\n')
    lora(folder / "alba.safetensors")
    (problem,) = complaints(folder)
    assert (problem.row, problem.column, problem.code) == (1, "lora", code)
    assert said in problem.sentence()


def test_too_many_loras_at_once_are_refused(tmp_path):
    names = [f"l{number}.safetensors" for number in range(9)]
    folder = write(tmp_path, rows=f"row_id,product,lora\na,Cup,{';'.join(names)}\n")
    for name in names:
        lora(folder / name)
    (problem,) = complaints(folder)
    assert "9 LoRAs at once" in problem.sentence()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_safetensors"),
        (b"PK\x03\x04 a pickle in a zip archive", "not_safetensors"),
        (struct.pack("<Q", 2**40) + b"{}", "not_safetensors"),
        (struct.pack("<Q", 4) + b"[[]]", "not_safetensors"),
        (struct.pack("<Q", 2) + b"{}", "not_safetensors"),
        (struct.pack("<Q", 4000) + b"[" * 4000, "not_safetensors"),
        (struct.pack("<Q", 31) + b'{"a":{"data_offsets":[4, "b"]}}', "not_safetensors"),
        (struct.pack("<Q", 29) + b'{"a":{"data_offsets":[0,16]}}' + bytes(15), "lora_truncated"),
    ],
)
def test_a_file_that_is_no_whole_safetensors_file_is_told_before_anything_is_spent(tmp_path, content, code):
    rows = "row_id,product,lora\na,Cup,x.safetensors\nb,Jug,x.safetensors:0.5\n"
    folder = write(tmp_path, rows=rows, extra="look_loras: {noir: [x.safetensors]}\n")
    (folder / "x.safetensors").write_bytes(content)
    found = [(problem.file, problem.row, problem.column, problem.code) for problem in complaints(folder)]
    mine = [("rows.csv", row, "lora", code) for row in (1, 2)]
    assert found == [("campaign.yaml", None, "look_loras", code), *mine]


def test_loras_of_a_look_that_does_not_exist_are_refused(tmp_path):
    folder = write(tmp_path, extra="look_loras: {documentry: [x.safetensors]}\n")
    lora(folder / "x.safetensors")
    (problem,) = complaints(folder)
    assert '"documentary"' in problem.fix


# Films ----------------------------------------------------------------------------------------------------------------


def clipped(folder: Path, name: str) -> Path:
    return write(folder, template=template("clip: film"), rows=f"row_id,product,film\na,Cup,{name}\nb,Jug,{name}\n")


def test_a_film_outside_the_campaign_or_missing_is_a_complaint(tmp_path):
    assert [problem.code for problem in complaints(clipped(tmp_path, "../x.mp4"))] == ["file_outside"] * 2
    assert [problem.code for problem in complaints(clipped(tmp_path, "x.mp4"))] == ["file_missing"] * 2


def test_a_film_that_cannot_be_read_is_a_complaint_of_every_row_that_uses_it(tmp_path):
    folder = clipped(tmp_path, "x.mp4")
    whole = film(folder / "x.mp4", frames=200).read_bytes()
    assert complaints(folder) == ()
    for content in (b"", b"#EXTM3U\nfile:///etc/passwd\n", whole[: len(whole) // 2]):
        (folder / "x.mp4").write_bytes(content)
        found = [(problem.row, problem.column, problem.code) for problem in complaints(folder)]
        assert found == [(1, "film", "not_a_film"), (2, "film", "not_a_film")]


def test_a_film_shorter_than_its_shot_is_told_for_the_longest_placement(tmp_path):
    text = CAMPAIGN.replace("instagram_reels", "instagram_reels, youtube_instream")
    folder = write(tmp_path, template=template("clip: film", "camera: orbit"), campaign=text)
    (folder / "rows.csv").write_text("row_id,product,film\na,Cup,x.mp4\n", "utf-8")
    film(folder / "x.mp4", frames=100)  # 3.3 s: half of six seconds, not of ten
    (problem,) = complaints(folder)
    assert (problem.row, problem.column, problem.code) == (1, "film", "clip_too_short")
    assert "lasts 3.3 s and the shot needs 5.0 s" in problem.message
    (folder / "campaign.yaml").write_text(CAMPAIGN, "utf-8")
    assert complaints(folder) == ()


def test_a_picture_or_a_playlist_is_no_film(tmp_path):
    folder = clipped(tmp_path, "cup.png")
    assert {problem.code for problem in complaints(folder)} == {"not_a_film"}
    assert "MP4, MOV or WebM" in complaints(folder)[0].message
