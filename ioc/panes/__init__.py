"""Panes: what the readings of one minute, hour or day add up to, and the sketches that go with them.

A pane holds n, sum, sum of squares, min, max, first and last of a measure in a unit. Panes of any split of the same
readings merge to the same pane, in any order. This package is pure: numpy arrays in, numpy arrays out.
"""
