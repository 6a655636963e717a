"""What kind of fault a failure is, and so whether and how the work is tried again.

Seven classes, and every stable code belongs to one. A refusal or wrong data stays what it is, however often it is
tried; a fault that passes is tried again after a pause, one of the machinery at once and elsewhere, one of memory only
with more room. How often, and what a job has been through, is `attempts.py`. Knows no step.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

REFUSAL, DATA, MEMORY, BUDGET, TRANSIENT, INFRASTRUCTURE, DEFECT = (
    "refusal",
    "data",
    "memory",
    "budget",
    "transient",
    "infrastructure",
    "defect",
)


@dataclass(frozen=True, slots=True)
class FaultClass:
    """How a class of faults is treated."""

    meaning: str
    #: What to do about it, where its code has no advice of its own.
    fix: str
    #: Whether the same work is tried again, up to its cap.
    again: bool = False
    #: Whether the next attempt waits, longer each time.
    waits: bool = False


CLASSES = {
    REFUSAL: FaultClass(
        "the content was declined; the same content will be declined again",
        "Change what the message names: the prompt, the row's texts or its picture",
    ),
    DATA: FaultClass("the input is wrong; only its owner can mend it", "Correct what the message names"),
    MEMORY: FaultClass(
        "memory did not suffice, after the engine had tried smaller batches, tiles and offloading",
        "Use fewer `workers`, smaller placements or a machine with more memory",
    ),
    BUDGET: FaultClass(
        "not begun, because the run's budget was spent", "Run again with a larger budget; what was paid for is kept"
    ),
    TRANSIENT: FaultClass(
        "it may pass; tried again after a pause",
        "Run again; if it happens again, look at what the message names",
        again=True,
        waits=True,
    ),
    INFRASTRUCTURE: FaultClass(
        "a worker or its machine failed; tried again elsewhere",
        "Run again; if it happens again, look at the machine's own log",
        again=True,
    ),
    DEFECT: FaultClass(
        "a fault of Spotmill, or of something that this machine lacks",
        "Look at the message and at run.log; finished steps are kept",
    ),
}

#: Stable code of a failure -> its class; a code that is not here is a defect.
CODES = {
    "refused": REFUSAL,
    "policy_refused": REFUSAL,
    "content_refused": REFUSAL,
    "bad_audio": DATA,
    "bad_media": DATA,
    "bad_shot": DATA,
    "check_failed": DATA,
    "missing_glyphs": DATA,
    "no_voice": DATA,
    "text_too_long": DATA,
    "voice_too_long": DATA,
    "out_of_memory": MEMORY,
    "killed_for_memory": MEMORY,
    "budget_stopped": BUDGET,
    "transient": TRANSIENT,
    "tool_timed_out": TRANSIENT,
    "tool_killed": TRANSIENT,
    "timed_out": INFRASTRUCTURE,
    "worker_died": INFRASTRUCTURE,
    # The store that machines share, as one machine finds it.
    "store_refused": INFRASTRUCTURE,
    "secret_missing": INFRASTRUCTURE,
    "corrupt": TRANSIENT,
    "step_missing": TRANSIENT,
}

#: Pause before another attempt; doubled each time, and spread so that many jobs do not come back at once.
PAUSE_SECONDS = 2.0


def class_of(code: str) -> str:
    """The class of a code."""
    return CODES.get(code, DEFECT)


def goes_again(fault: str, attempts: int, most: int) -> bool:
    """Whether work that has failed `attempts` times with this class of fault is tried again."""
    return CLASSES[fault].again and attempts < most


def pause_seconds(fault: str, attempts: int) -> float:
    """How long the next attempt waits: half to one and a half of a pause that doubles with each attempt."""
    if not CLASSES[fault].waits:
        return 0.0
    spread: float = random.uniform(0.5, 1.5)  # noqa: S311 - no secret hangs on it
    return PAUSE_SECONDS * 2.0 ** (attempts - 1) * spread
