/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Clocks, timers and sleeping.
 */
#include "suite.h"

#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>

static volatile int alarms;

static void on_alarm(int number)
{
	(void)number;
	alarms++;
}

static void interrupt_soon(int flags)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = flags };
	struct itimerval soon = { { 0, 0 }, { 0, 20000 } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
}

TEST(time01)
{
	long now = S(time, NULL);
	long again = 0;

	say("twice", S(time, &again) - now < 5);
	say("stored", again - now < 5);
	EACH_BAD_OUT("time", S(time, P));
}

TEST(gettimeofday01)
{
	struct timeval now;

	say("time", S(gettimeofday, &now, NULL));
	say("nothing", S(gettimeofday, NULL, NULL));
	EACH_BAD_OUT("time", S(gettimeofday, P, NULL));
	EACH_BAD_OUT("zone", S(gettimeofday, NULL, P));
}

TEST(settimeofday02)
{
	struct timeval now = { 0, -1 };

	say("microseconds", S(settimeofday, &now, NULL));
	say("right", (now.tv_usec = 0, S(settimeofday, &now, NULL)));
	EACH_BAD_IN("time", S(settimeofday, P != NULL ? P : hole, NULL));
}

TEST(clock_gettime02)
{
	static const int clocks[] = { CLOCK_REALTIME,
				      CLOCK_MONOTONIC,
				      CLOCK_PROCESS_CPUTIME_ID,
				      CLOCK_THREAD_CPUTIME_ID,
				      CLOCK_MONOTONIC_RAW,
				      CLOCK_REALTIME_COARSE,
				      CLOCK_BOOTTIME,
				      CLOCK_TAI,
				      10,
				      12,
				      -1,
				      -2,
				      INT_MAX,
				      INT_MIN };
	struct timespec now;

	for (size_t i = 0; i < COUNT(clocks); i++) {
		say("clock", S(clock_gettime, clocks[i], &now));
		say("resolution", S(clock_getres, clocks[i], NULL));
	}
	say("clock, no room", S(clock_gettime, 77, NULL));
	EACH_BAD_OUT("time", S(clock_gettime, CLOCK_REALTIME, P));
}

TEST(clock_getres01)
{
	struct timespec resolution;

	say("monotonic", S(clock_getres, CLOCK_MONOTONIC, &resolution));
	say("nanoseconds", resolution.tv_nsec);
	say("clock", S(clock_getres, 77, &resolution));
	EACH_BAD_OUT("resolution", S(clock_getres, CLOCK_REALTIME, P));
}

TEST(clock_settime02)
{
	struct timespec time = { 0, -1 };

	say("nanoseconds", S(clock_settime, CLOCK_REALTIME, &time));
	say("right", (time = (struct timespec){ 1, 0 }, S(clock_settime, CLOCK_REALTIME, &time)));
	say("monotonic", S(clock_settime, CLOCK_MONOTONIC, &time));
	say("unknown", S(clock_settime, 77, &time));
	EACH_BAD_IN("time", S(clock_settime, CLOCK_REALTIME, P));
}

TEST(clock_nanosleep01)
{
	struct timespec soon = { 0, 1000 };
	struct timespec left = { 7, 7 };
	struct timespec past = { 1, 0 };

	say("sleep", S(clock_nanosleep, CLOCK_MONOTONIC, 0, &soon, &left));
	say("left alone", left.tv_sec);
	say("past", S(clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &past, NULL));
	say("nanoseconds", (soon.tv_nsec = 1000000000, S(clock_nanosleep, CLOCK_MONOTONIC, 0, &soon, NULL)));
	say("negative", (soon = (struct timespec){ -1, 0 }, S(clock_nanosleep, CLOCK_MONOTONIC, 0, &soon, NULL)));
	say("thread clock", S(clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &past, NULL));
	say("unknown", S(clock_nanosleep, 77, 0, &past, NULL));
	interrupt_soon(SA_RESTART);
	say("interrupted",
	    (soon = (struct timespec){ 5, 0 }, S(clock_nanosleep, CLOCK_MONOTONIC, 0, &soon, &left)));
	say("left", left.tv_sec);
	say("zero", (soon = (struct timespec){ 0, 0 }, S(clock_nanosleep, CLOCK_MONOTONIC, 0, &soon, hole)));
	EACH_BAD_IN("request", S(clock_nanosleep, CLOCK_MONOTONIC, 0, P, NULL));
}

TEST(nanosleep04)
{
	struct timespec soon = { 0, 1000 };
	struct timespec left;

	say("sleep", S(nanosleep, &soon, NULL));
	say("nanoseconds", (soon.tv_nsec = -1, S(nanosleep, &soon, NULL)));
	say("seconds", (soon = (struct timespec){ -5, 9999 }, S(nanosleep, &soon, NULL)));
	interrupt_soon(0);
	say("interrupted", (soon = (struct timespec){ 3, 500000000 }, S(nanosleep, &soon, &left)));
	say("left", left.tv_sec);
	interrupt_soon(0);
	say("interrupted, no room", S(nanosleep, &soon, hole));
	EACH_BAD_IN("request", S(nanosleep, P, NULL));
}

TEST(adjtimex01)
{
	struct timex timex = { .modes = 0 };

	say_done("ask", S(adjtimex, &timex));
	say("set", (timex.modes = ADJ_TICK, S(adjtimex, &timex)));
	EACH_BAD_OUT("timex", S(adjtimex, P));
}

TEST(clock_adjtime01)
{
	struct timex timex = { .modes = 0 };

	say_done("ask", S(clock_adjtime, CLOCK_REALTIME, &timex));
	say("clock", S(clock_adjtime, 77, &timex));
	say("monotonic", S(clock_adjtime, CLOCK_MONOTONIC, &timex));
	EACH_BAD_OUT("timex", S(clock_adjtime, CLOCK_REALTIME, P));
}

TEST(alarm02)
{
	alarm(0);
	say("none", S(alarm, 100));
	say("left", S(alarm, 0) >= 99);
	say("large", S(alarm, UINT_MAX));
	say("of the large one", S(alarm, 20) > 1000000);
}

TEST(getitimer01)
{
	struct itimerval now;

	setitimer(ITIMER_REAL, &(struct itimerval){ { 3, 0 }, { 1000, 0 } }, NULL);
	say("real", S(getitimer, ITIMER_REAL, &now));
	say("interval", now.it_interval.tv_sec);
	say("which", S(getitimer, 77, &now));
	EACH_BAD_OUT("current", S(getitimer, ITIMER_REAL, P));
}

TEST(setitimer02)
{
	struct itimerval timer = { { 0, 0 }, { 0, 1000000 } };
	struct itimerval old;

	say("microseconds", S(setitimer, ITIMER_REAL, &timer, NULL));
	say("which", (timer.it_value.tv_usec = 0, S(setitimer, 77, &timer, NULL)));
	say("virtual", (timer.it_value.tv_sec = 100, S(setitimer, ITIMER_VIRTUAL, &timer, &old)));
	say("stop", S(setitimer, ITIMER_VIRTUAL, NULL, &old));
	say("old", old.it_value.tv_sec > 90);
	EACH_BAD_IN("new", S(setitimer, ITIMER_PROF, P, NULL));
	EACH_BAD_OUT("old", S(setitimer, ITIMER_PROF, &timer, P));
}

TEST(timer_create02)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	int id = -1;

	say("signal", S(timer_create, CLOCK_REALTIME, &event, &id));
	say("id", id);
	say("default", S(timer_create, CLOCK_MONOTONIC, NULL, &id));
	say("id", id);
	say("cpu time", S(timer_create, CLOCK_PROCESS_CPUTIME_ID, NULL, &id));
	say("clock", S(timer_create, 77, &event, &id));
	say("number", (event.sigev_signo = 100, S(timer_create, CLOCK_REALTIME, &event, &id)));
	say("kind", (event.sigev_notify = 77, S(timer_create, CLOCK_REALTIME, &event, &id)));
	EACH_BAD_IN("event", S(timer_create, CLOCK_REALTIME, P != NULL ? P : hole, &id));
	EACH_BAD_OUT("id", S(timer_create, CLOCK_REALTIME, NULL, P));
}

TEST(timer_settime02)
{
	struct itimerspec timer = { { 0, 0 }, { 0, 1000000 } };
	struct itimerspec wrong = { { 0, 0 }, { 0, -1 } };
	struct itimerspec old;
	struct sigaction action = { .sa_handler = on_alarm };
	int id;

	sigaction(SIGALRM, &action, NULL);
	S(timer_create, CLOCK_MONOTONIC, NULL, &id);
	say("arm", S(timer_settime, id, 0, &timer, &old));
	while (alarms == 0) {
		sched_yield();
	}
	say("came", alarms);
	say("id", S(timer_settime, 77, 0, &timer, NULL));
	say("nanoseconds", S(timer_settime, id, 0, &wrong, NULL));
	say("no time", S(timer_settime, id, 0, NULL, NULL));
	say("no time, id", S(timer_settime, 77, 0, NULL, NULL));
	EACH_BAD_IN("new", S(timer_settime, id, 0, P, NULL));
	EACH_BAD_OUT("old", S(timer_settime, id, 0, &old, P));
}

TEST(timer_gettime01)
{
	struct itimerspec now;
	int id;

	S(timer_create, CLOCK_MONOTONIC, NULL, &id);
	say("get", S(timer_gettime, id, &now));
	say("id", S(timer_gettime, 77, &now));
	EACH_BAD_OUT("current", S(timer_gettime, id, P));
}

TEST(timer_getoverrun01)
{
	int id;

	S(timer_create, CLOCK_MONOTONIC, NULL, &id);
	say("none", S(timer_getoverrun, id));
	say("id", S(timer_getoverrun, -1));
}

TEST(timer_delete02)
{
	int id;

	S(timer_create, CLOCK_MONOTONIC, NULL, &id);
	say("delete", S(timer_delete, id));
	say("again", S(timer_delete, id));
}

TEST(times03)
{
	struct tms times;

	say_done("times", S(times, &times));
	EACH_BAD_OUT("times", S(times, P));
}
