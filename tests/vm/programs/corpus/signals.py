"""Signals: handlers, masks, waiting, timers, queued ones, storms from a child, wake-up descriptors."""

import os, signal, threading, time

seen = []
signal.signal(signal.SIGUSR1, lambda n, f: seen.append(n))
os.kill(os.getpid(), signal.SIGUSR1)
print(seen)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
os.kill(os.getpid(), signal.SIGUSR2)
print(signal.sigpending(), signal.sigwait({signal.SIGUSR2}))
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGRTMIN})
[os.kill(os.getpid(), signal.SIGRTMIN) for _ in range(5)]
print(
    [signal.sigwaitinfo({signal.SIGRTMIN}).si_pid == os.getpid() for _ in range(5)],
    signal.sigtimedwait({signal.SIGRTMIN}, 0.01),
)
ticks = []
signal.signal(signal.SIGALRM, lambda n, f: ticks.append(time.monotonic()))
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
while len(ticks) < 20:
    signal.pause()
signal.setitimer(signal.ITIMER_REAL, 0)
print(ticks[-1] - ticks[0] > 0.1)
storm = {signal.SIGRTMIN + 1}
signal.pthread_sigmask(signal.SIG_BLOCK, storm)
parent, pid = os.getpid(), os.fork()
if pid == 0:
    for _ in range(3000):
        os.kill(parent, signal.SIGRTMIN + 1)
    os._exit(0)
print(sum(signal.sigwaitinfo(storm).si_pid == pid for _ in range(3000)), os.waitpid(pid, 0)[1])
seen.clear()
pid = os.fork()
if pid == 0:
    for _ in range(3000):
        os.kill(parent, signal.SIGUSR1)
    os._exit(0)
while True:
    try:
        done, status = os.waitpid(pid, os.WNOHANG)
    except InterruptedError:
        continue
    if done:
        break
print(status, len(seen) > 0)
read, write = os.pipe()
os.set_blocking(write, False)
signal.set_wakeup_fd(write)
os.kill(os.getpid(), signal.SIGUSR1)
print(os.read(read, 1)[0] == signal.SIGUSR1)
signal.set_wakeup_fd(-1)


def shoot():
    for _ in range(200):
        os.kill(os.getpid(), signal.SIGUSR1)
        time.sleep(0.0002)


seen.clear()
t = threading.Thread(target=shoot)
t.start()
r, w = os.pipe()


def slow():
    for i in range(50):
        time.sleep(0.001)
        os.write(w, b"z")
    os.close(w)


s = threading.Thread(target=slow)
s.start()
total = b""
while data := os.read(r, 3):
    total += data
t.join()
s.join()
print(total == b"z" * 50, len(seen) > 0)


class Stop(Exception):
    pass


def stop(n, f):
    raise Stop


signal.signal(signal.SIGINT, stop)
threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    time.sleep(30)
except Stop:
    print("interrupted")
threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGINT)).start()


def spin():
    while True:
        len(seen)


try:
    spin()
except Stop:
    print("interrupted while spinning")
signal.signal(signal.SIGCHLD, lambda n, f: seen.append("child"))
seen.clear()
for _ in range(20):
    if os.fork() == 0:
        os._exit(0)
for _ in range(20):
    os.wait()
print("child" in seen)
print(signal.siginterrupt(signal.SIGUSR1, True), signal.getsignal(signal.SIGPIPE))
