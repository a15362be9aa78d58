"""Which route a request takes. Pure: no I/O, no clock, no state."""
