"""What the proxy tells its operator: the access log, the error log and counters."""
