"""Connectors: they fetch from sector systems, map to readings and cases, and write to Kafka, each record once."""
