/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Errors of krun's C: every function that can fail takes `struct kr_err *err` last, returns 0 or a
 * value on success and -1 on failure, and leaves `err` untouched on success.
 */
#ifndef KR_ERR_H
#define KR_ERR_H

#define KR_ERR_TEXT 400
#define KR_ERR_LINE (KR_ERR_TEXT + 32)

struct kr_err {
	int code;               /* errno, 0 when there is none */
	char text[KR_ERR_TEXT]; /* what was wrong, one line, without the errno's own words */
};

/* Fill `err` with a code and a formatted text.  Returns -1, so that a caller can `return kr_fail(…)`. */
int kr_fail(struct kr_err *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Say of an error on whose behalf it happened: its text becomes "formatted text: text".  Returns -1. */
int kr_fail_for(struct kr_err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Write an error as `create` and `start` read it: "ENOENT what was wrong". */
void kr_err_write(const struct kr_err *err, char line[KR_ERR_LINE]);

/* "ENOENT" for ENOENT; "E?" for a number that has no name. */
const char *kr_errno_name(int code);

#endif
