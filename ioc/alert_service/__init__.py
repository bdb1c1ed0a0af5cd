"""The alert desk: what fires now, and what people do about it, kept so that a crash loses and repeats nothing.

rulebook, routebook   rules and routes in force, their versions
desk                  a tick, acts of people, silences, alerts of other systems; one lock, one transaction each
letters               deliveries as they go out
incidents, past       incidents; the history that rules compare with and that backtests replay
"""
