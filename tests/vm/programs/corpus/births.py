"""Bears threads and processes in each way there is, and ends as a program that one of its threads executes."""

import os, subprocess, threading


def child():
    if (pid := os.fork()) == 0:
        print("fork", flush=True)
        os._exit(0)
    os.waitpid(pid, 0)


child()
thread = threading.Thread(target=lambda: print("thread", flush=True))
thread.start()
thread.join()
thread = threading.Thread(target=child)
thread.start()
thread.join()
pid = os.posix_spawn("/usr/bin/echo", ["echo", "posix_spawn"], os.environ)
os.waitpid(pid, 0)
subprocess.run(["echo", "vfork"], close_fds=True)
subprocess.run(["sh", "-c", "echo shell; (echo subshell); echo pipe | cat; /corpus/script"])
try:
    subprocess.run(["/missing"])
except FileNotFoundError:
    print("missing", flush=True)
threading.Thread(target=os.execv, args=("/usr/bin/echo", ["echo", "execve by a thread"])).start()
threading.Event().wait()
