/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "own_status.h"

#include "layout.h"
#include "machine.h"
#include "rlimit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define KIB         1024u
#define PAGE_KIB    (KR_PAGE / KIB)
#define STACK_BYTES (132ull << 10) /* as rlimit.c counts it */

/* Sizes of the payload's memory in bytes. */
struct sizes {
	uint64_t all;
	uint64_t peak;
	uint64_t data;
	uint64_t stack;
	uint64_t code;
	uint64_t libraries;
};

static struct sizes add_up(const struct kr_machine *machine)
{
	const struct kr_arena *arena = &machine->arena;
	const uint64_t reserved = arena->stack_end - arena->stack_start;
	struct sizes sizes = { .stack = STACK_BYTES };
	uint64_t executable = 0;

	for (size_t i = 0; i < arena->count; i++) {
		const struct kr_region *region = &arena->regions[i];
		uint64_t size = region->end - region->start;

		if (region->start >= arena->stack_start && region->end <= arena->stack_end) {
			continue;
		}
		sizes.all += size;
		sizes.data += kr_region_is_data(region) ? size : 0;
		executable += (region->prot & (PROT_EXEC | PROT_WRITE)) == PROT_EXEC ? size : 0;
	}
	sizes.all += STACK_BYTES;
	sizes.peak = arena->peak > reserved ? arena->peak - reserved + STACK_BYTES : 0;
	sizes.peak = sizes.peak > sizes.all ? sizes.peak : sizes.all;
	sizes.code = kr_align_up(arena->code_end, KR_PAGE) - kr_align_down(arena->code_start, KR_PAGE);
	sizes.code = sizes.code < executable ? sizes.code : executable;
	sizes.libraries = executable - sizes.code;
	return sizes;
}

static uint64_t without(uint64_t number, uint64_t own)
{
	return number > own ? number - own : 0;
}

static uint64_t resident(const struct kr_resident *own)
{
	return own->anonymous + own->file + own->shared_memory;
}

/* Another number in the place of the word `index`, counted from 1, in `words`, that begin with the word `first`. */
struct change {
	unsigned index;
	uint64_t number;
};

static void put_words(struct kr_text_out *out, char *words, unsigned first, const struct change *changes,
		      size_t count)
{
	char *rest = words;
	const char *gap = "";

	for (unsigned index = first; rest != NULL; index++) {
		const char *word = strsep(&rest, " ");
		size_t i = 0;

		while (i < count && changes[i].index != index) {
			i++;
		}
		if (i < count) {
			kr_text_put(out, "%s%llu", gap, (unsigned long long)changes[i].number);
		} else {
			kr_text_put(out, "%s%s", gap, word);
		}
		gap = " ";
	}
	kr_text_put(out, "\n");
}

static uint64_t word_of(const char *words, unsigned index)
{
	for (unsigned i = 1; i < index && words != NULL; i++) {
		words = strchr(words, ' ');
		words = words != NULL ? words + 1 : NULL;
	}
	return words != NULL ? strtoull(words, NULL, 10) : 0;
}

/* The second word is in parentheses and may hold anything, also the end of a line. */
void kr_own_write_stat(struct kr_text_in *in, struct kr_text_out *out, const struct kr_thread *thread,
		       const struct kr_resident *own)
{
	enum { THREADS = 20, VSIZE = 23, RSS = 24, START_BRK = 47 };
	const struct kr_machine *machine = thread->machine;
	char *line = kr_text_line(in);

	while (line != NULL) {
		char *next = NULL;
		char *at = strrchr(line, ')');
		bool is_last = at != NULL && strspn(at, ") RSDZTtWXxKPI") > 2;

		if (is_last) {
			const struct change changes[] = {
				{ THREADS, __atomic_load_n(&machine->threads, __ATOMIC_ACQUIRE) },
				{ VSIZE, add_up(machine).all },
				{ RSS, without(word_of(at, RSS - 1), resident(own) / PAGE_KIB) },
				{ START_BRK, machine->arena.brk_start },
			};

			kr_text_put(out, "%.*s", (int)(at - line), line);
			put_words(out, at, 2, changes, sizeof changes / sizeof changes[0]);
		} else {
			kr_text_put(out, "%s\n", line);
		}
		next = kr_text_line(in);
		line = next;
	}
}

void kr_own_write_statm(struct kr_text_in *in, struct kr_text_out *out, const struct kr_thread *thread,
			const struct kr_resident *own)
{
	enum { SIZE = 1, RESIDENT, SHARED, TEXT, LIBRARIES, DATA };
	const struct sizes sizes = add_up(thread->machine);
	char *line = kr_text_line(in);

	if (line != NULL) {
		const struct change changes[] = {
			{ SIZE, sizes.all / KR_PAGE },
			{ RESIDENT, without(word_of(line, RESIDENT), resident(own) / PAGE_KIB) },
			{ SHARED, without(word_of(line, SHARED), (own->file + own->shared_memory) / PAGE_KIB) },
			{ TEXT, sizes.code / KR_PAGE },
			{ DATA, (sizes.data + sizes.stack) / KR_PAGE },
		};

		put_words(out, line, 1, changes, sizeof changes / sizeof changes[0]);
	}
}

static uint32_t count_filters(const struct kr_seccomp *seccomp)
{
	uint32_t count = 0;

	for (const struct kr_filter *filter = seccomp->filters; filter != NULL; filter = filter->older) {
		count++;
	}
	return count;
}

static bool begins(const char *line, const char *label, size_t length)
{
	return strncmp(line, label, length) == 0 && line[length] == ':';
}

/* A size of memory: what is known of it (all but RSS and its kind), or without what is the monitor's. */
static bool put_memory(struct kr_text_out *out, const char *line, const struct sizes *sizes,
		       const struct kr_resident *own)
{
	const struct {
		const char *label;
		uint64_t bytes; /* 0: the kernel's, without: */
		uint64_t own_kib;
	} facts[] = {
		{ "VmPeak", sizes->peak, 0 },          { "VmSize", sizes->all, 0 },
		{ "VmHWM", 0, resident(own) },         { "VmRSS", 0, resident(own) },
		{ "RssAnon", 0, own->anonymous },      { "RssFile", 0, own->file },
		{ "RssShmem", 0, own->shared_memory }, { "VmData", sizes->data, 0 },
		{ "VmStk", sizes->stack, 0 },          { "VmExe", sizes->code, 0 },
		{ "VmLib", sizes->libraries, 0 },
	};

	for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
		size_t length = strlen(facts[i].label);

		if (begins(line, facts[i].label, length)) {
			uint64_t number = without(strtoull(line + length + 1, NULL, 10), facts[i].own_kib);

			number = facts[i].own_kib == 0 && facts[i].bytes > 0 ? facts[i].bytes / KIB : number;
			kr_text_put(out, "%s:\t%8llu kB\n", facts[i].label, (unsigned long long)number);
			return true;
		}
	}
	return false;
}

void kr_own_write_status(struct kr_text_in *in, struct kr_text_out *out, const struct kr_thread *thread,
			 const struct kr_resident *own)
{
	const struct kr_seccomp *seccomp = &thread->seccomp;
	const struct sizes sizes = add_up(thread->machine);
	const uint32_t filters = count_filters(seccomp);
	const uint32_t mode = filters > 0 ? SECCOMP_MODE_FILTER : SECCOMP_MODE_DISABLED;
	const struct {
		const char *label;
		uint32_t number;
	} facts[] = { { "Threads", __atomic_load_n(&thread->machine->threads, __ATOMIC_ACQUIRE) },
		      { "NoNewPrivs", seccomp->no_new_privs ? 1 : 0 },
		      { "Seccomp", seccomp->strict ? SECCOMP_MODE_STRICT : mode },
		      { "Seccomp_filters", filters } };

	for (const char *line = kr_text_line(in); line != NULL; line = kr_text_line(in)) {
		size_t i = 0;

		while (i < sizeof facts / sizeof facts[0] &&
		       !begins(line, facts[i].label, strlen(facts[i].label))) {
			i++;
		}
		if (i < sizeof facts / sizeof facts[0]) {
			kr_text_put(out, "%s:\t%u\n", facts[i].label, facts[i].number);
		} else if (!put_memory(out, line, &sizes, own)) {
			kr_text_put(out, "%s\n", line);
		}
	}
}

static void put_limit(struct kr_text_out *out, uint64_t limit)
{
	if (limit == RLIM_INFINITY) {
		kr_text_put(out, "%-20s ", "unlimited");
	} else {
		kr_text_put(out, "%-20llu ", (unsigned long long)limit);
	}
}

/* "Max open files            1024                 4096                 files     " */
void kr_own_write_limits(struct kr_text_in *in, struct kr_text_out *out, const struct kr_thread *thread)
{
	static const struct {
		const char *label;
		const char *unit;
		int resource;
	} kept[] = {
		{ "Max data size", "bytes", RLIMIT_DATA },      { "Max stack size", "bytes", RLIMIT_STACK },
		{ "Max processes", "processes", RLIMIT_NPROC }, { "Max open files", "files", RLIMIT_NOFILE },
		{ "Max address space", "bytes", RLIMIT_AS },    { "Max core file size", "bytes", RLIMIT_CORE },
	};

	for (const char *line = kr_text_line(in); line != NULL; line = kr_text_line(in)) {
		size_t i = 0;

		while (i < sizeof kept / sizeof kept[0] &&
		       strncmp(line, kept[i].label, strlen(kept[i].label)) != 0) {
			i++;
		}
		if (i == sizeof kept / sizeof kept[0]) {
			kr_text_put(out, "%s\n", line);
			continue;
		}
		kr_text_put(out, "%-25s ", kept[i].label);
		put_limit(out, thread->machine->limits.kept[kept[i].resource].soft);
		put_limit(out, thread->machine->limits.kept[kept[i].resource].hard);
		kr_text_put(out, "%-10s\n", kept[i].unit);
	}
}
