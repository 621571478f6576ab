// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel takes of types: for each question one BTF of a handful of types that holds
 * what is asked about and else only what every kernel with BTF knows.
 */
#include "compat/caps_internal.h"

#include <errno.h>
#include <linux/btf.h>
#include <string.h>

#include "util/sys.h"

#define PSEUDO_FUNC 4 /* BPF_PSEUDO_FUNC, newer than the headers of some distributions */

/* The strings of all of them, by offset. */
static const char strings[] = "\0a\0b\0?";
enum { NAME_A = 1, NAME_B = 3, NAME_ODD = 5 };

#define INFO(kind, vlen) ((uint32_t)(kind) << 24 | (vlen))
#define KFLAG (1u << 31)
#define WORDS_MAX 16

/* [1] in all of them; [2] FUNC_PROTO (int b) -> int in those with functions */
#define INT_1 0, INFO(BTF_KIND_INT, 0), 4, 32
#define PROTO_2 0, INFO(BTF_KIND_FUNC_PROTO, 1), 1, NAME_B, 1
#define FUNC_3 3 /* id of the function */

static const struct {
	uint32_t len, words[WORDS_MAX];
} questions[CAP_COUNT] = {
	[CAP_BTF] = { 4, { INT_1 } },
	[CAP_BTF_KFLAG] = { 10, { INT_1,
		NAME_A, INFO(BTF_KIND_STRUCT, 1) | KFLAG, 4, NAME_B, 1, 3 << 24 } },
	[CAP_BTF_FUNC] = { 12, { INT_1, PROTO_2,
		NAME_A, INFO(BTF_KIND_FUNC, BTF_FUNC_STATIC), 2 } },
	[CAP_BTF_FUNC_GLOBAL] = { 12, { INT_1, PROTO_2,
		NAME_A, INFO(BTF_KIND_FUNC, BTF_FUNC_GLOBAL), 2 } },
	[CAP_BTF_DATASEC] = { 14, { INT_1,
		NAME_A, INFO(BTF_KIND_VAR, 0), 1, BTF_VAR_STATIC,
		NAME_B, INFO(BTF_KIND_DATASEC, 1), 4, 2, 0, 4 } },
	[CAP_BTF_SECTION_NAME] = { 14, { INT_1,
		NAME_A, INFO(BTF_KIND_VAR, 0), 1, BTF_VAR_STATIC,
		NAME_ODD, INFO(BTF_KIND_DATASEC, 1), 4, 2, 0, 4 } },
	[CAP_BTF_FLOAT] = { 7, { INT_1,
		NAME_A, INFO(BTF_KIND_FLOAT, 0), 4 } },
	[CAP_BTF_DECL_TAG] = { 14, { INT_1,
		NAME_A, INFO(BTF_KIND_STRUCT, 1), 4, NAME_B, 1, 0,
		NAME_A, INFO(BTF_KIND_DECL_TAG, 0), 2, -1 } },
	[CAP_BTF_TYPE_TAG] = { 10, { INT_1,
		NAME_A, INFO(BTF_KIND_TYPE_TAG, 0), 1,
		0, INFO(BTF_KIND_PTR, 0), 2 } },
	[CAP_BTF_ENUM64] = { 10, { INT_1,
		NAME_A, INFO(BTF_KIND_ENUM64, 1), 8, NAME_B, 1, 1 } },
	[CAP_BTF_ENUM_SIGN] = { 9, { INT_1,
		NAME_A, INFO(BTF_KIND_ENUM, 1) | KFLAG, 4, NAME_B, -1 } },
};

/* A descriptor, or -errno. */
static int load_question(enum cap cap)
{
	struct {
		struct btf_header header;
		uint8_t body[WORDS_MAX * sizeof(uint32_t) + sizeof(strings)];
	} blob = { .header = { .magic = BTF_MAGIC, .version = BTF_VERSION } };
	uint32_t len = questions[cap].len * sizeof(uint32_t);
	union bpf_attr attr;

	blob.header.hdr_len = sizeof(blob.header);
	blob.header.type_len = blob.header.str_off = len;
	blob.header.str_len = sizeof(strings);
	memcpy(blob.body, questions[cap].words, len);
	memcpy(blob.body + len, strings, sizeof(strings));
	memset(&attr, 0, sizeof(attr));
	attr.btf = (uintptr_t)&blob;
	attr.btf_size = sizeof(blob.header) + len + sizeof(strings);
	return sys_bpf(BPF_BTF_LOAD, &attr, sizeof(attr));
}

int load_int_btf(void)
{
	return load_question(CAP_BTF);
}

/* EINVAL: all is well formed, so it is the call, the kind, the flag that it does not know. */
static enum answer verdict(int fd, int *sys)
{
	sys_close(fd);
	*sys = fd < 0 ? -fd : 0;
	if (fd >= 0)
		return CAP_YES;
	return *sys == EINVAL || *sys == E2BIG ? CAP_NO : CAP_UNKNOWN;
}

enum answer ask_btf(struct caps *caps, enum cap cap, int *sys)
{
	return verdict(load_question(cap), sys);
}

enum answer ask_map_btf(struct caps *caps, enum cap cap, int *sys)
{
	union bpf_attr attr;
	enum answer answer;
	int btf = load_question(CAP_BTF);

	if (btf < 0)
		return verdict(btf, sys);
	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = attr.value_size = 4;
	attr.max_entries = 1;
	attr.btf_fd = btf;
	attr.btf_key_type_id = attr.btf_value_type_id = 1;
	answer = verdict(sys_bpf(BPF_MAP_CREATE, &attr, sizeof(attr)), sys);
	sys_close(btf);
	return answer;
}

static void add_funcs(union bpf_attr *attr, const struct bpf_func_info *funcs,
		      const struct bpf_line_info *lines, uint32_t count)
{
	attr->func_info = (uintptr_t)funcs;
	attr->func_info_rec_size = sizeof(*funcs);
	attr->line_info = (uintptr_t)lines;
	attr->line_info_rec_size = sizeof(*lines);
	attr->func_info_cnt = attr->line_info_cnt = count;
}

/* With functions that begin at those instructions, up to two, all on one line. 0 or -errno. */
static int try_with_funcs(const struct bpf_insn *insns, uint32_t count,
			  const struct bpf_func_info *funcs, uint32_t funcs_count)
{
	struct bpf_line_info lines[2] = { { 0, NAME_A, NAME_B, 1 << 10 },
					  { 0, NAME_A, NAME_B, 1 << 10 } };
	int btf = funcs_count ? load_question(CAP_BTF_FUNC) : 0, fd;
	union bpf_attr attr;

	if (btf < 0)
		return btf;
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = count;
	attr.license = (uintptr_t)"GPL";
	if (funcs_count) {
		attr.prog_btf_fd = btf;
		lines[1].insn_off = funcs[funcs_count - 1].insn_off;
		add_funcs(&attr, funcs, lines, funcs_count);
	}
	fd = sys_bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	sys_close(fd);
	if (funcs_count)
		sys_close(btf);
	return fd < 0 ? fd : 0;
}

/* A "no" where the second, with one function or none, is taken. */
static enum answer conclude(int asked, const struct bpf_func_info *func, int *sys)
{
	enum answer answer = answer_of(asked, sys);

	if (answer != CAP_NO)
		return answer;
	return answer_by_control(try_with_funcs(return_0, 2, func, !!func), sys);
}

static const struct bpf_func_info whole = { 0, FUNC_3 };

/* "return 0", with its one function and its one line. */
enum answer ask_prog_btf(struct caps *caps, enum cap cap, int *sys)
{
	return conclude(try_with_funcs(return_0, 2, &whole, 1), NULL, sys);
}

/* Only of functions whose types are known may the address be taken. */
enum answer ask_func_pointer(struct caps *caps, enum cap cap, int *sys)
{
	const struct bpf_insn insns[] = {
		INSN(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, PSEUDO_FUNC, 0, 3), INSN(0, 0, 0, 0, 0),
		INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT(),
		INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT(),
	};
	const struct bpf_func_info funcs[] = { { 0, FUNC_3 }, { 4, FUNC_3 } };

	return conclude(try_with_funcs(insns, 6, funcs, 2), &whole, sys);
}
