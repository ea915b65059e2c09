"""``reactor bench``: how fast a runtime is."""
