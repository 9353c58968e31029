"""`python -m lakehouse.cli`."""

from lakehouse.cli import main

main()
