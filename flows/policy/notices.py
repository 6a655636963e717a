"""What a report's reader must know of policy and content checks: overrides, and what nobody looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.order import Prepared


def policy_notices(prepared: Prepared) -> Iterator[str]:
    """Sentences for the head of the report."""
    policy, content = prepared.policy, prepared.campaign.content_checks
    for override in policy.file.overrides:
        yield f"Rule {override.rule} of the policy is overridden by {override.who}: {override.reason}"
    if not prepared.engine.digital_source_type.endswith("/algorithmicMedia"):
        # What is drawn by our own code is drawn from our own shapes; footage of models may show anything.
        missing = [name for name, check in (("nudity", content.nsfw), ("faces", content.faces)) if check is None]
        if missing:
            yield f"Content of the footage: {' and '.join(missing)} not checked (`content_checks` in campaign.yaml)"
