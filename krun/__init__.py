"""krun: an OCI container runtime whose containers run in virtual machines."""
