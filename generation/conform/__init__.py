"""What post-production does to a model's clip before it is cut: the delivery's rate, steadier, larger, measured.

`settings.py` says what may be asked for and `conform.py` does it, file to file. `survey.py` decodes a clip once and
notes how each frame differs from the one before; `exposure.py`, `measures.py` and `deflicker.py` read that. Frames in
between come from `motion.py` or a user's model in `learned.py`. Knows no campaign, plate or look: grain, grade and the
resampling to a delivery's size are the plate's. Importing this package imports nothing heavy.
"""
