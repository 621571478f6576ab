/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The compiled BPF programs as data of the binary, NAME_object_start up to NAME_object_end.
 * Aligned as the ELF structures in them want it.
 */
	.macro	embed name
	.section .rodata.\name, "a", %progbits
	.balign	8
	.globl	\name\()_object_start, \name\()_object_end
	.type	\name\()_object_start, %object
	.type	\name\()_object_end, %object
\name\()_object_start:
	.incbin	"bpf/\name\().bpf.o"
\name\()_object_end:
	.byte	0
	.endm

	embed	signal
	embed	pids

	.section .note.GNU-stack, "", %progbits
