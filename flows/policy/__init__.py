"""What may be asked of a model and said in an ad, how the people in it are described, and what is looked for in films.

`policy.yaml` and `rules.toml` are held against every creative (`judge.py`, `gate.py`); `people` of campaign.yaml is
balanced over rows (`allot.py`, `casting.py`) and counted (`distribution.py`); `content.py` names models that look at
footage. Words are compared as `spelling.py` reads them. A new rule is one table in `rules.toml`.
"""
