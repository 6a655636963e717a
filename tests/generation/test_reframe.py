"""How pictures go into other aspects: never outside the source, never bent where it can be helped, never black bars."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.errors import BadMedia
from generation.reframe import MAX_LOSS, Reframe, filling_crop, plan_reframe
from generation.spec import Box, Size

MASTERS = [Size(1080, 1920), Size(1080, 1350), Size(1080, 1080), Size(1920, 1080)]
sides = st.integers(16, 4096)
sizes = st.builds(Size, sides, sides)
targets = st.builds(Size, st.integers(8, 1024).map(lambda n: 2 * n), st.integers(8, 1024).map(lambda n: 2 * n))
points = st.tuples(st.floats(0, 1), st.floats(0, 1))
footage = st.builds(Size, st.integers(240, 2160).map(lambda n: 2 * n), st.integers(240, 2160).map(lambda n: 2 * n))


def inside(box: Box, size: Size) -> bool:
    return box.x >= 0 and box.y >= 0 and box.right <= size.width_px and box.bottom <= size.height_px


def even(box: Box) -> bool:
    return not any(side % 2 for side in (box.x, box.y, box.width, box.height)) and box.width > 0 < box.height


@settings(deadline=None)
@given(sizes, targets, points)
def test_boxes_are_even_and_never_leave_the_picture(source: Size, target: Size, focus: tuple[float, float]) -> None:
    plan = plan_reframe(source, target, focus=focus)
    assert even(plan.crop)
    assert even(plan.place)
    assert inside(plan.crop, source)
    assert inside(plan.place, target)
    assert inside(filling_crop(source, target, focus), source)


@settings(deadline=None)
@given(footage, st.sampled_from(MASTERS), points)
def test_a_crop_to_a_master_has_exactly_its_aspect(source: Size, target: Size, focus: tuple[float, float]) -> None:
    plan = plan_reframe(source, target, focus=focus)
    if plan.mode == "crop" and min(source.width_px, source.height_px) >= 1088:
        assert plan.stretch == 1
    if plan.mode != "pad":
        assert abs(plan.stretch - 1) < Fraction(1, 100)
        assert plan.place == Box(0, 0, target.width_px, target.height_px)


@settings(deadline=None)
@given(sizes.filter(lambda size: min(size.width_px, size.height_px) >= 200), targets, points)
def test_nothing_bends_visibly(source: Size, target: Size, focus: tuple[float, float]) -> None:
    plan = plan_reframe(source, target, focus=focus)
    # Each even side is at most 2 px from its exact length.
    narrow = min(plan.crop.width, plan.crop.height, plan.place.width, plan.place.height)
    assert abs(plan.stretch - 1) <= Fraction(4, narrow)


@settings(deadline=None)
@given(footage, targets)
def test_a_crop_never_loses_more_than_the_limit_and_a_little_for_exactness(source: Size, target: Size) -> None:
    plan = plan_reframe(source, target)
    assert plan.lost <= MAX_LOSS + 0.06
    assert (plan.padded > 0) <= (plan.mode == "pad")
    assert (plan.mode == "whole") <= (plan.lost == 0)


@settings(deadline=None)
@given(footage, targets, points)
def test_the_focus_is_as_near_the_middle_as_the_edges_allow(
    source: Size, target: Size, focus: tuple[float, float]
) -> None:
    crop = plan_reframe(source, target, focus=focus).crop
    for point, at, length, whole in (
        (focus[0] * source.width_px, crop.x, crop.width, source.width_px),
        (focus[1] * source.height_px, crop.y, crop.height, source.height_px),
    ):
        assert at - 2 <= point <= at + length + 2
        if 2 < at < whole - length - 2:
            assert abs(at + length / 2 - point) <= 2


@pytest.mark.parametrize(
    ("source", "target", "mode"),
    [
        (Size(1080, 1920), Size(1080, 1920), "whole"),
        (Size(720, 1280), Size(1080, 1920), "whole"),
        (Size(1080, 1920), Size(1080, 1350), "crop"),
        (Size(1080, 1920), Size(1080, 1080), "crop"),
        (Size(1920, 1080), Size(1080, 1080), "crop"),
        (Size(1920, 1080), Size(1080, 1920), "pad"),
        (Size(1080, 1920), Size(1920, 1080), "pad"),
        (Size(1080, 1350), Size(1920, 1080), "pad"),
        (Size(832, 480), Size(1920, 1080), "crop"),
    ],
)
def test_known_pairs(source: Size, target: Size, mode: str) -> None:
    assert plan_reframe(source, target).mode == mode


def test_padding_keeps_the_picture_large() -> None:
    plan = plan_reframe(Size(1920, 1080), Size(1080, 1920))
    assert plan.crop.height == 1080
    assert plan.place.width == 1080
    assert plan.place.height > 1080
    assert plan.lost <= MAX_LOSS
    assert plan.padded == pytest.approx(1 - plan.place.height / 1920)


def test_the_limit_decides_between_cropping_and_padding() -> None:
    modes = [plan_reframe(Size(1920, 1080), Size(1080, 1920), max_loss=limit).mode for limit in (0.2, 0.45, 0.7)]
    assert modes == ["pad", "pad", "crop"]


def test_only_the_same_size_is_untouched() -> None:
    assert plan_reframe(Size(640, 360), Size(640, 360)).untouched
    assert not plan_reframe(Size(1280, 720), Size(640, 360)).untouched
    odd: Reframe = plan_reframe(Size(641, 361), Size(640, 360))
    assert not odd.untouched


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="even"):
        plan_reframe(Size(640, 360), Size(641, 360))
    with pytest.raises(ValueError, match="focus"):
        plan_reframe(Size(640, 360), Size(640, 360), focus=(1.2, 0.5))
    with pytest.raises(BadMedia, match="4x400 is too small"):
        plan_reframe(Size(4, 400), Size(640, 360))
