"""What the tests share: requirements of the machine, bundles, a runner for krun, the search for leftovers."""
