/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int kr_fail(struct kr_err *err, int code, const char *format, ...)
{
	va_list args;

	err->code = code;
	va_start(args, format);
	(void)vsnprintf(err->text, sizeof err->text, format, args);
	va_end(args);
	return -1;
}

int kr_fail_for(struct kr_err *err, const char *format, ...)
{
	char text[KR_ERR_TEXT];
	va_list args;
	size_t size;

	memcpy(text, err->text, sizeof text);
	va_start(args, format);
	(void)vsnprintf(err->text, sizeof err->text, format, args);
	va_end(args);
	size = strlen(err->text);
	(void)snprintf(err->text + size, sizeof err->text - size, ": %s", text);
	return -1;
}

void kr_err_write(const struct kr_err *err, char line[KR_ERR_LINE])
{
	(void)snprintf(line, KR_ERR_LINE, "%s %s", kr_errno_name(err->code), err->text);
}
