"""What the product costs where it is felt, measured beside the published packages.

Run from the root of the repository: ``python -m benchmarks`` (``make bench``). It measures and judges nothing: a large
number is a figure, not a failure.

======================  ==============================================================================================
``figures``             the rows of the table: title, unit, budget
``legs``                what is measured, leg by leg, and how a figure comes out of its samples
``stage``               one runtime and the viewers that look at it
``parties``, ``venvs``  who is measured: ours, and the published pair in virtual environments of its own
``child``, ``stun``     processes with a deadline and a log; STUN servers on the loopback that answer, or do not
``viewer``              the client process (runs in every environment)
``audience``            several viewers in one process, as cheap as they can be
``model/``              the model that every runtime serves
``pixel_clock``         the sender's clock, written into the picture
======================  ==============================================================================================
"""
