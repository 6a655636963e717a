"""Content Credentials (C2PA): a signed statement inside a film of how it was made, and what is left of it in a file.

`spec.py` has the records, `sign.py` writes, `read.py` reads, `chain.py` knows certificates. Knows no campaign, no
placement and no registry: texts, hashes and files are given. The statement is the last thing that touches a film's
bytes, because any later edit breaks it.
"""
