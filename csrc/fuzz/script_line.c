/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Fuzzes the first line of scripts: the words lie in the line, have no blanks around them, and are not empty.
 * Input: what stands behind "#!".
 */
#include "tests/check.h"
#include "vm/script.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const char *word, const char *line)
{
	CHECK(word >= line && word < line + KR_SCRIPT_LINE);
	CHECK(word + strlen(word) < line + KR_SCRIPT_LINE);
	CHECK(word[0] != 0 && word[0] != ' ' && word[0] != '\t' && strchr(word, '\n') == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char line[KR_SCRIPT_LINE] = "#!";
	const char *interpreter = NULL;
	const char *argument = NULL;
	struct kr_err err;

	memcpy(line + 2, data, size < sizeof line - 3 ? size : sizeof line - 3);
	if (kr_script_split(line, "script", &interpreter, &argument, &err) != 0) {
		return 0;
	}
	judge(interpreter, line);
	CHECK(strpbrk(interpreter, " \t") == NULL);
	if (argument != NULL) {
		judge(argument, line);
		CHECK(argument > interpreter + strlen(interpreter));
		CHECK(strchr(" \t", argument[strlen(argument) - 1]) == NULL);
	}
	return 0;
}
