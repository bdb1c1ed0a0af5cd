"""Alerting without I/O: what fires, what is kept quiet, who is notified, and what people did about it.

    inputs → rule_arrays, conditions, states → engine      the state of every rule and unit, and its transitions
    handling, silences, inhibition, active_hours → suppression   the alerts as people see them, each reason to be quiet
    schedules, routing, grouping, escalation → notification_plan → message_text   what is sent to whom
    procedures, incidents · versions · refusals            what people do
    flood, audit · backtest, usual_values · rule_cases · route_tester, duty_roster   figures, trials and previews
    records                                                dataclasses as plain dict and list, for the store

Time comes in as milliseconds since 1970 UTC. Nothing here reads a clock, a file or a socket. Every function returns
new values and leaves its arguments unchanged, so that a caller may first write the result in one transaction.
"""
