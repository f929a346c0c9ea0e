"""What krun keeps of a container on disk, and what it is at this moment.  Knows no configuration."""
