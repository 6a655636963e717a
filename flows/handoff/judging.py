"""Texts of ads held against the policy once more, when they leave: campaign.yaml may have changed since the run.

What the film itself says was judged when it was made. Here counts what comes with the texts beside it. Knows ads and
the policy; writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from flows.cells import parted
from flows.handoff.ads import Ad
from flows.policy.gate import POLICY_REFUSED
from flows.policy.judge import Policy, Verdict
from flows.policy.matter import Matter
from flows.policy.policy_file import category_name
from flows.policy.rules import BLOCK, REVIEW
from flows.problems import Problems
from flows.publish import Refusal
from flows.review.approvals import APPROVED


def broken_by(
    policy: Policy, ad: Ad, facts: Mapping[str, object], category: str, *, named: bool
) -> tuple[Verdict, ...]:
    """The rules that an ad breaks and its film alone does not.

    `facts` is the JSON beside the film, `category` the row's cell, `named` whether the campaign has names of its own.
    """
    beside = [(f"ads.{name}", text) for name, text in ad.texts.items() if ad.sources.get(name, "").startswith("ads.")]
    beside += [("naming", ad.name)] if named else []
    categories = tuple(category_name(part) for part in parted(category))
    prompts = tuple(str(shot.get("prompt", "")) for shot in _maps(facts.get("shots")))
    film = Matter(ad.record.locale, categories, prompts, (), tuple(_texts(facts)))
    alone = set(policy.judge_matter(film))
    whole = Matter(film.locale, film.categories, film.prompts, (), film.texts, tuple(beside))
    return tuple(one for one in policy.judge_matter(whole) if one not in alone)


def complain(told: Iterable[tuple[int, Verdict]], problems: Problems) -> None:
    """What blocks a row, as `check` says it; each once, however many ads say it."""
    for row, one in dict.fromkeys(told):
        if one.severity == BLOCK:
            message = f"{one.reason} (rule {one.rule})"
            problems.add(POLICY_REFUSED, message, one.fix, value=one.found, row=row, column=one.place)


def unseen(verdicts: Sequence[Verdict], ad: Ad) -> Refusal | None:
    """Why somebody must look at an ad that nobody has approved; None where nobody must, or somebody has."""
    asking = [one for one in verdicts if one.severity == REVIEW]
    if not asking or ad.record.approval == APPROVED:
        return None
    fix = "Run the campaign again: it asks for a person's approval then"
    return Refusal(ad.record.creative_id, ad.record.placement, "not_approved", asking[0].sentence(), fix)


def _texts(facts: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """What the film shows and says, by its place."""
    for layer in _maps(facts.get("layers")):
        kind = str(layer.get("kind", ""))
        yield from ((kind if name == "text" else name, str(text)) for name, text in layer.items() if name != "kind")
    voice = facts.get("voice")
    yield "voiceover", str(voice.get("text") or "") if isinstance(voice, Mapping) else ""


def _maps(found: object) -> list[Mapping[str, object]]:
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
