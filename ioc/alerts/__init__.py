"""Alerting without I/O: what fires, who may be spared it, who is told, what was done about it.

    inputs → arrays, conditions, states → engine           condition of every rule and unit, transitions
    handling, silences, inhibition, hours → suppression  what makes no noise, with the reason
    schedules, routing, grouping, escalation → notifications → messages  the outbox
    procedures, incidents, versions; flood, audit; usual, replay, rule_cases; records: all of it as plain dict and list

Time comes in as milliseconds since 1970 UTC. Nothing here reads a clock, a file or a socket; every function gives new
values and leaves its arguments as they were, so that a shell may write what it got in one transaction and then go on.
"""
