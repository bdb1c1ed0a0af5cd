"""What the KPI explorer tells: series of many units, parts of a change, what is to come, and the SQL of a figure."""
