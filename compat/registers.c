// SPDX-License-Identifier: GPL-2.0
/*
 * As bpf/include/bpf/pt_regs.h has it for programs in C, here for those that become kprobes only when
 * they are loaded. The tests hold one against the other, and against the system's headers.
 *
 * How far the program counter is ahead of the probed instruction when its handler runs is the
 * architecture's business (arch/ARCH/kernel/kprobes.c): x86 is behind its one byte breakpoint,
 * also where the probe is made by ftrace or a jump; the others still point at it.
 */
#include "compat/registers.h"

#include <stddef.h>
#include <string.h>

static const struct registers machines[] = {
	{ "x86_64", 8, 6, { 112, 104, 96, 88, 72, 64 }, 80, 128, 1 },
	/* The kernel is built with -mregparm=3. */
	{ "i386", 4, 3, { 24, 8, 4 }, 24, 48, 1 },
	{ "i686", 4, 3, { 24, 8, 4 }, 24, 48, 1 },
	{ "aarch64", 8, 8, { 0, 8, 16, 24, 32, 40, 48, 56 }, 0, 256, 0 },
	{ "armv*", 4, 4, { 0, 4, 8, 12 }, 0, 60, 0 },
	{ "riscv64", 8, 8, { 80, 88, 96, 104, 112, 120, 128, 136 }, 80, 0, 0 },
	{ "s390x", 8, 5, { 40, 48, 56, 64, 72 }, 40, 16, -1 },
	{ "ppc64*", 8, 8, { 24, 32, 40, 48, 56, 64, 72, 80 }, 24, 256, 0 },
	{ "mips64", 8, 8, { 32, 40, 48, 56, 64, 72, 80, 88 }, 16, 296, -1 },
	{ "mips", 4, 4, { 48, 52, 56, 60 }, 40, 180, -1 },
	{ "loongarch64", 8, 8, { 32, 40, 48, 56, 64, 72, 80, 88 }, 32, 264, -1 },
};

const struct registers *registers_of(const char *machine)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++) {
		size_t len = strcspn(machines[i].machine, "*");

		if (!strncmp(machine, machines[i].machine, len) &&
		    (machines[i].machine[len] || !machine[len]))
			return &machines[i];
	}
	return NULL;
}
