"""The OCI vocabulary: what a configuration says, and whether it may say it.  Knows no system call."""
