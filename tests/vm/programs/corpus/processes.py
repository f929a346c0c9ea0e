"""Processes: pipes, sessions, multiprocessing by fork and spawn, posix_spawn, exec, wait's variants."""

import multiprocessing, os, resource, select, signal, subprocess, sys, threading


def square(n):
    return n * n


def fill(shared, q):
    for i in range(len(shared)):
        shared[i] = i * 2
    q.put(os.getpid() != PARENT)


PARENT = os.getpid()


def main():
    print(
        subprocess.run(
            ["tr", "a-z", "A-Z"], input=b"through a pipe", stdout=subprocess.PIPE, check=True
        ).stdout
    )
    print(
        subprocess.run("exit 7", shell=True).returncode, subprocess.run("kill -9 $$", shell=True).returncode
    )
    for call in (
        lambda: subprocess.run(["/missing"]),
        lambda: subprocess.run(["/etc/passwd"]),
        lambda: subprocess.run(["/tmp"]),
        lambda: os.posix_spawn("/missing", ["x"], {}),
        lambda: os.posix_spawnp("no-such-program", ["x"], {}),
        lambda: os.execv("/etc/passwd", ["x"]),
        lambda: os.kill(999999, 0),
    ):
        try:
            print(call())
        except OSError as e:
            print(type(e).__name__, e.errno)
    try:
        subprocess.run(["sleep", "30"], timeout=0.1)
    except subprocess.TimeoutExpired:
        print("timeout")
    for method in ("fork", "spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        with context.Pool(3) as pool:
            print(method, pool.map(square, range(20), chunksize=3))
    context = multiprocessing.get_context("fork")
    shared, q = context.Array("i", 100), context.Queue()
    p = context.Process(target=fill, args=(shared, q))
    p.start()
    print(q.get())
    p.join()
    print(sum(shared), p.exitcode)
    sid = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getsid(0) == os.getpid())"],
        start_new_session=True,
        stdout=subprocess.PIPE,
    ).stdout
    print(sid)
    pid = os.fork()
    if pid == 0:
        os._exit(42)
    print(os.waitid(os.P_PID, pid, os.WEXITED).si_status)
    pid = os.fork()
    if pid == 0:
        signal.pause()
    fd = os.pidfd_open(pid)
    signal.pidfd_send_signal(fd, signal.SIGTERM)
    print(select.select([fd], [], [], 10)[0] == [fd], os.WTERMSIG(os.waitpid(pid, 0)[1]))
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:

        def run():
            os.dup2(write, 1)
            os.execv("/bin/echo", ["echo", "exec by a thread"])

        for _ in range(5):
            threading.Thread(target=signal.pause, daemon=True).start()
        threading.Thread(target=run).start()
        signal.pause()
    os.close(write)
    print(os.fdopen(read).read(), os.waitpid(pid, 0)[1])
    pid = os.fork()
    if pid == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (1, 2))
        while True:
            pass
    print(os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGXCPU)
    pid = os.fork()
    if pid == 0:
        os.abort()
    print(os.WTERMSIG(os.waitpid(pid, 0)[1]))
    print(
        sorted(os.sched_getaffinity(0)) == sorted(os.sched_getaffinity(PARENT)),
        os.getpgid(0) == os.getpgid(PARENT),
    )
    exe = os.path.realpath("/proc/self/exe")
    print(os.path.basename(exe), os.path.samefile(exe, sys.executable))


if __name__ == "__main__":
    main()
