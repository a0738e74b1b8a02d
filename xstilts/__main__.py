"""`python -m xstilts` is `xstilts`."""

from xstilts.cli import main

main()
