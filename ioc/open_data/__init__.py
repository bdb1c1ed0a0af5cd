"""Open data: chosen KPIs of closed periods, for anybody, as files with a licence, a dictionary and a DCAT catalogue."""
