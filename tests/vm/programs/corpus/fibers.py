"""Threads, queues, timers, thread-local data, and many threads at once."""

import queue, threading, time

work = queue.Queue()
done = []
lock = threading.Lock()
local = threading.local()


def worker():
    local.count = 0
    while (item := work.get()) is not None:
        local.count += item
    with lock:
        done.append(local.count)


threads = [threading.Thread(target=worker) for _ in range(8)]
for t in threads:
    t.start()
for i in range(10000):
    work.put(i)
for t in threads:
    work.put(None)
for t in threads:
    t.join()
print(sum(done), len(done))
fired = threading.Event()
threading.Timer(0.05, fired.set).start()
print(fired.wait(10))
barrier = threading.Barrier(1000, timeout=60)
threading.stack_size(64 * 1024)
many = [threading.Thread(target=barrier.wait) for _ in range(999)]
for t in many:
    t.start()
barrier.wait()
for t in many:
    t.join()
print(threading.active_count(), time.monotonic() > 0)
c = threading.Condition()
print(c.acquire(timeout=1), c.wait(0.01))
