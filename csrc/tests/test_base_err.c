/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Errors: their texts, and how they grow.
 */
#include "base/err.h"
#include "check.h"

#include <errno.h>
#include <string.h>

static void an_error_has_a_code_and_a_text(void)
{
	struct kr_err err;

	CHECK(kr_fail(&err, EPERM, "mount %s", "proc") == -1);
	CHECK(err.code == EPERM && strcmp(err.text, "mount proc") == 0);
}

static void an_error_tells_on_whose_behalf(void)
{
	struct kr_err err;

	(void)kr_fail(&err, EPERM, "make the file system");
	CHECK(kr_fail_for(&err, "mount %s", "proc") == -1);
	CHECK(err.code == EPERM && strcmp(err.text, "mount proc: make the file system") == 0);
}

static void a_text_that_is_too_long_is_cut(void)
{
	struct kr_err err;
	char text[2 * KR_ERR_TEXT];

	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = 0;
	(void)kr_fail(&err, 0, "%s", text);
	CHECK(strlen(err.text) == KR_ERR_TEXT - 1);
	(void)kr_fail_for(&err, "%s", text);
	CHECK(strlen(err.text) == KR_ERR_TEXT - 1);
}

static void errnos_have_names(void)
{
	CHECK(strcmp(kr_errno_name(ENOENT), "ENOENT") == 0);
	CHECK(strcmp(kr_errno_name(123456), "E?") == 0);
}

int main(void)
{
	an_error_has_a_code_and_a_text();
	an_error_tells_on_whose_behalf();
	a_text_that_is_too_long_is_cut();
	errnos_have_names();
	return 0;
}
