"""Say that one is ready and wait for SIGTERM, with a child and threads that wait as well."""

import os, signal, sys, threading


def leave(number, frame):
    os._exit(7)


signal.signal(signal.SIGTERM, leave)
for _ in range(3):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
if os.fork() == 0:
    while True:
        pass
print("ready", flush=True)
while True:
    signal.pause()
