"""Hours in minutes: one runtime, and viewers that join, pause, publish, send commands and leave at random."""
