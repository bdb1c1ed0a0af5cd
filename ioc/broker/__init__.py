"""The embedded broker: Apache Kafka itself, one KRaft node on loopback, so that one command runs the centre.

With `IOC_KAFKA` set to a cluster, none of this is used.
"""

from ioc.broker.embedded import BrokerStartFailed, EmbeddedBroker

__all__ = ["BrokerStartFailed", "EmbeddedBroker"]
