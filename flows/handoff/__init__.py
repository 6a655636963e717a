"""Finished deliveries as folders that the bulk tools of ad platforms read: films, covers, sheets, texts, disclosure.

`handover.py` is the story. A new platform, or a renamed column, is a table in `platforms.toml`. Uploads nothing: what
leaves the house is carried by a person, or by a script of theirs.
"""
