/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "huge.h"

#include "layout.h"

#include <sys/mman.h>

#define PAGES (KR_BLOCK / KR_PAGE)

static bool lies_in(const struct kr_region *region, uint64_t block)
{
	return region->start <= block && block + KR_BLOCK <= region->end;
}

static bool is_full(const struct kr_region *region, uint64_t block)
{
	unsigned char pages[PAGES];

	if (!lies_in(region, block) || mincore((void *)(uintptr_t)block, KR_BLOCK, pages) != 0) {
		return false;
	}
	for (size_t i = 0; i < PAGES; i++) {
		if ((pages[i] & 1) == 0) {
			return false;
		}
	}
	return true;
}

void kr_huge_consider(const struct kr_machine *machine, const struct kr_region *region, uint64_t block)
{
	if (machine->refuses_huge || !kr_region_is_data(region) || !lies_in(region, block)) {
		return;
	}
	if (is_full(region, block - KR_BLOCK) || is_full(region, block + KR_BLOCK)) {
		(void)madvise((void *)(uintptr_t)block, KR_BLOCK, MADV_HUGEPAGE);
	}
}
