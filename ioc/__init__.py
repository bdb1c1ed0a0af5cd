"""The operations centre: model, wire, catalogue, store, alerts, API."""

__version__ = "0.1.0"
