"""`python -m postroom`: the same as `postroom`."""

import sys

from postroom.cli import main

if __name__ == "__main__":
    sys.argv[0] = "postroom"  # provenance says under which name a program runs
    main()
