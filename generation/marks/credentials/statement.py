"""A claim as the definition of a C2PA manifest: plain JSON values. Pure; reads no file and signs nothing.

Claim version 2. The first action says how the footage came to be, with IPTC's term for it; a film that is an edited
copy of a signed one begins as opened instead, because it was made once.
"""

from __future__ import annotations

from typing import Any

from generation.marks.credentials.spec import Claim, Ingredient

IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
#: Name of our invisible mark's method in a soft binding; not one of the C2PA's list, which names services.
MARK_METHOD = "spotmill.spread"
JOB = "spotmill.job"
TRAINING = "cawg.training-mining"
#: What CAWG 1.1 lets one say about use by others; all of them are said.
USES = ("cawg.ai_training", "cawg.ai_generative_training", "cawg.ai_inference", "cawg.data_mining")
ACTIONS = "c2pa.actions.v2"
SOFT_BINDING = "c2pa.soft-binding"
_PARENT = "parentOf"


def definition(claim: Claim, unread: tuple[Ingredient, ...] = ()) -> dict[str, Any]:
    """The manifest without the ingredients that are read from their files; `unread` ones are stated by hash alone."""
    name, _, version = claim.made_by.partition("/")
    return {
        "claim_version": 2,
        "claim_generator_info": [{"name": name} | ({"version": version} if version else {})],
        "title": claim.title,
        "format": "video/mp4",
        "ingredients": [ingredient(one) for one in unread],
        "assertions": [{"created": True, **assertion} for assertion in _assertions(claim)],
    }


def ingredient(one: Ingredient) -> dict[str, Any]:
    """An ingredient's own facts. Its hash is said in words, for the format has no field for it."""
    facts = {
        "title": one.title,
        "relationship": one.relationship,
        "description": f"SHA-256 {one.sha256}",
        "label": identity(one),
    }
    return facts if one.mime in ("", "application/octet-stream") and one.path else facts | {"format": _mime(one)}


def identity(one: Ingredient) -> str:
    """Name by which actions speak of an ingredient while the manifest is built."""
    return f"{one.relationship}-{one.sha256[:16]}"


def _mime(one: Ingredient) -> str:
    return one.mime or "application/octet-stream"


def _assertions(claim: Claim) -> list[dict[str, Any]]:
    use = {"use": claim.training}
    if claim.training == "constrained":
        use["constraint_info"] = "Ask whoever signed this film"
    stated: list[dict[str, Any]] = [
        {"label": ACTIONS, "data": {"actions": _actions(claim)}},
        {"label": TRAINING, "data": {"entries": dict.fromkeys(USES, use)}},
        {"label": JOB, "data": {**claim.job, **_models(claim)}},
    ]
    if claim.mark:
        binding = {"alg": MARK_METHOD, "blocks": [{"scope": {}, "value": claim.mark}]}
        stated.append({"label": SOFT_BINDING, "data": binding})
    return stated


def _models(claim: Claim) -> dict[str, Any]:
    return {"models": [{"id": name, "revision": revision} for name, revision in claim.models]} if claim.models else {}


def _actions(claim: Claim) -> list[dict[str, Any]]:
    name, _, version = claim.made_by.partition("/")
    agent: dict[str, Any] = {"softwareAgent": {"name": name} | ({"version": version} if version else {})}
    source_type = {"digitalSourceType": IPTC + claim.digital_source_type.rstrip("/").rsplit("/", 1)[-1]}
    parents = [identity(one) for one in claim.ingredients if one.relationship == _PARENT]
    edits = [{"action": action, "description": text, **agent} for action, text in claim.edited]
    if parents:
        opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": parents}, **agent}
        return [opened, *({**edit, **source_type} for edit in edits)]
    inputs = [identity(one) for one in claim.ingredients if one.relationship == "inputTo"]
    asked = {"parameters": {"ingredientIds": inputs}} if inputs else {}
    return [{"action": "c2pa.created", **source_type, **asked, **agent}, *edits]
