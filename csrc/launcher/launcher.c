/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The command `krun`: runs the package that was installed beside it, with the interpreter that the build linked
 * into this program (interpreter.c), or else with another.
 *
 * A console script would import `site`, every .pth file of the environment and importlib.metadata on each
 * call, and would obey PYTHON* variables and the working directory.  This program passes -I and -S instead,
 * names the one folder to import from, and takes the folder from its own place on disk, so that nothing in
 * the caller's environment chooses what code runs as root.
 */
#include "interpreter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct installation {
	char folder[PATH_MAX];      /* that holds the package krun */
	char interpreter[PATH_MAX]; /* absolute path */
	char script[PATH_MAX];      /* what the interpreter runs: krun/launch.py, or that compiled */
	bool is_compiled;
};

static bool __attribute__((format(printf, 2, 3))) make_path(char path[PATH_MAX], const char *format, ...)
{
	va_list args;
	int size;

	va_start(args, format);
	size = vsnprintf(path, PATH_MAX, format, args);
	va_end(args);
	return size >= 0 && size < PATH_MAX;
}

/* Look for the package below `lib/python<version>`, "3.11". */
static bool find_package(const char *prefix, const char *version, struct installation *found)
{
	static const char *const folders[] = { "site-packages", "dist-packages" };
	char module[PATH_MAX];

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		if (make_path(found->folder, "%s/lib/python%s/%s", prefix, version, folders[i]) &&
		    make_path(module, "%s/krun/cli.py", found->folder) && access(module, R_OK) == 0) {
			return true;
		}
	}
	return false;
}

/* Look for an interpreter of that version, in the installation's own scripts folder first, and for the script: only
 * the version that built krun reads what the build compiled. */
static bool find_interpreter(const char *bin, const char *version, struct installation *found)
{
	const char *const places[] = { bin, "/usr/bin", "/usr/local/bin" };

	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		if (make_path(found->interpreter, "%s/python%s", places[i], version) &&
		    access(found->interpreter, X_OK) == 0) {
			found->is_compiled =
				strcmp(version, KR_PYTHON_VERSION) == 0 &&
				make_path(found->script, "%s/krun/launch." KR_CACHE_TAG, found->folder) &&
				access(found->script, R_OK) == 0;
			return found->is_compiled || make_path(found->script, "%s/krun/launch.py", found->folder);
		}
	}
	found->is_compiled = false;
	return make_path(found->script, "%s/krun/launch.py", found->folder) &&
	       make_path(found->interpreter, "%s/python3", bin) && access(found->interpreter, X_OK) == 0;
}

/* A wheel built by one Python may be installed under a later one: try the others that are there. */
static bool find_other_version(const char *prefix, char version[static 16], struct installation *found)
{
	char lib[PATH_MAX];
	struct dirent *entry;
	bool is_found = false;
	DIR *folder;

	if (!make_path(lib, "%s/lib", prefix)) {
		return false;
	}
	folder = opendir(lib);
	if (folder == NULL) {
		return false;
	}
	while (!is_found && (entry = readdir(folder)) != NULL) {
		if (sscanf(entry->d_name, "python%15[0-9.]", version) == 1) {
			is_found = find_package(prefix, version, found);
		}
	}
	(void)closedir(folder);
	return is_found;
}

/* A caller may have closed some of the three: what krun opened next would become the payload's. */
static bool open_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd < 0) {
			return false;
		}
	} while (fd <= STDERR_FILENO);
	(void)close(fd);
	return true;
}

/* Hold SIGINT back; false when the caller has done so already, and means it. */
static bool block_interrupt(void)
{
	sigset_t interrupt;
	sigset_t before;

	(void)sigemptyset(&interrupt);
	(void)sigaddset(&interrupt, SIGINT);
	return sigprocmask(SIG_BLOCK, &interrupt, &before) == 0 && sigismember(&before, SIGINT) == 0;
}

/* Become the interpreter, with the command's own words behind the script.  Returns only when that cannot be. */
static int execute(const struct installation *found, int argc, char **argv)
{
	char **words = calloc((size_t)argc + 7, sizeof *words);
	char **word = words;

	if (words == NULL) {
		fprintf(stderr, "krun: out of memory\n");
		return 1;
	}
	*word++ = (char *)(uintptr_t)found->interpreter;
	*word++ = (char *)(uintptr_t) "-I";
	*word++ = (char *)(uintptr_t) "-S";
	*word++ = (char *)(uintptr_t) "-Xutf8";
	if (block_interrupt()) {
		*word++ = (char *)(uintptr_t) "-Xinterruptible";
	}
	*word++ = (char *)(uintptr_t)found->script;
	memcpy(word, argv + 1, (size_t)argc * sizeof *argv);
	(void)execv(found->interpreter, words);
	fprintf(stderr, "krun: cannot start %s: %s\n", found->interpreter, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	char bin[PATH_MAX];
	char prefix[PATH_MAX];
	char version[16] = KR_PYTHON_VERSION;
	struct installation found;
	ssize_t size;
	char *slash;

	if (!open_standard_descriptors()) {
		/* By its number: clients read a meaning into the C library's sentences. */
		fprintf(stderr, "krun: /dev/null cannot be opened: errno %d\n", errno);
		return 1;
	}
	/* A caller may ignore it, and then nobody can wait for a child. */
	(void)signal(SIGCHLD, SIG_DFL);
	size = readlink("/proc/self/exe", bin, sizeof bin - 1);
	if (size <= 0) {
		fprintf(stderr, "krun: cannot find its own installation: /proc/self/exe: %s\n", strerror(errno));
		return 1;
	}
	bin[size] = 0;
	slash = strrchr(bin, '/');
	*slash = 0;
	memcpy(prefix, bin, sizeof prefix);
	slash = strrchr(prefix, '/');
	if (slash != NULL) {
		*slash = 0;
	}
	if (!find_package(prefix, version, &found) && !find_other_version(prefix, version, &found)) {
		fprintf(stderr, "krun: the Python package krun is not installed below %s/lib; install it again\n",
			prefix);
		return 1;
	}
	if (!find_interpreter(bin, version, &found)) {
		fprintf(stderr, "krun: needs Python %s, which is neither in %s nor in /usr/bin\n", version, bin);
		return 1;
	}
	if (found.is_compiled && kr_interpreter_is_usable()) {
		return kr_interpreter_run(found.script, argc, argv, found.interpreter, block_interrupt());
	}
	return execute(&found, argc, argv);
}
