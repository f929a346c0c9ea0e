"""Memory: anonymous, private and shared maps, across fork, resized, protected; memfd, shared memory, big heaps."""

import ctypes, hashlib, mmap, os, signal, sys
from multiprocessing import shared_memory

with open("/tmp/mapped", "wb+") as f:
    f.truncate(1 << 20)
    shared = mmap.mmap(f.fileno(), 1 << 20)
    private = mmap.mmap(f.fileno(), 1 << 20, flags=mmap.MAP_PRIVATE)
    shared[5] = 7
    print(private[5], os.pread(f.fileno(), 1, 5))
    private[6] = 9
    print(shared[6])
    if os.fork() == 0:
        shared[100] = 42
        private[100] = 1
        os._exit(0)
    os.wait()
    print(shared[100], private[100])
    shared.flush()
    shared.resize(2 << 20)
    shared[(2 << 20) - 1] = 3
    print(len(shared), os.fstat(f.fileno()).st_size)
m = mmap.mmap(-1, 256 << 20)
m[0] = 1
m[-1] = 2
m[128 << 20] = 3
print(m[0] + m[-1] + m[128 << 20])
m.madvise(mmap.MADV_DONTNEED)
print(m[0])
m.close()
big = bytearray(300 << 20)
big[::4096] = b"x" * len(range(0, len(big), 4096))
print(hashlib.sha1(big).hexdigest())
del big
fd = os.memfd_create("name")
os.write(fd, b"memfd")
print(os.pread(fd, 10, 0), os.readlink(f"/proc/self/fd/{fd}"))
block = shared_memory.SharedMemory("krun-corpus", create=True, size=10000)
if os.fork() == 0:
    other = shared_memory.SharedMemory("krun-corpus")
    other.buf[:4] = b"sent"
    os._exit(0)
os.wait()
print(bytes(block.buf[:4]))
block.close()
block.unlink()
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
page = libc.mmap(None, 8192, 3, 0x22, -1, 0)
print(libc.mprotect(ctypes.c_void_p(page + 4096), 4096, 0))
for address in (page + 4096, 0, page):
    pid = os.fork()
    if pid == 0:
        ctypes.c_char.from_address(address).value = b"y"
        os._exit(0)
    print(os.waitpid(pid, 0)[1] & 127)
code = b"\xb8\x2a\x00\x00\x00\xc3"
m = mmap.mmap(-1, 4096, prot=7)
m.write(code)
f = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))
print(f())
pid = os.fork()
if pid == 0:
    n = mmap.mmap(-1, 4096, prot=3)
    n.write(code)
    ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(n)))()
    os._exit(0)
print(os.waitpid(pid, 0)[1] & 127)


def recurse(n):
    return n if n == 0 else recurse(n - 1)


sys.setrecursionlimit(20000)
print(recurse(15000))
maps = open("/proc/self/maps").read()
print("[stack]" in maps or "stack" in maps or len(maps) > 0)
