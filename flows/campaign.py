"""The story: read a campaign, produce what is missing, deliver it, report. The only file that knows Prefect.

The ledger, not Prefect's states, is the truth about what is done. Prefect brings schedules, parameters as a form, a
record of every run and, where a server of the user's runs, progress and a table of failures. Without a server the flow
uses Prefect's embedded one (`prefect_profile.py`).
"""

from __future__ import annotations

import os
import time
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_progress_artifact, create_table_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.server.api.server import SubprocessASGIServer
from prefect.states import Completed, Failed
from prefect.utilities.annotations import quote
from pydantic import Field

from flows.embedded_server import watch
from flows.licences import refuse_missing
from flows.order import Order
from flows.progress import Progress
from flows.redaction import guard_logs
from flows.review.approvals import Approvals
from flows.review.release import release
from flows.review.waiting import Standing, wait_for_decisions
from flows.settings import load_settings
from flows.studio import Listener, Run
from flows.summary import Summary

#: Runs that the command line has read and checked already, for the flow that it starts next in this process.
_handed_over: dict[Order, Run] = {}


# The form in Prefect's UI has its words from the docstring; Prefect drops descriptions that stand in annotations.
@flow(name="campaign", flow_run_name="{campaign}", persist_result=False)
def campaign_flow(
    campaign: Path,
    out: Path = Path("out"),
    rows: str | None = None,
    sample: Annotated[int | None, Field(ge=1)] = None,
    where: str | None = None,
    placements: str | None = None,
    engine: str | None = None,
    skip_bad_rows: bool = False,
    speed: str | None = None,
    prove: bool = False,
    budget: str | None = None,
    accept_shrink: bool = False,
    wait_hours: Annotated[float, Field(ge=0)] = 0.0,
    workers: Annotated[int, Field(ge=0)] = 0,
    cluster: str = "",
    ledger: str = "",
) -> State[None]:
    """Make and deliver a campaign.

    Args:
        campaign: Folder with campaign.yaml, its rows CSV and brand.yaml.
        out: Where results go: OUT/<campaign>/.
        rows: Only these rows, such as 1-3,7.
        sample: Only so many rows, chosen by the seed.
        where: Only rows for which this holds: segment == "gamers".
        placements: Only these placements, separated by commas.
        engine: Make the footage with this engine.
        skip_bad_rows: Rows with errors become failed lines.
        speed: exact, balanced or fast, where the engine has them.
        prove: Measure what a platform's encode leaves of the marks.
        budget: Begin nothing more once this is spent: 20usd, 2gpu-h.
        accept_shrink: The feed is right, although it lost half of its rows.
        wait_hours: Wait so long for people's approval of every film.
        workers: CPU workers; 0 is one for each core.
        cluster: Address of a Ray cluster; empty starts one.
        ledger: Folder of finished steps; empty is OUT/.ledger.
    """
    guard_logs()
    order = Order(campaign, rows, sample, where, placements, engine, skip_bad_rows, speed, prove, budget, accept_shrink)
    flags = {"out": out, "workers": workers or None, "cluster": cluster or None, "ledger": ledger or None}
    settings = load_settings(flags, os.environ, Path.cwd())
    run = _handed_over.pop(order, None) or Run(order, settings)
    # Quoted: Prefect would otherwise walk through every row in search of futures. The task gets the run itself.
    quoted: Any = quote(run)
    read_and_check(quoted)
    produce_and_deliver(quoted)
    summary = report(quoted)
    if wait_hours:
        wait_for_people(quoted, wait_hours)
    if summary.failed:
        return Failed(message=summary.sentence())
    return Completed(message=summary.sentence())


@task(cache_policy=NO_CACHE, persist_result=False)
def read_and_check(run: Run) -> None:
    """Everything is checked before anything is spent.

    Raises: BadInput with every complaint, or with what this machine lacks.
    """
    if not _has_server():
        _watch_embedded_server()
    run.read()
    for note in refuse_missing(run.prepared, run.settings):
        get_run_logger().warning(note)


@task(cache_policy=NO_CACHE, persist_result=False)
def produce_and_deliver(run: Run) -> None:
    """Make on Ray what the ledger lacks, and publish each creative as soon as it is finished."""
    show = _on_the_server(run)
    for progress in run.produce():
        show(progress)


@task(cache_policy=NO_CACHE, persist_result=False)
def report(run: Run) -> Summary:
    """Write results.csv, failed.csv, manifest.json and report.html."""
    summary = run.report()
    for said in filter(None, (summary.webhook, summary.gone)):
        get_run_logger().info(said)
    if _has_server() and summary.failures:
        create_table_artifact(key="failures", table=[dict(line) for line in summary.failures[:500]])
    return summary


@task(cache_policy=NO_CACHE, persist_result=False)
def wait_for_people(run: Run, hours: float) -> None:
    """Wait until people have decided about every film that needs it, or until the hours are over; then show finals."""
    logger = get_run_logger()
    until = time.time() + hours * 3600

    def tell(standing: Standing) -> None:
        logger.info("%s Review with: spotmill review %s", standing.sentence(), run.folder)

    wait_for_decisions(run.folder, Approvals(run.ledger.root), until=until, tell=tell)
    for problem in release(run.folder, run.ledger):
        logger.warning(problem.sentence())


def run_order(run: Run, listener: Listener) -> Summary:
    """Run the flow in this process, for the command line. What the flow left behind says how it went."""
    run.listener = listener
    _handed_over[run.order] = run
    state = campaign_flow(**_parameters(run), return_state=True)
    if run.summary is None:
        state.result()  # raises what ended the flow
        raise RuntimeError(f"the flow ended as {state.name} without a summary")
    return run.summary


def _parameters(run: Run) -> dict[str, Any]:
    order, settings = run.order, run.settings
    return {
        **{field.name: getattr(order, field.name) for field in fields(order)},
        "out": settings.out,
        "workers": settings.workers,
        "cluster": settings.cluster,
        "ledger": settings.ledger,
    }


def _has_server() -> bool:
    """Whether anybody can look at artifacts: the embedded server ends with the run."""
    return bool(os.environ.get("PREFECT_API_URL"))


def _watch_embedded_server() -> None:
    """See to it that a killed run leaves no server behind."""
    process = SubprocessASGIServer().server_process
    if process is not None:
        watch(process.pid)


def _on_the_server(run: Run) -> Listener:
    """Show progress as an artifact and failures as log lines, where a server runs."""
    if not _has_server():
        return lambda progress: None
    artifact = create_progress_artifact(progress=0.0, key="progress", description=run.order.campaign.name)
    logger = get_run_logger()
    state = {"percent": 0, "failed": 0}

    def show(progress: Progress) -> None:
        if int(progress.percent) > state["percent"]:
            state["percent"] = int(progress.percent)
            update_progress_artifact(artifact, progress=progress.percent)  # type: ignore[arg-type]  # sync here
        if progress.deliveries_failed > state["failed"]:
            state["failed"] = progress.deliveries_failed
            logger.warning("%s deliveries failed so far: %s", progress.deliveries_failed, progress.last_failure)

    return show
