"""A model in a process of its own: pictures cross in shared memory, everything else over a socket."""
