"""Times as DuckDB keeps them: UTC without a zone (TIMESTAMP)."""

from datetime import UTC, datetime


def naive(moment: datetime) -> datetime:
    """Return an aware time as UTC without a zone, as the store keeps it."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def aware(stored: datetime) -> datetime:
    """Return a time of the store as an aware one, in UTC."""
    return stored.replace(tzinfo=UTC)
