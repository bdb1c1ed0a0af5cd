"""Simulated sector systems: thin shells that speak the real protocols for the world's functions."""
