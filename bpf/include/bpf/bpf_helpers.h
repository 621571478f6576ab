/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTRACE_BPF_HELPERS_H
#define PORTRACE_BPF_HELPERS_H

/*
 * What a BPF program needs besides C: the kernel's helpers, where the parts of a program go in
 * the object file, how a map is described. The names are those that BPF programs use everywhere.
 *
 * The kernel's constants and structs (BPF_MAP_TYPE_*, XDP_PASS, struct __sk_buff ...) come from
 * what the program includes before this: vmlinux.h or <linux/bpf.h>. It also works with neither.
 */
#include <bpf/bpf_helper_defs.h>
#include <bpf/each.h>

/* ---- where things go ---- */

/* `used` means nothing for an extern, of which clang would warn: map declarations have it. */
#define SEC(name)                                                                            \
	_Pragma("GCC diagnostic push")                                                       \
	_Pragma("GCC diagnostic ignored \"-Wignored-attributes\"")                           \
	__attribute__((section(name), used))                                                 \
	_Pragma("GCC diagnostic pop")

#define __kconfig __attribute__((section(".kconfig"))) /* extern: the kernel's configuration */
#define __ksym __attribute__((section(".ksyms")))      /* extern: a symbol of the kernel */

/* LINUX_HAS_... and the like may be module, too. */
enum libbpf_tristate { TRI_NO, TRI_YES, TRI_MODULE };

/* ---- maps: variables in SEC(".maps"), whose type says it all ---- */

#define __uint(name, value) int (*name)[value]
#define __type(name, value) __typeof__(value) *name
#define __array(name, value) __typeof__(value) *name[]
/* A number that does not fit an array's length. */
#define __ulong(name, value) enum { ___bpf_apply(__unique_value, __COUNTER__) = value } name

/* __uint(pinning, ...) */
enum libbpf_pin_type { LIBBPF_PIN_NONE, LIBBPF_PIN_BY_NAME };

/* ---- attributes ---- */

/* <linux/stddef.h> has another one, for C++ and old compilers. */
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif
/* A function that is global for the linker is static for the verifier: it is not checked alone. */
#define __hidden __attribute__((visibility("hidden")))

/* Pointers kept in map values. */
#define __kptr __attribute__((btf_type_tag("kptr")))
#define __kptr_ref __attribute__((btf_type_tag("kptr_ref"))) /* its name in Linux 5.19 to 6.2 */
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))
#define __uptr __attribute__((btf_type_tag("uptr")))

/* What callers of a global function promise of an argument. */
#define __arg_ctx __attribute__((btf_decl_tag("arg:ctx")))
#define __arg_nonnull __attribute__((btf_decl_tag("arg:nonnull")))
#define __arg_nullable __attribute__((btf_decl_tag("arg:nullable")))
#define __arg_trusted __attribute__((btf_decl_tag("arg:trusted")))
#define __arg_untrusted __attribute__((btf_decl_tag("arg:untrusted")))
#define __arg_arena __attribute__((btf_decl_tag("arg:arena")))

/* ---- C that vmlinux.h does not bring ---- */

#ifndef NULL
#define NULL ((void *)0)
#endif
#ifndef offsetof
#define offsetof(type, member) ((unsigned long)&((type *)0)->member)
#endif
#ifndef container_of
#define container_of(ptr, type, member)                                                      \
	((type *)((char *)(ptr) - offsetof(type, member)))
#endif
#ifndef likely
#define likely(x) __builtin_expect(!!(x), 1)
#endif
#ifndef unlikely
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif
#ifndef KERNEL_VERSION
#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + ((c) > 255 ? 255 : (c)))
#endif

/* The compiler may not move memory accesses across it, or not know this variable's value. */
#ifndef barrier
#define barrier() __asm__ volatile("" ::: "memory")
#endif
#ifndef barrier_var
#define barrier_var(var) __asm__ volatile("" : "+r"(var))
#endif

/* For code that must have been optimised away: clang cannot compile it for BPF. */
#ifndef __bpf_unreachable
#define __bpf_unreachable() __builtin_trap()
#endif

/* Whether the kernel has it. Only of a weak symbol is that a question. */
#define bpf_ksym_exists(sym)                                                                 \
	({                                                                                   \
		_Static_assert(!__builtin_constant_p(!!(sym)), #sym " is not __weak");       \
		!!(sym);                                                                     \
	})

/* ---- calls ---- */

/*
 * A tail call whose map and slot are constants of this very call, which the JIT then makes a
 * plain jump. In C, clang might share one call among branches, each with its own slot.
 */
#ifdef __bpf__
static __always_inline void bpf_tail_call_static(void *ctx, const void *map, const __u32 slot)
{
	if (!__builtin_constant_p(slot))
		__bpf_unreachable();
	__asm__ volatile("r1 = %0\n\t"
			 "r2 = %1\n\t"
			 "r3 = %2\n\t"
			 "call 12" /* bpf_tail_call */
			 :
			 : "r"(ctx), "r"(map), "i"(slot)
			 : "r0", "r1", "r2", "r3", "r4", "r5");
}
#endif

/*
 * printf's family. The helpers take the arguments as an array of u64; only bpf_trace_printk
 * takes them as its own, and so at most three.
 */
#define ___bpf_store_arg(i, x) ___bpf_args[(i) - 1] = (unsigned long long)(x);
#define ___bpf_with_args(call, format, ...)                                                  \
	({                                                                                   \
		static const char ___bpf_format[] = format;                                  \
		unsigned long long ___bpf_args[___bpf_narg(__VA_ARGS__)];                    \
		___bpf_each(___bpf_store_arg, ##__VA_ARGS__)                                 \
		call;                                                                        \
	})
#define ___bpf_format_and_size ___bpf_format, sizeof(___bpf_format)
#define ___bpf_args_and_size ___bpf_args, sizeof(___bpf_args)

#define BPF_SEQ_PRINTF(seq, format, ...)                                                     \
	___bpf_with_args(bpf_seq_printf(seq, ___bpf_format_and_size, ___bpf_args_and_size),  \
			 format, ##__VA_ARGS__)
#define BPF_SNPRINTF(out, size, format, ...)                                                 \
	___bpf_with_args(bpf_snprintf(out, size, ___bpf_format, ___bpf_args_and_size),       \
			 format, ##__VA_ARGS__)
#define __bpf_vprintk(format, ...)                                                           \
	___bpf_with_args(bpf_trace_vprintk(___bpf_format_and_size, ___bpf_args_and_size),    \
			 format, ##__VA_ARGS__)
#define bpf_stream_printk(stream, format, ...)                                               \
	___bpf_with_args(bpf_stream_vprintk(stream, ___bpf_format, ___bpf_args_and_size),    \
			 format, ##__VA_ARGS__)

/* Global data came with Linux 5.2: with BPF_NO_GLOBAL_DATA the format is on the stack. */
#ifdef BPF_NO_GLOBAL_DATA
#define BPF_PRINTK_FMT_MOD
#else
#define BPF_PRINTK_FMT_MOD static const
#endif
#define __bpf_printk(format, ...)                                                            \
	({                                                                                   \
		BPF_PRINTK_FMT_MOD char ___bpf_format[] = format;                            \
		bpf_trace_printk(___bpf_format_and_size, ##__VA_ARGS__);                     \
	})

/* Up to 12 arguments; more than three need Linux 5.16. */
#define bpf_printk(format, ...)                                                              \
	___bpf_nth(_, ##__VA_ARGS__, __bpf_vprintk, __bpf_vprintk, __bpf_vprintk,            \
		   __bpf_vprintk, __bpf_vprintk, __bpf_vprintk, __bpf_vprintk, __bpf_vprintk, \
		   __bpf_vprintk, __bpf_printk, __bpf_printk, __bpf_printk, __bpf_printk)    \
	(format, ##__VA_ARGS__)

/* ---- loops over the kernel's iterators (Linux 6.4) ---- */

struct bpf_iter_num;
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __weak __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __weak __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __weak __ksym;

/*
 * An iterator that lives as long as the loop. The pointer is there for its initialiser alone,
 * which runs once; that names the destructor too, as clang writes no BTF for a function that
 * only the cleanup attribute names.
 */
#define ___bpf_iterator(type, ...)                                                           \
	struct bpf_iter_##type ___it                                                         \
		__attribute__((aligned(8), cleanup(bpf_iter_##type##_destroy))),             \
		*___begin __attribute__((unused)) =                                          \
			(bpf_iter_##type##_new(&___it, ##__VA_ARGS__),                       \
			 (void)bpf_iter_##type##_destroy, (void *)0)

/* bpf_for_each(task_vma, vma, task, 0): the elements of an iterator, created with the rest. */
#ifndef bpf_for_each
#define bpf_for_each(type, cur, ...)                                                         \
	for (___bpf_iterator(type, ##__VA_ARGS__); ((cur) = bpf_iter_##type##_next(&___it));)
#endif

/* for (i = start; i < end; i++) of any length; the verifier knows the bounds of i. */
#ifndef bpf_for
#define bpf_for(i, start, end)                                                               \
	for (___bpf_iterator(num, (start), (end)); ({                                        \
		     int *___next = bpf_iter_num_next(&___it);                               \
		     (___next && ((i) = *___next, (i) >= (start) && (i) < (end)));           \
	     });)
#endif

#ifndef bpf_repeat
#define bpf_repeat(n) for (___bpf_iterator(num, 0, (n)); bpf_iter_num_next(&___it);)
#endif

#endif
