/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Nothing but the system's, where there is one: PT_REGS_* (<bpf/bpf_tracing.h>) know the
 * registers without it, and <linux/ptrace.h> asks for it.
 */
#if __has_include_next(<asm/ptrace.h>)
#include_next <asm/ptrace.h>
#endif
