/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The messages between krun and its stage, over a real socket pair.
 */
#include "base/fd.h"
#include "base/msg.h"
#include "check.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

static void open_pair(int *here, int *there)
{
	int pair[2];

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	*here = pair[0];
	*there = pair[1];
}

static void what_is_sent_is_received(void)
{
	kr_own_fd int here = -1;
	kr_own_fd int there = -1;
	struct kr_err err = { 0 };
	struct kr_msg msg;

	open_pair(&here, &there);
	CHECK(kr_msg_send(here, KR_MSG_ERROR, 17, "EPERM mount proc on /proc", &err) == 0);
	CHECK(kr_msg_send(here, KR_MSG_READY, 0, NULL, &err) == 0);
	CHECK(kr_msg_receive(there, &msg, &err) == 0);
	CHECK(msg.type == KR_MSG_ERROR && msg.value == 17);
	CHECK(strcmp(msg.text, "EPERM mount proc on /proc") == 0 && msg.size == strlen(msg.text));
	CHECK(kr_msg_receive(there, &msg, &err) == 0);
	CHECK(msg.type == KR_MSG_READY && msg.size == 0 && msg.text[0] == 0);
	CHECK(err.code == 0 && err.text[0] == 0);
}

static void a_text_that_is_too_long_is_cut(void)
{
	kr_own_fd int here = -1;
	kr_own_fd int there = -1;
	char text[2 * KR_MSG_TEXT];
	struct kr_err err = { 0 };
	struct kr_msg msg;

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = 0;
	open_pair(&here, &there);
	CHECK(kr_msg_send(here, KR_MSG_LOG, 1, text, &err) == 0);
	CHECK(kr_msg_receive(there, &msg, &err) == 0);
	CHECK(msg.size == KR_MSG_TEXT && strlen(msg.text) == KR_MSG_TEXT);
}

static void a_packet_that_is_no_message_is_an_error(void)
{
	const char junk[KR_MSG_TEXT + 64] = { 0 };
	kr_own_fd int here = -1;
	kr_own_fd int there = -1;
	struct kr_err err = { 0 };
	struct kr_msg msg;

	open_pair(&here, &there);
	CHECK(send(here, junk, 7, 0) == 7);
	CHECK(kr_msg_receive(there, &msg, &err) == -1 && err.code == EPROTO);
	CHECK(send(here, junk, sizeof junk, 0) == (ssize_t)sizeof junk);
	CHECK(kr_msg_receive(there, &msg, &err) == -1 && err.code == EPROTO);
}

static void the_end_of_the_other_side_is_an_error_and_no_signal(void)
{
	kr_own_fd int here = -1;
	int there;
	struct kr_err err = { 0 };
	struct kr_msg msg;

	open_pair(&here, &there);
	CHECK(close(there) == 0);
	CHECK(kr_msg_receive(here, &msg, &err) == -1 && err.code == ECONNRESET);
	CHECK(kr_msg_send(here, KR_MSG_READY, 0, NULL, &err) == -1 && err.code == EPIPE);
}

int main(void)
{
	what_is_sent_is_received();
	a_text_that_is_too_long_is_cut();
	a_packet_that_is_no_message_is_an_error();
	the_end_of_the_other_side_is_an_error_and_no_signal();
	return 0;
}
