"""How far a run is, as plain numbers that anybody may show: a bar, a Prefect artifact, a log line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """A moment of a run."""

    #: What is going on, in a few words.
    phase: str
    deliveries_total: int = 0
    deliveries_done: int = 0
    deliveries_failed: int = 0
    #: Steps that were made (not found) so far, all kinds together.
    steps_made: int = 0
    #: The newest failure as a sentence.
    last_failure: str = ""
    #: What takes long just now: "footage 3 of 16: denoising 12/40".
    detail: str = ""

    @property
    def percent(self) -> float:
        """Deliveries that have ended, well or not, of all."""
        ended = self.deliveries_done + self.deliveries_failed
        return 100.0 * ended / self.deliveries_total if self.deliveries_total else 0.0
