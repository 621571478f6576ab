/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_LIVE_CORPUS_H
#define TESTS_LIVE_CORPUS_H

#include "tests/live/harness.h"

#include "compat/prepare.h"
#include "loader/attach.h"
#include "loader/load.h"
#include "loader/reader.h"
#include "util/release.h"

/*
 * Trials of the objects in tests/fixtures/corpus: each goes the whole way to the running kernel,
 * and then behaves as it says in its first lines. Or it is refused: that is right where this
 * kernel answers "no" to something that the trial says the object cannot do without, and the
 * message has to name that, the line of the source and the release that brought it.
 */
enum need_kind { NEED_NOTHING, NEED_CAP, NEED_A_MAP, NEED_A_PROGRAM, NEED_A_HELPER, NEED_TYPES };

struct trial_need {
	enum need_kind kind;
	uint32_t what;         /* enum cap, BPF_MAP_TYPE_..., BPF_PROG_TYPE_..., BPF_FUNC_... */
	uint32_t program_type; /* of a helper */
	unsigned int cpu;      /* only from that level of the instruction set on; 0: at any */
};

#define NEEDS_MAX 4

/* TRIAL(counts, try_counts, needs...) is a test that is looped over the builds of counts.bpf.c. */
#define TRIAL(name, run, ...)                                                                \
	START_TEST(name##_behaves)                                                           \
	{                                                                                    \
		static const struct trial_need needs[NEEDS_MAX] = { __VA_ARGS__ };           \
		corpus_open(#name, needs, _i);                                               \
		run();                                                                       \
	}                                                                                    \
	END_TEST
#define add_trial(tcase, name) tcase_add_loop_test((tcase), name##_behaves, 0, corpus_builds())

void add_trace_trials(TCase *c);
void add_net_trials(TCase *c);

/* By which compilers, for which levels; a folder under build/fixtures/corpus each. */
int corpus_builds(void);
void corpus_open(const char *object, const struct trial_need *needs, int build);

/* ---- for the trials ---- */

struct corpus {
	const struct trial_need *needs;
	unsigned int cpu; /* the level that it is compiled for */
	struct object obj;
	struct caps caps;
	struct types types;
	struct plan plan;
	struct load_types told;
	struct loaded loaded;
	struct attach_options attach;
	struct link links[8];
	size_t links_len;
	struct reader *reader;
	struct error err;
};

extern struct corpus corpus;

/* Sets a global of the object before it is loaded. */
void corpus_set(const char *global, uint64_t value);
/*
 * From the object to the kernel. Where that is rightly refused the test ends here, well. Programs of
 * kinds that are attached by their names are.
 */
void corpus_start(void);
/* A global as it is now; up to 8 bytes as a number. */
uint64_t corpus_get(const char *global);
void corpus_get_bytes(const char *global, void *bytes, size_t size);
int corpus_map(const char *name); /* descriptors */
int corpus_program(const char *name);
/* Before the events: the map that records are read from. */
void corpus_open_reader(const char *map);
/* All records that are there, into an array of that many bytes each; how many. */
size_t corpus_records(void *records, size_t size, size_t max);
/*
 * BPF_PROG_TEST_RUN with a packet; returns what the program does. What comes out goes to `out` of
 * 4096 bytes, NULL is fine.
 */
uint32_t corpus_run(const char *program, const void *packet, size_t size, void *out);

#endif
