"""Footage from open text-to-video models, through diffusers: one engine for each preset of `presets.toml`.

    presets.toml, presets.py    which checkpoints, under which licence, with which sizes, schedules and settings
    engine.py                   the port's side: facts, options, what is refused; imports nothing heavy
    weights.py, hardware.py     where the weights lie, how they are fetched; what this machine has
    families/                   what differs between model families: one file for each
    session.py                  loaded models, and the way of a batch of shots through them
    drive.py                    a pipeline's denoising loop, step by step
    tiny.py                     a model of random weights in half a megabyte, built here, for dry runs and tests

Adding a checkpoint of a known family is one table in `presets.toml` (or in a file named by SPOTMILL_PRESETS); a new
family is one file in `families/`. Knows no campaign. torch, diffusers and transformers are imported here and in
`generation/conform/` only, and never before a model is really needed.
"""
