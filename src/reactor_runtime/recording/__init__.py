"""Recordings of sessions: what viewers are sent, encoded once more on a thread of its own, kept on disk, served as HLS."""
