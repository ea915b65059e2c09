"""The model's process is killed at random moments while two clients watch, and comes back."""
