/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CODE 0x10000000ul

/* Jumps to 32-bit code that makes a system call by SYSCALL. */
int main(void)
{
	static const uint8_t code[] = { 0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xfe };
	const struct __attribute__((packed)) {
		uint32_t offset;
		uint16_t selector;
	} target = { CODE, 0x23 };
	void *page = mmap((void *)CODE, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (page == MAP_FAILED) {
		return 1;
	}
	memcpy(page, code, sizeof code);
	printf("jumping\n");
	(void)fflush(stdout);
	(void)alarm(5);
	__asm__ volatile("mov $0x10000800, %%esp; ljmp *%0" ::"m"(target) : "memory");
	return 2;
}
