"""A worker that stands still is ended by its machine and its work goes on; on a cluster, elsewhere. All for real."""

import os
import signal

import pytest

from tests.faults.runs import Command, films, half_written, lines
from tests.flows.small import small_campaign

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(400)]


def test_a_worker_that_was_stopped_is_ended_and_its_job_is_done_by_another(tmp_path, monkeypatch):
    monkeypatch.setenv("SPOTMILL_SILENCE_SECONDS", "2")
    monkeypatch.setenv("SPOTMILL_JOB_DEADLINE_SECONDS", "15")
    campaign = small_campaign(tmp_path / "campaign")
    command = Command(campaign, tmp_path / "out")
    busy = command.until(lambda: command.descendants(lambda line: line.startswith("ray::do_job")), "a job ran")
    os.kill(busy[0], signal.SIGSTOP)
    assert command.wait() == 0, command.log.read_text()
    assert {line["status"] for line in lines(tmp_path / "out")} == {"done"}
    assert len(films(tmp_path / "out")) == 2
    assert half_written(tmp_path / "out") == []
    log = (tmp_path / "out/Small/run.log").read_text()
    assert "showed no sign of life for" in log
    assert "infrastructure 1 of 3" in log
    assert command.gone(), "the worker that was stopped is still there"


# Ray's own small cluster leaves sockets behind.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_work_that_avoids_a_machine_runs_on_another_one_and_a_process_is_ended_where_it_is(tmp_path):
    import ray
    from ray.cluster_utils import Cluster

    from flows.placing import elsewhere, end_worker, widest

    small = {"object_store_memory": 80_000_000, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **small})
    try:
        cluster.add_node(num_cpus=1, **small)
        cluster.add_node(num_cpus=2, **small)
        ray.init(address=cluster.address, log_to_driver=False, logging_level=40)

        @ray.remote(num_cpus=1, max_retries=0)
        def where(seconds=0.0, note=None):
            import time

            if note:
                note.with_suffix(".part").write_text(str(os.getpid()))
                note.with_suffix(".part").replace(note)
            time.sleep(seconds)
            return ray.get_runtime_context().get_node_id(), os.getpid()

        machines = [node["NodeID"] for node in ray.nodes() if node["Resources"].get("CPU")]
        assert (len(machines), widest(1), widest(8)) == (2, 1, 2)
        for machine in 2 * machines:  # twice: Ray keeps a worker for the next task that asks for the same
            (other,) = set(machines) - {machine}
            assert ray.get(where.options(**elsewhere((machine,))).remote())[0] == other
        assert elsewhere(tuple(machines)) == {}, "there is no other machine: anywhere is better than nowhere"
        assert elsewhere(("a machine that has left",)) == {}
        # It says itself which process it is in: the machine may have several that wait for work.
        hung = where.options(**elsewhere((machines[0],))).remote(300.0, tmp_path / "pid")
        while not (tmp_path / "pid").is_file():
            assert not ray.wait([hung], timeout=0.1)[0], "it ended before it began"
        end_worker(machines[1], int((tmp_path / "pid").read_text()))
        with pytest.raises(ray.exceptions.WorkerCrashedError):
            ray.get(hung, timeout=120)
    finally:
        ray.shutdown()
        cluster.shutdown()
