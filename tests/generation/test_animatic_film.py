"""The animatic's pictures, measured: prompts look different, light and colour follow the words, moves are smooth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from generation.engines import get_engine
from generation.engines.animatic.camera import MOVES, Camera, choose_camera
from generation.engines.animatic.canvas import Canvas, downwards, to_yuva
from generation.engines.animatic.film import draw_frame, set_stage
from generation.engines.animatic.hero import is_cutout, read_picture
from generation.engines.animatic.places import PLACES
from generation.engines.animatic.shapes import box, oval
from generation.engines.animatic.sheets import Moment, Sheet
from generation.errors import BadMedia, BadShot
from generation.media.frames import Planes, new_frame, read_frames
from generation.spec import Shot, Size

FPS = Fraction(30)
SMALL = Size(180, 320)

PROMPTS = (
    "A sailboat on a calm sea at sunset",
    "A family on a tropical beach in the morning",
    "Snowy mountains, a hiker",
    "Cactus in the desert at golden hour",
    "Cows in a green meadow, spring",
    "A deer in an autumn forest",
    "City skyline at night in the rain",
    "A red car on a highway",
    "A bakery storefront, woman walking a dog",
    "A cup of coffee in a cozy cafe",
    "Perfume on a podium, pink studio",
    "A rocket in space",
)


def still(prompt: str, *, size: Size = SMALL, seed: int = 1, frame: int = 15, **options: str) -> Planes:
    """One frame of a shot, as planes of its own."""
    shot = Shot(prompt, size, 30, FPS, seed)
    stage, _ = set_stage(shot, **options)  # type: ignore[arg-type]
    return drawn(stage.elements, Moment(stage.camera, frame, frame / 30), size)


def drawn(elements: list, moment: Moment, size: Size) -> Planes:  # type: ignore[type-arg]
    _, planes = new_frame(size)
    for plane in planes:
        plane[:] = 77
    draw_frame(planes, elements, moment)
    return Planes(*(plane.copy() for plane in planes))


def thumbnail(planes: Planes) -> np.ndarray:
    """Y, U and V on a grid of 9 x 16 places: structure and colour together."""
    return np.stack([cv2.resize(plane, (9, 16), interpolation=cv2.INTER_AREA).astype(float) for plane in planes])


def test_twelve_prompts_give_twelve_pictures() -> None:
    pictures = {prompt: thumbnail(still(prompt)) for prompt in PROMPTS}
    for one, two in combinations(PROMPTS, 2):
        assert np.abs(pictures[one] - pictures[two]).mean() > 5, (one, two)


def test_unknown_prompts_of_any_script_give_pictures_of_their_own() -> None:
    prompts = ("synergy", "synergies beyond", "قهوة الصباح", "おはよう", "доброе утро", "शुभ प्रभात")
    pictures = {prompt: thumbnail(still(prompt)) for prompt in prompts}
    for one, two in combinations(prompts, 2):
        assert np.abs(pictures[one] - pictures[two]).mean() > 3, (one, two)


@pytest.mark.parametrize("place", sorted(set(PLACES) - {"space"}))
def test_day_is_brighter_than_night(place: str) -> None:
    day, night = (still("quiet", place=place, time=time).y.mean() for time in ("day", "night"))
    assert day > night + 25


@pytest.mark.parametrize("place", ["abstract", "studio", "room", "shop", "city", "sea"])
def test_a_colour_in_the_prompt_colours_the_picture(place: str) -> None:
    plain, red, blue = (still(prompt, place=place, time="day") for prompt in ("shown", "shown, red", "shown, #2050e0"))
    assert red.v.mean() > plain.v.mean() + 3
    assert blue.u.mean() > red.u.mean() + 6


@pytest.mark.parametrize("size", [Size(180, 320), Size(216, 270), Size(216, 216), Size(320, 180), Size(64, 64)])
@pytest.mark.parametrize("place", sorted(PLACES))
def test_every_place_fills_the_frame_in_every_aspect(place: str, size: Size) -> None:
    planes = still("a woman, a dog, a tree and a cup", place=place, size=size)
    assert planes.y.std() > 4  # never empty
    assert planes.y.min() >= 14
    assert planes.y.max() <= 237
    edges = np.concatenate([planes.y[0], planes.y[-1], planes.y[:, 0], planes.y[:, -1]])
    assert (edges == 77).mean() < 0.2  # nothing left unpainted at the edges


@pytest.mark.parametrize("move", MOVES)
def test_no_move_uncovers_what_was_not_painted(move: str) -> None:
    """Two different colours under everything must not show through anywhere, at either end of the move."""
    size = Size(320, 180)
    stage, _ = set_stage(Shot("mountain lake, a boat", size, 60, FPS, 2), camera=move, motion=2.0)
    for frame in (0, 59):
        films = []
        for under in (20, 230):
            _, planes = new_frame(size)
            for plane in planes:
                plane[:] = under
            draw_frame(planes, stage.elements, Moment(stage.camera, frame, frame / 30))
            films.append([plane.copy() for plane in planes])
        for one, two in zip(*films, strict=True):
            assert np.array_equal(one, two)


def test_boxes_of_a_layer_are_drawn_as_the_whole_layer_would_be() -> None:
    """The naive blend of the whole picture in floats is the oracle of the fast one."""
    size = Size(640, 480)
    canvas = Canvas(-20, -20, 680, 520)
    canvas.fill(oval(120, 100, 70, 60), (200.0, 40.0, 60.0))
    canvas.soft(box(430, 60, 560, 300), (40.0, 90.0, 200.0), 20.0, 0.7)
    canvas.fill(box(-20, 380, 660, 500), downwards(380, 500, (20.0, 120.0, 60.0), (10.0, 60.0, 30.0)))
    camera = Camera("push", size, 30, 0.1, (320.0, 240.0))
    moment = Moment(camera, 22, 22 / 30)
    fast = drawn([Sheet([canvas], 0.7, backdrop=True)], moment, size)
    view = moment.view(0.7)
    matrix = np.array([[view.scale, 0, -20 * view.scale + view.dx], [0, view.scale, -20 * view.scale + view.dy]])
    warped = cv2.warpAffine(to_yuva(canvas.rgba()), matrix, (640, 480)).astype(float)
    slow = 77 * (1 - warped[:, :, 3] / 255) + warped[:, :, 0]
    assert np.abs(fast.y - slow).max() <= 2
    halved = cv2.resize(warped, (320, 240), interpolation=cv2.INTER_AREA)
    assert np.abs(fast.u - (77 * (1 - halved[:, :, 3] / 255) + halved[:, :, 1])).max() <= 2


@pytest.mark.parametrize("move", ["push", "pan_right", "rise", "orbit", "handheld"])
def test_camera_moves_are_smooth_and_exact_to_a_tenth_of_a_pixel(move: str, tmp_path: Path) -> None:
    """A textured picture fills the frame; a corner patch is tracked through the finished, encoded film."""
    size, frames = Size(288, 512), 24
    chance = np.random.default_rng(5)
    texture = cv2.GaussianBlur(chance.uniform(0, 255, (1024, 576, 3)).astype(np.float32), (0, 0), 5)
    texture = (texture - texture.min()) / np.ptp(texture) * 255
    Image.fromarray(texture.astype(np.uint8)).save(tmp_path / "texture.png")
    shot = Shot("x", size, frames, FPS, 4, image=tmp_path / "texture.png", options={"camera": move})
    list(get_engine("animatic").render([shot], [tmp_path / "film.mp4"]))
    stage, notes = set_stage(shot, camera=move)
    assert notes["picture"] == "full picture"
    x, y, side = 150, 40, 120
    patches = [planes.y[y : y + side, x : x + side].astype(np.float32) for planes in read_frames(tmp_path / "film.mp4")]
    steps = [tracked_step(one, two) for one, two in pairwise(patches)]
    wanted = list(exact_steps(stage.camera, frames, (x + side / 2, y + side / 2)))
    error = np.array(steps) - np.array(wanted)
    assert np.abs(np.array(wanted)).sum() > 0.8  # it does move
    assert np.sqrt((error**2).mean()) < 0.1  # whole-pixel steps would give 0.29


def tracked_step(one: np.ndarray, two: np.ndarray) -> tuple[float, float]:
    """The shift between two patches by least squares on their gradients; good to about 0.01 px on this texture."""
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-7)
    start = np.eye(2, 3, dtype=np.float32)
    _, found = cv2.findTransformECC(one, two, start, cv2.MOTION_TRANSLATION, stop, None, 5)
    return float(found[0, 2]), float(found[1, 2])


def exact_steps(
    camera: Camera, frames: int, patch: tuple[float, float], depth: float = 0.9
) -> Iterator[tuple[float, float]]:
    """By how much the picture under a place of the frame moves from each frame to the next."""
    for frame in range(frames - 1):
        one, two = (camera.at(at, depth, seconds=at / 30) for at in (frame, frame + 1))
        stage = ((patch[0] - one.dx) / one.scale, (patch[1] - one.dy) / one.scale)
        yield two.scale * stage[0] + two.dx - patch[0], two.scale * stage[1] + two.dy - patch[1]


def test_a_still_camera_holds_still_and_motion_scales_the_travel() -> None:
    size = Size(180, 320)
    travels = []
    for move, motion in (("static", 1.0), ("pan_left", 0.0), ("pan_left", 1.0), ("pan_left", 2.0)):
        camera = choose_camera(move, size, 60, 2.0, motion=motion, focus=(90, 160), phase=0.0)
        travels.append(camera.at(59, 1.0).dx - camera.at(0, 1.0).dx)
    assert travels[0] == travels[1] == 0
    assert travels[3] == pytest.approx(2 * travels[2]) != 0


def test_near_layers_move_more_than_far_ones() -> None:
    camera = choose_camera("pan_left", SMALL, 60, 2.0, motion=1.0, focus=(90, 160), phase=0.0)
    far, near = (camera.at(59, depth).dx - camera.at(0, depth).dx for depth in (0.0, 1.0))
    assert near > 4 * far > 0


def cutout(path: Path, size: tuple[int, int] = (200, 400)) -> Path:
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    image.paste((230, 30, 40, 255), (30, 40, size[0] - 30, size[1] - 10))
    image.save(path)
    return path


@pytest.mark.parametrize("place", ["studio", "beach", "kitchen", "street", "abstract"])
def test_a_cutout_stands_in_the_scene_around_the_middle(place: str, tmp_path: Path) -> None:
    shot = Shot("shown by day", SMALL, 30, FPS, 1, image=cutout(tmp_path / "product.png"))
    stage, notes = set_stage(shot, place=place)
    assert notes["picture"] == "cut-out"
    planes = drawn(stage.elements, Moment(stage.camera, 15, 0.5), SMALL)
    rows, columns = np.nonzero(planes.v > 190)  # only the product is so red
    assert len(rows) > 300
    assert 0.45 < columns.mean() * 2 / SMALL.width_px < 0.55
    assert rows.min() * 2 > 0.26 * SMALL.height_px  # room for a headline
    assert rows.max() * 2 < 0.80 * SMALL.height_px  # and for a call to action


def test_a_photograph_fills_a_frame_of_its_shape_and_is_a_print_in_another(tmp_path: Path) -> None:
    Image.new("RGB", (640, 360), (200, 40, 40)).save(tmp_path / "photo.jpg")
    shot = Shot("a field", Size(320, 180), 30, FPS, 1, image=tmp_path / "photo.jpg")
    assert set_stage(shot)[1]["picture"] == "full picture"
    assert set_stage(replace(shot, size=SMALL))[1]["picture"] == "print"


def test_pictures_are_turned_upright(tmp_path: Path) -> None:
    image = Image.new("RGB", (80, 40), (0, 0, 0))
    image.paste((255, 255, 255), (0, 0, 40, 40))
    exif = image.getexif()
    exif[0x0112] = 6  # the camera was held upright: turn by 90 degrees clockwise
    image.save(tmp_path / "turned.jpg", exif=exif)
    pixels = read_picture(tmp_path / "turned.jpg")
    assert pixels.shape == (80, 40, 4)
    assert pixels[10, 20, 0] > 200
    assert pixels[70, 20, 0] < 50


def test_only_transparent_surroundings_make_a_cutout(tmp_path: Path) -> None:
    assert is_cutout(read_picture(cutout(tmp_path / "a.png")))
    Image.new("RGBA", (64, 64), (10, 20, 30, 255)).save(tmp_path / "b.png")
    assert not is_cutout(read_picture(tmp_path / "b.png"))


def test_pictures_that_cannot_be_used_are_refused_in_a_sentence(tmp_path: Path) -> None:
    Image.new("1", (8000, 6000)).save(tmp_path / "huge.png")
    with pytest.raises(BadShot, match=r"huge.png: 8000x6000 is more than 40 megapixels"):
        read_picture(tmp_path / "huge.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "tiny.png")
    with pytest.raises(BadShot, match="at least 32 pixels"):
        read_picture(tmp_path / "tiny.png")
    Image.new("RGB", (64, 64)).save(tmp_path / "bitmap.bmp")
    with pytest.raises(BadMedia, match="not a PNG, JPEG or WebP"):
        read_picture((tmp_path / "bitmap.bmp").rename(tmp_path / "bitmap.png"))
    Image.effect_noise((300, 300), 90).save(tmp_path / "whole.jpg")
    (tmp_path / "broken.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:4000])
    with pytest.raises(BadMedia, match="breaks off"):
        read_picture(tmp_path / "broken.jpg")
    (tmp_path / "empty.webp").touch()
    with pytest.raises(BadMedia, match="not a PNG"):
        read_picture(tmp_path / "empty.webp")


def test_webp_and_palette_pictures_are_read(tmp_path: Path) -> None:
    Image.new("RGBA", (64, 64), (10, 200, 30, 128)).save(tmp_path / "a.webp", lossless=True)
    assert tuple(read_picture(tmp_path / "a.webp")[0, 0]) == (10, 200, 30, 128)
    Image.new("P", (64, 64), 3).save(tmp_path / "p.png")
    assert read_picture(tmp_path / "p.png").shape == (64, 64, 4)
