"""How much of a film's pictures a trained model made, and what that makes of the film as a whole.

Worked out from the shots: a shot that an engine with a trained model renders is made by it, one that restyles a film of
the user's is changed by it, everything else is neither. Measured in the time that the shots take; what is drawn over
them by plain code (titles, end cards) is not counted. Decides no label.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from flows.model import ShotBrief

TRAINED, COMPOSITE = "trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"


@dataclass(frozen=True, slots=True)
class Share:
    """Parts of the film's time, exact; what is left of 1 was made by no trained model."""

    #: Pictures that a trained model made from words or from pictures.
    made: Fraction
    #: Films of the user's that a trained model changed.
    changed: Fraction = Fraction(0)

    @property
    def total(self) -> Fraction:
        """All that a trained model had a hand in."""
        return self.made + self.changed

    def as_json(self) -> dict[str, float]:
        """The parts as numbers."""
        made, changed = round(float(self.made), 4), round(float(self.changed), 4)
        return {"made_by_model": made, "changed_by_model": changed, "other": round(float(1 - self.total), 4)}


NONE, ALL_MADE, ALL_CHANGED = Share(Fraction(0)), Share(Fraction(1)), Share(Fraction(0), Fraction(1))


def share_of(shots: Iterable[ShotBrief], engine_source_type: str) -> Share:
    """The share of a film whose shots one engine renders, by the IPTC term or address that the engine states."""
    if "trained" not in engine_source_type.casefold():
        return NONE
    if term_of(engine_source_type) == COMPOSITE:  # an engine that only works into other material
        return ALL_CHANGED
    shots = tuple(shots)
    if not any(shot.clip for shot in shots):
        return ALL_MADE
    whole = sum((shot.share for shot in shots), Fraction(0))
    changed = sum((shot.share for shot in shots if shot.clip), Fraction(0))
    return Share((whole - changed) / whole, changed / whole)


def source_term(engine_source_type: str, share: Share, generated_from: float) -> str:
    """The IPTC term of the film: trained from that share of the model's own pictures on, else composite.

    Without a model's hand in it, the film is what the engine states.
    """
    if share.total == 0:
        return term_of(engine_source_type)
    return TRAINED if share.made >= generated_from else COMPOSITE


def term_of(source_type: str) -> str:
    """The last part of an IPTC address; a bare term stays as it is."""
    return source_type.rstrip("/").rsplit("/", 1)[-1]
