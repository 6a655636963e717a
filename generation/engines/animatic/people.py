"""Figures of people: simple, well-proportioned, faceless, with skin, hair and clothes by seed. Walk, run, dance, stand.

A figure is one unit tall and drawn phase by phase, facing right. Proportions are about seven heads; legs are half the
height. Does not know where in a scene anybody stands (see `cast`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from generation.engines.animatic.palette import Rgb, rgb
from generation.engines.animatic.pen import Pen
from generation.engines.animatic.shapes import oval

#: A point in units of the body.
Joint = tuple[float, float]

_SKIN = ("#f6d3bd", "#eab98f", "#d29a6c", "#b0764b", "#8a5535", "#633b26")
_HAIR = ("#1f1a1d", "#3a2a22", "#5b3a26", "#8a5a33", "#c79a5b", "#a9a6a3", "#7a2e1f")
_TROUSERS = ("#2e3a59", "#3b3f4a", "#54607a", "#7d6a58", "#1f2a3c", "#8c8f86")
_SHOES = ("#f2efe9", "#2b2b31", "#8a5a3c")
#: Seconds of one full cycle of a pose.
CYCLES = {"walk": 1.25, "run": 0.76, "dance": 1.7, "wave": 1.6, "stand": 4.0, "ride": 1.2}
#: Body heights that one cycle carries a figure forward.
STRIDES = {"walk": 0.62, "run": 1.15, "ride": 2.2}


@dataclass(frozen=True, slots=True)
class Figure:
    """How one person looks."""

    kind: str
    skin: Rgb
    hair: Rgb
    top: Rgb
    legs: Rgb
    shoes: Rgb
    haircut: str
    dress: bool
    carries: str = ""
    head: float = 1.0
    build: float = 1.0


def dress(chance: np.random.Generator, kind: str, top: Rgb) -> Figure:
    """A person of a kind (woman, man, child) in clothes by chance, with a top of the given colour."""
    skin, hair, legs, shoes = (rgb(str(chance.choice(codes))) for codes in (_SKIN, _HAIR, _TROUSERS, _SHOES))
    cuts = {"woman": ("long", "bun", "bob"), "man": ("short", "short", "beanie"), "child": ("short", "bun", "bob")}
    return Figure(
        kind=kind,
        skin=skin,
        hair=hair,
        top=top,
        legs=legs,
        shoes=shoes,
        haircut=str(chance.choice(cuts[kind])),
        dress=kind == "woman" and bool(chance.random() < 0.4),
        head=1.28 if kind == "child" else 1.0,
        build=float(chance.uniform(0.94, 1.06)) * (1.06 if kind == "man" else 0.96),
    )


def draw_person(pen: Pen, who: Figure, pose: str, share: float) -> None:
    """One phase of a person facing right, feet near y = 0, height 1; `share` (0-1) is the place in the pose's cycle."""
    turn = 2 * math.pi * share
    lift, lean = _bob(pose, turn)
    hip, neck = (0.0, 0.485 + lift), (lean * 0.36, 0.815 + lift)
    near, far = _leg(pose, turn, hip, 1), _leg(pose, turn + math.pi, hip, -1)
    draw_leg(pen, who, far, 0.82)
    _draw_arm(pen, who, pose, turn, neck, near_side=False)
    draw_leg(pen, who, near, 1.0)
    _draw_torso(pen, who, hip, neck, turn if pose in ("walk", "run") else 0.0)
    draw_head(pen, who, neck, lean)
    _draw_arm(pen, who, pose, turn, neck, near_side=True)


def _bob(pose: str, turn: float) -> tuple[float, float]:
    """Rise of the hip and forward lean."""
    if pose == "run":
        return 0.022 * math.cos(2 * turn), 0.16
    if pose == "walk":
        return 0.010 * math.cos(2 * turn), 0.05
    if pose == "dance":
        return 0.016 * math.cos(2 * turn), 0.10 * math.sin(turn)
    return 0.003 * math.sin(turn), 0.0


def _leg(pose: str, turn: float, hip: Joint, side: int) -> tuple[Joint, Joint, Joint, float]:
    """Hip, knee and ankle of one leg, and the angle of its foot."""
    swing, bend = {"walk": (0.37, 0.46), "run": (0.80, 1.25), "dance": (0.16, 0.35)}.get(pose, (0.05, 0.03))
    thigh = swing * math.sin(turn) + (0.08 if pose == "run" else 0.0)
    knee_bend = bend * max(0.0, math.cos(turn + 0.35)) ** 1.3 + 0.05
    if pose in ("stand", "wave"):
        thigh, knee_bend = 0.06 * side, 0.02
    shin = thigh - knee_bend
    knee = (hip[0] + 0.235 * math.sin(thigh), hip[1] - 0.235 * math.cos(thigh))
    ankle = (knee[0] + 0.225 * math.sin(shin), knee[1] - 0.225 * math.cos(shin))
    return hip, knee, ankle, min(0.1, shin) * 0.9


def draw_leg(pen: Pen, who: Figure, leg: tuple[Joint, Joint, Joint, float], light: float) -> None:
    """Draw one leg given hip, knee, ankle and the angle of the foot."""
    hip, knee, ankle, tilt = leg
    bare = who.skin if who.dress else who.legs
    width = 0.088 * who.build
    toe = (ankle[0] + 0.075 * math.cos(tilt), ankle[1] - 0.012 + 0.075 * math.sin(tilt))
    pen.limb((ankle[0] - 0.012, ankle[1] - 0.008), toe, 0.044, 0.034, who.shoes, light)
    pen.limb(knee, ankle, width * 0.68, width * 0.46, bare, light)
    pen.limb(hip, knee, width, width * 0.70, bare, light)


def _draw_torso(pen: Pen, who: Figure, hip: Joint, neck: Joint, turn: float) -> None:
    build = who.build
    shoulder, waist = 0.092 * build, 0.066 * build
    shape = [
        (neck[0] - 0.028, neck[1] + 0.004), (neck[0] + 0.028, neck[1] + 0.004),
        (neck[0] + shoulder * 0.86, neck[1] - 0.030), (neck[0] + shoulder * 0.9, neck[1] - 0.10),
        (hip[0] + waist, hip[1] + 0.10), (hip[0] + waist * 1.16, hip[1] - 0.02),
        (hip[0] - waist * 1.16, hip[1] - 0.02), (hip[0] - waist, hip[1] + 0.10),
        (neck[0] - shoulder * 0.9, neck[1] - 0.10), (neck[0] - shoulder * 0.86, neck[1] - 0.030),
    ]  # fmt: skip
    if who.dress:
        sway = 0.018 * math.sin(turn)
        skirt = [
            (hip[0] - waist * 0.9, hip[1] + 0.09),
            (hip[0] + waist * 0.9, hip[1] + 0.09),
            (hip[0] + 0.125 + sway, hip[1] - 0.20),
            (hip[0] + sway, hip[1] - 0.215),
            (hip[0] - 0.125 + sway, hip[1] - 0.20),
        ]
        pen.poly(skirt, who.top, 0.93)
    else:
        pen.limb(
            (hip[0] - 0.012, hip[1] + 0.01), (hip[0] + 0.012, hip[1] + 0.01), 0.128 * build, 0.128 * build, who.legs
        )
    pen.blob(shape, who.top)


def _draw_arm(pen: Pen, who: Figure, pose: str, turn: float, neck: Joint, *, near_side: bool) -> None:
    side = 1 if near_side else -1
    upper, bend = _arm_angles(pose, turn, side)
    shoulder = (neck[0] + (0.004 if near_side else 0.014), neck[1] - 0.046)
    if pose in ("stand", "wave", "dance"):  # seen from the front: one arm on each side
        shoulder = (neck[0] + 0.066 * who.build * side, neck[1] - 0.046)
    elbow = (shoulder[0] + 0.152 * math.sin(upper), shoulder[1] - 0.152 * math.cos(upper))
    hand = (elbow[0] + 0.145 * math.sin(upper + bend), elbow[1] - 0.145 * math.cos(upper + bend))
    light, width = (0.94 if near_side else 0.78), 0.056 * who.build
    pen.oval(hand[0], hand[1], 0.021, 0.023, who.skin, light)
    pen.limb(elbow, hand, width * 0.74, width * 0.58, who.top, light)
    pen.limb(shoulder, elbow, width, width * 0.8, who.top, light)
    if near_side and who.carries == "bag":
        pen.box(hand[0] - 0.06, hand[1] - 0.17, hand[0] + 0.06, hand[1] - 0.04, pen.palette.accent(1), radius=0.01)
        pen.line(
            [(hand[0] - 0.03, hand[1] - 0.05), (hand[0], hand[1] + 0.004), (hand[0] + 0.03, hand[1] - 0.05)],
            0.008,
            pen.palette.accent(1),
            0.8,
        )


def _arm_angles(pose: str, turn: float, side: int) -> tuple[float, float]:
    """Angle of the upper arm from hanging, and the bend of the elbow."""
    swing = -side * math.sin(turn)
    if pose == "run":
        return 0.75 * swing - 0.1, 1.45
    if pose == "walk":
        return 0.40 * swing, 0.28 + 0.12 * swing
    if pose == "dance":
        return side * (2.2 + 0.35 * math.sin(turn + side)), side * (0.5 + 0.3 * math.sin(turn))
    if pose == "wave" and side > 0:
        return 2.45, 0.35 + 0.35 * math.sin(2 * turn)
    return side * 0.13, side * -0.08 + 0.02 * math.sin(turn)


def draw_head(pen: Pen, who: Figure, neck: Joint, lean: float) -> None:
    """Draw head and hair above the neck."""
    size = who.head
    x, y = neck[0] + lean * 0.10 + 0.006, neck[1] + 0.092 * size
    if who.haircut == "long":
        pen.blob([(x - 0.074 * size, y + 0.02), (x - 0.02, y + 0.082 * size), (x + 0.05 * size, y + 0.05 * size),
                  (x + 0.02, y - 0.06 * size), (x - 0.01, y - 0.165 * size), (x - 0.085 * size, y - 0.15 * size)],
                 who.hair, 0.86)  # fmt: skip
    pen.limb((neck[0], neck[1] - 0.02), (x - 0.004, y - 0.03), 0.048, 0.044, who.skin, 0.82)
    pen.oval(x, y, 0.058 * size, 0.072 * size, who.skin)
    cap = oval(x - 0.007 * size, y + 0.022 * size, 0.064 * size, 0.060 * size, start=0.03, end=0.60)
    pen.poly(cap, who.top if who.haircut == "beanie" else who.hair)
    if who.haircut in ("bob", "long"):
        pen.blob([(x - 0.066 * size, y + 0.045 * size), (x - 0.012, y + 0.04 * size), (x - 0.022 * size, y - 0.02),
                  (x - 0.034 * size, y - 0.075 * size), (x - 0.074 * size, y - 0.06 * size)], who.hair)  # fmt: skip
    elif who.haircut == "bun":
        pen.oval(x - 0.056 * size, y + 0.058 * size, 0.032 * size, 0.030 * size, who.hair, 0.92)
    else:
        pen.blob([(x - 0.068 * size, y + 0.03 * size), (x - 0.02, y + 0.045 * size), (x - 0.032 * size, y - 0.012),
                  (x - 0.058 * size, y - 0.02)], who.hair, 0.9)  # fmt: skip
