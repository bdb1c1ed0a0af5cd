"""What the centre speaks of: readings, cases, units, measures, KPIs, sources. Standard library only."""
