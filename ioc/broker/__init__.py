"""The embedded broker: Apache Kafka itself, one KRaft node on loopback, so that one command runs the centre.

Production sets `IOC_KAFKA` to a cluster and never comes here.
"""

from ioc.broker.embedded import BrokerStartFailed, EmbeddedBroker

__all__ = ["BrokerStartFailed", "EmbeddedBroker"]
