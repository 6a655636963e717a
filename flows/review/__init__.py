"""Approval: who decided what about which bytes, and the page, the sheet and the wait that are built on it.

`approvals.py` is the record in the ledger; everything else here shows it or adds to it. Knows deliveries and results;
does not know how films are made.
"""
