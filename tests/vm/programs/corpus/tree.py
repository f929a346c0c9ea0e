"""A deep chain and a wide tree of forks, each with its own memory, and orphans that their reaper gets."""

import os, sys, time


def chain(depth):
    if depth == 0:
        return 0
    pid = os.fork()
    if pid == 0:
        os._exit(chain(depth - 1) + 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


print(chain(60))
pids = []
for i in range(40):
    pid = os.fork()
    if pid == 0:
        os._exit(i)
    pids.append(pid)
print([os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]) for p in pids] == list(range(40)))
if os.fork() == 0:
    if os.fork() == 0:
        while os.getppid() != 1:
            time.sleep(0.005)
        print("adopted", flush=True)
        os._exit(0)
    os._exit(0)
ended = 0
while True:
    try:
        os.wait()
        ended += 1
    except ChildProcessError:
        break
print(ended)
data = bytearray(20 << 20)
data[::4096] = b"a" * len(range(0, len(data), 4096))
for i in range(5):
    if os.fork() == 0:
        data[0] = i
        os._exit(data[4096] == ord("a"))
print(sum(os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(5)), data[0])
