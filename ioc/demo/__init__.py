"""The demonstration province: simulated sector systems that speak the real protocols, and a year of back history.

All simulated data is a function of a seed and a time (`world/`); thin shells speak the protocols (`systems/`).
"""
