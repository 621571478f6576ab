/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTRACE_BPF_TRACING_H
#define PORTRACE_BPF_TRACING_H

/*
 * Arguments of traced functions by name and type instead of by register. What begins with
 * PT_REGS_ and ends in _CORE, and BPF_KSYSCALL, need <bpf/bpf_core_read.h> included, too.
 */
#include <bpf/bpf_helpers.h>
#include <bpf/pt_regs.h>

struct pt_regs;

/* ---- registers ---- */

/*
 * Of a context, or of other registers that the verifier lets be read: plain loads from where the
 * machine's ABI has them, which need neither CO-RE nor anybody's declaration of struct pt_regs.
 * Volatile registers stay volatile.
 */
#define ___bpf_reg(x, reg) (___bpf_regs_at(x)->reg)
#define ___bpf_regs_at(x)                                                                    \
	_Generic((x), volatile struct pt_regs *                                              \
		 : (const volatile struct ___bpf_regs *)(x), const volatile struct pt_regs * \
		 : (const volatile struct ___bpf_regs *)(x), default                         \
		 : (const struct ___bpf_regs *)(x))

#define PT_REGS_PARM1(x) ___bpf_reg(x, ___bpf_parm1)
#define PT_REGS_PARM2(x) ___bpf_reg(x, ___bpf_parm2)
#define PT_REGS_PARM3(x) ___bpf_reg(x, ___bpf_parm3)
#define PT_REGS_PARM4(x) ___bpf_reg(x, ___bpf_parm4)
#define PT_REGS_PARM5(x) ___bpf_reg(x, ___bpf_parm5)
#define PT_REGS_PARM6(x) ___bpf_reg(x, ___bpf_parm6)
#define PT_REGS_PARM7(x) ___bpf_reg(x, ___bpf_parm7)
#define PT_REGS_PARM8(x) ___bpf_reg(x, ___bpf_parm8)
#define PT_REGS_RET(x) ___bpf_reg(x, ___bpf_ret)
#define PT_REGS_FP(x) ___bpf_reg(x, ___bpf_fp)
#define PT_REGS_RC(x) ___bpf_reg(x, ___bpf_rc)
#define PT_REGS_SP(x) ___bpf_reg(x, ___bpf_sp)
#define PT_REGS_IP(x) ___bpf_reg(x, ___bpf_ip)

#define PT_REGS_PARM1_SYSCALL(x) ___bpf_reg(x, ___bpf_sys1)
#define PT_REGS_PARM2_SYSCALL(x) ___bpf_reg(x, ___bpf_sys2)
#define PT_REGS_PARM3_SYSCALL(x) ___bpf_reg(x, ___bpf_sys3)
#define PT_REGS_PARM4_SYSCALL(x) ___bpf_reg(x, ___bpf_sys4)
#define PT_REGS_PARM5_SYSCALL(x) ___bpf_reg(x, ___bpf_sys5)
#define PT_REGS_PARM6_SYSCALL(x) ___bpf_reg(x, ___bpf_sys6)
#define PT_REGS_PARM7_SYSCALL(x) ___bpf_reg(x, ___bpf_sys7)

/* Of registers anywhere in kernel memory, and where the running kernel has them. */
#define ___bpf_reg_core(x, reg) BPF_CORE_READ((struct ___bpf_regs *)(x), reg)

#define PT_REGS_PARM1_CORE(x) ___bpf_reg_core(x, ___bpf_parm1)
#define PT_REGS_PARM2_CORE(x) ___bpf_reg_core(x, ___bpf_parm2)
#define PT_REGS_PARM3_CORE(x) ___bpf_reg_core(x, ___bpf_parm3)
#define PT_REGS_PARM4_CORE(x) ___bpf_reg_core(x, ___bpf_parm4)
#define PT_REGS_PARM5_CORE(x) ___bpf_reg_core(x, ___bpf_parm5)
#define PT_REGS_PARM6_CORE(x) ___bpf_reg_core(x, ___bpf_parm6)
#define PT_REGS_PARM7_CORE(x) ___bpf_reg_core(x, ___bpf_parm7)
#define PT_REGS_PARM8_CORE(x) ___bpf_reg_core(x, ___bpf_parm8)
#define PT_REGS_RET_CORE(x) ___bpf_reg_core(x, ___bpf_ret)
#define PT_REGS_FP_CORE(x) ___bpf_reg_core(x, ___bpf_fp)
#define PT_REGS_RC_CORE(x) ___bpf_reg_core(x, ___bpf_rc)
#define PT_REGS_SP_CORE(x) ___bpf_reg_core(x, ___bpf_sp)
#define PT_REGS_IP_CORE(x) ___bpf_reg_core(x, ___bpf_ip)

#define PT_REGS_PARM1_CORE_SYSCALL(x) ___bpf_reg_core(x, ___bpf_sys1)
#define PT_REGS_PARM2_CORE_SYSCALL(x) ___bpf_reg_core(x, ___bpf_sys2)
#define PT_REGS_PARM3_CORE_SYSCALL(x) ___bpf_reg_core(x, ___bpf_sys3)
#define PT_REGS_PARM4_CORE_SYSCALL(x) ___bpf_reg_core(x, ___bpf_sys4)
#define PT_REGS_PARM5_CORE_SYSCALL(x) ___bpf_reg_core(x, ___bpf_sys5)
#define PT_REGS_PARM6_CORE_SYSCALL(x) ___bpf_reg_core(x, ___bpf_sys6)
#define PT_REGS_PARM7_CORE_SYSCALL(x) ___bpf_reg_core(x, ___bpf_sys7)

/*
 * The registers of the system call, in a kprobe on __x64_sys_... and the like: these functions
 * take a pointer to them as their only argument; others are ordinary functions.
 */
#ifdef ___bpf_has_wrapper
#define PT_REGS_SYSCALL_REGS(ctx) ((struct pt_regs *)(unsigned long)PT_REGS_PARM1(ctx))
#else
#define PT_REGS_SYSCALL_REGS(ctx) (ctx)
#endif

/* Where the function returns to: in a register, or on the stack on x86. */
#ifdef ___bpf_ret_on_stack
#define BPF_KPROBE_READ_RET_IP(ip, ctx)                                                      \
	({                                                                                   \
		bpf_probe_read_kernel(&(ip), sizeof(ip),                                     \
				      (void *)(unsigned long)PT_REGS_RET(ctx));              \
	})
#else
#define BPF_KPROBE_READ_RET_IP(ip, ctx) ({ (ip) = PT_REGS_RET(ctx); })
#endif
/* Where it has returned to: behind the frame pointer that its caller's frame begins with. */
#ifdef ___bpf_no_frames
#define BPF_KRETPROBE_READ_RET_IP BPF_KPROBE_READ_RET_IP
#else
#define BPF_KRETPROBE_READ_RET_IP(ip, ctx)                                                   \
	({                                                                                   \
		bpf_probe_read_kernel(&(ip), sizeof(ip),                                     \
				      (void *)(PT_REGS_FP(ctx) + sizeof(ip)));               \
	})
#endif

/* ---- programs that name their arguments ---- */

/*
 * int BPF_KPROBE(do_unlinkat, int dfd, struct filename *name) { body } becomes
 *
 *	int do_unlinkat(struct pt_regs *ctx)
 *	{
 *		return ____do_unlinkat(ctx, (void *)PT_REGS_PARM1(ctx),
 *				       (void *)PT_REGS_PARM2(ctx));
 *	}
 *	static inline int ____do_unlinkat(struct pt_regs *ctx, int dfd, struct filename *name)
 *	{ body }
 *
 * so that the body has its arguments, and ctx besides. A pointer becomes whatever type the
 * argument has without a cast that would have to name it: hence the warning that is turned off.
 */
#define ___bpf_inner(name, ctx_type, ...)                                                    \
	static __always_inline __typeof__(name(0)) ____##name(                               \
		ctx_type *ctx __attribute__((unused)), ##__VA_ARGS__)
#define ___bpf_quietly(...)                                                                  \
	_Pragma("GCC diagnostic push")                                                       \
	_Pragma("GCC diagnostic ignored \"-Wint-conversion\"")                               \
	__VA_ARGS__                                                                          \
	_Pragma("GCC diagnostic pop")

/* `arg` says where the arguments of this kind of program are. */
#define ___bpf_program(name, ctx_type, arg, ...)                                             \
	name(ctx_type *ctx);                                                                 \
	___bpf_inner(name, ctx_type, ##__VA_ARGS__);                                         \
	__typeof__(name(0)) name(ctx_type *ctx)                                              \
	{                                                                                    \
		___bpf_quietly(return ____##name(ctx ___bpf_each(arg, ##__VA_ARGS__));)      \
	}                                                                                    \
	___bpf_inner(name, ctx_type, ##__VA_ARGS__)

#define ___bpf_as_pointer(value) , (void *)(unsigned long)(value)
#define ___bpf_slot_arg(i, x) ___bpf_as_pointer(ctx[(i) - 1])
#define ___bpf_parm_arg(i, x) ___bpf_as_pointer(PT_REGS_PARM##i(ctx))
#define ___bpf_result_arg(i, x) ___bpf_as_pointer(PT_REGS_RC(ctx))

/* fentry, fexit, tp_btf, lsm and whatever else has an array of u64: up to 12 arguments. */
#define BPF_PROG(name, ...) ___bpf_program(name, unsigned long long, ___bpf_slot_arg, ##__VA_ARGS__)

/* kprobe and uprobe: up to 8 arguments, and no more than come in registers on the machine. */
#define BPF_KPROBE(name, ...) ___bpf_program(name, struct pt_regs, ___bpf_parm_arg, ##__VA_ARGS__)
#define BPF_UPROBE(name, ...) BPF_KPROBE(name, ##__VA_ARGS__)

/* kretprobe and uretprobe: the result, if wanted. The arguments are gone. */
#define BPF_KRETPROBE(name, ...)                                                             \
	___bpf_program(name, struct pt_regs, ___bpf_result_arg, ##__VA_ARGS__)
#define BPF_URETPROBE(name, ...) BPF_KRETPROBE(name, ##__VA_ARGS__)

/*
 * A kprobe on the function of a system call, up to 7 arguments. The running kernel's way of
 * calling it is known when the program is loaded: by a pointer to the registers, or as an
 * ordinary function. Only the arguments are got in two ways, the body is there once. On i386 and
 * arm such a function has arguments on the stack, but finds the caller's registers as they were.
 */
#define ___bpf_wrapped_arg(i, x) ___args[(i) - 1] = PT_REGS_PARM##i##_CORE_SYSCALL(___regs);
#ifdef ___bpf_syscall_on_stack
#define ___bpf_unwrapped_arg(i, x) ___args[(i) - 1] = PT_REGS_PARM##i##_SYSCALL(ctx);
#else
#define ___bpf_unwrapped_arg(i, x) ___args[(i) - 1] = PT_REGS_PARM##i(ctx);
#endif
#define ___bpf_kept_arg(i, x) ___bpf_as_pointer(___args[(i) - 1])

#define BPF_KSYSCALL(name, ...)                                                              \
	name(struct pt_regs *ctx);                                                           \
	extern _Bool LINUX_HAS_SYSCALL_WRAPPER __kconfig;                                    \
	___bpf_inner(name, struct pt_regs, ##__VA_ARGS__);                                   \
	__typeof__(name(0)) name(struct pt_regs *ctx)                                        \
	{                                                                                    \
		unsigned long ___args[___bpf_narg(__VA_ARGS__) + 1] __attribute__((unused)); \
		if (LINUX_HAS_SYSCALL_WRAPPER) {                                             \
			unsigned long ___regs __attribute__((unused)) = PT_REGS_PARM1(ctx);  \
			___bpf_each(___bpf_wrapped_arg, ##__VA_ARGS__)                       \
		} else {                                                                     \
			___bpf_each(___bpf_unwrapped_arg, ##__VA_ARGS__)                     \
		}                                                                            \
		___bpf_quietly(                                                              \
			return ____##name(ctx ___bpf_each(___bpf_kept_arg, ##__VA_ARGS__));) \
	}                                                                                    \
	___bpf_inner(name, struct pt_regs, ##__VA_ARGS__)
#define BPF_KPROBE_SYSCALL BPF_KSYSCALL

/*
 * As BPF_PROG, with types and names apart, BPF_PROG2(name, int, a, struct pair, b): a struct of up
 * to 16 bytes takes as many u64 as it fills. Which are whose, the layout of a struct tells.
 */
#define ___bpf_declare_pair(t, x) , t x
#define ___bpf_slots_of_pair(t, x) unsigned long long x[(sizeof(t) + 7) / 8];
#define ___bpf_pair_arg(t, x)                                                                \
	, ({                                                                                 \
		union {                                                                      \
			__u8 size1;                                                          \
			__u16 size2;                                                         \
			__u32 size4;                                                         \
			__u64 size8, size16[2];                                              \
			t value;                                                             \
		} ___arg;                                                                    \
		const unsigned long long *___slot =                                          \
			&ctx[__builtin_offsetof(struct ___slots, x) / 8];                    \
		_Static_assert(sizeof(t) <= 16, "an argument of more than 16 bytes");        \
		if (sizeof(t) == 1)                                                          \
			___arg.size1 = ___slot[0];                                           \
		else if (sizeof(t) == 2)                                                     \
			___arg.size2 = ___slot[0];                                           \
		else if (sizeof(t) == 4)                                                     \
			___arg.size4 = ___slot[0];                                           \
		else                                                                         \
			___arg.size8 = ___slot[0];                                           \
		if (sizeof(t) > 8)                                                           \
			___arg.size16[1] = ___slot[1];                                       \
		___arg.value;                                                                \
	})
#define ___bpf_inner2(name, ...)                                                             \
	static __always_inline __typeof__(name(0)) ____##name(                               \
		unsigned long long *ctx __attribute__((unused))                              \
		___bpf_each_pair(___bpf_declare_pair, ##__VA_ARGS__))

#define BPF_PROG2(name, ...)                                                                 \
	name(unsigned long long *ctx);                                                       \
	___bpf_inner2(name, ##__VA_ARGS__);                                                  \
	__typeof__(name(0)) name(unsigned long long *ctx)                                    \
	{                                                                                    \
		struct ___slots {                                                            \
			___bpf_each_pair(___bpf_slots_of_pair, ##__VA_ARGS__)                \
		};                                                                           \
		return ____##name(ctx ___bpf_each_pair(___bpf_pair_arg, ##__VA_ARGS__));     \
	}                                                                                    \
	___bpf_inner2(name, ##__VA_ARGS__)

#endif
