"""How many inputs each suite tries: about 1,000 together in `make test`, more than 20,000 in `make soak`."""

FILES, PUSHES, POLL_ANSWERS, KAFKA, MQTT = (100, 3000), (200, 4000), (100, 3000), (250, 6000), (200, 1500)
"""Each (in `make test`, in `make soak`)."""
KAFKA_STRANGERS = 3
"""One message more for output and dead-letter topics with each so many of the input topics."""
MQTT_SOURCES = 2
"""Each MQTT message is tried against a source without a mapping, and other ones against a source with one."""


def total(which: int) -> int:
    """Return the inputs of all suites; `which` is 0 for `make test`, 1 for `make soak`."""
    kafka = KAFKA[which] + KAFKA[which] // KAFKA_STRANGERS
    return FILES[which] + PUSHES[which] + POLL_ANSWERS[which] + kafka + MQTT_SOURCES * MQTT[which]
