/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTRACE_USDT_BPF_H
#define PORTRACE_USDT_BPF_H

/*
 * Programs on USDT probes, the ones that programs and libraries bring with them:
 *
 *	SEC("usdt/libc.so.6:libc:setjmp")
 *	int BPF_USDT(on_setjmp, void *env, int savemask, long pc) { ... }
 *
 * Where a probe's arguments are is known when the program is attached: the loader finds it in the
 * file, and writes it down in a map, one entry for all places of the probe that have them in the
 * same registers and memory. A cookie says which entry, or before Linux 5.15 a second map by
 * address.
 */
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* As many different places as an object may have. */
#ifndef BPF_USDT_MAX_SPEC_CNT
#define BPF_USDT_MAX_SPEC_CNT 256
#endif
/* And addresses, of which nothing is kept where probes have cookies. */
#ifndef BPF_USDT_MAX_IP_CNT
#define BPF_USDT_MAX_IP_CNT (4 * BPF_USDT_MAX_SPEC_CNT)
#endif

/* A part of the value itself: loaders write it, of libbpf too. */
#define BPF_USDT_MAX_ARG_CNT 12

enum __bpf_usdt_arg_type {
	BPF_USDT_ARG_CONST,
	BPF_USDT_ARG_REG,
	BPF_USDT_ARG_REG_DEREF,
	BPF_USDT_ARG_SIB, /* an element of an array, since libbpf 1.7 */
};

struct __bpf_usdt_arg_spec {
	__u64 val_off; /* the constant, or what is added to the address in registers */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	__u32 arg_type : 8;
	__u32 idx_reg_off : 12;
	__u32 scale_bitshift : 4;
	__u32 __reserved : 8;
#else
	__u32 __reserved : 8;
	__u32 idx_reg_off : 12;
	__u32 scale_bitshift : 4;
	__u32 arg_type : 8;
#endif
	short reg_off; /* bytes into struct pt_regs */
	_Bool arg_signed;
	char arg_bitshift; /* 64 less the bits of the argument */
};

struct __bpf_usdt_spec {
	struct __bpf_usdt_arg_spec args[BPF_USDT_MAX_ARG_CNT];
	__u64 usdt_cookie;
	short arg_cnt;
};

struct {
	__uint(type, 2); /* BPF_MAP_TYPE_ARRAY */
	__uint(max_entries, BPF_USDT_MAX_SPEC_CNT);
	__type(key, int);
	__type(value, struct __bpf_usdt_spec);
} __bpf_usdt_specs SEC(".maps") __weak;

struct {
	__uint(type, 1); /* BPF_MAP_TYPE_HASH */
	__uint(max_entries, BPF_USDT_MAX_IP_CNT);
	__type(key, long);
	__type(value, __u32);
} __bpf_usdt_ip_to_spec_id SEC(".maps") __weak;

extern const _Bool LINUX_HAS_BPF_COOKIE __kconfig;

/* errno(3): no such place, no such argument, another loader's kind of argument */
#define ___BPF_USDT_ESRCH 3
#define ___BPF_USDT_ENOENT 2
#define ___BPF_USDT_EINVAL 22

static __always_inline struct __bpf_usdt_spec *___bpf_usdt_spec(struct pt_regs *ctx)
{
	long ip = PT_REGS_IP(ctx);
	int id, *found;

	if (LINUX_HAS_BPF_COOKIE) {
		id = bpf_get_attach_cookie(ctx);
	} else {
		found = bpf_map_lookup_elem(&__bpf_usdt_ip_to_spec_id, &ip);
		if (!found)
			return NULL;
		id = *found;
	}
	return bpf_map_lookup_elem(&__bpf_usdt_specs, &id);
}

/* Where argument `n`, counted from 0, is; NULL and *err where there is none. */
static __always_inline struct __bpf_usdt_arg_spec *___bpf_usdt_arg_spec(struct pt_regs *ctx,
									__u64 n, int *err)
{
	struct __bpf_usdt_spec *spec = ___bpf_usdt_spec(ctx);

	*err = -___BPF_USDT_ESRCH;
	if (!spec)
		return NULL;
	*err = -___BPF_USDT_ENOENT;
	if (n >= BPF_USDT_MAX_ARG_CNT)
		return NULL;
	barrier_var(n);
	if ((short)n >= spec->arg_cnt)
		return NULL;
	return &spec->args[n];
}

/* What the argument's register, or the memory that it leads to, holds; of 64 bits. */
static __always_inline int ___bpf_usdt_read(struct pt_regs *ctx, struct __bpf_usdt_arg_spec *arg,
					    unsigned long *value)
{
	unsigned long index = 0;
	int err;

	if (arg->arg_type == BPF_USDT_ARG_CONST) {
		*value = arg->val_off;
		return 0;
	}
	if (arg->arg_type > BPF_USDT_ARG_SIB)
		return -___BPF_USDT_EINVAL;
	err = bpf_probe_read_kernel(value, sizeof(*value), (char *)ctx + arg->reg_off);
	if (!err && arg->arg_type == BPF_USDT_ARG_SIB)
		err = bpf_probe_read_kernel(&index, sizeof(index), (char *)ctx + arg->idx_reg_off);
	if (err || arg->arg_type == BPF_USDT_ARG_REG)
		return err;
	err = bpf_probe_read_user(value, sizeof(*value),
				  (void *)(*value + (index << arg->scale_bitshift) + arg->val_off));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	*value >>= arg->arg_bitshift & 63;
#endif
	return err;
}

/* How many arguments the probe has, or a negative number. */
static __noinline __attribute__((unused)) int bpf_usdt_arg_cnt(struct pt_regs *ctx)
{
	struct __bpf_usdt_spec *spec = ___bpf_usdt_spec(ctx);

	return spec ? spec->arg_cnt : -___BPF_USDT_ESRCH;
}

/* Bytes of argument `n`, or a negative number. */
static __always_inline int bpf_usdt_arg_size(struct pt_regs *ctx, __u64 n)
{
	int err;
	struct __bpf_usdt_arg_spec *arg = ___bpf_usdt_arg_spec(ctx, n, &err);

	return arg ? (64 - arg->arg_bitshift) / 8 : err;
}

/* The value of argument `n`: 0, or a negative number and 0 in *result. */
static __noinline __attribute__((unused)) int bpf_usdt_arg(struct pt_regs *ctx, __u64 n,
							   long *result)
{
	struct __bpf_usdt_arg_spec *arg;
	unsigned long value = 0, shift;
	int err;

	*result = 0;
	arg = ___bpf_usdt_arg_spec(ctx, n, &err);
	if (!arg)
		return err;
	err = ___bpf_usdt_read(ctx, arg, &value);
	if (err)
		return err;
	shift = arg->arg_bitshift & 63;
	value <<= shift;
	*result = arg->arg_signed ? (long)value >> shift : (long)(value >> shift);
	return 0;
}

/* What whoever attached the program gave it, in place of bpf_get_attach_cookie(). */
static __noinline __attribute__((unused)) long bpf_usdt_cookie(struct pt_regs *ctx)
{
	struct __bpf_usdt_spec *spec = ___bpf_usdt_spec(ctx);

	return spec ? spec->usdt_cookie : 0;
}

/* A program that names the probe's arguments; one that cannot be had is 0. */
#define ___bpf_usdt_value(i, x)                                                              \
	, ({                                                                                 \
		long ___value;                                                               \
		bpf_usdt_arg(ctx, (i) - 1, &___value);                                       \
		(void *)___value;                                                            \
	})
#define BPF_USDT(name, ...) ___bpf_program(name, struct pt_regs, ___bpf_usdt_value, ##__VA_ARGS__)

#endif
