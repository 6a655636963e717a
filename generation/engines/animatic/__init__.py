"""The built-in engine for every CPU: films drawn from the prompt itself, in flat, layered, slowly moving scenes.

The way through this folder: `words` reads a prompt, `scene` decides what is seen, `palette` in which light, `places/`
paint it as layers on `canvas`, `cast` and `walkers` fill it, `stage` keeps the layers in depth order, `hero` brings in
the row's picture, `camera` moves, `film` puts every frame together and `engine` is the port.

A new place is a file in `places/` and a row in its table; a new thing is a painter and a row in `things`; both need
their words in `lexicon.toml`.
"""
