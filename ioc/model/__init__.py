"""The model of the centre: readings, cases, units, measures, KPIs, sources, rules.

Standard library and google-re2 only.
"""
