# shellcheck shell=sh
# gcc compiles and links in the container, and what it made runs, with a shared library of its own.
set -e
cd /tmp
cat > library.c <<END
#include <stdio.h>
__attribute__((constructor)) static void load(void) { puts("loaded"); }
int twice(int n) { return 2 * n; }
END
cat > main.c <<END
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
int twice(int n);
int main(void) {
	void *again = dlopen("./liblibrary.so", RTLD_NOW);
	int (*f)(int) = (int (*)(int))dlsym(again, "twice");
	printf("%d %d %.3f\n", twice(21), f(4), sqrt(2));
	return EXIT_SUCCESS;
}
END
gcc -O2 -Wall -fPIC -shared -o liblibrary.so library.c
gcc -O2 -Wall -pipe -o main main.c -L. -llibrary -Wl,-rpath,/tmp -lm -ldl
./main
echo 'int main(void) { return 1 +; }' > bad.c; gcc bad.c 2> errors || echo "refused $?"; grep -c error: errors
gcc -static -O1 -o static -x c - <<END
#include <stdio.h>
int main(void) { puts("static"); return 3; }
END
./static || echo "status $?"
ldd main | grep -c libc
