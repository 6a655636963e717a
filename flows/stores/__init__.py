"""Where results and finished steps are kept: a folder, a bucket, or memory, behind one port (`contract.py`).

A new kind of store is one file here, one row in `opening.py`, and one name in the fixture of the contract suite.
"""
