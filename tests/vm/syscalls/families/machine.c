/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Scheduling, limits, users, capabilities, the machine's names.
 */
#include "suite.h"

#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

static char room[PAGE];

TEST(sched_yield01)
{
	say("yield", S(sched_yield));
}

TEST(sched_setparam02)
{
	struct sched_param param = { 0 };

	say("zero", S(sched_setparam, 0, &param));
	say("priority", (param.sched_priority = 5, S(sched_setparam, 0, &param)));
	say("negative pid", S(sched_setparam, -1, &param));
	say("nobody", S(sched_setparam, 1 << 22, &param));
	EACH_BAD_IN("param", S(sched_setparam, 0, P));
}

TEST(sched_getparam03)
{
	struct sched_param param;

	say("get", S(sched_getparam, 0, &param));
	say("negative pid", S(sched_getparam, -1, &param));
	say("nobody", S(sched_getparam, 1 << 22, &param));
	EACH_BAD_OUT("param", S(sched_getparam, 0, P));
}

TEST(sched_setscheduler02)
{
	struct sched_param param = { 0 };

	say("batch", S(sched_setscheduler, 0, SCHED_BATCH, &param));
	say("policy", S(sched_getscheduler, 0));
	say("unknown", S(sched_setscheduler, 0, 77, &param));
	say("priority of batch", (param.sched_priority = 5, S(sched_setscheduler, 0, SCHED_BATCH, &param)));
	say("priority of fifo", (param.sched_priority = 100, S(sched_setscheduler, 0, SCHED_FIFO, &param)));
	say("nobody", S(sched_setscheduler, 1 << 22, SCHED_OTHER, &param));
	EACH_BAD_IN("param", S(sched_setscheduler, 0, SCHED_OTHER, P));
}

TEST(sched_getscheduler02)
{
	say("self", S(sched_getscheduler, 0));
	say("nobody", S(sched_getscheduler, 1 << 22));
	say("negative", S(sched_getscheduler, -1));
}

TEST(sched_get_priority_max02)
{
	say("fifo", S(sched_get_priority_max, SCHED_FIFO));
	say("other", S(sched_get_priority_max, SCHED_OTHER));
	say("unknown", S(sched_get_priority_max, 77));
}

TEST(sched_get_priority_min02)
{
	say("fifo", S(sched_get_priority_min, SCHED_FIFO));
	say("unknown", S(sched_get_priority_min, 77));
}

TEST(sched_rr_get_interval03)
{
	struct timespec interval;

	say("self", S(sched_rr_get_interval, 0, &interval));
	say("nobody", S(sched_rr_get_interval, 1 << 22, &interval));
	say("negative", S(sched_rr_get_interval, -1, &interval));
	EACH_BAD_OUT("interval", S(sched_rr_get_interval, 0, P));
}

TEST(sched_setaffinity01)
{
	unsigned long mask = 1;

	say("one", S(sched_setaffinity, 0, sizeof mask, &mask));
	say("none", (mask = 0, S(sched_setaffinity, 0, sizeof mask, &mask)));
	say("absent", (mask = 1ul << 63, S(sched_setaffinity, 0, sizeof mask, &mask)));
	say("nobody", (mask = 1, S(sched_setaffinity, 1 << 22, sizeof mask, &mask)));
	EACH_BAD_IN("mask", S(sched_setaffinity, 0, sizeof mask, P));
}

TEST(sched_getaffinity01)
{
	unsigned long mask[128];

	say("get", S(sched_getaffinity, 0, sizeof mask, mask));
	say("odd", S(sched_getaffinity, 0, 7, mask));
	say("nothing", S(sched_getaffinity, 0, 0, mask));
	say("nobody", S(sched_getaffinity, 1 << 22, sizeof mask, mask));
	say("huge", S(sched_getaffinity, 0, -8, mask));
	EACH_BAD_OUT("mask", S(sched_getaffinity, 0, sizeof mask, P));
}

TEST(sched_setattr01)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attributes = { .size = 48, .nice = 3 };

	say("nice", S(sched_setattr, 0, &attributes, 0));
	say("priority", getpriority(PRIO_PROCESS, 0));
	say("flags", S(sched_setattr, 0, &attributes, 1));
	say("nobody", S(sched_setattr, 1 << 22, &attributes, 0));
	say("negative", S(sched_setattr, -1, &attributes, 0));
	say("policy", (attributes.policy = 77, S(sched_setattr, 0, &attributes, 0)));
	attributes.policy = 0;
	say("size", (attributes.size = 47, S(sched_setattr, 0, &attributes, 0)));
	say("kernel's size", attributes.size > 48);
	say("large", (attributes.size = 5000, S(sched_setattr, 0, &attributes, 0)));
	say("zero size", (attributes.size = 0, S(sched_setattr, 0, &attributes, 0)));
	EACH_BAD_IN("attributes", S(sched_setattr, 0, P, 0));
}

TEST(sched_getattr02)
{
	say("get", S(sched_getattr, 0, room, 48, 0));
	say("small", S(sched_getattr, 0, room, 47, 0));
	say("flags", S(sched_getattr, 0, room, 48, 1));
	say("nobody", S(sched_getattr, 1 << 22, room, 48, 0));
	EACH_BAD_OUT("attributes", S(sched_getattr, 0, P, 48, 0));
}

TEST(getpriority02)
{
	say("self", S(getpriority, PRIO_PROCESS, 0));
	say("which", S(getpriority, 77, 0));
	say("nobody", S(getpriority, PRIO_PROCESS, 1 << 22));
}

TEST(setpriority02)
{
	say("nice", S(setpriority, PRIO_PROCESS, 0, 5));
	say("beyond", S(setpriority, PRIO_PROCESS, 0, 100));
	say("cut", S(getpriority, PRIO_PROCESS, 0));
	say("which", S(setpriority, 77, 0, 5));
	say("nobody", S(setpriority, PRIO_PROCESS, 1 << 22, 5));
	become_nobody();
	say("back", S(setpriority, PRIO_PROCESS, 0, 0));
}

TEST(ioprio_set03)
{
	say("best effort", S(ioprio_set, 1, 0, (2 << 13) | 4));
	say("get", S(ioprio_get, 1, 0));
	say("class", S(ioprio_set, 1, 0, 7 << 13));
	say("level", S(ioprio_set, 1, 0, (2 << 13) | 9));
	say("which", S(ioprio_set, 77, 0, 0));
	say("nobody", S(ioprio_set, 1, 1 << 22, 0));
}

TEST(ioprio_get01)
{
	say("which", S(ioprio_get, 77, 0));
	say("nobody", S(ioprio_get, 1, 1 << 22));
}

TEST(getrlimit02)
{
	struct rlimit limit;

	say("stack", S(getrlimit, RLIMIT_STACK, &limit));
	say("core", S(getrlimit, RLIMIT_CORE, &limit));
	say("resource", S(getrlimit, 99, &limit));
	say("resource, no room", S(getrlimit, 99, NULL));
	EACH_BAD_OUT("limit", S(getrlimit, RLIMIT_NOFILE, P));
	EACH_BAD_OUT("core", S(getrlimit, RLIMIT_CORE, P));
}

TEST(setrlimit05)
{
	struct rlimit limit = { 10, 5 };

	for (int resource = 0; resource < 17; resource++) {
		say("soft above hard", S(setrlimit, resource, &limit));
	}
	limit = (struct rlimit){ 100, 200 };
	say("files", S(setrlimit, RLIMIT_NOFILE, &limit));
	say("again", (S(getrlimit, RLIMIT_NOFILE, &limit), (long)(limit.rlim_cur * 1000 + limit.rlim_max)));
	say("raised", (limit.rlim_max = 300, S(setrlimit, RLIMIT_NOFILE, &limit)));
	EACH_BAD_IN("limit", S(setrlimit, RLIMIT_NOFILE, P));
	EACH_BAD_IN("core", S(setrlimit, RLIMIT_CORE, P));
}

TEST(prlimit6402)
{
	struct rlimit old;
	struct rlimit new = { 50, 60 };

	say("set", S(prlimit64, 0, RLIMIT_NOFILE, &new, &old));
	say("get", (S(prlimit64, getpid(), RLIMIT_NOFILE, NULL, &old), (long)old.rlim_max));
	say("resource", S(prlimit64, 0, 99, NULL, &old));
	say("nobody", S(prlimit64, 1 << 22, RLIMIT_NOFILE, NULL, &old));
	say("negative", S(prlimit64, -1, RLIMIT_CORE, NULL, &old));
	EACH_BAD_IN("new", S(prlimit64, 0, RLIMIT_NOFILE, P != NULL ? P : hole, NULL));
	EACH_BAD_OUT("old", S(prlimit64, 0, RLIMIT_NOFILE, NULL, P));
	EACH_BAD_OUT("old core", S(prlimit64, 0, RLIMIT_CORE, NULL, P));
}

TEST(getrusage02)
{
	struct rusage usage;

	say("self", S(getrusage, RUSAGE_SELF, &usage));
	say("thread", S(getrusage, RUSAGE_THREAD, &usage));
	say("who", S(getrusage, 77, &usage));
	EACH_BAD_OUT("usage", S(getrusage, RUSAGE_SELF, P));
}

TEST(getcpu01)
{
	unsigned cpu;

	say("get", S(getcpu, &cpu, NULL, NULL));
	EACH_BAD_OUT("cpu", S(getcpu, P, NULL, NULL));
	EACH_BAD_OUT("node", S(getcpu, NULL, P, NULL));
}

TEST(getuid01)
{
	say("user", S(getuid));
	say("after", (become_nobody(), S(getuid)));
}

TEST(geteuid01)
{
	say("user", S(geteuid));
}

TEST(getgid01)
{
	say("group", S(getgid));
}

TEST(getegid01)
{
	say("group", S(getegid));
}

TEST(setuid03)
{
	say("negative", S(setuid, -1));
	say("user", S(setuid, 1000));
	say("back", S(setuid, 0));
	say("same", S(setuid, 1000));
}

TEST(setgid02)
{
	say("negative", S(setgid, -1));
	become_nobody();
	say("another", S(setgid, 5));
}

TEST(setreuid02)
{
	say("effective", S(setreuid, -1, 1000));
	say("got", S(geteuid));
	say("back", S(setreuid, -1, 0));
	say("both", S(setreuid, 1000, 1000));
	say("no way back", S(setreuid, 0, 0));
}

TEST(setregid03)
{
	say("both", S(setregid, 5, 6));
	say("got", S(getegid));
	become_nobody();
	say("others", S(setregid, 5, 6));
}

TEST(getgroups03)
{
	unsigned groups[3];

	S(setgroups, 2, ((unsigned[]){ 5, 6 }));
	say("get", S(getgroups, 3, groups));
	say("first", groups[0]);
	say("count", S(getgroups, 0, NULL));
	say("small", S(getgroups, 1, groups));
	say("negative", S(getgroups, -1, groups));
	EACH_BAD_OUT("groups", S(getgroups, 2, P));
}

TEST(setgroups03)
{
	say("many", S(setgroups, 65537, room));
	say("negative", S(setgroups, -1, room));
	EACH_BAD_IN("groups", S(setgroups, 2, P));
	become_nobody();
	say("others", S(setgroups, 0, NULL));
}

TEST(setresuid03)
{
	say("saved", S(setresuid, 1000, 1001, 1002));
	say("back to it", S(setresuid, -1, 1002, -1));
	say("another", S(setresuid, -1, 0, -1));
}

TEST(getresuid02)
{
	unsigned ids[3];

	S(setresuid, 1000, 1001, 1002);
	say("get", S(getresuid, &ids[0], &ids[1], &ids[2]));
	say("saved", ids[2]);
	EACH_BAD_OUT("real", S(getresuid, P, &ids[1], &ids[2]));
	EACH_BAD_OUT("saved", S(getresuid, &ids[0], &ids[1], P));
}

TEST(setresgid02)
{
	say("three", S(setresgid, 5, 6, 7));
	become_nobody();
	say("another", S(setresgid, -1, 0, -1));
}

TEST(getresgid02)
{
	unsigned ids[3];

	say("get", S(getresgid, &ids[0], &ids[1], &ids[2]));
	EACH_BAD_OUT("effective", S(getresgid, &ids[0], P, &ids[2]));
}

TEST(setfsuid01)
{
	say("before", S(setfsuid, 1000));
	say("after", S(setfsuid, -1));
	say("access", S(open, "/root", O_RDONLY) >= 0);
}

TEST(setfsgid01)
{
	say("before", S(setfsgid, 5));
	say("after", S(setfsgid, -1));
}

TEST(capget02)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	say("get", S(capget, &header, data));
	say("effective", data[0].effective);
	say("version", (header.version = 7, S(capget, &header, data)));
	say("told", header.version == _LINUX_CAPABILITY_VERSION_3);
	say("ask for the version", (header.version = 7, S(capget, &header, NULL)));
	say("nobody",
	    (header.version = _LINUX_CAPABILITY_VERSION_3, header.pid = 1 << 22, S(capget, &header, data)));
	say("negative", (header.pid = -1, S(capget, &header, data)));
	header.pid = 0;
	EACH_BAD_OUT("header", S(capget, P, data));
	EACH_BAD_OUT("data", S(capget, &header, P));
}

TEST(capset02)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	S(capget, &header, data);
	say("same", S(capset, &header, data));
	say("more", (data[0].permitted |= 1u << CAP_SYS_BOOT, S(capset, &header, data)));
	say("another process", (header.pid = 1, S(capset, &header, data)));
	header.pid = 0;
	EACH_BAD_IN("data", S(capset, &header, P));
	EACH_BAD_IN("header", S(capset, P, data));
	memset(data, 0, sizeof data);
	say("none", S(capset, &header, data));
	say("then", S(setuid, 5));
}

TEST(landlock_create_ruleset01)
{
	uint64_t attributes = 1;

	say_done("version", S(landlock_create_ruleset, NULL, 0, 1));
	say("flags", S(landlock_create_ruleset, &attributes, 8, 2));
	say("size", S(landlock_create_ruleset, &attributes, 1, 0));
	say_done("rules", S(landlock_create_ruleset, &attributes, 8, 0));
	EACH_BAD_IN("attributes", S(landlock_create_ruleset, P, 8, 0));
}

TEST(landlock_add_rule01)
{
	uint64_t attributes = 1;
	int fd = (int)S(landlock_create_ruleset, &attributes, 8, 0);
	char rule[16] = { 1 };

	say("type", S(landlock_add_rule, fd, 77, rule, 0));
	say("flags", S(landlock_add_rule, fd, 1, rule, 1));
	say("no rules", S(landlock_add_rule, 1, 1, rule, 0));
	EACH_BAD_IN("rule", S(landlock_add_rule, fd, 1, P, 0));
}

TEST(landlock_restrict_self01)
{
	say("flags", S(landlock_restrict_self, -1, 77));
	say("no rules", S(landlock_restrict_self, 1, 0));
	say("no descriptor", S(landlock_restrict_self, -1, 0));
}

TEST(uname01)
{
	struct utsname names;

	say("uname", S(uname, &names));
	say_bytes("system", names.sysname, 5);
	say_bytes("machine", names.machine, 6);
	EACH_BAD_OUT("names", S(uname, P));
}

TEST(sethostname02)
{
	say("negative", S(sethostname, "x", -1));
	say("long", S(sethostname, room, 65));
	say("set", S(sethostname, "another", 7));
	say("get", (uname((struct utsname *)room), 0));
	say_bytes("name", room + 65, 7);
	EACH_BAD_IN("name", S(sethostname, P, 8));
	become_nobody();
	say("others", S(sethostname, "x", 1));
	say("others, negative", S(sethostname, "x", -1));
}

TEST(setdomainname02)
{
	say("negative", S(setdomainname, "x", -1));
	say("set", S(setdomainname, "another", 7));
	EACH_BAD_IN("name", S(setdomainname, P, 8));
}

TEST(sysinfo01)
{
	struct sysinfo info;

	say("get", S(sysinfo, &info));
	say("unit", info.mem_unit);
	EACH_BAD_OUT("info", S(sysinfo, P));
}

TEST(syslog12)
{
	say("type", S(syslog, 99, room, 10));
	say("negative", S(syslog, 2, room, -1));
	say("no room", S(syslog, 2, NULL, 10));
	say("nothing", S(syslog, 3, room, 0));
}

TEST(getrandom02)
{
	say("some", S(getrandom, room, 100, 0));
	say("nothing", S(getrandom, NULL, 0, 0));
	say("flags", S(getrandom, room, 100, 0x100));
	say("both", S(getrandom, room, 100, 6));
	EACH_BAD_OUT("buf", S(getrandom, P, 10, 0));
	say("up to the hole", S(getrandom, before_hole(10), 20, 0));
}
