"""The processes of `ioc up` besides the broker, forked from one that has imported everything already."""
