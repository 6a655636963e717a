"""Every failure has a class, and the class alone decides whether and how the work is tried again."""

import re
from pathlib import Path

import pytest

from flows import faults
from flows.jobs import FIXES, Failure, failure_of

ROOT = Path(__file__).resolve().parents[2]


def test_every_code_that_our_errors_carry_has_a_class_or_is_named_a_defect():
    stated = {
        code
        for package in ("flows", "generation", "audio")
        for path in (ROOT / package).rglob("errors.py")
        for code in re.findall(r'^    code(?:: ClassVar\[str\])? = "(\w+)"', path.read_text(), re.MULTILINE)
    }
    defects = {code for code in stated if faults.class_of(code) == faults.DEFECT}
    assert stated, "the errors state their codes"
    assert defects <= DEFECTS


#: Codes that mean a fault of ours or something that this machine lacks: nothing to try again.
DEFECTS = {
    "generation_failed",
    "audio_failed",
    "voice_failed",
    "not_available",
    "tool_failed",
    "signing_failed",
    "bad_certificate",
    "signer_expired",
}


@pytest.mark.parametrize("code", sorted(faults.CODES))
def test_each_class_of_a_code_is_known(code):
    assert faults.CODES[code] in faults.CLASSES


@pytest.mark.parametrize(
    ("code", "again"),
    [("refused", False), ("bad_media", False), ("out_of_memory", False), ("internal_error", False),
     ("transient", True), ("worker_died", True), ("timed_out", True)],
)  # fmt: skip
def test_only_what_may_pass_is_tried_again_and_never_beyond_the_cap(code, again):
    fault = Failure(code, "plate", "because", "").fault
    assert faults.goes_again(fault, 1, 3) is again
    assert not faults.goes_again(fault, 3, 3)


def test_a_passing_fault_waits_longer_each_time_and_never_twice_the_same():
    waits = [[faults.pause_seconds(faults.TRANSIENT, attempt) for _ in range(50)] for attempt in (1, 2, 3)]
    for attempt, some in enumerate(waits):
        base = faults.PAUSE_SECONDS * 2**attempt
        assert all(base * 0.5 <= wait <= base * 1.5 for wait in some)
        assert len(set(some)) > 40, "jobs that failed together do not come back together"
    assert faults.pause_seconds(faults.INFRASTRUCTURE, 3) == 0, "elsewhere, at once"


def test_an_error_brings_its_class_along():
    class Passing(Exception):
        code = "transient"

    assert failure_of(Passing("busy"), "footage").fault == faults.TRANSIENT
    assert failure_of(ValueError("odd"), "footage").fault == faults.DEFECT
    assert failure_of(OSError(28, "full"), "footage").code == "no_space"
    assert "no_space" in FIXES
