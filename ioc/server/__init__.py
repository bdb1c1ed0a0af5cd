"""What runs inside `ioc serve` besides the API.

evaluation_loop, alert_loop, restatement_loop      KPI values, alerts, closed periods
outbox_sender, channel_sender, channel_state, report_sender   what is sent to people
topic_publishers, trail_anchors                    what is published on Kafka
source_watch, spool_watch, lab_watch, machine_watch, self_monitoring, self_report   what is watched
push_sources, replays, snapshots, trim_memory      push sources, refused records, snapshots, memory
stand_in                                           pages and the fault while store or broker are away
"""
