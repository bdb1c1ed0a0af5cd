"""What travels through Kafka and over HTTP: Arrow batches and their headers, dead letters, records in JSON and CSV."""
