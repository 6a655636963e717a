"""Campaigns by the clock: schedules on a Prefect server, and what serves them on one machine.

`times.py` reads cron expressions, `server.py` finds or starts a server, `deployments.py` keeps schedules there,
`serving.py` runs what is due. The campaign itself is the flow in `flows/campaign.py`; nothing here makes films.
"""
