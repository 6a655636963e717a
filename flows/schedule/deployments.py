"""Schedules of campaigns as deployments of the campaign flow on a Prefect server: put, list, pause, resume, remove.

One run of a campaign at a time, and a run that comes due meanwhile is cancelled (CANCEL_NEW), not queued: every run
does all that the feed says, so the next one makes up for it, a queue would grow where runs are slower than the clock,
and after a weekend with the machine off one run begins instead of three. The folder's lock is the last guard. Secrets
are never parameters: they are settings of the machine that runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.model import BadInput, Problem
from flows.problems import did_you_mean
from flows.schedule.times import Times, next_times, spoken

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.responses import DeploymentResponse

FLOW = "campaign"
TAG = "spotmill"
#: The pool whose runs `spotmill schedules serve` makes.
POOL = "spotmill"
PROCESS = "process"
#: Prefect gives at most so many at a time.
PAGE = 200


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to run when. `parameters` are those of the flow, by its own names."""

    name: str
    parameters: Mapping[str, Any]
    times: Times
    pool: str
    #: Where `spotmill.toml` and relative paths of settings are looked for.
    working_folder: Path


def put(wish: Wish) -> bool:
    """Make or renew a schedule; it is not paused afterwards. Returns whether it is new.

    Raises: BadInput when the name belongs to another campaign, or the pool is not there.
    """
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.schedules import Cron
    from prefect.types.entrypoint import EntrypointType

    from flows.campaign import campaign_flow

    with _asked() as client:
        before = _find(client, wish.name)
        if before and before.parameters.get("campaign") != wish.parameters["campaign"]:
            message = f"another campaign has this schedule: {before.parameters.get('campaign')}"
            raise _bad("schedule_taken", wish.name, message, "Rename a campaign (`name` in campaign.yaml)")
        is_process = ensure_pool(client, wish.pool) == PROCESS
    deployment = campaign_flow.to_deployment(
        wish.name,
        schedules=[Cron(cron, timezone=wish.times.timezone) for cron in wish.times.crons],
        concurrency_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW),
        parameters=dict(wish.parameters),
        tags=[TAG],
        paused=False,
        work_pool_name=wish.pool,
        job_variables={"working_dir": str(wish.working_folder)} if is_process else {},
        # With a file path the flow's module would be named `campaign`, and Ray could not import it.
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    with _asked():
        deployment.apply()  # type: ignore[union-attr]  # sync here
    return before is None


def ensure_pool(client: SyncPrefectClient, name: str) -> str:
    """The kind of a pool. Spotmill's own is made where it is missing. Raises: BadInput for another one."""
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectNotFound

    try:
        return client.read_work_pool(name).type
    except ObjectNotFound as error:
        if name != POOL:
            fix = f"Make it with `prefect work-pool create {name} --type process`, or leave --pool out"
            raise _bad("no_pool", name, "the server has no such work pool", fix) from error
    return client.create_work_pool(WorkPoolCreate(name=name, type=PROCESS)).type


def schedule_table() -> list[dict[str, str]]:
    """Every schedule of a campaign: when, since when it is paused, its next and its last run."""
    with _asked() as client:
        found = [_row(client, deployment) for deployment in _all(client)]
    return sorted(found, key=lambda row: row["name"])


def pause(name: str) -> None:
    """Nothing comes due any more; a run that goes on goes on. Raises: BadInput for an unknown name."""
    with _asked() as client:
        client.pause_deployment(_get(client, name).id)


def resume(name: str) -> None:
    """Raises: BadInput for an unknown name."""
    with _asked() as client:
        client.resume_deployment(_get(client, name).id)


def remove(name: str) -> None:
    """The schedule is gone; films and ledger stay. Raises: BadInput for an unknown name."""
    with _asked() as client:
        client.delete_deployment(_get(client, name).id)


def crash_left_over() -> int:
    """Mark runs that claim to go on as crashed; how many. Only where nobody but the caller makes runs.

    Without it a run that was killed with its machine would be `Running` for ever.
    """
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
    from prefect.client.schemas.objects import State, StateType
    from prefect.states import Crashed

    going = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]
    living = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=going)))
    with _asked() as client:
        runs = client.read_flow_runs(flow_run_filter=living, limit=PAGE)
        for run in runs:
            state: State[None] = Crashed(
                message="its machine or its server ended during the run; the next one goes on from there"
            )
            client.set_flow_run_state(run.id, state, force=True)
    return len(runs)


@contextmanager
def _asked() -> Iterator[SyncPrefectClient]:
    """A client; what the server refuses becomes a sentence."""
    from prefect.client.orchestration import get_client
    from prefect.deployments.runner import DeploymentApplyError
    from prefect.exceptions import PrefectHTTPStatusError

    try:
        with get_client(sync_client=True) as client:
            yield client
    except (PrefectHTTPStatusError, DeploymentApplyError) as error:
        message = f"the server refuses ({str(error).splitlines()[0][:200]})"
        raise _bad("server_refuses", "", message, "Check PREFECT_API_AUTH_STRING or PREFECT_API_KEY") from error


def _all(client: SyncPrefectClient) -> Iterator[DeploymentResponse]:
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName

    of_campaigns, offset = FlowFilter(name=FlowFilterName(any_=[FLOW])), 0
    while page := client.read_deployments(flow_filter=of_campaigns, limit=PAGE, offset=offset):
        yield from (deployment for deployment in page if TAG in deployment.tags)
        offset += PAGE


def _find(client: SyncPrefectClient, name: str) -> DeploymentResponse | None:
    from prefect.exceptions import ObjectNotFound

    try:
        return client.read_deployment_by_name(f"{FLOW}/{name}")
    except ObjectNotFound:
        return None


def _get(client: SyncPrefectClient, name: str) -> DeploymentResponse:
    found = _find(client, name)
    if found is None:
        fix = did_you_mean(name, [deployment.name for deployment in _all(client)])
        raise _bad("no_schedule", name, "there is no such schedule", fix or "See `spotmill schedules list`")
    return found


def _row(client: SyncPrefectClient, deployment: DeploymentResponse) -> dict[str, str]:
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
    from prefect.client.schemas.sorting import FlowRunSort

    runs = client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment.id])),
        sort=FlowRunSort.EXPECTED_START_TIME_DESC,
        limit=PAGE,
    )
    begun = [run for run in runs if run.state and not run.state.is_scheduled()]
    coming = [run.expected_start_time for run in runs if run.state and run.state.is_scheduled()]
    last = begun[0] if begun else None
    return {
        "name": deployment.name,
        "when": "; ".join(_when(schedule.schedule) for schedule in deployment.schedules) or "by hand",
        "state": "paused" if deployment.paused or not _ticks(deployment) else "active",
        "next": _local(min(filter(None, coming), default=None)) or _due(deployment),
        "last": f"{last.state.name} {_local(last.start_time)} {last.state.message or ''}".strip()
        if last and last.state
        else "",
        "pool": deployment.work_pool_name or "",
        "campaign": str(deployment.parameters.get("campaign", "")),
    }


def _ticks(deployment: DeploymentResponse) -> bool:
    """Whether one of its schedules is on; what is started by hand only has none, and is not paused by that."""
    return not deployment.schedules or any(schedule.active for schedule in deployment.schedules)


def _when(schedule: Any) -> str:
    cron = getattr(schedule, "cron", "")
    return f"{cron} ({schedule.timezone or 'UTC'})" if cron else str(schedule)


def _due(deployment: DeploymentResponse) -> str:
    """When it comes due, by the clock: the server lays runs down a minute after it was told."""
    from prefect.client.schemas.schedules import CronSchedule

    kinds = [] if deployment.paused else [one.schedule for one in deployment.schedules if one.active]
    clocks = [schedule for schedule in kinds if isinstance(schedule, CronSchedule)]
    soon = [moment for clock in clocks for moment in next_times(Times((clock.cron,), clock.timezone or "UTC"), 1)]
    return _local(min(soon, default=None))


def _local(moment: datetime | None) -> str:
    return spoken(moment.astimezone()) if moment else ""


def _bad(code: str, value: str, message: str, fix: str) -> BadInput:
    return BadInput((Problem("schedules", None, None, code, value, message, fix),))
