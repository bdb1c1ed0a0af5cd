"""What runs inside `ioc serve` besides the API.

process, context, alerting, status             how the parts are put together, and their state
topics_ready, stand_in                         the start: create the topics; pages while store or broker are away
evaluation_loop, alert_loop, restatement_loop  KPI values, alerts, closed periods
outbox_sender, channel_sender, channel_state, report_sender   what is sent to people
topic_publishers, trail_anchors                what is published on Kafka
source_watch, spool_watch, lab_watch, machine_watch, self_monitoring, self_report   what is watched
push_sources, source_files, replays, snapshots, trim_memory   sources, refused records, snapshots, memory
"""
