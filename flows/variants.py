"""Variants, names and seeds of creatives: pure functions of a campaign's words.

A variant is one arm of every factor; the first arms are the control unless the campaign names others. Names are slugs
that every file system, bucket and ad platform takes. A seed depends on what a shot shows, never on the order of
rows. Knows no files and no texts.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from flows.model import Campaign, Factor

CONTROL = "control"
LIMIT_ID = 80
#: Names of segments, factors and arms.
SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
#: Device names that Windows keeps for itself, whatever the extension.
_DEVICES = {"con", "prn", "aux", "nul"} | {f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10)}


@dataclass(frozen=True, slots=True)
class Variant:
    """One combination of arms."""

    #: The arms as one slug, `control` when there is no factor.
    name: str
    arms: Mapping[str, str]
    #: The one factor in which it differs from the control; "" for the control, "several" for more than one.
    differs_in: str


def variants(
    factors: tuple[Factor, ...], control: Mapping[str, str] | None = None, kept: Collection[str] = ()
) -> tuple[Variant, ...]:
    """Every combination of arms, or those whose names are `kept`; the control first.

    The control has the first arm of each factor unless `control` names another.
    """
    reference = {factor.name: (control or {}).get(factor.name, factor.arms[0]) for factor in factors}
    made = []
    for combination in itertools.product(*(_control_first(factor, reference[factor.name]) for factor in factors)):
        arms = {factor.name: arm for factor, arm in zip(factors, combination, strict=True)}
        changed = [name for name, arm in arms.items() if arm != reference[name]]
        differs_in = changed[0] if len(changed) == 1 else "several" if changed else ""
        made.append(Variant("-".join(combination) or CONTROL, arms, differs_in))
    return tuple(variant for variant in made if not kept or variant.name in kept)


def _control_first(factor: Factor, control: str) -> tuple[str, ...]:
    return (control, *(arm for arm in factor.arms if arm != control))


def campaign_variants(campaign: Campaign) -> tuple[Variant, ...]:
    """The variants that a campaign makes, the control first."""
    return variants(campaign.factors, campaign.experiment.control, campaign.experiment.variants)


def slug(text: str) -> str:
    """Letters, digits, `.`, `_` and `-` of ASCII; accents are dropped, all else becomes one hyphen. May be empty."""
    letters = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    plain = "".join(character for character in letters if not unicodedata.combining(character))
    return re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-._")


def bad_id(text: str) -> str:
    """Why a text cannot be a row's id, as part of a sentence; "" when it can."""
    if any(unicodedata.category(character)[0] == "C" for character in text):
        return "holds control characters"
    if "/" in text or "\\" in text or ".." in text:
        return "looks like a path"
    if len(text) > LIMIT_ID:
        return f"has {len(text)} characters, more than {LIMIT_ID}"
    if not slug(text):
        return "holds no Latin letter or digit, which file names and ad platforms need"
    if slug(text).split(".")[0].casefold() in _DEVICES:
        return "is a name that Windows keeps for itself"
    return ""


def creative_id(row_id: str, locale: str, segment: str, variant: str) -> str:
    """The name of a creative: file name, ad name and `utm_content` alike."""
    return "_".join(part for part in (slug(row_id), locale, segment, variant) if part)


def content_hash(*parts: str) -> str:
    """SHA-256 of texts, unambiguous about where one ends, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def shot_seed(
    seed: int, prompt: str, negative_prompt: str, picture_sha256: str, further: Mapping[str, str] | None = None
) -> int:
    """The seed of one shot, 0 to 2**31 - 1: the same wherever the same thing is shown in a campaign.

    `further` is the rest of what the shot is made from, by its role: last picture, clip, references, the shot before.
    What only says how strongly something counts (a LoRA and its weight, a clip's strength) is no part of it: two
    weights, or with and without, are compared on the same noise, and the difference is the weight's alone.
    """
    rest = (part for role, content in sorted((further or {}).items()) if content for part in (role, content))
    return int(content_hash("shot", str(seed), prompt, negative_prompt, picture_sha256, *rest)[:8], 16) >> 1
