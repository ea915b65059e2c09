"""What both ends of a Reactor connection say: messages, bodies, states and errors, without I/O and without a clock."""
