/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTRACE_BPF_PT_REGS_H
#define PORTRACE_BPF_PT_REGS_H

/*
 * Where each architecture keeps what PT_REGS_* asks for: the kernel's struct pt_regs, as far as
 * needed and under its names, so that CO-RE finds the members (what follows ___ does not count).
 * Registers are as wide as the machine's, which BPF's own `long` is not: a program for a 32-bit
 * machine reads it right without CO-RE, too.
 *
 * The layouts are from the kernel's arch/ARCH/include/asm/ptrace.h. What they have in common with
 * the header for user space is the kernel's promise (and on mips not the same: cp0_epc).
 *
 *	parmN     integer arguments of a C function      sysN   of a system call, where another
 *	rc        its result                             ret    its return address; on x86, the
 *	fp sp ip  frame and stack pointer, program counter      place on the stack where that is
 *
 * The first argument of a system call has a second register where the result takes its place.
 * The machine is the one of -D__TARGET_ARCH_..., as clang -target bpf knows none; else the one
 * that is compiled for.
 */
#if defined(__TARGET_ARCH_i386)
#define bpf_target_x86
#define ___bpf_i386
#elif defined(__TARGET_ARCH_x86)
#define bpf_target_x86
#elif defined(__TARGET_ARCH_arm64)
#define bpf_target_arm64
#elif defined(__TARGET_ARCH_arm)
#define bpf_target_arm
#elif defined(__TARGET_ARCH_riscv)
#define bpf_target_riscv
#elif defined(__TARGET_ARCH_s390)
#define bpf_target_s390
#elif defined(__TARGET_ARCH_powerpc)
#define bpf_target_powerpc
#elif defined(__TARGET_ARCH_mips)
#define bpf_target_mips
#elif defined(__TARGET_ARCH_loongarch)
#define bpf_target_loongarch
#elif defined(__TARGET_ARCH_sparc)
#define bpf_target_sparc
#elif defined(__x86_64__) || defined(__i386__)
#define bpf_target_x86
#elif defined(__aarch64__)
#define bpf_target_arm64
#elif defined(__arm__)
#define bpf_target_arm
#elif defined(__riscv) && __riscv_xlen == 64
#define bpf_target_riscv
#elif defined(__s390__)
#define bpf_target_s390
#elif defined(__powerpc__)
#define bpf_target_powerpc
#elif defined(__mips__)
#define bpf_target_mips
#elif defined(__loongarch__)
#define bpf_target_loongarch
#elif defined(__sparc__)
#define bpf_target_sparc
#endif

#if defined(bpf_target_x86) && defined(__i386__)
#define ___bpf_i386
#endif

#if defined(___bpf_i386)

/* The kernel is built with -mregparm=3. */
#define ___bpf_regs pt_regs___i386
struct ___bpf_regs {
	unsigned int bx, cx, dx, si, di, bp, ax;
	unsigned short ds, __dsh, es, __esh, fs, __fsh, gs, __gsh;
	unsigned int orig_ax, ip;
	unsigned short cs, __csh;
	unsigned int flags, sp;
};
#define ___bpf_parm1 ax
#define ___bpf_parm2 dx
#define ___bpf_parm3 cx
#define ___bpf_sys1 bx
#define ___bpf_sys2 cx
#define ___bpf_sys3 dx
#define ___bpf_sys4 si
#define ___bpf_sys5 di
#define ___bpf_sys6 bp
#define ___bpf_rc ax
#define ___bpf_ret sp
#define ___bpf_fp bp
#define ___bpf_sp sp
#define ___bpf_ip ip
#define ___bpf_has_wrapper
#define ___bpf_syscall_on_stack
#define ___bpf_ret_on_stack

#elif defined(bpf_target_x86)

#define ___bpf_regs pt_regs___x86_64
struct ___bpf_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax, ip, cs, flags, sp;
};
#define ___bpf_parm1 di
#define ___bpf_parm2 si
#define ___bpf_parm3 dx
#define ___bpf_parm4 cx
#define ___bpf_parm5 r8
#define ___bpf_parm6 r9
#define ___bpf_sys4 r10 /* the syscall instruction overwrites rcx */
#define ___bpf_rc ax
#define ___bpf_ret sp
#define ___bpf_fp bp
#define ___bpf_sp sp
#define ___bpf_ip ip
#define ___bpf_has_wrapper
#define ___bpf_ret_on_stack

#elif defined(bpf_target_arm64)

#define ___bpf_regs pt_regs___arm64
struct ___bpf_regs {
	unsigned long regs[31], sp, pc, pstate, orig_x0;
};
#define ___bpf_parm1 regs[0]
#define ___bpf_parm2 regs[1]
#define ___bpf_parm3 regs[2]
#define ___bpf_parm4 regs[3]
#define ___bpf_parm5 regs[4]
#define ___bpf_parm6 regs[5]
#define ___bpf_parm7 regs[6]
#define ___bpf_parm8 regs[7]
#define ___bpf_sys1 orig_x0
#define ___bpf_rc regs[0]
#define ___bpf_ret regs[30]
#define ___bpf_fp regs[29]
#define ___bpf_sp sp
#define ___bpf_ip pc
#define ___bpf_has_wrapper

#elif defined(bpf_target_arm)

#define ___bpf_regs pt_regs___arm
struct ___bpf_regs {
	unsigned int uregs[18];
};
#define ___bpf_parm1 uregs[0]
#define ___bpf_parm2 uregs[1]
#define ___bpf_parm3 uregs[2]
#define ___bpf_parm4 uregs[3]
#define ___bpf_sys5 uregs[4]
#define ___bpf_sys6 uregs[5]
#define ___bpf_sys7 uregs[6]
#define ___bpf_rc uregs[0]
#define ___bpf_ret uregs[14]
#define ___bpf_fp uregs[11]
#define ___bpf_sp uregs[13]
#define ___bpf_ip uregs[15]
#define ___bpf_syscall_on_stack

#elif defined(bpf_target_riscv)

#define ___bpf_regs pt_regs___riscv
struct ___bpf_regs {
	unsigned long epc, ra, sp, gp, tp, t0, t1, t2, s0, s1;
	unsigned long a0, a1, a2, a3, a4, a5, a6, a7;
	unsigned long s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, t3, t4, t5, t6;
	unsigned long status, badaddr, cause, orig_a0;
};
#define ___bpf_parm1 a0
#define ___bpf_parm2 a1
#define ___bpf_parm3 a2
#define ___bpf_parm4 a3
#define ___bpf_parm5 a4
#define ___bpf_parm6 a5
#define ___bpf_parm7 a6
#define ___bpf_parm8 a7
#define ___bpf_sys1 orig_a0
#define ___bpf_rc a0
#define ___bpf_ret ra
#define ___bpf_fp s0
#define ___bpf_sp sp
#define ___bpf_ip epc
#define ___bpf_has_wrapper /* since Linux 6.6 */

#elif defined(bpf_target_s390)

#define ___bpf_regs pt_regs___s390
struct ___bpf_regs {
	unsigned long args[1];
	struct {
		unsigned long mask, addr;
	} psw;
	unsigned long gprs[16], orig_gpr2;
};
#define ___bpf_parm1 gprs[2]
#define ___bpf_parm2 gprs[3]
#define ___bpf_parm3 gprs[4]
#define ___bpf_parm4 gprs[5]
#define ___bpf_parm5 gprs[6]
#define ___bpf_sys1 orig_gpr2
#define ___bpf_sys6 gprs[7]
#define ___bpf_rc gprs[2]
#define ___bpf_ret gprs[14]
#define ___bpf_fp gprs[11]
#define ___bpf_sp gprs[15]
#define ___bpf_ip psw.addr
#define ___bpf_has_wrapper

#elif defined(bpf_target_powerpc)

/* 64-bit. There is no frame pointer. */
#define ___bpf_regs pt_regs___powerpc
struct ___bpf_regs {
	unsigned long gpr[32], nip, msr, orig_gpr3, ctr, link;
};
#define ___bpf_parm1 gpr[3]
#define ___bpf_parm2 gpr[4]
#define ___bpf_parm3 gpr[5]
#define ___bpf_parm4 gpr[6]
#define ___bpf_parm5 gpr[7]
#define ___bpf_parm6 gpr[8]
#define ___bpf_parm7 gpr[9]
#define ___bpf_parm8 gpr[10]
#define ___bpf_sys1 orig_gpr3
#define ___bpf_rc gpr[3]
#define ___bpf_ret link
#define ___bpf_sp gpr[1]
#define ___bpf_ip nip
#define ___bpf_no_frames

#elif defined(bpf_target_mips)

/* n64. With -D__mips__ and no __mips64 o32, whose registers follow room for arguments. */
#if defined(__mips__) && !defined(__mips64)
#define ___bpf_regs pt_regs___mips
struct ___bpf_regs {
	unsigned int pad0[8], regs[32], cp0_status, hi, lo, cp0_badvaddr, cp0_cause, cp0_epc;
};
#else
#define ___bpf_regs pt_regs___mips64
struct ___bpf_regs {
	unsigned long regs[32], cp0_status, hi, lo, cp0_badvaddr, cp0_cause, cp0_epc;
};
#define ___bpf_parm5 regs[8]
#define ___bpf_parm6 regs[9]
#define ___bpf_parm7 regs[10]
#define ___bpf_parm8 regs[11]
#endif
#define ___bpf_parm1 regs[4]
#define ___bpf_parm2 regs[5]
#define ___bpf_parm3 regs[6]
#define ___bpf_parm4 regs[7]
#define ___bpf_rc regs[2]
#define ___bpf_ret regs[31]
#define ___bpf_fp regs[30]
#define ___bpf_sp regs[29]
#define ___bpf_ip cp0_epc

#elif defined(bpf_target_loongarch)

#define ___bpf_regs pt_regs___loongarch
struct ___bpf_regs {
	unsigned long regs[32], orig_a0, csr_era;
};
#define ___bpf_parm1 regs[4]
#define ___bpf_parm2 regs[5]
#define ___bpf_parm3 regs[6]
#define ___bpf_parm4 regs[7]
#define ___bpf_parm5 regs[8]
#define ___bpf_parm6 regs[9]
#define ___bpf_parm7 regs[10]
#define ___bpf_parm8 regs[11]
#define ___bpf_sys1 orig_a0
#define ___bpf_rc regs[4]
#define ___bpf_ret regs[1]
#define ___bpf_fp regs[22]
#define ___bpf_sp regs[3]
#define ___bpf_ip csr_era

#elif defined(bpf_target_sparc)

/* 64-bit. At a function's entry its arguments are still in the caller's "out" registers. */
#define ___bpf_regs pt_regs___sparc
struct ___bpf_regs {
	unsigned long u_regs[16], tstate, tpc;
};
#define ___bpf_parm1 u_regs[8]
#define ___bpf_parm2 u_regs[9]
#define ___bpf_parm3 u_regs[10]
#define ___bpf_parm4 u_regs[11]
#define ___bpf_parm5 u_regs[12]
#define ___bpf_parm6 u_regs[13]
#define ___bpf_rc u_regs[8]
#define ___bpf_ret u_regs[15]
#define ___bpf_sp u_regs[14]
#define ___bpf_ip tpc
#define ___bpf_no_frames

#endif

/* ---- what not every architecture has ---- */

#ifdef ___bpf_regs
#define bpf_target_defined
#else
/* Named so for the sake of the compiler's message. */
#define ___bpf_regs say_which_machine_with_D__TARGET_ARCH_xxx
#endif

/* So are these: the compiler says that struct pt_regs___arm has no such member. */
#ifndef ___bpf_parm4
#define ___bpf_parm4 argument_not_in_a_register
#endif
#ifndef ___bpf_parm5
#define ___bpf_parm5 argument_not_in_a_register
#endif
#ifndef ___bpf_parm6
#define ___bpf_parm6 argument_not_in_a_register
#endif
#ifndef ___bpf_parm7
#define ___bpf_parm7 argument_not_in_a_register
#endif
#ifndef ___bpf_parm8
#define ___bpf_parm8 argument_not_in_a_register
#endif
#ifndef ___bpf_fp
#define ___bpf_fp no_frame_pointer_on_this_machine
#endif

#ifndef ___bpf_sys1
#define ___bpf_sys1 ___bpf_parm1
#endif
#ifndef ___bpf_sys2
#define ___bpf_sys2 ___bpf_parm2
#endif
#ifndef ___bpf_sys3
#define ___bpf_sys3 ___bpf_parm3
#endif
#ifndef ___bpf_sys4
#define ___bpf_sys4 ___bpf_parm4
#endif
#ifndef ___bpf_sys5
#define ___bpf_sys5 ___bpf_parm5
#endif
#ifndef ___bpf_sys6
#define ___bpf_sys6 ___bpf_parm6
#endif
#ifndef ___bpf_sys7
#define ___bpf_sys7 ___bpf_parm7
#endif

#endif
