"""What a notebook shows: a client with its live picture and its commands, figures, frames and clips.

Only ``widget`` and ``stats_figure`` need the packages of the extra ``notebook``, and are imported where they are asked for.
"""
