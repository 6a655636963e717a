"""Rights: what the files, sounds and models of a campaign may be used for, where, and until when.

`rights_file.py` reads rights.yaml, `assets.py` says what a creative is made of, `gate.py` holds one against the other
before anything is spent, `inventory.py` lists all of it for the manifest. Knows licences as their owner wrote them
down; reads no contract and claims no rights.
"""
