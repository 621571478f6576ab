// SPDX-License-Identifier: GPL-2.0
/* Maps and programs that are tried, and gone again. */
#include "compat/caps_internal.h"

#include <errno.h>
#include <string.h>

#include "util/sys.h"

#define TRIES 5

const struct bpf_insn return_0[2] = { INSN_MOV_IMM(BPF_REG_0, 0), INSN_EXIT() };

bool is_refusal(int sys)
{
	return sys == EINVAL || sys == EACCES || sys == E2BIG || sys == EOPNOTSUPP ||
	       sys == CAPS_ENOTSUPP;
}

enum answer answer_of(int ret, int *sys)
{
	*sys = ret < 0 ? -ret : 0;
	if (ret >= 0)
		return CAP_YES;
	return is_refusal(*sys) ? CAP_NO : CAP_UNKNOWN;
}

enum answer answer_by_control(int ret, int *sys)
{
	if (ret >= 0)
		return CAP_NO;
	*sys = -ret;
	return CAP_UNKNOWN;
}

int close_trial(int fd)
{
	sys_close(fd);
	return fd < 0 ? fd : 0;
}

union bpf_attr small_array(void)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4;
	attr.value_size = 8;
	attr.max_entries = 1;
	return attr;
}

int try_map(const union bpf_attr *map)
{
	union bpf_attr attr = *map;

	return close_trial(sys_bpf(BPF_MAP_CREATE, &attr, sizeof(attr)));
}

enum answer ask_map_pair(const union bpf_attr *asked, const union bpf_attr *control, int *sys)
{
	enum answer answer = answer_of(try_map(asked), sys);

	return answer == CAP_NO ? answer_by_control(try_map(control), sys) : answer;
}

/* EAGAIN: a signal was on its way to this process while the verifier worked. */
int load_trial(const struct trial *trial, struct trial_log *log)
{
	union bpf_attr attr;
	int ret = -EAGAIN;

	for (int tries = 0; ret == -EAGAIN && tries < TRIES; tries++) {
		memset(&attr, 0, sizeof(attr));
		attr.prog_type = trial->type;
		attr.expected_attach_type = trial->attach_type;
		attr.prog_flags = trial->flags;
		attr.attach_btf_id = trial->btf_id;
		attr.kern_version = trial->version;
		attr.insns = (uintptr_t)trial->insns;
		attr.insn_cnt = trial->count;
		attr.license = (uintptr_t)"GPL";
		if (log) {
			log->text[0] = 0;
			attr.log_buf = (uintptr_t)log->text;
			attr.log_size = sizeof(log->text);
			attr.log_level = 1;
		}
		ret = sys_bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	}
	return ret;
}

/* Before Linux 4.7 there are no tracepoint programs, and those of traffic control stand in. */
int load_plain(struct caps *caps, const struct bpf_insn *insns, uint32_t count)
{
	struct trial trial = { .type = BPF_PROG_TYPE_TRACEPOINT, .insns = insns, .count = count };

	if (caps_program(caps, BPF_PROG_TYPE_TRACEPOINT) == CAP_NO)
		trial.type = BPF_PROG_TYPE_SCHED_CLS;
	return load_trial(&trial, NULL);
}

enum answer ask_plain_pair(struct caps *caps, const struct bpf_insn *asked,
			   uint32_t asked_count, const struct bpf_insn *control,
			   uint32_t control_count, int *sys)
{
	enum answer answer = answer_of(close_trial(load_plain(caps, asked, asked_count)), sys);

	if (answer != CAP_NO)
		return answer;
	return answer_by_control(close_trial(load_plain(caps, control, control_count)), sys);
}
