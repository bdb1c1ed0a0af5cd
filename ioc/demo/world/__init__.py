"""Simulate what happens in the demonstration province: functions of a `World` and an interval of time, without I/O."""
