// SPDX-License-Identifier: GPL-2.0
/*
 *	behind CAPS COMMAND...
 *
 * Runs the command behind the gate (tests/gate.h) of an older kernel's stored capabilities, so that
 * portrace loads on the kernel at hand what it would load on that one.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/gate.h"

int main(int argc, char **argv)
{
	struct error err = { .code = ERROR_NONE };
	int ret;

	if (argc < 3) {
		fputs("usage: behind CAPS COMMAND...\n", stderr);
		return 2;
	}
	ret = gate_enter(argv[1], &err);
	if (!ret)
		execvp(argv[2], argv + 2);
	fprintf(stderr, "behind: %s\n", err.code ? err.message : ret ? strerror(-ret) : argv[2]);
	return 125;
}
