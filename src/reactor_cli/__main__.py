"""``python -m reactor_cli``: the ``reactor`` command of this interpreter."""

from __future__ import annotations

from reactor_cli.entry import main

if __name__ == "__main__":
    main()
