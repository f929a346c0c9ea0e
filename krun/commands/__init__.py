"""The verbs, one module each: `SUMMARY`, `OPTIONS`, `ARGUMENTS` and `run(args, context) -> exit status`.

A verb joins layers and decides nothing of its own.  What it raises, cli.py prints.
"""
