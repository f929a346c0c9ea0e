/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Memory.  Addresses are the system's own: what is said of a success is that it was one.
 */
#include "suite.h"

#include <setjmp.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/uio.h>

#define ANON        (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW          (PROT_READ | PROT_WRITE)
#define MAP_OF(...) S(mmap, __VA_ARGS__)

#define MIB (1ul << 20)

static sigjmp_buf back;
static volatile int fault_signal;
static volatile int fault_code;

static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)context;
	fault_signal = number;
	fault_code = info->si_code;
	siglongjmp(back, 1);
}

/* Touch a byte: 0, or 100 times the signal and its code. */
static long touch(volatile char *at, bool is_write)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	if (sigsetjmp(back, 1) != 0) {
		return fault_signal * 100 + fault_code;
	}
	if (is_write) {
		*at = 'w';
	} else {
		(void)*at;
	}
	return 0;
}

static char *pages(size_t count)
{
	return mmap(NULL, count * PAGE, RW, ANON, -1, 0);
}

TEST(brk01)
{
	long start = S(brk, 0);

	say("grow", S(brk, start + 10 * 4096) - start);
	say("write", touch((char *)start + 9 * PAGE, true));
	say("odd", S(brk, start + 4097) - start);
	say("back", S(brk, start) - start);
	say("gone", touch((char *)start + 5 * PAGE, false));
	say("too low", S(brk, 1) - start);
	say("too high", S(brk, -1l) - start);
}

TEST(mmap06)
{
	int fd = make_file("f", 100);

	say("no length", MAP_OF(NULL, 0, RW, ANON, -1, 0));
	say("no kind", MAP_OF(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0));
	say("no descriptor", MAP_OF(NULL, PAGE, RW, MAP_PRIVATE, -1, 0));
	say("closed", MAP_OF(NULL, PAGE, RW, MAP_PRIVATE, 99, 0));
	say("odd offset", MAP_OF(NULL, PAGE, RW, MAP_PRIVATE, fd, 1));
	say("write only", MAP_OF(NULL, PAGE, PROT_READ, MAP_PRIVATE, open("f", O_WRONLY), 0));
	say("shared of read only", MAP_OF(NULL, PAGE, RW, MAP_SHARED, open("f", O_RDONLY), 0));
	say_done("private of read only", MAP_OF(NULL, PAGE, RW, MAP_PRIVATE, open("f", O_RDONLY), 0));
	say("directory", MAP_OF(NULL, PAGE, PROT_READ, MAP_PRIVATE, open(".", O_RDONLY), 0));
	say("path", MAP_OF(NULL, PAGE, PROT_READ, MAP_PRIVATE, open("f", O_PATH), 0));
	say("huge", MAP_OF(NULL, 1ul << 47, RW, ANON, -1, 0));
	say("everything", MAP_OF(NULL, -1l, RW, ANON, -1, 0));
	say("odd fixed", MAP_OF(1, PAGE, RW, ANON | MAP_FIXED, -1, 0));
	say("fixed above", MAP_OF(0x7ffffffff000ul, PAGE, RW, ANON | MAP_FIXED, -1, 0));
	say("fixed in the kernel", MAP_OF(0xffff888000000000ul, PAGE, RW, ANON | MAP_FIXED, -1, 0));
	say("overflow", MAP_OF(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0x7ffffffffffff000l));
	say_done("validate", MAP_OF(NULL, PAGE, RW, MAP_SHARED_VALIDATE | 0x8000000, fd, 0));
	say("fixed over something", MAP_OF(pages(1), PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
	say_done("huge offset of nothing", MAP_OF(NULL, PAGE, RW, ANON, -1, 1l << 40));
	say("odd offset of nothing", MAP_OF(NULL, PAGE, RW, ANON, -1, 1));
}

TEST(mmap05)
{
	char *at = pages(3);
	int fd = make_file("f", PAGE);
	char *file = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);

	say("unmapped page", (munmap(at + PAGE, PAGE), touch(at + PAGE, false)));
	say("no access", (mprotect(at, PAGE, PROT_NONE), touch(at, false)));
	say("read only", (mprotect(at, PAGE, PROT_READ), touch(at, true)));
	say("read it", touch(at, false));
	say("of the file", touch(file, true));
	say("behind the file", touch(file + PAGE, false));
	say("write behind the file", touch(file + PAGE, true));
	say("bytes", (pread(fd, at + 2 * PAGE, 2, 0), memcmp(at + 2 * PAGE, "wb", 2)));
	say("truncated", (ftruncate(fd, 0), touch(file, false)));
	say("kernel", touch((char *)0xffff888000000000ul, false));
	say("NULL", touch(NULL, false));
	say("beyond the arena", touch((char *)0x300000000000ul, true));
	say("noncanonical", touch((char *)0x8000000000000000ul, false));
}

TEST(mmap13)
{
	char *at = pages(4);
	int fd = make_file("f", 10);
	char *file;

	say("over the middle", mmap(at + PAGE, PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0) == at + PAGE);
	say("before it", touch(at, true));
	say("there", touch(at + PAGE, true));
	say("after it", touch(at + 2 * PAGE, true));
	file = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
	say("private write", touch(file, true));
	say_bytes("file", (pread(fd, at, 3, 0), at), 3);
	say("zeros behind the file", file[10]);
	say("populate", mmap(NULL, PAGE, RW, ANON | MAP_POPULATE, -1, 0) != MAP_FAILED);
	say("norerserve", mmap(NULL, 1ul << 34, RW, ANON | MAP_NORESERVE, -1, 0) != MAP_FAILED);
}

TEST(munmap03)
{
	char *at = pages(4);

	say("odd", S(munmap, at + 1, PAGE));
	say("nothing", S(munmap, at, 0));
	say("hole", S(munmap, hole, PAGE));
	say("odd length", S(munmap, at, 1));
	say("gone", touch(at, false));
	say("next", touch(at + PAGE, false));
	say("across", S(munmap, at, 4 * PAGE));
	say("kernel", S(munmap, 0xffff888000000000ul, PAGE));
	say("everything", S(munmap, at, -1l));
	say("wrapping", S(munmap, at, -4096l));
	say("zero page", S(munmap, NULL, PAGE));
}

TEST(mprotect02)
{
	char *at = pages(4);

	munmap(at + 2 * PAGE, PAGE);
	say("odd", S(mprotect, at + 1, PAGE, PROT_READ));
	say("nothing", S(mprotect, at, 0, PROT_READ));
	say("hole", S(mprotect, hole, PAGE, PROT_READ));
	say("up to a hole", S(mprotect, at, 4 * PAGE, PROT_READ));
	say("changed before it", touch(at, true));
	say("kept behind it", touch(at + 3 * PAGE, true));
	say("flags", S(mprotect, at, PAGE, 0x100));
	say("grows", S(mprotect, at, PAGE, PROT_READ | PROT_GROWSUP));
	say("both grow", S(mprotect, at, PAGE, PROT_READ | PROT_GROWSUP | PROT_GROWSDOWN));
	say("growsdown of no stack", S(mprotect, at, PAGE, PROT_READ | PROT_GROWSDOWN));
	say("shared of read only",
	    (make_file("f", 10), S(mprotect, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, open("f", O_RDONLY), 0), PAGE,
				   PROT_READ | PROT_WRITE)));
	say("kernel", S(mprotect, 0xffff888000000000ul, PAGE, PROT_READ));
	say("wrapping", S(mprotect, at, -1l, PROT_READ));
}

/* A file system mounted with noexec has nothing to execute. */
TEST(mprotect05)
{
	const int prot = PROT_READ | PROT_EXEC;
	char *at;
	char *both = pages(2);
	int fd;

	say("directory", mkdir("noexec", 0755));
	say("mount", S(mount, "none", "noexec", "tmpfs", MS_NOEXEC, NULL));
	fd = make_file("noexec/f", 2 * PAGE);
	at = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	say("mmap", MAP_OF(NULL, PAGE, prot, MAP_PRIVATE, fd, 0));
	say("mmap shared", MAP_OF(NULL, PAGE, prot, MAP_SHARED, fd, 0));
	say("mprotect", S(mprotect, at, PAGE, prot));
	say("mprotect all", S(mprotect, at, 2 * PAGE, PROT_EXEC));
	say("still there", touch(at, false));
	say("write", S(mprotect, at, PAGE, PROT_READ | PROT_WRITE));
	say("mprotect of what is written", (at[0] = 1, S(mprotect, at, PAGE, prot)));
	say("shared", S(mprotect, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0), PAGE, prot));
	at = mremap(at, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
	say("moved", S(mprotect, at, PAGE, prot));
	(void)mmap(both + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0);
	say("up to it", S(mprotect, both, 2 * PAGE, PROT_READ | PROT_EXEC));
	say("changed before it", touch(both, true));
	say("over it", mmap(both + PAGE, PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0) == both + PAGE);
	say("free again", S(mprotect, both, 2 * PAGE, prot));
	say("unmount", (munmap(at, 4 * PAGE), S(mprotect, pages(1), PAGE, prot)));
}

TEST(mremap03)
{
	char *at = pages(4);
	char *to = pages(4);

	at[0] = 'a';
	munmap(to + PAGE, PAGE);
	say("hole", S(mremap, hole, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
	say("odd", S(mremap, at + 1, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
	say("nothing", S(mremap, at, PAGE, 0, MREMAP_MAYMOVE));
	say("flags", S(mremap, at, PAGE, PAGE, 64));
	say("fixed alone", S(mremap, at, PAGE, PAGE, MREMAP_FIXED, to));
	say("overlapping", S(mremap, at, 2 * PAGE, 2 * PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, at + PAGE));
	say("odd target", S(mremap, at, PAGE, PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, to + 1));
	say("kernel", S(mremap, 0xffff888000000000ul, PAGE, PAGE, MREMAP_MAYMOVE));
	say("target in the kernel", S(mremap, at, PAGE, PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, 0xffff888000000000ul));
	say("old nothing of private", S(mremap, at, 0, PAGE, MREMAP_MAYMOVE));
	say("shrink", S(mremap, at, 4 * PAGE, 2 * PAGE, 0) == (long)at);
	say("gone", touch(at + 2 * PAGE, false));
	say("across a hole", S(mremap, to, 3 * PAGE, 5 * PAGE, MREMAP_MAYMOVE));
	say("move", S(mremap, at, 2 * PAGE, 2 * PAGE, MREMAP_FIXED | MREMAP_MAYMOVE, to) == (long)to);
	say("moved", to[0]);
	say("left", touch(at, false));
	say("dontunmap", S(mremap, to, PAGE, PAGE, MREMAP_DONTUNMAP | MREMAP_MAYMOVE, 0) != (long)to);
	say("emptied", to[0]);
	say("dontunmap grows", S(mremap, to, PAGE, 2 * PAGE, MREMAP_DONTUNMAP | MREMAP_MAYMOVE, 0));
}

/* From an old size of none: a second place for what is shared. */
TEST(mremap05)
{
	char *at = mmap(NULL, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *to = pages(3);
	char *second = (char *)S(mremap, at, 0, 2 * PAGE, MREMAP_MAYMOVE);

	at[PAGE] = 'a';
	if (say("elsewhere", second == MAP_FAILED || second == at) != 0) {
		return;
	}
	second[0] = 'b';
	say("the same there", second[PAGE]);
	say("and here", at[0]);
	say("at an address", S(mremap, at + PAGE, 0, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == (long)to);
	say("the same", touch(to, false));
	say("behind its end", touch(to + PAGE, false));
	say("not beside it", S(mremap, at, 0, 2 * PAGE, 0));
	say("not there", S(mremap, hole, 0, PAGE, MREMAP_MAYMOVE));
	say("not with the old one kept", S(mremap, at, 0, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0));
	say("over the first", S(mremap, second, 0, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at) == (long)at);
	say("still the same", at[0]);
	munmap(second, 2 * PAGE);
	say("without the second", at[0]);
}

/* Memory that is filled block by block grows, as the heap of a program that does not know how much it will need. */
TEST(mremap04)
{
	size_t size = 24 * MIB;
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long sum = 0;

	for (size_t done = 0; done < size; done += PAGE) {
		at[done] = 1;
	}
	for (int step = 0; step < 3; step++) {
		char *grown = mremap(at, size, size + MIB, MREMAP_MAYMOVE);

		if (say("grown", grown == MAP_FAILED) != 0) {
			return;
		}
		at = grown;
		size += MIB;
	}
	for (size_t done = 0; done < size; done += PAGE) {
		sum += at[done];
	}
	say("kept", sum);
}

TEST(madvise02)
{
	char *at = pages(4);
	int fd = make_file("f", PAGE);

	at[0] = 'a';
	say("odd", S(madvise, at + 1, PAGE, MADV_NORMAL));
	say("unknown", S(madvise, at, PAGE, 1212));
	say("nothing", S(madvise, at, 0, MADV_NORMAL));
	say("negative", S(madvise, at, -1l, MADV_NORMAL));
	say("hole", S(madvise, hole, PAGE, MADV_NORMAL));
	say("free", (S(madvise, at, PAGE, MADV_DONTNEED), at[0]));
	say("remove of private", S(madvise, at, PAGE, MADV_REMOVE));
	say("free of a file", S(madvise, mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), PAGE, MADV_FREE));
	say("wipe on fork", S(madvise, at, PAGE, MADV_WIPEONFORK));
	say("wipe of a file", S(madvise, mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), PAGE, MADV_WIPEONFORK));
	say("across a hole", (munmap(at + PAGE, PAGE), S(madvise, at, 3 * PAGE, MADV_WILLNEED)));
	say("kernel", S(madvise, 0xffff888000000000ul, PAGE, MADV_DONTNEED));
	say("beyond", S(madvise, ARENA_END, PAGE, MADV_DONTNEED));
	say("populate", S(madvise, at, PAGE, 23));
	say("populate read only", (mprotect(at, PAGE, PROT_READ), S(madvise, at, PAGE, 23)));
}

static int write_at(void *at)
{
	return *(volatile char *)at = 5;
}

/* What a child does not get is not there, as behind any other mapping's end. */
TEST(madvise12)
{
	char *at = pages(3);

	memset(at, 'a', 3 * PAGE);
	say("no child's", S(madvise, at + PAGE, PAGE, MADV_DONTFORK));
	say_status("before it", wait_child(start_child(write_at, at)));
	say_status("it", wait_child(start_child(write_at, at + PAGE)));
	say_status("behind it", wait_child(start_child(write_at, at + 2 * PAGE)));
	say("a child's again", S(madvise, at + PAGE, PAGE, MADV_DOFORK));
	say_status("it again", wait_child(start_child(write_at, at + PAGE)));
}

TEST(msync03)
{
	char *at = pages(2);

	say("both", S(msync, at, PAGE, MS_ASYNC | MS_SYNC));
	say("flags", S(msync, at, PAGE, 64));
	say("odd", S(msync, at + 1, PAGE, MS_SYNC));
	say("hole", S(msync, hole, PAGE, MS_SYNC));
	say("locked", (mlock(at, PAGE), S(msync, at, PAGE, MS_INVALIDATE)));
	say("kernel", S(msync, 0xffff888000000000ul, PAGE, MS_SYNC));
	say("nothing", S(msync, at, 0, MS_SYNC));
}

TEST(mincore01)
{
	unsigned char vector[4];
	char *at = pages(2);

	at[0] = 1;
	say("pages", S(mincore, at, PAGE, vector));
	say("there", vector[0] & 1);
	say("odd", S(mincore, at + 1, PAGE, vector));
	say("hole", S(mincore, hole, PAGE, vector));
	say("negative", S(mincore, at, -1l, vector));
	say("kernel", S(mincore, 0xffff888000000000ul, PAGE, vector));
	EACH_BAD_OUT("vector", S(mincore, at, PAGE, P));
}

TEST(mlock03)
{
	char *at = pages(2);

	say("lock", S(mlock, at, PAGE));
	say("hole", S(mlock, hole, PAGE));
	say("nothing", S(mlock, at, 0));
	say("wrapping", S(mlock, at, -1l));
	say("unlock", S(munlock, at, PAGE));
	setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){ 0, 0 });
	become_nobody();
	say("no right", S(mlock, at, PAGE));
}

TEST(mlock201)
{
	char *at = pages(2);

	say("on fault", S(mlock2, at, PAGE, 1));
	say("flags", S(mlock2, at, PAGE, 64));
	say("hole", S(mlock2, hole, PAGE, 0));
}

TEST(munlock02)
{
	say("hole", S(munlock, hole, PAGE));
	say("wrapping", S(munlock, pages(1), -1l));
	say("never locked", S(munlock, pages(1), PAGE));
}

TEST(mlockall02)
{
	say("nothing", S(mlockall, 0));
	say("flags", S(mlockall, 64));
	say("on fault alone", S(mlockall, MCL_ONFAULT));
}

TEST(munlockall01)
{
	say("unlock", S(munlockall));
}

TEST(membarrier01)
{
	say_done("query", S(membarrier, 0, 0, 0));
	say("unknown", S(membarrier, 1 << 20, 0, 0));
	say("flags", S(membarrier, 0, 77, 0));
	say("unregistered", S(membarrier, 8, 0, 0));
	say("register", S(membarrier, 16, 0, 0));
	say("registered", S(membarrier, 8, 0, 0));
}

TEST(mbind01)
{
	unsigned long nodes = 1;
	char *at = pages(2);

	say("default", S(mbind, at, PAGE, 0, NULL, 0, 0));
	say("bind", S(mbind, at, PAGE, 2, &nodes, 8, 0));
	say("mode", S(mbind, at, PAGE, 99, &nodes, 8, 0));
	say("no nodes", S(mbind, at, PAGE, 2, NULL, 0, 0));
	say("odd", S(mbind, at + 1, PAGE, 0, NULL, 0, 0));
	say("hole", S(mbind, hole, PAGE, 2, &nodes, 8, 0));
	say("flags", S(mbind, at, PAGE, 0, NULL, 0, 64));
	EACH_BAD_IN("nodes", S(mbind, at, PAGE, 2, P, 64, 0));
}

TEST(set_mempolicy01)
{
	unsigned long nodes = 1;

	say("preferred", S(set_mempolicy, 1, &nodes, 8));
	say("mode", S(set_mempolicy, 99, &nodes, 8));
	say("default", S(set_mempolicy, 0, NULL, 0));
	EACH_BAD_IN("nodes", S(set_mempolicy, 2, P, 64));
}

TEST(get_mempolicy02)
{
	int mode = 7;
	unsigned long nodes[16] = { 0 };

	say("default", S(get_mempolicy, &mode, nodes, 1024, 0, 0));
	say("mode", mode);
	say("small", S(get_mempolicy, &mode, nodes, 0, 0, 0));
	say("of an address", S(get_mempolicy, &mode, NULL, 0, pages(1), 2));
	say("of a hole", S(get_mempolicy, &mode, NULL, 0, hole, 2));
	say("flags", S(get_mempolicy, &mode, NULL, 0, 0, 64));
	EACH_BAD_OUT("mode", S(get_mempolicy, P, NULL, 0, 0, 0));
	EACH_BAD_OUT("nodes", S(get_mempolicy, NULL, P, 1024, 0, 0));
}

TEST(set_mempolicy_home_node01)
{
	char *at = pages(1);

	say("no policy", S(set_mempolicy_home_node, at, PAGE, 0, 0));
	say("node", S(set_mempolicy_home_node, at, PAGE, 99, 0));
	say("flags", S(set_mempolicy_home_node, at, PAGE, 0, 1));
}

TEST(pkey_mprotect01)
{
	char *at = pages(1);

	say("no key", S(pkey_mprotect, at, PAGE, PROT_READ, -1));
	say("protected", touch(at, true));
	say("odd", S(pkey_mprotect, at + 1, PAGE, PROT_READ, -1));
	say("unknown key", S(pkey_mprotect, at, PAGE, PROT_READ, 15));
}

TEST(mseal01)
{
	char *at = pages(4);
	char *other = pages(1);

	munmap(at + 3 * PAGE, PAGE);
	say("odd", syscall(NR_mseal, at + 1, PAGE, 0ul));
	say("flags", syscall(NR_mseal, at, PAGE, 1ul));
	say("nothing", syscall(NR_mseal, at, 0ul, 0ul));
	say("up to a hole", syscall(NR_mseal, at, 4 * PAGE, 0ul));
	say("hole", syscall(NR_mseal, hole, PAGE, 0ul));
	say("kernel", syscall(NR_mseal, 0xffff888000000000ul, PAGE, 0ul));
	say("wrapping", syscall(NR_mseal, at, -4096l, 0ul));
	say("not sealed", S(mprotect, at, PAGE, PROT_READ | PROT_WRITE));
	say("seal", syscall(NR_mseal, at + PAGE, PAGE, 0ul));
	say("again", syscall(NR_mseal, at + PAGE, PAGE, 0ul));
	say("protect", S(mprotect, at + PAGE, PAGE, PROT_READ));
	say("execution", S(mprotect, at + PAGE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	say("unmap", S(munmap, at + PAGE, PAGE));
	say("unmap all", S(munmap, at, 3 * PAGE));
	say("move", S(mremap, at + PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, other));
	say("move over", S(mremap, other, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at + PAGE));
	say("map over", MAP_OF(at + PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0));
	say("free", S(madvise, at + PAGE, PAGE, MADV_DONTNEED));
	for (size_t i = 0; i < 3; i++) {
		say("write", touch(at + i * PAGE, true));
	}
	say("read only", S(mprotect, at, PAGE, PROT_READ));
	say("seal it", syscall(NR_mseal, at, PAGE, 0ul));
	say("free it", S(madvise, at, PAGE, MADV_DONTNEED));
	say("read", at[0]);
}

TEST(remap_file_pages01)
{
	int fd = make_file("f", 4 * PAGE);
	char *at = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	char *own = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 0);

	at[2 * PAGE] = 'X';
	at[0] = 'Y';
	say("page", S(remap_file_pages, at, PAGE, 0, 2, 0));
	say_bytes("other page", at, 2);
	at[1] = 'Z';
	say_bytes("the same page", at + 2 * PAGE, 2);
	say("back", S(remap_file_pages, at, PAGE, 0, 0, 0));
	say_bytes("first page", at, 2);
	say("private", S(remap_file_pages, own, PAGE, 0, 1, 0));
	say("protection", S(remap_file_pages, at, PAGE, PROT_READ, 1, 0));
	say("hole", S(remap_file_pages, hole, PAGE, 0, 1, 0));
	say("kernel", S(remap_file_pages, 0xffff888000000000ul, PAGE, 0, 1, 0));
	say("nothing", S(remap_file_pages, at, 0, 0, 1, 0));
	say("behind the end", S(remap_file_pages, at, PAGE, 0, 100, 0));
	say("touch it", touch(at, false));
	say("too far", S(remap_file_pages, at, PAGE, 0, -1l, 0));
}

TEST(process_vm_readv02)
{
	char from[8] = "abcdefg";
	char to[8] = "";
	struct iovec local = { to, 7 };
	struct iovec remote[2] = { { from, 3 }, { from + 4, 3 } };

	say("own", S(process_vm_readv, getpid(), &local, 1, remote, 2, 0));
	say_bytes("bytes", to, 8);
	say("flags", S(process_vm_readv, getpid(), &local, 1, remote, 2, 1));
	say("no process", S(process_vm_readv, 0, &local, 1, remote, 2, 0));
	say("nobody", S(process_vm_readv, 0x3fffff, &local, 1, remote, 2, 0));
	say("too many", S(process_vm_readv, getpid(), &local, 1, remote, 1025, 0));
	say("nothing", S(process_vm_readv, getpid(), &local, 0, remote, 0, 0));
	EACH_BAD_OUT("local", (local.iov_base = P, S(process_vm_readv, getpid(), &local, 1, remote, 2, 0)));
	local.iov_base = to;
	EACH_BAD_IN("remote", (remote[0].iov_base = P, S(process_vm_readv, getpid(), &local, 1, remote, 2, 0)));
	EACH_BAD_IN("locals", S(process_vm_readv, getpid(), P, 1, remote, 2, 0));
	EACH_BAD_IN("remotes", S(process_vm_readv, getpid(), &local, 1, P, 2, 0));
}

TEST(process_vm_writev02)
{
	char from[8] = "abcdefg";
	char to[8] = "";
	struct iovec local = { from, 7 };
	struct iovec remote = { to, 5 };

	say("own", S(process_vm_writev, getpid(), &local, 1, &remote, 1, 0));
	say_bytes("bytes", to, 8);
	EACH_BAD_IN("local", (local.iov_base = P, S(process_vm_writev, getpid(), &local, 1, &remote, 1, 0)));
	local.iov_base = from;
	EACH_BAD_OUT("remote", (remote.iov_base = P, S(process_vm_writev, getpid(), &local, 1, &remote, 1, 0)));
}

TEST(move_pages01)
{
	char *at = pages(64); /* more than is put in place at once */
	char *all[1200];
	int nodes[1200] = { 0 };
	int status[1200];
	long found = 0;

	at[0] = 1;
	for (size_t i = 0; i < COUNT(all); i++) {
		all[i] = i % 3 == 0 ? at : i % 3 == 1 ? at + 50 * PAGE : hole;
	}
	say("where", S(move_pages, 0, COUNT(all), all, NULL, status, 0));
	for (size_t i = 0; i < COUNT(all); i += 3) {
		found += status[i] == 0;
	}
	say("touched", found);
	say("untouched", -status[1]);
	say("hole", -status[2]);
	say("by number", S(move_pages, getpid(), 1, all, NULL, status, 0));
	say("move", S(move_pages, 0, 1, all, nodes, status, 2 /* MPOL_MF_MOVE */));
	say("moved", status[0]);
	say("no such node", (nodes[0] = 1000, S(move_pages, 0, 1, all, nodes, status, 2)));
	say("flags", S(move_pages, 0, 1, all, NULL, status, 64));
	say("none", S(move_pages, 0, 0, NULL, NULL, NULL, 0));
	say("nobody", S(move_pages, 0x3fffff, 1, all, NULL, status, 0));
	nodes[0] = 0;
	for (size_t i = 0; strcmp(bad[i].name, "PROT_NONE") != 0; i++) {
		all[0] = bad[i].at;
		say(bad[i].name, S(move_pages, 0, 1, all, NULL, status, 0));
		say("status", -status[0]);
	}
	all[0] = at;
	EACH_BAD_IN("pages", S(move_pages, 0, 1, P, NULL, status, 0));
	EACH_BAD_IN("nodes", S(move_pages, 0, 1, all, P, status, 2));
	EACH_BAD_OUT("status", S(move_pages, 0, 1, all, NULL, P, 0));
}
