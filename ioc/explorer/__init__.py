"""The KPI explorer: series of many units, what contributed to a change, forecasts, and the SQL of a figure. Pure."""
