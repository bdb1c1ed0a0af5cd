"""From the raw snapshot to what analysts see: a file with nothing in it that they may not, and stable views over it."""
