/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_LIVE_ATTACHED_H
#define TESTS_LIVE_ATTACHED_H

#include "tests/live/harness.h"

#include "compat/prepare.h"
#include "loader/attach.h"
#include "loader/load.h"

/*
 * One fixture in the kernel with some of its programs, each attached in its turn. The fixture has a
 * map `seen`, an array of 8-byte numbers.
 */
struct attached {
	struct object obj;
	struct loaded loaded;
	struct caps caps;
	struct error err;
	struct link links[4];
	size_t count;
};

extern struct attached subject;

/* To be the checked fixture of a test case. */
void subject_begin(void);
void subject_end(void);
/* The fixture, parsed, with no program to be loaded; then the programs that are. */
void subject_open(const char *fixture);
struct program *subject_want(const char *program);
/* load() as it returns; or it has to work, or this kernel or machine lacks what it takes: a skip. */
int subject_try_load(void);
void subject_load(void);
/* Attaches that program, as link_attach() returns; or it has to work: the link. */
int subject_try_attach(const char *program, const struct attach_options *options);
struct link *subject_attach(const char *program, const struct attach_options *options);
/* All of it in one, of one program. */
struct link *subject_start(const char *fixture, const char *program,
			   const struct attach_options *options);
uint64_t seen(uint32_t key);
void set_seen(uint32_t key, uint64_t value);
void need(enum cap cap);
/* Takes out of the ledger what they had to undo. */
void forget_the_dead(void);

/*
 * From here on this process's bpf(2) answers EINVAL to these, as kernels do that do not know them;
 * attach_flags: only to calls with one of these, 0: to all.
 */
struct refusal {
	enum bpf_cmd cmd;
	uint32_t attach_flags;
};

#define REFUSE(...) \
	do { \
		static const struct refusal refused_[] = { __VA_ARGS__ }; \
		refuse_calls(refused_, sizeof(refused_) / sizeof(*refused_)); \
	} while (0)
void refuse_calls(const struct refusal *list, size_t len);

#endif
