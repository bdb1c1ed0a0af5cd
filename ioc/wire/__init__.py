"""What travels through Kafka and over HTTP: Arrow batches, their headers, and records in JSON, NDJSON and CSV."""
