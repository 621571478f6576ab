// SPDX-License-Identifier: GPL-2.0
/*
 * One table: what the kernel says, what that means, what to do. The first entry that fits any of
 * the sentences of the log is taken, so the particular stands before the general. In a pattern,
 * each * stands for any text, in the others $1 is what the first * stood for:
 *
 *	"R* invalid mem access 'scalar'"    "r$1 is a number here, not a pointer"
 *	 R6 invalid mem access 'scalar'      r6 is a number here, not a pointer
 *
 * $H is the helper that is called, $L the place in the C source of the instruction just named,
 * $K2 what kind of value $2 means, $B2 is "$2 bytes".
 */
#include "loader/verifier_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btf/core.h"
#include "util/strbuf.h"
#include "loader/source.h"

#define MAX_HOLES 5
/* No kernel writes longer ones; and patterns with many holes take their time. */
#define MAX_SENTENCE 512

/* What must be true besides; and what follows for the instruction to show. */
enum when {
	ALWAYS,
	ON_EXIT,    /* the refused instruction is an exit */
	ON_STORE,   /* it writes to memory */
	ON_CALL,    /* it calls a helper or kernel function */
	OFF_STACK,  /* the holes 2 and 3, offset and size, reach beyond the stack */
	POISONED,   /* hole 2 is the helper that stands for an unresolved CO-RE relocation */
	AT_FIRST,   /* always true: the instruction to show is the one that hole 1 names */
	BY_OPCODE,  /* always true: it is the first with the opcode that hole 1 names */
	EVERYWHERE, /* always true: no instruction in particular is to blame */
	MACHINE,    /* always true: nor is the program, but how this machine is set up */
};

struct explanation {
	const char *pattern;
	enum when when;
	const char *meaning, *advice;
};

#define CHECK_BOUNDS \
	"compare the index with the size before it is used (if (i >= N) return 0;), in the same " \
	"variable that is then used, or mask it (i &= N - 1)"
#define CHECK_NULL "compare it with NULL first: if (!p) return 0;"
#define STACK_WORDS "the stack is 512 bytes, from fp-512 up to fp"
#define STACK_ADVICE \
	"see that the size given fits the variable; what is larger than the stack goes into a " \
	"map, such as a per-CPU array of one entry"
#define LOOP_ADVICE \
	"give each loop a constant bound that the verifier sees (for (i = 0; i < 100; i++)), or " \
	"use bpf_loop() (since Linux 5.17)"
#define SPLIT_ADVICE \
	"make loops shorter or use bpf_loop() (since Linux 5.17), put parts into global " \
	"functions, which are checked once and apart (since 5.6), or split it up by tail calls"
#define READ_ADVICE \
	"read memory of the kernel with bpf_probe_read_kernel() or BPF_CORE_READ(), that of a " \
	"process with bpf_probe_read_user()"
#define POISON_ADVICE \
	"ask first whether the kernel has it (bpf_core_field_exists, bpf_core_type_exists, " \
	"bpf_core_enum_value_exists), or give types that have it"
#define SLEEP_ADVICE \
	"use a helper that does not sleep, or a sleepable type of program (such as fentry.s, " \
	"lsm.s, uprobe.s)"
#define ISA_ADVICE "compile for an older instruction set: clang -mcpu=v1, or v2 (since Linux 4.14)"

static const struct explanation explanations[] = {
	/* Pointers that may be NULL, numbers that are no pointers */
	{ "R* invalid mem access 'map_value_or_null'", ALWAYS,
	  "r$1 comes from a map lookup and is NULL where the key is not in the map; it is used "
	  "without having been compared with NULL", CHECK_NULL },
	{ "R* invalid mem access '*_or_null*'", ALWAYS,
	  "r$1 may be NULL here and is used without having been compared with NULL", CHECK_NULL },
	{ "R* pointer arithmetic on *_or_null prohibited*", ALWAYS,
	  "r$1 may be NULL here and is calculated with before having been compared with NULL",
	  CHECK_NULL },
	{ "R* invalid mem access 'inv'", ALWAYS,
	  "r$1 is a number here, not a pointer that the verifier knows, and memory is accessed "
	  "through it", READ_ADVICE },
	{ "R* invalid mem access 'imm'", ALWAYS,
	  "r$1 is a number here, not a pointer, and memory is accessed through it", READ_ADVICE },
	{ "R* invalid mem access 'scalar'", ALWAYS,
	  "r$1 is a number here, not a pointer that the verifier knows, and memory is accessed "
	  "through it", READ_ADVICE },
	{ "R* invalid mem access '*'", ALWAYS,
	  "r$1 is of a kind ($2) through which memory cannot be accessed like this", READ_ADVICE },

	/* What was never set */
	{ "R0 !read_ok", ON_EXIT,
	  "the program ends here without a result: nothing has set r0 on this path",
	  "return a value on every path" },
	{ "R* !read_ok", ALWAYS,
	  "r$1 holds nothing here: it was not set on this path, or a call took it away (only r6 to "
	  "r9 live through calls)",
	  "set the variable on every path; a function must be given all of its arguments" },
	{ "invalid read from stack R* off=* size=*", OFF_STACK,
	  "it reads $B3 at fp$2, and not all of them lie on the stack: " STACK_WORDS,
	  STACK_ADVICE },
	{ "invalid read from stack*", ALWAYS,
	  "it reads from the stack what nothing has written there on this path",
	  "set the variable before it is read; = {} sets all of it, padding included" },
	{ "invalid indirect read from stack*", ALWAYS,
	  "it hands over a piece of the stack of which nothing has written some bytes on this "
	  "path, such as a key with padding",
	  "set all of it first: = {}, or memset()" },

	/* The stack */
	{ "invalid write to stack R* off=* size=*", ALWAYS,
	  "it writes $B3 at fp$2, and not all of them lie on the stack: " STACK_WORDS,
	  STACK_ADVICE },
	{ "invalid indirect access to stack R* off=* size=*", ALWAYS,
	  "r$1 points to the stack at fp$2, and $B3 from there reach beyond it: " STACK_WORDS,
	  STACK_ADVICE },
	{ "invalid stack type R* off=* access_size=*", ALWAYS,
	  "r$1 points to the stack at fp$2, and $B3 from there reach beyond it: " STACK_WORDS,
	  STACK_ADVICE },
	{ "invalid zero-size read*", ALWAYS, "the size handed over may be 0 here",
	  "ask before the call whether the size is greater than 0" },
	{ "invalid stack off=* size=*", ALWAYS,
	  "it accesses $B2 at fp$1, and not all of them lie on the stack: " STACK_WORDS,
	  STACK_ADVICE },
	{ "invalid variable-offset*", ALWAYS,
	  "the stack is accessed at an index that may lie outside of the variable", CHECK_BOUNDS },
	{ "variable stack access*", ALWAYS,
	  "the stack is accessed at an index that is not a constant",
	  CHECK_BOUNDS "; or keep the array in a map" },
	{ "invalid unbounded variable-offset*", ALWAYS,
	  "the stack is accessed at an index without bounds", CHECK_BOUNDS },
	{ "combined stack size of * calls is *. Too large*", EVERYWHERE,
	  "functions that call one another, $1 deep, together take $B2 of stack, and there are 512",
	  "move large variables to a map, such as a per-CPU array of one entry" },
	{ "the call stack of * frames is too deep*", ALWAYS,
	  "functions call one another $1 deep, and 8 is the most", "make small functions inline" },
	{ "misaligned * access off *size *", ALWAYS,
	  "it accesses $B3 of the $1 at an address that is not a multiple of $3",
	  "align the field, or read it by parts (memcpy, bpf_probe_read_kernel)" },

	/* Maps, packets, context, memory of kernel and program */
	{ "write into map forbidden*", ALWAYS,
	  "it writes to a map that the program may only read, such as that of constants (const, "
	  ".rodata)",
	  "write to a variable that is not const, or to a map without BPF_F_RDONLY_PROG" },
	{ "read from map forbidden*", ALWAYS,
	  "it reads a map that the program may only write (BPF_F_WRONLY_PROG)",
	  "make the map without that flag" },
	{ "invalid access to map value, value_size=* off=* size=*", ALWAYS,
	  "it accesses $B3 at offset $2 of a map's value, and a value is $B1",
	  "read no more than the value's type holds; " CHECK_BOUNDS },
	{ "invalid access to map key, key_size=* off=* size=*", ALWAYS,
	  "it accesses $B3 at offset $2 of a map's key, and a key is $B1", CHECK_BOUNDS },
	{ "invalid access to packet, off=* size=*, R*(*", ALWAYS,
	  "it reads $B2 at offset $1 of the packet, and no comparison on this path has shown that "
	  "the packet is that long",
	  "compare with the packet's end first: if (data + N > data_end) return ...; again after "
	  "each helper that may move the packet" },
	{ "invalid access to memory, mem_size=* off=* size=*", ALWAYS,
	  "it accesses $B3 at offset $2 of memory that is $B1 long", CHECK_BOUNDS },
	{ "invalid bpf_context access off=* size=*", ON_STORE,
	  "it writes $B2 at offset $1 of the context, which this type of program may not write "
	  "there", "keep the value in a variable or a map" },
	{ "invalid bpf_context access off=* size=*", ALWAYS,
	  "it reads $B2 at offset $1 of the context, and for this type of program the kernel has "
	  "no such field there: it is too far, of another size, or not for reading",
	  "see that the section names the right type of program, and that the struct is that of "
	  "this kernel" },
	{ "dereference of modified ctx ptr *", ALWAYS,
	  "the context is read through a pointer that was calculated with",
	  "read fields of the context by its own pointer: ctx->field, with a constant index" },
	{ "dereference of modified * ptr *", ALWAYS,
	  "memory is accessed through a pointer of a kind ($1) that must not be calculated with "
	  "first",
	  "use the pointer as it was handed out" },
	{ "access beyond * at off * size *", ALWAYS,
	  "it reads $B3 at offset $2, beyond the end of $1", READ_ADVICE },
	{ "R* is ptr_* invalid *access: off=*", ALWAYS,
	  "r$1 points to struct $2 of the kernel, which cannot be accessed at this offset ($4)",
	  READ_ADVICE },
	{ "only read is supported", ALWAYS,
	  "it writes to a struct of the kernel, which only can be read",
	  "keep the value in a variable or a map" },
	{ "cannot write into *", ALWAYS, "it writes to $1, which the program may only read",
	  "keep the value in a variable or a map" },
	{ "R* cannot write into *", ALWAYS, "it writes to $2, which the program may only read",
	  "keep the value in a variable or a map" },

	/* Sizes and indexes without bounds */
	{ "math between * pointer and register with unbounded min value *", ALWAYS,
	  "a number that may be negative, or anything at all, is added to a pointer ($1)",
	  "make the index unsigned; " CHECK_BOUNDS },
	{ "math between * pointer and * is not allowed", ALWAYS,
	  "a number that is too large ($2) is added to a pointer ($1)", CHECK_BOUNDS },
	{ "value * makes * pointer be out of bounds", ALWAYS,
	  "a number that may be too large ($1) is added to a pointer ($2)", CHECK_BOUNDS },
	{ "R* min value is negative, *", ON_CALL,
	  "r$1, a size handed to $H, may be negative here",
	  "make the variable unsigned and compare it with the size of the buffer before the call, "
	  "or mask it (n &= N - 1)" },
	{ "R* min value is negative, *", ALWAYS,
	  "r$1, with which an address is made, may be negative here",
	  "make the index unsigned; " CHECK_BOUNDS },
	{ "R* unbounded memory access, use *", ALWAYS,
	  "r$1, a size handed to $H, has no upper bound here",
	  "compare the size with that of the buffer before the call (if (n > sizeof(buf)) n = "
	  "sizeof(buf);), or mask it (n &= N - 1)" },
	{ "R* unbounded memory access*", ALWAYS,
	  "r$1 was made with an index that has no upper bound here", CHECK_BOUNDS },
	{ "R* max value is outside of the *", ALWAYS,
	  "r$1 may reach beyond the end of what it points to", CHECK_BOUNDS },
	{ "R* min value is outside of the *", ALWAYS,
	  "r$1 may point before the beginning, or beyond the end, of what it belongs to",
	  CHECK_BOUNDS },
	{ "R* offset is outside of the packet", ALWAYS,
	  "no comparison on this path has shown that the packet is that long",
	  "compare with the packet's end first: if (data + N > data_end) return ...;" },
	{ "R* invalid zero-sized read*", ALWAYS, "r$1, a size handed to $H, may be 0 here",
	  "ask before the call whether the size is greater than 0" },

	/* Helpers and kernel functions */
	{ "invalid func *#*", POISONED, "it needs what this kernel's types do not have: $H",
	  POISON_ADVICE },
	{ "invalid func *#*", ALWAYS, "it calls helper number $2, which this kernel does not have",
	  "the helper is newer than the kernel: see bpf-helpers(7), and use another where it is "
	  "missing" },
	{ "program of this type cannot use helper *#*", ALWAYS,
	  "programs of this type may not call helper $1",
	  "use another helper, or another type of program (the section's name says which)" },
	{ "unknown func *#*", ALWAYS,
	  "programs of this type may not call helper $1 on this kernel",
	  "use another helper, or another type of program (the section's name says which)" },
	{ "cannot call GPL*", ALWAYS,
	  "$H is for programs under a licence compatible with the GPL, and this object names "
	  "another or none",
	  "give it one, if that is what it is under: char _license[] SEC(\"license\") = \"GPL\";" },
	{ "helper call might sleep in a non-sleepable prog", ALWAYS,
	  "$H may sleep, and this program runs where nothing may",
	  SLEEP_ADVICE },
	{ "*sleepable helper * in non-sleepable prog", ALWAYS,
	  "$H may sleep, and this program runs where nothing may", SLEEP_ADVICE },
	{ "*sleepable helper * in *", ALWAYS,
	  "$H may sleep, and is called where nothing may ($3)",
	  "call it before the lock is taken or after it is released" },
	{ "kernel func * is sleepable within *", ALWAYS,
	  "kernel function $1 may sleep, and is called where nothing may ($2)",
	  "call it before the lock is taken or after it is released" },
	{ "program must be sleepable to call sleepable kfunc *", ALWAYS,
	  "kernel function $1 may sleep, and this program runs where nothing may",
	  "use a sleepable type of program (such as fentry.s, lsm.s, uprobe.s)" },
	{ "calling kernel function * is not allowed", ALWAYS,
	  "programs of this type may not call kernel function $1",
	  "use a helper instead, or another type of program" },
	{ "cannot pass map_type * into func *#*", ALWAYS,
	  "$2 does not work on maps of this type (number $1)",
	  "use the helper made for this type of map" },
	{ "R* type=* expected=*", ALWAYS,
	  "argument $1 of $H is of the wrong kind: got $K2, expected $3",
	  "see what bpf-helpers(7) says of this argument; a key or a buffer is handed over by its "
	  "address" },
	{ "R* is not a known value*", ALWAYS, "r$1 must be a constant here", "use a constant" },
	{ "R* must be a known constant*", ALWAYS, "r$1 must be a constant here", "use a constant" },
	{ "R* is not a const", ALWAYS, "r$1 must be a constant here", "use a constant" },
	{ "R* must be referenced or trusted", ALWAYS,
	  "r$1 is a pointer that the kernel may take away at any time, and the call wants one that "
	  "is held",
	  "take a reference first (such as bpf_task_acquire), or use a pointer that the program "
	  "was given" },

	/* What is held must be released */
	{ "Unreleased reference id=* alloc_insn=*", ALWAYS,
	  "the program ends here and still holds what it got at instruction $2$L",
	  "release it on every path: bpf_ringbuf_submit() or bpf_ringbuf_discard(), "
	  "bpf_sk_release() and so on" },
	{ "*would lead to reference leak", ALWAYS,
	  "the program ends here and still holds what it has to release",
	  "release it on every path" },
	{ "bpf_spin_unlock is missing", ALWAYS, "the program ends here and still holds a lock",
	  "call bpf_spin_unlock() on every path" },
	{ "*while holding a lock*", ALWAYS, "this is not allowed while a lock is held",
	  "call bpf_spin_unlock() before it" },
	{ "tracing progs cannot use bpf_spin_lock yet", EVERYWHERE,
	  "programs for tracing may not use maps with a bpf_spin_lock in their values",
	  "use atomic operations (__sync_fetch_and_add), or a per-CPU map" },
	{ "R* leaks addr *", ALWAYS,
	  "r$1 is an address of the kernel, which would become known ($2); that takes CAP_PERFMON",
	  "keep pointers to yourself, or load the program as root" },
	{ "At program exit the register R* should have been in *", ALWAYS,
	  "the program's result (R$1) is not one that this type of program may have: $2 is "
	  "expected",
	  "return only what programs of this type may return" },

	/* The program's shape */
	{ "BPF program is too large. Processed * insn", ALWAYS,
	  "the verifier followed the program for $1 steps and gave up here: it takes too many "
	  "paths, or loops too often, to be checked", SPLIT_ADVICE },
	{ "The sequence of * jumps is too complex*", ALWAYS,
	  "the verifier met $1 jumps with both ways open and gave up here: the program takes too "
	  "many paths, or loops without a bound that the verifier sees", LOOP_ADVICE },
	{ "infinite loop detected at insn *", AT_FIRST,
	  "this loop comes round with nothing changed that the verifier could see, so it may never "
	  "end",
	  LOOP_ADVICE },
	{ "back-edge from insn * to *", AT_FIRST,
	  "it jumps back (to instruction $2$L), and loops are not allowed here: they take Linux "
	  "5.3 and CAP_PERFMON", "unroll the loop: #pragma unroll, with a constant bound" },
	{ "unreachable insn *", AT_FIRST, "no path leads to this instruction",
	  "remove the code that is never reached, or the endless loop before it" },
	{ "jump out of range from insn * to *", AT_FIRST,
	  "it jumps to instruction $2, which is not part of the function", ISA_ADVICE },
	{ "last insn is not an exit or jmp*", EVERYWHERE,
	  "the program's last instruction is not its end",
	  "return from every function, and call none that never returns" },
	{ "unknown opcode *", BY_OPCODE,
	  "the kernel does not know an instruction of the program (opcode 0x$1)", ISA_ADVICE },
	{ "BPF_* uses reserved fields", ALWAYS,
	  "the kernel does not know this form of instruction (BPF_$1)",
	  ISA_ADVICE },
	{ "invalid BPF_* insn*", ALWAYS,
	  "the kernel does not know this form of instruction (BPF_$1)",
	  ISA_ADVICE },
	{ "div by zero", ALWAYS, "it divides by the constant 0", "divide by something else" },
	{ "invalid shift *", ALWAYS, "it shifts by $1, which is as wide as the number, or wider",
	  "shift by less than 64 (32 for int)" },
	{ "frame pointer is read only", ALWAYS, "it sets r10, which always points to the stack",
	  "use another register" },
	{ "R* pointer arithmetic with * operator prohibited", ALWAYS,
	  "r$1 is a pointer, and to pointers numbers may only be added, or taken from them (here: "
	  "$2)",
	  "calculate with numbers, and add the result to the pointer" },
	{ "R* 32-bit pointer arithmetic prohibited", ALWAYS,
	  "r$1 is a pointer, and half of it is calculated with",
	  "keep pointers in 64-bit variables" },
	{ "R* pointer arithmetic on * prohibited*", ALWAYS,
	  "r$1 is a pointer of a kind ($2) that must not be calculated with",
	  "use it as it was handed out" },

	/*
	 * Architectures whose compiler is off by default, such as RISC-V. Since 7.2 (7.2.13) a call of
	 * bpf_get_current_task() is among what is not interpreted.
	 */
	{ "program requires BPF JIT compiler but it is not available", MACHINE,
	  "it takes the kernel's compiler of BPF programs (JIT), which is off",
	  "switch it on: sysctl net.core.bpf_jit_enable=1" },

	/* What it is to be attached to */
	{ "Tracing programs must provide btf_id", EVERYWHERE,
	  "the function to attach to is not named, or was not found in the kernel's types",
	  "see that this kernel has the function named by the section, and types (BTF) for it" },
	{ "attach_btf_id * is not a function", EVERYWHERE,
	  "what the section names is not a function of the kernel", "name a function that it has" },
	{ "attach btf_id * has no *", EVERYWHERE,
	  "what the section names cannot be attached to", "name a function that the kernel has" },
	{ "*is not found in kernel*", EVERYWHERE,
	  "what the section names is not in this kernel", "name a function that the kernel has" },
};

/* ---- patterns ---- */

static bool fits(const char *pattern, struct piece text, struct piece holes[MAX_HOLES], size_t hole)
{
	for (; *pattern && *pattern != '*'; pattern++, text.at++, text.len--)
		if (!text.len || *text.at != *pattern)
			return false;
	if (!*pattern)
		return !text.len;
	if (hole == MAX_HOLES)
		return false;
	holes[hole] = (struct piece){ text.at, text.len };
	if (!pattern[1])
		return true;
	for (size_t n = 0; n <= text.len; n++) {
		if (n < text.len && text.at[n] != pattern[1])
			continue;
		holes[hole].len = n;
		if (fits(pattern + 1, (struct piece){ text.at + n, text.len - n }, holes, hole + 1))
			return true;
	}
	return false;
}

static const struct bpf_insn *refused_insn(const struct verifier_log *log,
					   const struct program *prog)
{
	return log->insn >= 0 ? &prog->insns.at[log->insn] : NULL;
}

static int64_t signed_number(struct piece p)
{
	bool negative = piece_starts(p, "-");
	int64_t n = piece_number((struct piece){ p.at + negative, p.len - negative });

	return negative ? -n : n;
}

static bool is_off_stack(struct piece offset, struct piece size)
{
	int64_t at = signed_number(offset), len = signed_number(size);

	return at < -512 || at + len > 0;
}

static bool applies(const struct explanation *e, const struct verifier_log *log,
		    const struct program *prog, const struct piece holes[MAX_HOLES])
{
	const struct bpf_insn *insn = refused_insn(log, prog);

	switch (e->when) {
	case ON_EXIT:
		return insn && insn->code == (BPF_JMP | BPF_EXIT);
	case ON_CALL:
		return insn && insn->code == (BPF_JMP | BPF_CALL);
	case ON_STORE:
		return insn && (BPF_CLASS(insn->code) == BPF_ST ||
				BPF_CLASS(insn->code) == BPF_STX);
	case OFF_STACK:
		return is_off_stack(holes[1], holes[2]);
	case POISONED:
		return piece_number(holes[1]) == CORE_POISON;
	default:
		return true;
	}
}

/* ---- filling in ---- */

/* What the log says goes in without control characters. */
static void append(struct strbuf *text, struct piece p)
{
	for (size_t i = 0; i < p.len && text->len + 1 < text->size; i++) {
		unsigned char c = p.at[i];

		text->at[text->len++] = c < ' ' || c == 127 ? ' ' : c;
	}
	text->at[text->len] = 0;
}

static void append_string(struct strbuf *text, const char *s)
{
	append(text, (struct piece){ s, strlen(s) });
}

/* The relocation of the refused instruction, or the last before it. */
static const struct core_relo *relo_at(const struct program *prog, int64_t insn)
{
	const struct core_relo *found = NULL;

	for (size_t i = 0; i < prog->relos.len && prog->relos.at[i].insn <= insn; i++)
		found = &prog->relos.at[i];
	return found;
}

static void append_missing(struct strbuf *text, const struct program *prog, const struct btf *btf,
			   int64_t insn)
{
	const struct core_relo *relo = relo_at(prog, insn);
	char what[256];

	if (relo)
		append_string(text, core_describe(btf, relo, what, sizeof(what)));
	else
		append_string(text, "a CO-RE relocation that fits nothing");
}

/* "call bpf_probe_read#4" as "bpf_probe_read". */
static void append_called(struct strbuf *text, const struct verifier_log *log)
{
	struct piece p = log->insn_text;
	const char *hash, *call = memmem(p.at ? p.at : "", p.len, "call ", 5);

	if (!call) {
		append_string(text, "the function called");
		return;
	}
	p = (struct piece){ call + 5, p.len - (call + 5 - p.at) };
	hash = memchr(p.at, '#', p.len);
	append(text, (struct piece){ p.at, hash ? (size_t)(hash - p.at) : p.len });
	append_string(text, "()");
}

/* "scalar", a number: "inv" up to Linux 5.17, "imm" of old. */
static void append_kind(struct strbuf *text, struct piece kind)
{
	static const char *const numbers[] = { "scalar", "inv", "imm" };
	char words[128];

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (kind.len == strlen(numbers[i]) && piece_starts(kind, numbers[i])) {
			append_string(text, "a number");
			return;
		}
	verifier_describe(kind, words, sizeof(words));
	append_string(text, words);
}

static void append_bytes(struct strbuf *text, struct piece count)
{
	append(text, count);
	append_string(text, piece_number(count) == 1 ? " byte" : " bytes");
}

static void append_place(struct strbuf *text, const struct program *prog, const struct btf *btf,
			 struct piece hole)
{
	struct source_place place;
	char where[320];

	if (!source_find(&place, prog, btf, piece_number(hole)))
		return;
	snprintf(where, sizeof(where), " (%s:%u)", place.file, place.line);
	append_string(text, where);
}

static void fill(char *buf, size_t size, const char *words, const struct explanation *e,
		 const struct verifier_log *log, const struct program *prog, const struct btf *btf,
		 const struct piece holes[MAX_HOLES])
{
	struct strbuf text = { buf, size, 0, false };
	unsigned int last = 0;

	buf[0] = 0;
	for (; words && *words; words++) {
		if (*words != '$') {
			append(&text, (struct piece){ words, 1 });
			continue;
		}
		words++;
		if (*words == 'H' && e->when == POISONED)
			append_missing(&text, prog, btf, log->insn);
		else if (*words == 'H')
			append_called(&text, log);
		else if (*words == 'K')
			append_kind(&text, holes[*++words - '1']);
		else if (*words == 'B')
			append_bytes(&text, holes[*++words - '1']);
		else if (*words == 'L')
			append_place(&text, prog, btf, holes[last]);
		else
			append(&text, holes[last = *words - '1']);
	}
}

static int64_t find_opcode(const struct program *prog, struct piece hexadecimal)
{
	char digits[3] = "";

	if (hexadecimal.len < sizeof(digits))
		memcpy(digits, hexadecimal.at, hexadecimal.len);
	for (size_t i = 0; i < prog->insns.len; i++)
		if (prog->insns.at[i].code == strtoul(digits, NULL, 16))
			return i;
	return -1;
}

/* Several indented lines as one. */
static void flatten(char *buf, size_t size, struct piece p)
{
	struct strbuf text = { buf, size, 0, false };

	buf[0] = 0;
	for (size_t i = 0; i < p.len; i++) {
		bool blank = p.at[i] == ' ' || p.at[i] == '\n';

		if (!blank || (text.len && buf[text.len - 1] != ' '))
			append(&text, (struct piece){ &p.at[i], 1 });
	}
	while (text.len && (buf[text.len - 1] == ' ' || buf[text.len - 1] == '.'))
		buf[--text.len] = 0;
}

static bool explain_by(struct verdict *verdict, const struct explanation *e,
		       const struct verifier_log *log, const struct program *prog,
		       const struct btf *btf)
{
	struct piece holes[MAX_HOLES] = { { "", 0 } };

	for (size_t i = 0; i < log->sentence_count; i++) {
		struct piece sentence = log->sentences[i];

		if (sentence.len > MAX_SENTENCE)
			sentence.len = MAX_SENTENCE;
		if (!fits(e->pattern, sentence, holes, 0) ||
		    !applies(e, log, prog, holes))
			continue;
		fill(verdict->meaning, sizeof(verdict->meaning), e->meaning, e, log, prog, btf,
		     holes);
		fill(verdict->advice, sizeof(verdict->advice), e->advice, e, log, prog, btf, holes);
		if (e->when == EVERYWHERE || e->when == MACHINE)
			verdict->insn = -1;
		verdict->machine = e->when == MACHINE;
		if (e->when == AT_FIRST)
			verdict->insn = piece_number(holes[0]);
		if (e->when == BY_OPCODE)
			verdict->insn = find_opcode(prog, holes[0]);
		return true;
	}
	return false;
}

void verifier_explain(struct verdict *verdict, const struct verifier_log *log,
		      const struct program *prog, const struct btf *btf)
{
	memset(verdict, 0, sizeof(*verdict));
	verdict->insn = log->insn;
	for (size_t i = 0; i < sizeof(explanations) / sizeof(*explanations); i++)
		if (explain_by(verdict, &explanations[i], log, prog, btf))
			break;
	if (!verdict->meaning[0])
		flatten(verdict->meaning, sizeof(verdict->meaning), log->reason);
	if (!verdict->advice[0])
		flatten(verdict->advice, sizeof(verdict->advice), log->suggestion);
	if ((uint64_t)verdict->insn >= prog->insns.len)
		verdict->insn = -1;
}

/* ---- registers in words ---- */

/* The value of a field: "umax" in "id=0,umax_value=7" or in "smax=umax=7". Empty: none. */
static struct piece field(struct piece state, const char *name)
{
	size_t len = strlen(name);
	const char *found = state.at, *end = state.at + state.len;

	while ((found = memmem(found, end - found, name, len))) {
		bool whole = found == state.at || strchr("(,=", found[-1]);
		struct piece value = { found + len, end - found - len };

		found += len;
		if (piece_starts(value, "_value"))
			value = (struct piece){ value.at + 6, value.len - 6 };
		if (!whole || !piece_starts(value, "="))
			continue;
		while (piece_starts(value, "=")) {
			const char *next = NULL;
			size_t n = 1;

			while (n < value.len && !strchr(",)", value.at[n])) {
				if (!next && value.at[n] == '=')
					next = value.at + n;
				n++;
			}
			if (!next)
				return (struct piece){ value.at + 1, n - 1 };
			value = (struct piece){ next, end - next };
		}
	}
	return (struct piece){ "", 0 };
}

/* Whether a bound of 64 bits says next to nothing: it is within 1 in 4 of what they hold. */
static bool is_vague(struct piece p)
{
	char digits[24] = "";
	bool negative = piece_starts(p, "-");

	if (p.len < sizeof(digits))
		memcpy(digits, p.at + negative, p.len - negative);
	return !p.len || strtoull(digits, NULL, 0) >= 1ull << 62;
}

static void describe_number(struct strbuf *text, struct piece state)
{
	struct piece least = field(state, "umin"), most = field(state, "umax");

	append_string(text, "a number");
	if (!least.len && !most.len && !field(state, "smin").len && !field(state, "smax").len) {
		append_string(text, ", any at all");
		return;
	}
	if (is_vague(most) && !least.len) {
		least = field(state, "smin");
		most = field(state, "smax");
		if (is_vague(least))
			append_string(text, ", perhaps negative");
	} else if (!least.len) {
		least = (struct piece){ "0", 1 };
	}
	if (!is_vague(most) && !is_vague(least)) {
		append_string(text, " from ");
		append(text, least);
		append_string(text, " to ");
		append(text, most);
	} else if (!is_vague(least)) {
		append_string(text, ", at least ");
		append(text, least);
	} else if (!is_vague(most)) {
		append_string(text, ", at most ");
		append(text, most);
	}
}

static bool is_constant(struct piece p)
{
	size_t i = piece_starts(p, "-");

	return i < p.len && p.at[i] >= '0' && p.at[i] <= '9';
}

/* "inv5", "Pscalar()", "invP0": what the verifier is to be precise about is no matter here. */
static struct piece without_marks(struct piece p)
{
	if (piece_starts(p, "P"))
		p = (struct piece){ p.at + 1, p.len - 1 };
	for (unsigned int i = 0; i < 2; i++) {
		const char *prefix = i ? "imm" : "inv";

		if (!piece_starts(p, prefix))
			continue;
		if (is_constant((struct piece){ p.at + 3, p.len - 3 }))
			return (struct piece){ p.at + 3, p.len - 3 };
		if (piece_starts(p, "invP") && is_constant((struct piece){ p.at + 4, p.len - 4 }))
			return (struct piece){ p.at + 4, p.len - 4 };
	}
	return p;
}

static struct piece base_name(struct piece p)
{
	size_t n = 0;

	while (n < p.len && p.at[n] != '(' && p.at[n] != ',')
		n++;
	return (struct piece){ p.at, n };
}

static bool drop(struct piece *p, const char *part)
{
	const char *found = memmem(p->at, p->len, part, strlen(part));

	if (!found || (found != p->at && found + strlen(part) != p->at + p->len))
		return false;
	if (found == p->at)
		p->at += strlen(part);
	p->len -= strlen(part);
	return true;
}

/* "trusted_ptr_or_null_task_struct": how sure the kernel is of it stands before "ptr_". */
static bool describe_kernel_pointer(struct strbuf *text, struct piece name)
{
	bool trusted = drop(&name, "trusted_"), rcu = drop(&name, "rcu_");
	bool untrusted = drop(&name, "untrusted_"), null;

	if (!drop(&name, "ptr_"))
		return false;
	null = drop(&name, "or_null_");
	append_string(text, untrusted ? "an untrusted pointer to the kernel's struct " :
		      trusted	      ? "a trusted pointer to the kernel's struct " :
		      rcu	      ? "a pointer under RCU to the kernel's struct " :
					"a pointer to the kernel's struct ");
	append(text, name);
	if (null)
		append_string(text, ", or NULL");
	return true;
}

static void append_size(struct strbuf *text, struct piece size)
{
	if (!size.len)
		return;
	append_string(text, " of ");
	append_bytes(text, size);
}

/* Where inside, unless at the very beginning. */
static void append_offset(struct strbuf *text, struct piece state)
{
	struct piece off = field(state, "off"), imm = field(state, "imm");
	struct piece most = field(state, "umax");

	if (!off.len || (off.len == 1 && *off.at == '0'))
		off = imm;
	if (off.len && !(off.len == 1 && *off.at == '0')) {
		append_string(text, ", at offset ");
		append(text, off);
	}
	if (most.len) {
		append_string(text, ", moved on by up to ");
		append(text, most);
	}
}

static void describe_pointer(struct strbuf *text, struct piece state)
{
	static const struct {
		const char *name, *words, *size;
	} kinds[] = {
		{ "ctx", "the program's context", NULL },
		{ "map_ptr", "a map", NULL },
		{ "map_value", "a pointer to a map's value", "vs" },
		{ "map_key", "a pointer to a map's key", "ks" },
		{ "pkt", "a pointer into the packet", NULL },
		{ "pkt_meta", "a pointer to the packet's metadata", NULL },
		{ "pkt_end", "the end of the packet", NULL },
		{ "mem", "a pointer to memory", "sz" },
		{ "ringbuf_mem", "a pointer to a record in the ring buffer", "sz" },
		{ "alloc_mem", "a pointer to memory", "sz" },
		{ "sock", "a pointer to a socket", NULL },
		{ "func", "a function", NULL },
	};
	struct piece name = base_name(state);
	bool null = false;

	if (name.len > 8 && !memcmp(name.at + name.len - 8, "_or_null", 8)) {
		null = true;
		name.len -= 8;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (name.len != strlen(kinds[i].name) || memcmp(name.at, kinds[i].name, name.len))
			continue;
		append_string(text, kinds[i].words);
		if (kinds[i].size)
			append_size(text, field(state, kinds[i].size));
		if (null)
			append_string(text, ", or NULL");
		append_offset(text, state);
		return;
	}
	if (describe_kernel_pointer(text, name))
		return;
	append_string(text, "a pointer of kind ");
	append(text, name);
	if (null)
		append_string(text, ", or NULL");
}

void verifier_describe(struct piece state, char *buf, size_t size)
{
	struct strbuf text = { buf, size, 0, false };
	struct piece name;

	buf[0] = 0;
	state = without_marks(state);
	name = base_name(state);
	if (is_constant(state)) {
		append_string(&text, "the number ");
		append(&text, name);
	} else if (piece_starts(name, "scalar") || piece_starts(name, "inv") ||
		   piece_starts(name, "imm")) {
		describe_number(&text, state);
	} else if (piece_starts(name, "fp")) {
		append_string(&text, "a pointer to the stack, ");
		append(&text, name);
		append_offset(&text, state);
	} else if (name.len) {
		describe_pointer(&text, state);
	}
}
