/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The stack that the monitor's main thread runs on.  RLIMIT_STACK is the payload's business; the monitor's
 * caller may have it so small that the monitor itself would not fit.
 */
#ifndef KR_OWN_STACK_H
#define KR_OWN_STACK_H

/* Call body(argc, argv) on a stack that is large enough, and return what it returns: on the kernel's, or on one
 * of the monitor's own where that may not grow enough. */
int kr_on_enough_stack(int (*body)(int argc, char **argv), int argc, char **argv);

/* own_stack.S: call body(argc, argv) on the stack that ends at `top`. */
int kr_call_on_stack(int argc, char **argv, int (*body)(int argc, char **argv), void *top);

#endif
