"""The queue and the scheduler over a simulated day, and one decision on its own.

``python -m benchmarks.scheduling`` simulates; ``--quick`` is small, ``--full`` is 1,000,000 sessions and 50,000 workers. Judged
by nobody: a large number is a figure, not a failure.

============  ========================================================================================================
``world``     who comes when, for how long, with which key: the population of a day
``line``      the fair order kept up to date session by session, for queues too long to be sorted at every tick
``day``       the events of the day; asks ``reactor_coordinator.scheduler`` at every tick
``tally``     what is noted on the way
``outcome``   the figures that come out of it
``decision``  one decision over a whole snapshot, timed
============  ========================================================================================================
"""
