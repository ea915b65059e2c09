"""What it costs that a model has a process of its own."""
