/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Prints what CPUID says of the instructions and states that programs choose by; with an argument, after an exec.
 */
#include <cpuid.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static const unsigned leaves[][2] = { { 0, 0 },         { 1, 0 },   { 2, 0 },   { 4, 0 },
					      { 4, 3 },         { 7, 0 },   { 7, 1 },   { 0xb, 0 },
					      { 0xd, 0 },       { 0xd, 1 }, { 0xd, 2 }, { 0x80000001, 0 },
					      { 0x80000008, 0 } };
	char *const args[] = { argv[0], NULL };

	if (argc > 1) {
		execv(argv[0], args);
		return 1;
	}
	for (unsigned i = 0; i < sizeof leaves / sizeof leaves[0]; i++) {
		unsigned eax = 0;
		unsigned ebx = 0;
		unsigned ecx = 0;
		unsigned edx = 0;

		__cpuid_count(leaves[i][0], leaves[i][1], eax, ebx, ecx, edx);
		if (leaves[i][0] == 1) {
			ebx &= 0xffffff; /* the rest is the number of the processor that it runs on */
		}
		if (leaves[i][0] == 0xb) {
			edx = 0;
		}
		printf("%x %x: %x %x %x %x\n", leaves[i][0], leaves[i][1], eax, ebx, ecx, edx);
	}
	return 0;
}
