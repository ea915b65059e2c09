"""``reactor doctor``: what stands between this machine and a first frame, leg by leg.

``facts`` is what was measured, ``verdicts`` what that means and what cures it (pure), ``examination`` goes from leg to leg,
``engine``, ``network`` and ``path`` do the measuring.
"""
