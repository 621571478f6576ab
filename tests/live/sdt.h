/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_LIVE_SDT_H
#define TESTS_LIVE_SDT_H

/*
 * USDT probes for tests, as loader/usdt_notes.c draws them: an instruction that does nothing and a
 * note that says where it is and, in the words of the assembler, where its arguments are.
 *
 *	SDT(provider, name, "0", SDT_ARG(-4, x) " " SDT_ARG(8, p), SDT_IN(x, "nor"), ...)
 */
#if defined(__LP64__)
#define SDT_ADDRESS ".8byte"
#else
#define SDT_ADDRESS ".4byte"
#endif

/* How operands are printed, as <sys/sdt.h> has them: PowerPC says itself what is a number. */
#ifdef __powerpc__
#define SDT_ARG(size, name) #size "@%I[" #name "]%[" #name "]"
#else
#define SDT_ARG(size, name) #size "@%[" #name "]"
#endif

#if defined(__LP64__)
#define SDT_ARG_LONG(name) SDT_ARG(8, name)
#else
#define SDT_ARG_LONG(name) SDT_ARG(4, name)
#endif

/* Once a file: the byte whose address tells whether the file was moved. */
#define SDT_BASE                                                                             \
	__asm__(".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"      \
		".weak _.stapsdt.base\n.hidden _.stapsdt.base\n_.stapsdt.base: .space 1\n"   \
		".size _.stapsdt.base,1\n.popsection\n")

#define SDT(provider, name, semaphore, arguments, ...)                                       \
	__asm__ volatile("990: nop\n"                                                        \
			 ".pushsection .note.stapsdt,\"\",\"note\"\n"                        \
			 ".balign 4\n.4byte 992f-991f,994f-993f,3\n"                         \
			 "991: .asciz \"stapsdt\"\n"                                         \
			 "992: .balign 4\n"                                                  \
			 "993: " SDT_ADDRESS " 990b," "_.stapsdt.base," semaphore "\n"       \
			 ".asciz \"" provider "\"\n.asciz \"" name "\"\n"                    \
			 ".asciz \"" arguments "\"\n"                                        \
			 "994: .balign 4\n.popsection\n" ::__VA_ARGS__)

#endif
