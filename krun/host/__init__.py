"""What the host is.  `probe` is the only reader of the host; `facts` are its findings, frozen."""
