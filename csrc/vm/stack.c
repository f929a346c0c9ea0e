/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stack.h"

#include "layout.h"
#include "rlimit.h"
#include "memory.h"
#include "paging.h"
#include "sigframe.h"

#include <elf.h>
#include <errno.h>
#include <linux/auxvec.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <unistd.h>

#define STACK_MIN       (128ull << 10)
#define STACK_MAX       (1ull << 30)   /* taken when touched; without a limit the kernel's grow at will */
#define STACK_SURE      (64ull << 20)  /* where the host counts memory that is not touched as well */
#define STACK_ROOM      (128ull << 20) /* for a limit that is raised later, as Linux keeps it */
#define STACK_FLAGS     (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK)
#define STACK_READY     (64ull << 10)  /* in the page tables from the start */
#define GUARD           (1ull << 20)   /* unmapped between the stack and the mappings, as Linux keeps it */
#define SLIDE_MASK      0x3ffffffffull /* 16 GiB */
#define AUX_MAX         32u
#define HWCAP2_FSGSBASE 2u

static uint64_t stack_size(const struct kr_machine *machine)
{
	uint64_t limit = machine->limits.kept[RLIMIT_STACK].soft;

	if (limit > STACK_MAX) {
		return STACK_MAX;
	}
	return limit < STACK_MIN ? STACK_MIN : kr_align_up(limit, KR_PAGE);
}

int kr_stack_place(struct kr_machine *machine, struct kr_err *err)
{
	uint64_t slides[2] = { 0, 0 };
	uint64_t size = stack_size(machine);
	uint64_t end;

	if ((personality(0xffffffff) & ADDR_NO_RANDOMIZE) == 0 &&
	    getrandom(slides, sizeof slides, GRND_INSECURE) != (ssize_t)sizeof slides) {
		return kr_fail(err, errno, "read random bytes");
	}
	end = KR_ARENA_END - KR_BLOCK - kr_align_down(slides[0] & SLIDE_MASK, KR_PAGE);
	machine->arena.stack_start = end - size;
	machine->arena.stack_end = end;
	machine->arena.mmap_top = kr_align_down(end - (size > STACK_ROOM ? size : STACK_ROOM) - GUARD, KR_BLOCK);
	machine->arena.slide = kr_align_down(slides[1] & SLIDE_MASK, KR_PAGE);
	return 0;
}

/* Strings are laid down from the top; addresses go to the vector as they are known. */
struct builder {
	uint8_t *low; /* nothing may lie below */
	uint8_t *top;
};

static uint64_t put(struct builder *builder, const void *data, size_t size)
{
	if (builder->top == NULL || size > (size_t)(builder->top - builder->low)) {
		builder->top = NULL;
		return 0;
	}
	builder->top -= size;
	memcpy(builder->top, data, size);
	return (uint64_t)(uintptr_t)builder->top;
}

static uint64_t put_string(struct builder *builder, const char *text)
{
	return put(builder, text, strlen(text) + 1);
}

/* The size of all strings of a list, with their NULs. */
static size_t strings_size(struct kr_strings list)
{
	size_t size = 0;

	for (const char *text = kr_next_string(&list); text != NULL; text = kr_next_string(&list)) {
		size += strlen(text) + 1;
	}
	return size;
}

/* Copy the strings one behind the other to `at` and their addresses to `vector`. */
static uint64_t *copy_strings(struct kr_strings list, uint8_t **at, uint64_t *vector)
{
	for (const char *text = kr_next_string(&list); text != NULL; text = kr_next_string(&list)) {
		size_t size = strlen(text) + 1;

		memcpy(*at, text, size);
		*vector++ = (uint64_t)(uintptr_t)*at;
		*at += size;
	}
	return vector;
}

struct auxiliary {
	size_t count;
	Elf64_auxv_t entry[AUX_MAX];
};

static void add_aux(struct auxiliary *aux, uint64_t type, uint64_t value)
{
	aux->entry[aux->count++] = (Elf64_auxv_t){ .a_type = type, .a_un = { .a_val = value } };
}

static void fill_aux(struct auxiliary *aux, const struct kr_machine *machine, const struct kr_image *image)
{
	if (machine->vdso != 0) {
		add_aux(aux, AT_SYSINFO_EHDR, machine->vdso);
	}
	add_aux(aux, AT_MINSIGSTKSZ, kr_sigframe_size(&machine->model));
	add_aux(aux, AT_HWCAP, machine->model.hwcap);
	add_aux(aux, AT_PAGESZ, KR_PAGE);
	add_aux(aux, AT_CLKTCK, (uint64_t)sysconf(_SC_CLK_TCK));
	add_aux(aux, AT_PHDR, image->table_address);
	add_aux(aux, AT_PHENT, sizeof(Elf64_Phdr));
	add_aux(aux, AT_PHNUM, image->table_count);
	add_aux(aux, AT_BASE, image->interpreter_base);
	add_aux(aux, AT_FLAGS, 0);
	add_aux(aux, AT_ENTRY, image->program_entry);
	add_aux(aux, AT_UID, getuid());
	add_aux(aux, AT_EUID, geteuid());
	add_aux(aux, AT_GID, getgid());
	add_aux(aux, AT_EGID, getegid());
	add_aux(aux, AT_SECURE, 0);
	add_aux(aux, AT_HWCAP2, machine->model.has_fsgsbase ? HWCAP2_FSGSBASE : 0);
}

static int fail_too_big(struct kr_err *err)
{
	return kr_fail(err, E2BIG, "the arguments and the environment are too long for the stack");
}

static size_t script_size(const struct kr_image *image)
{
	size_t size = 0;

	for (uint32_t i = 0; i < image->script_args; i++) {
		size += strlen(image->script_arg[i]) + 1;
	}
	return size;
}

static int build(struct builder *builder, const struct kr_machine *machine, const struct kr_image *image,
		 const char *path, struct kr_strings args, struct kr_strings env, struct kr_stack *stack,
		 struct kr_err *err)
{
	struct auxiliary aux = { .count = 0 };
	size_t args_size;
	size_t env_size = strings_size(env);
	size_t words;
	uint8_t *at;
	uint64_t *vector;
	uint8_t seed[16];

	if (image->script_args > 0) {
		(void)kr_next_string(&args);
	}
	args_size = strings_size(args) + script_size(image);
	if (getrandom(seed, sizeof seed, GRND_INSECURE) != (ssize_t)sizeof seed) {
		return kr_fail(err, errno, "read random bytes");
	}
	fill_aux(&aux, machine, image);
	(void)put(builder, &(uint64_t){ 0 }, sizeof(uint64_t));
	add_aux(&aux, AT_EXECFN, put_string(builder, path));
	add_aux(&aux, AT_PLATFORM, put_string(builder, "x86_64"));
	add_aux(&aux, AT_RANDOM, put(builder, seed, sizeof seed));
	add_aux(&aux, AT_NULL, 0);
	words = 1 + args.count + image->script_args + 1 + env.count + 1 + 2 * aux.count;
	if (builder->top == NULL || args_size + env_size + words * 8 + 64 > (size_t)(builder->top - builder->low)) {
		return fail_too_big(err);
	}
	builder->top -= args_size + env_size;
	at = builder->top;
	builder->top = (uint8_t *)(uintptr_t)kr_align_down((uint64_t)(uintptr_t)builder->top - words * 8, 16);
	vector = (uint64_t *)(void *)builder->top;
	stack->pointer = (uint64_t)(uintptr_t)vector;
	stack->args_start = (uint64_t)(uintptr_t)at;
	*vector++ = args.count + image->script_args;
	for (uint32_t i = 0; i < image->script_args; i++) {
		size_t size = strlen(image->script_arg[i]) + 1;

		memcpy(at, image->script_arg[i], size);
		*vector++ = (uint64_t)(uintptr_t)at;
		at += size;
	}
	vector = copy_strings(args, &at, vector);
	*vector++ = 0;
	stack->args_end = (uint64_t)(uintptr_t)at;
	stack->env_start = stack->args_end;
	vector = copy_strings(env, &at, vector);
	*vector++ = 0;
	stack->env_end = (uint64_t)(uintptr_t)at;
	stack->aux_start = (uint64_t)(uintptr_t)vector;
	stack->aux_bytes = (uint32_t)(aux.count * sizeof aux.entry[0]);
	memcpy(vector, aux.entry, stack->aux_bytes);
	return 0;
}

static int map_stack(struct kr_machine *machine, int prot)
{
	struct kr_arena *arena = &machine->arena;
	uint64_t size = arena->stack_end - arena->stack_start;
	int result = kr_memory_map(machine, arena->stack_start, size, prot, STACK_FLAGS, -1, 0);

	if (result == -ENOMEM && size > STACK_SURE) {
		arena->stack_start = arena->stack_end - STACK_SURE;
		result = kr_memory_map(machine, arena->stack_start, STACK_SURE, prot, STACK_FLAGS, -1, 0);
	}
	return result;
}

void kr_stack_extend(struct kr_machine *machine)
{
	struct kr_arena *arena = &machine->arena;
	const uint64_t old = arena->stack_start;
	const uint64_t lowest = arena->mmap_top + GUARD;
	const struct kr_region *region = kr_arena_find(arena, old);
	uint64_t start = arena->stack_end - stack_size(machine);

	start = start > lowest ? start : lowest;
	if (start >= old || region == NULL || kr_arena_touches(arena, start - GUARD, old)) {
		return;
	}
	arena->stack_start = start; /* what is mapped from there counts as it grows */
	if (kr_memory_map(machine, start, old - start, region->prot, STACK_FLAGS, -1, 0) < 0) {
		arena->stack_start = old;
	}
}

int kr_stack_build(struct kr_machine *machine, const struct kr_image *image, const char *path,
		   struct kr_strings args, struct kr_strings env, struct kr_stack *stack, struct kr_err *err)
{
	uint64_t end = machine->arena.stack_end;
	int prot = PROT_READ | PROT_WRITE | (image->executable_stack ? PROT_EXEC : 0);
	struct builder builder = { .top = (uint8_t *)(uintptr_t)end };
	int result = map_stack(machine, prot);

	if (result < 0) {
		return kr_fail(err, -result, "make the stack");
	}
	builder.low = (uint8_t *)(uintptr_t)(end - (end - machine->arena.stack_start) / 4 * 3);
	if (build(&builder, machine, image, path, args, env, stack, err) < 0) {
		return -1;
	}
	kr_paging_fill(machine, stack->pointer - STACK_READY, end);
	return 0;
}
