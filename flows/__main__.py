"""`python -m flows …` is `spotmill …` without the console script."""

from flows.cli import main

main()
