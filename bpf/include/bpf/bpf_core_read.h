/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTRACE_BPF_CORE_READ_H
#define PORTRACE_BPF_CORE_READ_H

/*
 * Reading the kernel's data structures wherever the running kernel keeps their members (CO-RE):
 * clang notes each access in the object, the loader puts the right offset in.
 */
#include <bpf/bpf_helpers.h>

/* Second arguments of clang's builtins. */
enum bpf_field_info_kind {
	BPF_FIELD_BYTE_OFFSET,
	BPF_FIELD_BYTE_SIZE,
	BPF_FIELD_EXISTS,
	BPF_FIELD_SIGNED,
	BPF_FIELD_LSHIFT_U64,
	BPF_FIELD_RSHIFT_U64,
};
enum bpf_type_id_kind { BPF_TYPE_ID_LOCAL, BPF_TYPE_ID_TARGET };
enum bpf_type_info_kind { BPF_TYPE_EXISTS, BPF_TYPE_SIZE, BPF_TYPE_MATCHES };
enum bpf_enum_value_kind { BPF_ENUMVAL_EXISTS, BPF_ENUMVAL_VALUE };

/* ---- questions about the running kernel ---- */

/* A field is task->mm, with any pointer of the right type, or two arguments: struct and member. */
#define ___bpf_field1(place) (place)
#define ___bpf_field2(type, member) (((__typeof__(type) *)0)->member)
#define ___bpf_field(...) ___bpf_apply(___bpf_field, ___bpf_narg(__VA_ARGS__))(__VA_ARGS__)

#define bpf_core_field_exists(...)                                                           \
	__builtin_preserve_field_info(___bpf_field(__VA_ARGS__), BPF_FIELD_EXISTS)
#define bpf_core_field_size(...)                                                             \
	__builtin_preserve_field_info(___bpf_field(__VA_ARGS__), BPF_FIELD_BYTE_SIZE)
#define bpf_core_field_offset(...)                                                           \
	__builtin_preserve_field_info(___bpf_field(__VA_ARGS__), BPF_FIELD_BYTE_OFFSET)

#define ___bpf_typed(type) (*(__typeof__(type) *)0)

/* Exists: of that name. Matches: its members are there, too (clang 15). */
#define bpf_core_type_exists(type)                                                           \
	__builtin_preserve_type_info(___bpf_typed(type), BPF_TYPE_EXISTS)
#define bpf_core_type_matches(type)                                                          \
	__builtin_preserve_type_info(___bpf_typed(type), BPF_TYPE_MATCHES)
#define bpf_core_type_size(type)                                                             \
	__builtin_preserve_type_info(___bpf_typed(type), BPF_TYPE_SIZE)
#define bpf_core_type_id_local(type)                                                         \
	__builtin_btf_type_id(___bpf_typed(type), BPF_TYPE_ID_LOCAL)
#define bpf_core_type_id_kernel(type)                                                        \
	__builtin_btf_type_id(___bpf_typed(type), BPF_TYPE_ID_TARGET)

#define bpf_core_enum_value_exists(type, value)                                              \
	__builtin_preserve_enum_value(*(__typeof__(type) *)value, BPF_ENUMVAL_EXISTS)
#define bpf_core_enum_value(type, value)                                                     \
	__builtin_preserve_enum_value(*(__typeof__(type) *)value, BPF_ENUMVAL_VALUE)

/* A pointer that the verifier lets be followed without a helper (Linux 6.2). */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;
#define bpf_core_cast(ptr, type)                                                             \
	((__typeof__(type) *)bpf_rdonly_cast((ptr), bpf_core_type_id_kernel(type)))

/* ---- one read ---- */

#define ___bpf_relocated(place) ((const void *)__builtin_preserve_access_index(place))

#define bpf_core_read(dst, size, place)                                                      \
	bpf_probe_read_kernel(dst, size, ___bpf_relocated(place))
#define bpf_core_read_user(dst, size, place)                                                 \
	bpf_probe_read_user(dst, size, ___bpf_relocated(place))
#define bpf_core_read_str(dst, size, place)                                                  \
	bpf_probe_read_kernel_str(dst, size, ___bpf_relocated(place))
#define bpf_core_read_user_str(dst, size, place)                                             \
	bpf_probe_read_user_str(dst, size, ___bpf_relocated(place))

/* ---- a chain of reads ---- */

/*
 * BPF_CORE_READ(task, mm, exe_file, f_flags) is task->mm->exe_file->f_flags, with a read for each
 * arrow. Accessors can have dots and indices in them: BPF_CORE_READ(task, signal, live.counter).
 *
 *	p = read(&task->mm)
 *	p = read(&((typeof(task->mm))p)->exe_file)
 *	into = read(&((typeof(task->mm->exe_file))p)->f_flags)
 *
 * `at` is the pointer that a step begins with; of all that is in its type nothing is evaluated.
 * `last` reads what is wanted, `step` the pointers on the way.
 */
#define ___bpf_walk1(last, step, into, at, a) last((void *)(into), sizeof(*(into)), &(at)->a);
#define ___bpf_step(step, at, a) step((void *)&___p, sizeof(___p), &(at)->a);
#define ___bpf_stepped(at, a) ((__typeof__((at)->a))___p)
#define ___bpf_walk2(last, step, into, at, a, ...)                                           \
	___bpf_step(step, at, a)                                                             \
	___bpf_walk1(last, step, into, ___bpf_stepped(at, a), __VA_ARGS__)
#define ___bpf_walk3(last, step, into, at, a, ...)                                           \
	___bpf_step(step, at, a)                                                             \
	___bpf_walk2(last, step, into, ___bpf_stepped(at, a), __VA_ARGS__)
#define ___bpf_walk4(last, step, into, at, a, ...)                                           \
	___bpf_step(step, at, a)                                                             \
	___bpf_walk3(last, step, into, ___bpf_stepped(at, a), __VA_ARGS__)
#define ___bpf_walk5(last, step, into, at, a, ...)                                           \
	___bpf_step(step, at, a)                                                             \
	___bpf_walk4(last, step, into, ___bpf_stepped(at, a), __VA_ARGS__)
#define ___bpf_walk6(last, step, into, at, a, ...)                                           \
	___bpf_step(step, at, a)                                                             \
	___bpf_walk5(last, step, into, ___bpf_stepped(at, a), __VA_ARGS__)
#define ___bpf_walk7(last, step, into, at, a, ...)                                           \
	___bpf_step(step, at, a)                                                             \
	___bpf_walk6(last, step, into, ___bpf_stepped(at, a), __VA_ARGS__)
#define ___bpf_walk8(last, step, into, at, a, ...)                                           \
	___bpf_step(step, at, a)                                                             \
	___bpf_walk7(last, step, into, ___bpf_stepped(at, a), __VA_ARGS__)
#define ___bpf_walk9(last, step, into, at, a, ...)                                           \
	___bpf_step(step, at, a)                                                             \
	___bpf_walk8(last, step, into, ___bpf_stepped(at, a), __VA_ARGS__)
#define ___bpf_walk10(last, step, into, at, a, ...)                                          \
	___bpf_step(step, at, a)                                                             \
	___bpf_walk9(last, step, into, ___bpf_stepped(at, a), __VA_ARGS__)
#define ___bpf_walk11(last, step, into, at, a, ...)                                          \
	___bpf_step(step, at, a)                                                             \
	___bpf_walk10(last, step, into, ___bpf_stepped(at, a), __VA_ARGS__)
#define ___bpf_walk12(last, step, into, at, a, ...)                                          \
	___bpf_step(step, at, a)                                                             \
	___bpf_walk11(last, step, into, ___bpf_stepped(at, a), __VA_ARGS__)
#define ___bpf_walk(last, step, into, at, ...)                                               \
	({                                                                                   \
		const void *___p __attribute__((unused));                                    \
		___bpf_apply(___bpf_walk, ___bpf_narg(__VA_ARGS__))(last, step, into, at,    \
								    __VA_ARGS__)             \
	})

/* at->a->b, for its type. */
#define ___bpf_place1(at, a) (at)->a
#define ___bpf_place2(at, a, ...) ___bpf_place1((at)->a, __VA_ARGS__)
#define ___bpf_place3(at, a, ...) ___bpf_place2((at)->a, __VA_ARGS__)
#define ___bpf_place4(at, a, ...) ___bpf_place3((at)->a, __VA_ARGS__)
#define ___bpf_place5(at, a, ...) ___bpf_place4((at)->a, __VA_ARGS__)
#define ___bpf_place6(at, a, ...) ___bpf_place5((at)->a, __VA_ARGS__)
#define ___bpf_place7(at, a, ...) ___bpf_place6((at)->a, __VA_ARGS__)
#define ___bpf_place8(at, a, ...) ___bpf_place7((at)->a, __VA_ARGS__)
#define ___bpf_place9(at, a, ...) ___bpf_place8((at)->a, __VA_ARGS__)
#define ___bpf_place10(at, a, ...) ___bpf_place9((at)->a, __VA_ARGS__)
#define ___bpf_place11(at, a, ...) ___bpf_place10((at)->a, __VA_ARGS__)
#define ___bpf_place12(at, a, ...) ___bpf_place11((at)->a, __VA_ARGS__)
#define ___bpf_place(at, ...)                                                                \
	___bpf_apply(___bpf_place, ___bpf_narg(__VA_ARGS__))(at, __VA_ARGS__)

/* The value of a const member goes into a variable that is not const, where clang can say so. */
#if __clang_major__ >= 19
#define ___bpf_value_type(...) __typeof_unqual__(___bpf_place(__VA_ARGS__))
#else
#define ___bpf_value_type(...) __typeof__(___bpf_place(__VA_ARGS__))
#endif
#define ___bpf_value(read, src, ...)                                                         \
	({                                                                                   \
		___bpf_value_type((src), __VA_ARGS__) ___value;                              \
		___bpf_walk(read, read, &___value, (src), __VA_ARGS__);                      \
		___value;                                                                    \
	})

/*
 * Kernel memory (BPF_CORE_READ) or memory of the current process (BPF_CORE_READ_USER: of types
 * that the kernel has, as those of system call arguments). What cannot be read is 0. _INTO reads
 * into *dst, as many bytes as that has, and says how it went; _STR_INTO reads text that ends in
 * NUL and returns its length with it.
 */
#define BPF_CORE_READ(src, ...) ___bpf_value(bpf_core_read, src, __VA_ARGS__)
#define BPF_CORE_READ_USER(src, ...) ___bpf_value(bpf_core_read_user, src, __VA_ARGS__)
#define BPF_CORE_READ_INTO(dst, src, ...)                                                    \
	___bpf_walk(bpf_core_read, bpf_core_read, dst, (src), __VA_ARGS__)
#define BPF_CORE_READ_USER_INTO(dst, src, ...)                                               \
	___bpf_walk(bpf_core_read_user, bpf_core_read_user, dst, (src), __VA_ARGS__)
#define BPF_CORE_READ_STR_INTO(dst, src, ...)                                                \
	___bpf_walk(bpf_core_read_str, bpf_core_read, dst, (src), __VA_ARGS__)
#define BPF_CORE_READ_USER_STR_INTO(dst, src, ...)                                           \
	___bpf_walk(bpf_core_read_user_str, bpf_core_read_user, dst, (src), __VA_ARGS__)

/* The same at the offsets that the program was compiled with, for types of no kernel. */
#define BPF_PROBE_READ(src, ...) ___bpf_value(bpf_probe_read, src, __VA_ARGS__)
#define BPF_PROBE_READ_USER(src, ...) ___bpf_value(bpf_probe_read_user, src, __VA_ARGS__)
#define BPF_PROBE_READ_INTO(dst, src, ...)                                                   \
	___bpf_walk(bpf_probe_read, bpf_probe_read, dst, (src), __VA_ARGS__)
#define BPF_PROBE_READ_USER_INTO(dst, src, ...)                                              \
	___bpf_walk(bpf_probe_read_user, bpf_probe_read_user, dst, (src), __VA_ARGS__)
#define BPF_PROBE_READ_STR_INTO(dst, src, ...)                                               \
	___bpf_walk(bpf_probe_read_str, bpf_probe_read, dst, (src), __VA_ARGS__)
#define BPF_PROBE_READ_USER_STR_INTO(dst, src, ...)                                          \
	___bpf_walk(bpf_probe_read_user_str, bpf_probe_read_user, dst, (src), __VA_ARGS__)

/* ---- bit fields ---- */

/*
 * The loader says which 1, 2, 4 or 8 bytes hold the field, by how much to shift them left so that
 * it ends up at the top of 64 bits, and by how much right again. 3 bits from bit 4 of a byte:
 *
 *	........ ... ........ .xxx....   the byte, as 64 bits
 *	xxx..... ... ........ ........   << 57
 *	........ ... ........ .....xxx   >> 61, arithmetically where it is signed
 */
#define ___bpf_info(src, field, kind)                                                        \
	__builtin_preserve_field_info((src)->field, BPF_FIELD_##kind)

static __always_inline unsigned long long ___bpf_load(const void *place, __u32 size)
{
	switch (size) {
	case 1: return *(const __u8 *)place;
	case 2: return *(const __u16 *)place;
	case 4: return *(const __u32 *)place;
	case 8: return *(const __u64 *)place;
	}
	return 0;
}

static __always_inline void ___bpf_store(void *place, __u32 size, unsigned long long word)
{
	switch (size) {
	case 1: *(__u8 *)place = word; break;
	case 2: *(__u16 *)place = word; break;
	case 4: *(__u32 *)place = word; break;
	case 8: *(__u64 *)place = word; break;
	}
}

#define ___bpf_extract(word, src, field)                                                     \
	({                                                                                   \
		unsigned long long ___bits = (word) << ___bpf_info(src, field, LSHIFT_U64);  \
		if (___bpf_info(src, field, SIGNED))                                         \
			___bits = (long long)___bits >> ___bpf_info(src, field, RSHIFT_U64); \
		else                                                                         \
			___bits = ___bits >> ___bpf_info(src, field, RSHIFT_U64);            \
		___bits;                                                                     \
	})

/* The offset is put in once, by barrier_var, not in front of each of the loads. */
#define ___bpf_holder(src, field)                                                            \
	({                                                                                   \
		void *___holder = (void *)(src) + ___bpf_info(src, field, BYTE_OFFSET);      \
		barrier_var(___holder);                                                      \
		___holder;                                                                   \
	})

/* By loads, where the verifier lets src be followed. */
#define BPF_CORE_READ_BITFIELD(src, field)                                                   \
	({                                                                                   \
		unsigned long long ___word = ___bpf_load(___bpf_holder(src, field),          \
							 ___bpf_info(src, field, BYTE_SIZE)); \
		___bpf_extract(___word, src, field);                                         \
	})

/* By a helper. Big-endian machines have the low bytes of a word at its end. */
#define BPF_CORE_READ_BITFIELD_PROBED(src, field)                                            \
	({                                                                                   \
		unsigned long long ___word = 0;                                              \
		bpf_probe_read_kernel(                                                       \
			(void *)&___word + ___bpf_word_offset(src, field),                   \
			___bpf_info(src, field, BYTE_SIZE),                                  \
			(const void *)(src) + ___bpf_info(src, field, BYTE_OFFSET));         \
		___bpf_extract(___word, src, field);                                         \
	})
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ___bpf_word_offset(src, field) 0
#else
#define ___bpf_word_offset(src, field) (8 - ___bpf_info(src, field, BYTE_SIZE))
#endif

/* The bits of the field are those that the two shifts leave of ~0, moved back to their place. */
#define BPF_CORE_WRITE_BITFIELD(src, field, value)                                           \
	({                                                                                   \
		void *___place = ___bpf_holder(src, field);                                  \
		__u32 ___size = ___bpf_info(src, field, BYTE_SIZE);                          \
		__u32 ___left = ___bpf_info(src, field, LSHIFT_U64);                         \
		__u32 ___right = ___bpf_info(src, field, RSHIFT_U64);                        \
		unsigned long long ___mask = ~0ULL << ___right >> ___left;                   \
		unsigned long long ___new = (unsigned long long)(value)                      \
					    << (___right - ___left);                         \
		unsigned long long ___old = ___bpf_load(___place, ___size);                  \
		___bpf_store(___place, ___size, (___old & ~___mask) | (___new & ___mask));   \
	})

#endif
