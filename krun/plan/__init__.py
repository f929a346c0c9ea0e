"""The compiler: a specification, facts about the host and options become a plan.  Pure: no I/O at all."""
