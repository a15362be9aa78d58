"""What people see: refusals in three formats, error pages, and the demo app."""
