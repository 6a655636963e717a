"""What is written and shown over a plate: fonts, shaping, type setting, places, motion, and the master that results."""
