/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu_model.h"

#include "kvm.h"

#include <asm/processor-flags.h>
#include <cpuid.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#define FEATURE_XSAVE   (1u << 26) /* leaf 1, ECX */
#define LEGACY_STATE    (512u + 64u)
#define HYPERVISOR_LEAF 0x40000000u

/* Instructions that run in user mode with no other state than XCR0's.  KVM without the processor's virtualization
 * (kvm_pvm) leaves them out of what it supports, although it runs user code on the processor itself. */
#define USER_1_ECX \
	(1u << 0    /* SSE3 */ \
	 | 1u << 1  /* PCLMULQDQ */ \
	 | 1u << 9  /* SSSE3 */ \
	 | 1u << 12 /* FMA */ \
	 | 1u << 13 /* CMPXCHG16B */ \
	 | 1u << 19 /* SSE4.1 */ \
	 | 1u << 20 /* SSE4.2 */ \
	 | 1u << 22 /* MOVBE */ \
	 | 1u << 23 /* POPCNT */ \
	 | 1u << 25 /* AES */ \
	 | 1u << 26 /* XSAVE */ \
	 | 1u << 28 /* AVX */ \
	 | 1u << 29 /* F16C */ \
	 | 1u << 30 /* RDRAND */)
#define USER_7_EBX \
	(1u << 0    /* FSGSBASE */ \
	 | 1u << 3  /* BMI1 */ \
	 | 1u << 5  /* AVX2 */ \
	 | 1u << 8  /* BMI2 */ \
	 | 1u << 9  /* ERMS */ \
	 | 1u << 16 /* AVX512F */ \
	 | 1u << 17 /* AVX512DQ */ \
	 | 1u << 18 /* RDSEED */ \
	 | 1u << 19 /* ADX */ \
	 | 1u << 21 /* AVX512-IFMA */ \
	 | 1u << 23 /* CLFLUSHOPT */ \
	 | 1u << 24 /* CLWB */ \
	 | 1u << 28 /* AVX512CD */ \
	 | 1u << 29 /* SHA */ \
	 | 1u << 30 /* AVX512BW */ \
	 | 1u << 31 /* AVX512VL */)
#define USER_7_ECX \
	(1u << 1    /* AVX512-VBMI */ \
	 | 1u << 6  /* AVX512-VBMI2 */ \
	 | 1u << 8  /* GFNI */ \
	 | 1u << 9  /* VAES */ \
	 | 1u << 10 /* VPCLMULQDQ */ \
	 | 1u << 11 /* AVX512-VNNI */ \
	 | 1u << 12 /* AVX512-BITALG */ \
	 | 1u << 14 /* AVX512-VPOPCNTDQ */)
#define USER_7_EDX        (1u << 4 /* FSRM */)
#define USER_D1_EAX       (1u << 0 /* XSAVEOPT */ | 1u << 1 /* XSAVEC */ | 1u << 2 /* XGETBV 1 */)
#define USER_EXTENDED_ECX (1u << 0 /* LAHF */ | 1u << 5 /* LZCNT */ | 1u << 8 /* PREFETCHW */)

/* What needs the upper halves of vector registers, and AVX-512's. */
#define NEEDS_AVX_1_ECX    (1u << 12 | 1u << 28 | 1u << 29)
#define NEEDS_AVX_7_EBX    (1u << 5)
#define NEEDS_AVX_7_ECX    (1u << 9 | 1u << 10)
#define NEEDS_AVX512_7_EBX (1u << 16 | 1u << 17 | 1u << 21 | 1u << 28 | 1u << 30 | 1u << 31)
#define NEEDS_AVX512_7_ECX (1u << 1 | 1u << 6 | 1u << 11 | 1u << 12 | 1u << 14)
#define STATE_AVX          0x07ull
#define STATE_AVX512       0xe7ull

static struct kvm_cpuid_entry2 *find_leaf(struct kr_cpu_model *model, uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < model->cpuid.head.nent; i++) {
		struct kvm_cpuid_entry2 *entry = &model->cpuid.entries[i];

		if (entry->function == function && entry->index == index) {
			return entry;
		}
	}
	return NULL;
}

struct leaf {
	uint32_t eax;
	uint32_t ebx;
	uint32_t ecx;
	uint32_t edx;
};

static struct leaf ask_processor(uint32_t function, uint32_t index)
{
	struct leaf leaf;

	/* KVM has told of the leaf, so the processor has it. */
	__cpuid_count(function, index, leaf.eax, leaf.ebx, leaf.ecx, leaf.edx);
	return leaf;
}

static void add_basic(struct kr_cpu_model *model, uint64_t states)
{
	struct kvm_cpuid_entry2 *entry = find_leaf(model, 1, 0);
	uint32_t wanted = USER_1_ECX;

	wanted &= states != 0 ? ~0u : ~FEATURE_XSAVE;
	wanted &= (states & STATE_AVX) == STATE_AVX ? ~0u : ~NEEDS_AVX_1_ECX;
	if (entry != NULL && (entry->ecx & wanted) != wanted) {
		entry->ecx |= ask_processor(1, 0).ecx & wanted;
	}
}

static void add_structured(struct kr_cpu_model *model, uint64_t states)
{
	struct kvm_cpuid_entry2 *entry = find_leaf(model, 7, 0);
	uint32_t ebx = USER_7_EBX;
	uint32_t ecx = USER_7_ECX;
	struct leaf leaf;

	if (entry == NULL) {
		return;
	}
	if ((states & STATE_AVX) != STATE_AVX) {
		ebx &= ~NEEDS_AVX_7_EBX;
		ecx &= ~NEEDS_AVX_7_ECX;
	}
	if ((states & STATE_AVX512) != STATE_AVX512) {
		ebx &= ~NEEDS_AVX512_7_EBX;
		ecx &= ~NEEDS_AVX512_7_ECX;
	}
	leaf = ask_processor(7, 0);
	entry->ebx |= leaf.ebx & ebx;
	entry->ecx |= leaf.ecx & ecx;
	entry->edx |= leaf.edx & USER_7_EDX;
}

/* A leaf 2 that refers to leaf 4 makes the C library ask leaf 4 dozens of times when it starts, and each CPUID
 * leaves the guest.  So the caches are spelled out, each by the largest kind that leaf 2 knows and leaf 4 allows.
 */
struct cache_kind {
	uint32_t level;
	uint32_t is_data; /* or unified; else instructions */
	uint32_t bytes;
	uint8_t code;
};

static const struct cache_kind cache_kinds[] = {
	{ 1, 1, 32u << 10, 0x2c },  { 1, 1, 16u << 10, 0x60 }, { 1, 0, 32u << 10, 0x30 },
	{ 2, 1, 2u << 20, 0x7d },   { 2, 1, 1u << 20, 0x78 },  { 2, 1, 512u << 10, 0x83 },
	{ 2, 1, 256u << 10, 0x82 }, { 3, 1, 24u << 20, 0xec }, { 3, 1, 18u << 20, 0xeb },
	{ 3, 1, 12u << 20, 0xea },  { 3, 1, 8u << 20, 0xe4 },  { 3, 1, 4u << 20, 0xd8 },
	{ 3, 1, 2u << 20, 0xd7 },   { 3, 1, 1u << 20, 0xd6 },
};

/* The code for one cache of leaf 4; 0 when there is none. */
static uint8_t cache_code(const struct kvm_cpuid_entry2 *cache)
{
	uint32_t type = cache->eax & 31;
	uint64_t bytes = (uint64_t)((cache->ebx >> 22) + 1) * ((cache->ebx >> 12 & 0x3ff) + 1) *
			 ((cache->ebx & 0xfff) + 1) * ((uint64_t)cache->ecx + 1);

	for (size_t i = 0; i < sizeof cache_kinds / sizeof cache_kinds[0]; i++) {
		const struct cache_kind *kind = &cache_kinds[i];

		if (type != 0 && kind->level == (cache->eax >> 5 & 7) && kind->is_data == (type != 2) &&
		    kind->bytes <= bytes) {
			return kind->code;
		}
	}
	return 0;
}

static bool has_reference(const struct kvm_cpuid_entry2 *entry)
{
	const uint32_t words[] = { entry->eax & ~0xffu, entry->ebx, entry->ecx, entry->edx };

	for (uint32_t i = 0; i < 16; i++) {
		if ((words[i / 4] >> 31) == 0 && (words[i / 4] >> i % 4 * 8 & 0xff) == 0xff) {
			return true;
		}
	}
	return false;
}

static void spell_out_caches(struct kr_cpu_model *model)
{
	struct kvm_cpuid_entry2 *entry = find_leaf(model, 2, 0);
	uint32_t codes = 0;

	if (entry == NULL || !has_reference(entry)) {
		return;
	}
	for (uint32_t i = 0; i < 4; i++) {
		const struct kvm_cpuid_entry2 *cache = find_leaf(model, 4, i);

		codes |= cache != NULL ? (uint32_t)cache_code(cache) << 8 * i : 0;
	}
	/* The lowest byte is the number of rounds; the highest bit of a word says that it holds no codes. */
	entry->eax = (codes & 0xffff) << 8 | 1;
	entry->ebx = codes >> 16;
	entry->ecx = 0;
	entry->edx = 0;
}

/* Nothing but the number of the processor that happened to answer, if it is a leaf of the topology, is nothing. */
static bool is_empty(const struct kvm_cpuid_entry2 *entry)
{
	bool has_number = entry->function == 0xb || entry->function == 0x1f;

	return (entry->eax | entry->ebx | (has_number ? 0 : entry->ecx | entry->edx)) == 0;
}

/* The highest leaf is the last that says something: programs ask them all, and each CPUID leaves the guest. */
static void drop_empty_leaves(struct kr_cpu_model *model)
{
	struct kvm_cpuid_entry2 *vendor = find_leaf(model, 0, 0);
	uint32_t last = 0;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < model->cpuid.head.nent; i++) {
		const struct kvm_cpuid_entry2 *entry = &model->cpuid.entries[i];

		if (entry->function < HYPERVISOR_LEAF && entry->function > last && !is_empty(entry)) {
			last = entry->function;
		}
	}
	if (vendor == NULL || last >= vendor->eax) {
		return;
	}
	vendor->eax = last;
	for (uint32_t i = 0; i < model->cpuid.head.nent; i++) {
		const struct kvm_cpuid_entry2 *entry = &model->cpuid.entries[i];

		if (entry->function <= last || entry->function >= HYPERVISOR_LEAF) {
			model->cpuid.entries[kept++] = *entry;
		}
	}
	model->cpuid.head.nent = kept;
}

static void add_user_instructions(struct kr_cpu_model *model)
{
	const struct kvm_cpuid_entry2 *state = find_leaf(model, 0xd, 0);
	uint64_t states = state != NULL ? state->eax | (uint64_t)state->edx << 32 : 0;
	struct kvm_cpuid_entry2 *saving = find_leaf(model, 0xd, 1);
	struct kvm_cpuid_entry2 *extended = find_leaf(model, 0x80000001, 0);

	add_basic(model, states);
	add_structured(model, states);
	if (saving != NULL && states != 0) {
		saving->eax |= ask_processor(0xd, 1).eax & USER_D1_EAX;
	}
	if (extended != NULL) {
		extended->ecx |= ask_processor(0x80000001, 0).ecx & USER_EXTENDED_ECX;
	}
}

/* Size of the extended state in its standard layout, as XSAVE writes it. */
static uint32_t extended_size(struct kr_cpu_model *model)
{
	uint32_t size = LEGACY_STATE;

	for (uint32_t i = 2; i < 63; i++) {
		const struct kvm_cpuid_entry2 *leaf =
			(model->hardware.xcr0 >> i & 1) != 0 ? find_leaf(model, 0xd, i) : NULL;

		if (leaf != NULL && leaf->ebx + leaf->eax > size) {
			size = leaf->ebx + leaf->eax;
		}
	}
	return size;
}

static void read_facts(struct kr_cpu_model *model, int kvm, struct kr_hardware_facts *facts)
{
	const struct kvm_cpuid_entry2 *basic = find_leaf(model, 1, 0);
	const struct kvm_cpuid_entry2 *states = find_leaf(model, 0xd, 0);
	const struct kvm_cpuid_entry2 *structured = find_leaf(model, 7, 0);
	const struct kvm_cpuid_entry2 *extended = find_leaf(model, 0x80000001, 0);
	const struct kvm_cpuid_entry2 *widths = find_leaf(model, 0x80000008, 0);

	*facts = (struct kr_hardware_facts){
		.version = kr_kvm(kvm, KVM_GET_API_VERSION, NULL),
		.sync_regs = kr_kvm_number(kvm, KVM_CHECK_EXTENSION, KVM_CAP_SYNC_REGS),
		.immediate_exit = kr_kvm_number(kvm, KVM_CHECK_EXTENSION, KVM_CAP_IMMEDIATE_EXIT),
		.slots = kr_kvm_number(kvm, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS),
		.basic_ecx = basic != NULL ? basic->ecx : 0,
		.basic_edx = basic != NULL ? basic->edx : 0,
		.structured_ebx = structured != NULL ? structured->ebx : 0,
		.extended_edx = extended != NULL ? extended->edx : 0,
		.address_bits = widths != NULL ? widths->eax & 0xff : 0,
		.states = states != NULL ? states->eax | (uint64_t)states->edx << 32 : 0,
	};
}

static int interpret(struct kr_cpu_model *model, int kvm, struct kr_err *err)
{
	struct kr_hardware_facts facts;

	read_facts(model, kvm, &facts);
	if (kr_hardware_judge(&facts, &model->hardware, err) < 0) {
		return -1;
	}
	model->hwcap = facts.basic_edx;
	model->has_fsgsbase = (model->hardware.cr4 & X86_CR4_FSGSBASE) != 0;
	model->xsave_size = model->hardware.xcr0 != 0 ? extended_size(model) : LEGACY_STATE;
	if (model->xsave_size > KR_XSAVE_MAX) {
		return kr_fail(err, ENOTSUP,
			       "the processor's extended state has %u bytes, at most %u are supported",
			       model->xsave_size, KR_XSAVE_MAX);
	}
	return 0;
}

static int ask(struct kr_cpu_model *model, int kvm, struct kr_err *err)
{
	model->cpuid.head.nent = KR_CPUID_MAX;
	if (kr_kvm(kvm, KVM_GET_SUPPORTED_CPUID, &model->cpuid) != 0) {
		return kr_fail(err, errno, "ask KVM what its processors can do");
	}
	add_user_instructions(model);
	spell_out_caches(model);
	drop_empty_leaves(model);
	return interpret(model, kvm, err);
}

static int take_over(struct kr_cpu_model *model, int kvm, struct kr_bytes known, struct kr_err *err)
{
	size_t count = known.size / sizeof model->cpuid.entries[0];

	if (known.size % sizeof model->cpuid.entries[0] != 0 || count > KR_CPUID_MAX) {
		return kr_fail(err, EPROTO, "the boot record tells of the processor in %u bytes", known.size);
	}
	memcpy(model->cpuid.entries, known.data, known.size);
	model->cpuid.head.nent = (uint32_t)count;
	return interpret(model, kvm, err);
}

struct kr_bytes kr_cpu_model_bytes(const struct kr_cpu_model *model)
{
	return (struct kr_bytes){ .data = (const uint8_t *)model->cpuid.entries,
				  .size = model->cpuid.head.nent * (uint32_t)sizeof model->cpuid.entries[0] };
}

int kr_cpu_model_read(struct kr_cpu_model *model, int kvm, struct kr_bytes known, struct kr_err *err)
{
	int size = kr_kvm(kvm, KVM_GET_VCPU_MMAP_SIZE, NULL);

	if (size < 0) {
		return kr_fail(err, errno, "ask KVM for its processors");
	}
	model->run_size = (uint32_t)size;
	return known.size > 0 ? take_over(model, kvm, known, err) : ask(model, kvm, err);
}
