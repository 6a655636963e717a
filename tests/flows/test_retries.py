"""Attempts are counted for each class of fault; what died goes elsewhere, what was too large gets more room."""

import re
from collections import Counter
from pathlib import Path

import pytest

from flows import faults
from flows.attempts import Caps, Tries, read_caps
from flows.deadlines import read_deadlines
from flows.faults import DATA, INFRASTRUCTURE, MEMORY, REFUSAL, TRANSIENT
from flows.jobs import FIXES, KILLED, Batch, Failure, FilmJob, FootageJob, Outcome, PlateJob, failure_of
from flows.ledger import Ledger
from flows.live import LiveFolder, Sign
from flows.model import BadInput
from flows.produce import Production
from tests.flows.test_produce import ScriptedCrew, fail, footage, plan, produce, statuses

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("flows.faults.PAUSE_SECONDS", 0.001)


def in_turn(*outcomes):
    """A job's attempts end so, one after the other, and then well."""
    return lambda job, tries: outcomes[tries - 1] if tries <= len(outcomes) else None


LOST, BUSY = fail("worker_died", INFRASTRUCTURE), fail("transient", TRANSIENT)

# --- how often --------------------------------------------------------------------------------------------------------


def test_a_job_that_met_a_passing_fault_and_a_lost_worker_has_used_one_attempt_of_each(tmp_path):
    results, _ = produce(tmp_path, [plan("a")], {FilmJob: in_turn(BUSY, LOST)}, attempts=2)
    assert set(statuses(results["a"]).values()) == {"done"}
    assert results["a"].delivered[0].attempts == 3


@pytest.mark.parametrize(("fault", "begun"), [("transient", 5), ("infrastructure", 2)])
def test_each_class_has_its_own_cap(tmp_path, fault, begun):
    caps = read_caps(1, "transient=5, infrastructure=2")
    results, crew = produce(tmp_path, [plan("a")], {FilmJob: lambda job, tries: fail("x", fault)}, attempts=caps)
    failure = results["a"].delivered[0].failure
    assert sum(isinstance(job, FilmJob) for job in crew.log) == failure.attempts == begun
    assert failure.tried == f"{fault} {begun} of {begun}"


@pytest.mark.parametrize("fault", [REFUSAL, DATA, "defect"])
def test_what_would_end_the_same_has_one_attempt_whatever_is_set(tmp_path, fault):
    _, crew = produce(tmp_path, [plan("a")], {FilmJob: lambda job, tries: fail("x", fault)}, attempts=Caps(9))
    assert sum(isinstance(job, FilmJob) for job in crew.log) == 1


def test_the_cap_of_a_fault_is_not_used_up_by_another_one(tmp_path):
    script = {FilmJob: in_turn(BUSY, LOST, BUSY, LOST, BUSY)}
    results, _ = produce(tmp_path, [plan("a")], script, attempts=3)
    failure = results["a"].delivered[0].failure
    assert (failure.fault, failure.attempts) == (TRANSIENT, 5)
    assert failure.tried == "transient 3 of 3, infrastructure 2 of 3"


def test_each_attempt_that_failed_is_told_with_what_comes_next(tmp_path):
    told, failed = [], []
    produce(
        tmp_path,
        [plan("a")],
        {FilmJob: lambda job, tries: LOST if tries == 2 else BUSY},
        attempts=Caps(2),
        on_again=lambda job, failure, pause: told.append((failure.fault, failure.attempts, pause > 0)),
        on_failure=lambda job, failure: failed.append((failure.fault, failure.attempts)),
    )
    assert told == [(TRANSIENT, 1, True), (INFRASTRUCTURE, 2, False)], "elsewhere at once, the other after a pause"
    assert failed == [(TRANSIENT, 3)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("transiant=3", 'Did you mean "transient"'),
        ("refusal=3", "Known: infrastructure, memory, transient"),
        ("transient=often", "this is no number"),
        ("transient", "this is no number"),
        ("transient=0", "cannot be used"),
        ("transient=1.5", "whole and at least 1"),
        ("memory=inf", "cannot be used"),
    ],
)
def test_caps_that_mean_nothing_are_refused_before_anything_is_done(text, words):
    with pytest.raises(BadInput, match=re.escape(words)) as caught:
        read_caps(3, text)
    assert caught.value.problems[0].column == "attempts_by_fault"


@pytest.mark.parametrize(
    ("general", "silence", "text", "words"),
    [(0, 60, "", "leaves no time"), (60, -1, "", "leaves no time"), (60, 60, "voise=3", 'Did you mean "voice"')],
)
def test_deadlines_that_leave_no_time_are_refused(tmp_path, general, silence, text, words):
    with pytest.raises(BadInput, match=words):
        read_deadlines(Ledger(tmp_path), general, silence, text)


# --- elsewhere and with more room -------------------------------------------------------------------------------------


class Noting(ScriptedCrew):
    """Keeps the terms of every film and shot, and shows on which machine it is."""

    def __init__(self, ledger, script=None, slots=8):
        super().__init__(ledger, script, slots)
        self.terms, self.machines = [], iter(f"machine{number}" for number in range(99))

    def submit(self, ticket, job, terms):
        super().submit(ticket, job, terms)
        if isinstance(job, FilmJob | FootageJob | Batch):
            self.terms.append((job, terms))
            node = next(self.machines) if isinstance(job, FilmJob) else "gpu"
            LiveFolder(self.ledger.root).write(terms.sign, Sign("", 0, 0, "", 1.0, step="x", node=node, pid=1))


def run(tmp_path, plans, script, **options):
    crew = Noting(Ledger(tmp_path), script)
    results = list(Production(crew.ledger, lambda: crew, **options).run(plans))
    return {result.plan.creative.creative_id: result for result in results}, crew.terms


def test_a_job_whose_worker_died_avoids_the_machines_where_it_did(tmp_path):
    _, terms = run(tmp_path, [plan("a")], {FilmJob: in_turn(LOST, BUSY, LOST)}, attempts=4)
    avoided = [term.avoid for job, term in terms if isinstance(job, FilmJob)]
    assert avoided == [(), ("machine0",), ("machine0",), ("machine0", "machine2")]
    assert len({term.sign for _, term in terms}) == len(terms), "each attempt shows life under a name of its own"


def test_a_failure_of_a_lost_worker_says_at_which_step_it_was(tmp_path):
    results, _ = run(tmp_path, [plan("a")], {FilmJob: lambda job, tries: Outcome(
        failures={"": Failure("worker_died", "", "its worker process died", "")})}, attempts=1)  # fmt: skip
    failure = results["a"].delivered[0].failure
    assert (failure.step, failure.fix) == ("x", FIXES["worker_died"])


def test_what_was_killed_for_its_memory_gets_more_cores_until_there_are_no_more(tmp_path):
    killed = fail(KILLED, MEMORY)
    results, terms = run(tmp_path, [plan("a")], {FilmJob: lambda job, tries: killed}, attempts=9)
    assert [term.cores for job, term in terms if isinstance(job, FilmJob)] == [1, 2, 4, 8]
    assert results["a"].delivered[0].failure.fault == MEMORY
    assert results["a"].delivered[0].failure.tried == "memory 4 of 9"
    _, terms = run(tmp_path / "b", [plan("a")], {FilmJob: lambda job, tries: killed}, attempts=read_caps(9, "memory=2"))
    assert [term.cores for job, term in terms if isinstance(job, FilmJob)] == [1, 2]


def test_an_engine_that_says_that_memory_is_short_has_been_down_its_own_ladder(tmp_path):
    results, terms = run(
        tmp_path, [plan("a")], {FootageJob: lambda job, tries: fail("out_of_memory", MEMORY)}, attempts=9
    )
    assert len([job for job, _ in terms if isinstance(job, FootageJob)]) == 1
    assert set(statuses(results["a"]).values()) == {"out_of_memory"}


def test_a_batch_whose_worker_was_killed_for_memory_goes_on_shot_by_shot(tmp_path):
    script = {
        Batch: lambda job, tries: fail(KILLED, MEMORY),
        FootageJob: lambda job, tries: fail(KILLED, MEMORY) if job.step.key == "b-shot" else None,
    }
    plans = [plan(name, plate=name) for name in "abc"]
    results, terms = run(tmp_path, plans, script, attempts=9, shots_per_job=4)
    assert [set(statuses(results[name]).values()) for name in "abc"] == [{"done"}, {KILLED}, {"done"}]
    tries = Counter(job.step.key for job, _ in terms if isinstance(job, FootageJob))
    assert tries == {"a-shot": 1, "b-shot": 1, "c-shot": 1}, "alone is as small as it gets"


def test_a_step_that_finds_no_memory_is_of_that_class():
    assert failure_of(MemoryError(), "plate").fault == MEMORY


# --- what every failure says ------------------------------------------------------------------------------------------


def codes() -> set[str]:
    """Every code that our errors carry or our failures are given."""
    found = set(faults.CODES) | set(FIXES) | {"internal_error"}
    for package in ("flows", "generation", "audio"):
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text("utf-8")
            found |= set(re.findall(r'^    code(?:: ClassVar\[str\])? = "(\w+)"', text, re.MULTILINE))
            found |= set(re.findall(r'\bFailure\(\s*"(\w+)"', text))
    return found


@pytest.mark.parametrize("code", sorted(codes()))
def test_every_failure_has_a_class_and_a_way_out(code):
    failure = Failure(code, "plate", "because", "")
    assert failure.fault in faults.CLASSES
    assert len(failure.fix) > 10


def test_every_failed_line_says_step_attempt_class_cause_and_fix(tmp_path):
    from flows.model import Problem, Row
    from flows.records import failed_record, refused_record
    from flows.results import why_failed
    from flows.rows import RefusedRow

    creative = plan("a").creative
    assert isinstance(creative.row, Row)
    bad = Problem("rows.csv", 7, "price", "bad_price", "much", "this is no price", "")
    lines = [
        failed_record(creative, "tiktok", Failure("worker_died", "plate", "its worker process died", ""), 2),
        refused_record(RefusedRow(7, "r7", {}, (bad,))),
    ]
    for line in lines:
        assert all((line.step, line.attempts, line.fault, line.code, line.message, line.fix)), line
        assert all(str(part) in why_failed(line) for part in (line.step, line.attempts, line.fault, line.fix))


def test_tries_tell_what_each_class_has_used():
    tries = Tries()
    tries.note([TRANSIENT, TRANSIENT])
    tries.note([INFRASTRUCTURE])
    assert tries.told(Caps(3, {TRANSIENT: 5})) == "transient 1 of 5, infrastructure 1 of 3"


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_nothing_is_kept_of_creatives_that_have_ended(tmp_path):
    ledger = Ledger(tmp_path)
    crew = ScriptedCrew(ledger, {PlateJob: lambda job, tries: fail("x") if job.step.key == "p7" else None})
    plans = (
        plan(f"c{number}", plate=f"p{number}", voice=f"v{number}", shot=footage(f"s{number}")) for number in range(24)
    )
    production = Production(ledger, lambda: crew)
    assert sum(1 for _ in production.run(plans)) == 24
    graph = production._graph
    assert (len(graph.nodes), len(production._films._films), len(production._shift)) == (0, 0, 0)
    assert set(graph.ended) == {PlateJob(plan("c7", plate="p7").films[0].master.plate).id}, "failures alone"
    assert not graph.ended.popitem()[1].failures[""].trace
    assert list((tmp_path / "live").glob("*")) == []
