"""Keep alerts and what people do about them, so that a crash loses nothing and repeats nothing.

service                                   ticks, reloads and commits: one lock, one transaction for each change
alert_state                               everything about alerts at one moment, and its stored form
actions                                   acknowledge, shelve, silence, comment
rule_store, routing_store                 rules and routing in force, with their versions
alertmanager_format, external_alert, external_intake   alerts of other systems
notification_text                         render notifications and webhook payloads
incident_store, kpi_history               incidents; the past that rules compare with and that backtests use
"""
