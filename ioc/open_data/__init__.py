"""Open data: selected KPIs of closed periods as public files with licence, dictionary and DCAT catalogue."""
