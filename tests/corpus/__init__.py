"""Cases that are data: files with what goes in and what has to come out."""
