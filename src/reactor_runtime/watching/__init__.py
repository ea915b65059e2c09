"""What a runtime shows of itself: metrics, journal, spans and health. ``watch`` is where to start reading."""
