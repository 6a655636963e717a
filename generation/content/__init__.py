"""What is seen in footage, said by models of the user's own: whether it is fit for work, and whether faces are in it.

`folder.py` decides whether a folder is a model that may be loaded at all, without loading anything; `check.py` looks at
pictures of a film. Does not know what was asked for, nor what follows from a finding.
"""
