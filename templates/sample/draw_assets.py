"""Draws the pictures of the sample campaign: two product shots on transparency and the logo of a made-up brand.

    python templates/sample/draw_assets.py [FOLDER [NAME ...]]

Every shape is a mask; `shaded` turns a mask into a lit solid by treating the distance to its edge as height. All is
drawn at twice the size and scaled down once. Seeded: the same libraries draw the same pixels.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.float32]
Picture = NDArray[np.float32]

SCALE = 2
PINE, APRICOT, PAPER, SLATE, LEATHER, STEEL = "#1f4a3d", "#ffbd85", "#f7f2e8", "#46627c", "#a5673f", "#c9ccc8"
#: Key light from the upper left and in front of the thing.
LIGHT = np.array([-0.48, -0.62, 0.62], np.float32)
HERE = Path(__file__).resolve().parent


def rgb(colour: str) -> NDArray[np.float32]:
    """`#rrggbb` as linear light, 0 to 1."""
    code = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)], np.float32)
    return np.power(code, 2.2)


class Sheet:
    """A transparent picture in linear light, premultiplied, at `SCALE` times its final size."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width * SCALE, height * SCALE
        self.colour = np.zeros((self.height, self.width, 3), np.float32)
        self.alpha = np.zeros((self.height, self.width), np.float32)
        self.y, self.x = np.mgrid[0 : self.height, 0 : self.width].astype(np.float32) / SCALE

    def over(self, paint: Picture | NDArray[np.float32], mask: Mask) -> None:
        """Lay `paint` over what is there, where `mask` is."""
        self.colour = self.colour * (1 - mask[..., None]) + paint * mask[..., None]
        self.alpha = self.alpha * (1 - mask) + mask

    def shade(self, mask: Mask, strength: float, blur: float, dx: float = 0, dy: float = 0) -> None:
        """Darken what is there by a soft shadow of `mask`."""
        moved = shifted(blurred(mask, blur), dx, dy)
        self.colour *= (1 - strength * moved)[..., None]

    def polygon(self, points: list[tuple[float, float]], round_by: float = 0) -> Mask:
        """A filled polygon whose corners are rounded by a radius."""
        mask = np.zeros((self.height, self.width), np.uint8)
        cv2.fillPoly(mask, [np.round(np.array(points) * SCALE * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        if round_by:
            # Opening with a disc, by distances: what is further than the radius inside, grown by the radius.
            radius = round_by * SCALE
            core = cv2.distanceTransform((mask > 127).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) < radius
            away = cv2.distanceTransform(core.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
            return np.clip(radius - away + 0.5, 0, 1).astype(np.float32)
        return mask.astype(np.float32) / 255

    def box(self, left: float, top: float, right: float, bottom: float, radius: float) -> Mask:
        """A rectangle with round corners."""
        half_x, half_y = (right - left) / 2, (bottom - top) / 2
        dx = np.abs(self.x - (left + right) / 2) - half_x + radius
        dy = np.abs(self.y - (top + bottom) / 2) - half_y + radius
        away = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0) - radius
        return np.clip(0.5 - away * SCALE, 0, 1).astype(np.float32)

    def stroke(self, points: list[tuple[float, float]], width: float) -> Mask:
        """A thick line with round ends."""
        mask = np.zeros((self.height, self.width), np.uint8)
        line = np.round(np.array(points) * SCALE * 16).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(mask, [line], False, 255, round(width * SCALE), cv2.LINE_AA, 4)
        return mask.astype(np.float32) / 255

    def save(self, path: Path) -> None:
        """Scale down and write a PNG with straight alpha in sRGB."""
        size = (self.width // SCALE, self.height // SCALE)
        colour = cv2.resize(self.colour, size, interpolation=cv2.INTER_AREA)
        alpha = cv2.resize(self.alpha, size, interpolation=cv2.INTER_AREA)
        straight = np.where(alpha[..., None] > 1e-4, colour / np.maximum(alpha, 1e-4)[..., None], 0)
        code = np.power(np.clip(straight, 0, 1), 1 / 2.2)
        bgra = np.dstack([code[..., ::-1], alpha])
        # Half a level of seeded noise: smooth gradients do not band after two encodes.
        noise = np.random.default_rng(7).uniform(-0.5, 0.5, bgra.shape[:2])[..., None]
        bgra[..., :3] += np.where(alpha[..., None] > 0.99, noise / 255, 0)
        cv2.imwrite(str(path), np.round(np.clip(bgra, 0, 1) * 255).astype(np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, 9])


def blurred(mask: NDArray[np.float32], by: float) -> Mask:
    """A Gaussian blur; `by` in final pixels."""
    sigma, height, width = by * SCALE, *mask.shape[:2]
    if sigma < 6:
        return cv2.GaussianBlur(mask, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT).astype(np.float32)
    # A wide blur of a quarter of the pixels looks the same and costs a twentieth.
    small = cv2.resize(mask, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), sigma / 4, borderType=cv2.BORDER_CONSTANT)
    return cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 1e3).astype(np.float32)


def shifted(mask: Mask, dx: float, dy: float) -> Mask:
    """A mask moved by final pixels."""
    matrix = np.array([[1, 0, dx * SCALE], [0, 1, dy * SCALE]], np.float32)
    return cv2.warpAffine(mask, matrix, (mask.shape[1], mask.shape[0])).astype(np.float32)


def grain(sheet: Sheet, seed: int, fine: float, amount: float) -> Mask:
    """A fabric or powder-coat texture around 1."""
    noise = np.random.default_rng(seed).standard_normal((sheet.height, sheet.width)).astype(np.float32)
    noise = blurred(noise, fine)
    return (1 + amount * noise / noise.std()).astype(np.float32)


def shaded(
    mask: Mask, colour: str, *, depth: float, gloss: float = 0.15, texture: Mask | None = None, flat: float = 0.5
) -> Picture:
    """A mask as a lit solid: its edge falls away over `depth` pixels, the middle is flat."""
    inside = cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 5) / SCALE
    slope = np.clip(inside / depth, 0, 1)
    height = blurred((np.sqrt(1 - (1 - slope) ** 2) * depth).astype(np.float32), 1.5 + depth * 0.06)
    gy, gx = np.gradient(height * SCALE)
    normal = np.dstack([-gx, -gy, np.full_like(gx, 1.0 + flat)])
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    light = LIGHT / np.linalg.norm(LIGHT)
    lit = np.clip(normal @ light, 0, 1)
    half = light + np.array([0, 0, 1], np.float32)
    shine = np.clip(normal @ (half / np.linalg.norm(half)), 0, 1) ** 26
    rim = np.clip(normal[..., 0], 0, 1) ** 2 * 0.35
    tone = 0.30 + 0.85 * lit + rim
    if texture is not None:
        tone = tone * texture
    return (rgb(colour) * tone[..., None] + gloss * shine[..., None]).astype(np.float32)


def turned(
    sheet: Sheet, half_width: NDArray[np.float32], centre: float, colour: str, gloss: float, seed: int
) -> Picture:
    """The surface of a thing turned on a lathe, lit by two tall softboxes. `half_width` is per line of the sheet."""
    across = np.clip((sheet.x - centre) / np.maximum(half_width[:, None], 1e-3), -1, 1)
    facing = np.sqrt(np.clip(1 - across**2, 0, 1))
    fall = 0.16 + 0.62 * np.clip(facing * 0.72 - across * 0.52, 0, 1)
    left = np.exp(-(((across + 0.46) / 0.17) ** 2)) * 0.85 + np.exp(-(((across + 0.42) / 0.36) ** 2)) * 0.30
    right = np.exp(-(((across - 0.80) / 0.085) ** 2)) * 0.75
    edge = np.exp(-(((np.abs(across) - 1.0) / 0.06) ** 2)) * 0.12
    tone = (fall + 0.50 * left + 0.42 * right) * grain(sheet, seed, 0.45, 0.018)
    return (rgb(colour) * tone[..., None] * 1.25 + gloss * (left * 0.55 + right * 0.6 + edge)[..., None]).astype(
        np.float32
    )


def smooth_profile(sheet: Sheet, points: list[tuple[float, float]], soft: float) -> NDArray[np.float32]:
    """Half-widths by line, from (y, half-width) corners, rounded by `soft` pixels."""
    lines = np.arange(sheet.height, dtype=np.float32) / SCALE
    widths = np.interp(lines, [y for y, _ in points], [width for _, width in points], left=0, right=0)
    return cv2.GaussianBlur(widths.astype(np.float32)[:, None], (0, 0), soft * SCALE)[:, 0]


def draw_bottle() -> Sheet:
    """An insulated bottle: powder-coated body, steel collar, screw cap with a carry loop."""
    sheet, centre = Sheet(720, 1560), 360.0

    def solid(points: list[tuple[float, float]], soft: float) -> tuple[Mask, NDArray[np.float32]]:
        widths = smooth_profile(sheet, points, soft)
        top, bottom = points[0][0], points[-1][0]
        mask = np.clip((widths[:, None] - np.abs(sheet.x - centre)) * SCALE + 0.5, 0, 1)
        return (mask * ((sheet.y >= top) & (sheet.y <= bottom))).astype(np.float32), widths

    loop = [(centre + 118 * np.cos(angle), 210 - 128 * np.sin(angle)) for angle in np.linspace(0.08, np.pi - 0.08, 60)]
    strap = sheet.stroke([(float(x), float(y)) for x, y in loop], 40)
    sheet.over(shaded(strap, "#23302b", depth=18, gloss=0.10), strap)

    cap, widths = solid([(196, 118), (214, 134), (330, 134), (344, 130)], 5)
    sheet.over(turned(sheet, widths, centre, "#26332e", 0.05, 3), cap)
    for line in (232, 318):
        groove = sheet.box(centre - 134, line, centre + 134, line + 3, 1)
        sheet.colour *= (1 - 0.45 * groove * cap)[..., None]
    collar, widths = solid([(340, 122), (344, 124), (392, 124), (398, 126)], 2)
    sheet.over(turned(sheet, widths, centre, STEEL, 0.30, 4), collar)
    sheet.shade(cap * (1 - collar), 0.5, 9, 0, 14)

    body_points = [(392, 128), (410, 150), (470, 214), (540, 246), (620, 252), (1436, 252), (1476, 240), (1492, 214)]
    body, widths = solid(body_points, 14)
    sheet.over(turned(sheet, widths, centre, PINE, 0.055, 5), body)
    # The shoulder faces the light from above, the foot turns away from it.
    shoulder = np.exp(-(((sheet.y - 476) / 60) ** 2)) * np.clip(1 - np.abs(sheet.x - 270) / 200, 0, 1)
    sheet.colour += (0.045 * shoulder * body)[..., None]
    sheet.colour *= (1 - 0.55 * np.clip((sheet.y - 1340) / 170, 0, 1) ** 2 * body)[..., None]
    base, widths = solid([(1466, 216), (1474, 222), (1500, 220), (1508, 206)], 3)
    sheet.over(turned(sheet, widths, centre, STEEL, 0.22, 6) * 0.8, base * (sheet.y > 1482))

    mark = sun_mark(sheet, centre - 18, 930, 66)
    sheet.over(np.broadcast_to(rgb(PAPER) * 0.92, sheet.colour.shape).astype(np.float32) * engraved(sheet), mark * body)
    return sheet


def engraved(sheet: Sheet) -> Picture:
    """Light on something printed on the body: it follows the cylinder's shading."""
    across = (sheet.x - 360) / 252
    return (0.62 + 0.40 * np.exp(-(((across + 0.44) / 0.4) ** 2)))[..., None].astype(np.float32)


def sun_mark(sheet: Sheet, x: float, y: float, radius: float) -> Mask:
    """The brand's mark: a sun rising over two lines of water."""
    disc = np.clip((radius - np.hypot(sheet.x - x, sheet.y - y)) * SCALE + 0.5, 0, 1) * (sheet.y < y)
    lines = sheet.box(x - radius * 1.35, y + radius * 0.22, x + radius * 1.35, y + radius * 0.40, radius * 0.09)
    lower = sheet.box(x - radius * 0.85, y + radius * 0.62, x + radius * 0.85, y + radius * 0.80, radius * 0.09)
    return np.maximum(np.maximum(disc, lines), lower).astype(np.float32)


def draw_backpack() -> Sheet:
    """A hiking backpack: roll top, front pocket, leather straps with buckles, side pockets."""
    sheet = Sheet(1120, 1500)
    weave = grain(sheet, 11, 0.6, 0.030) * grain(sheet, 12, 5.0, 0.012)
    dark = "#33495d"

    def part(
        mask: Mask, colour: str, depth: float, *, drop: float = 0.45, gloss: float = 0.03, cloth: bool = True
    ) -> None:
        sheet.shade(mask, drop, 12, 5, 12)
        sheet.over(shaded(mask, colour, depth=depth, gloss=gloss, texture=weave if cloth else None), mask)

    handle = [(560 + 92 * np.cos(angle), 190 - 96 * np.sin(angle)) for angle in np.linspace(0, np.pi, 50)]
    grip = sheet.stroke([(float(x), float(y)) for x, y in handle], 34)
    part(grip, LEATHER, 16, gloss=0.08, cloth=False)
    for side in (-1, 1):  # shoulder straps behind the body
        strap = sheet.polygon(
            [(560 + side * 250, 330), (560 + side * 330, 330), (560 + side * 436, 1060), (560 + side * 372, 1130)], 26
        )
        part(strap, dark, 26)
    for side in (-1, 1):  # side pockets
        pocket = sheet.polygon(
            [(560 + side * 340, 880), (560 + side * 470, 900), (560 + side * 462, 1360), (560 + side * 330, 1390)], 44
        )
        part(pocket, dark, 52)
        part(sheet.stroke([(560 + side * 352, 898), (560 + side * 462, 914)], 16), LEATHER, 8, cloth=False)

    body = sheet.polygon(
        [(214, 330), (906, 330), (946, 700), (950, 1180), (920, 1428), (200, 1428), (170, 1180), (174, 700)], 96
    )
    part(body, SLATE, 120, drop=0.5)
    roll = sheet.polygon([(236, 176), (884, 176), (904, 300), (912, 430), (208, 430), (216, 300)], 62)
    part(roll, SLATE, 74)
    for line, deep in ((262, 0.34), (340, 0.26)):  # folds of the roll top
        fold = sheet.stroke([(246, line + 8), (560, line), (874, line + 8)], 7)
        sheet.colour *= (1 - deep * blurred(fold, 4) * roll)[..., None]
        sheet.colour *= (1 + 0.22 * blurred(shifted(fold, 0, 12), 6) * roll)[..., None]

    pocket = sheet.polygon([(276, 830), (844, 830), (862, 1100), (850, 1350), (270, 1350), (258, 1100)], 64)
    part(pocket, SLATE, 78, drop=0.55)
    flap = sheet.polygon([(268, 800), (852, 800), (858, 930), (800, 990), (320, 990), (262, 930)], 46)
    part(flap, dark, 40, drop=0.5)
    for x in (400, 720):  # compression straps with buckles
        part(sheet.box(x - 23, 388, x + 23, 800, 10), LEATHER, 12, gloss=0.06, cloth=False)
        part(sheet.box(x - 23, 800, x + 23, 1090, 12), LEATHER, 12, gloss=0.06, cloth=False)
        outer, inner = sheet.box(x - 38, 1006, x + 38, 1064, 12), sheet.box(x - 24, 1020, x + 24, 1050, 5)
        buckle = np.clip(outer - inner, 0, 1)
        sheet.shade(buckle, 0.5, 5, 3, 5)
        sheet.over(shaded(buckle, "#b99a62", depth=7, gloss=0.45), buckle)
        sheet.colour *= (1 - 0.6 * sheet.box(x - 4, 1072, x + 4, 1080, 4))[..., None]
    stitches(sheet, flap, 14)
    stitches(sheet, pocket * (1 - flap), 16)

    patch = sheet.box(484, 1130, 636, 1262, 16)
    part(patch, LEATHER, 10, drop=0.35, gloss=0.05, cloth=False)
    mark = sun_mark(sheet, 560, 1196, 34)
    sheet.over(np.broadcast_to(rgb(PAPER) * 0.88, sheet.colour.shape).astype(np.float32), mark)
    # One light for the whole: brighter towards the key, darker at the foot and on the far side.
    across, down = (sheet.x - 560) / 560, (sheet.y - 750) / 750
    sheet.colour *= (1.10 - 0.20 * across - 0.22 * down - 0.10 * np.clip(across, 0, 1) ** 2)[..., None]
    return sheet


def stitches(sheet: Sheet, mask: Mask, inset: float) -> None:
    """A dashed seam inside the edge of a part."""
    inside = cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 5) / SCALE
    seam = np.exp(-(((inside - inset) / 1.5) ** 2)).astype(np.float32)
    dashes = (np.sin((sheet.x + sheet.y * 1.0) / 3.2) > -0.35).astype(np.float32)
    sheet.colour *= (1 + 0.55 * seam * blurred(dashes, 0.4))[..., None]


def draw_logo() -> Sheet:
    """Mark and wordmark in light colours on transparency: the file a brand hands over for films and dark grounds."""
    import font_manrope
    from PIL import Image, ImageDraw, ImageFont

    sheet = Sheet(900, 220)
    sheet.over(np.broadcast_to(rgb(APRICOT), sheet.colour.shape).astype(np.float32), sun_mark(sheet, 118, 126, 84))
    font = ImageFont.truetype(font_manrope.ManropeExtraBold, 158 * SCALE)
    letters = Image.new("L", (sheet.width, sheet.height), 0)
    drawing = ImageDraw.Draw(letters)
    x = 262.0 * SCALE
    for letter in "halvora":
        drawing.text((x, 176 * SCALE), letter, 255, font, anchor="ls")
        x += font.getlength(letter) - 2 * SCALE
    word = np.asarray(letters, np.float32) / 255
    sheet.over(np.broadcast_to(rgb(PAPER), sheet.colour.shape).astype(np.float32), word)
    return sheet


PICTURES = {"bottle": draw_bottle, "backpack": draw_backpack, "logo": draw_logo}


def main(folder: Path, names: list[str]) -> None:
    """Draw the named pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        PICTURES[name]().save(folder / f"{name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "assets", sys.argv[2:] or list(PICTURES))
