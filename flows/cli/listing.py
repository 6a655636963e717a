"""Commands that list what there is."""

from __future__ import annotations

import click


@click.command()
def templates() -> None:
    """What can be made: each template with its variables."""
    from flows.catalogue import template_table
    from flows.terminal import print_table

    print_table(template_table())


@click.command()
def placements() -> None:
    """Where an ad can run: size, length, loudness, safe zone; how sure the figures are."""
    from flows.catalogue import placement_table
    from flows.terminal import print_table

    print_table(placement_table())


@click.command()
def looks() -> None:
    """Styles: prompt words, grade, grain, light."""
    from flows.catalogue import look_table
    from flows.terminal import print_table

    print_table(look_table())


@click.command()
def voices() -> None:
    """What speaks, in which quality, and what each needs."""
    from flows.catalogue import voice_table
    from flows.terminal import print_table

    print_table(voice_table())


@click.command()
def engines() -> None:
    """What makes footage: sizes, lengths, licences, memory, and what is ready here."""
    from flows.catalogue import engine_table
    from flows.terminal import print_table

    print_table(engine_table())
