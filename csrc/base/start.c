/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "start.h"

#include <stdio.h>

size_t kr_start_error(char record[KR_START_ROOM], uint32_t op, const struct kr_err *err)
{
	char line[KR_ERR_LINE];
	int size;

	kr_err_write(err, line);
	size = snprintf(record, KR_START_ROOM, "error %u %s\n", op, line);
	if (size >= (int)KR_START_ROOM) {
		size = (int)KR_START_ROOM - 1;
		record[size - 1] = '\n';
	}
	return (size_t)size;
}
