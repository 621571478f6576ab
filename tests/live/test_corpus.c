// SPDX-License-Identifier: GPL-2.0
/*
 * Every object of tests/fixtures/corpus, as each compiler made it for each level of the instruction
 * set, on the running kernel: see corpus.h.
 */
#include "tests/live/corpus.h"
#include "tests/live/acts.h"

Suite *corpus_suite(void);

static void begin(void)
{
	need_bpf();
	allow_locked_memory();
	need_initial_pids();
	memset(&corpus, 0, sizeof(corpus));
	stand_behind_gate();
}

static void end(void)
{
	reader_free(corpus.reader);
	while (corpus.links_len)
		link_detach(&corpus.links[--corpus.links_len]);
	if (corpus.loaded.object) {
		acts_note(&corpus.loaded);
		loaded_fini(&corpus.loaded);
	}
	load_types_fini(&corpus.told);
	plan_fini(&corpus.plan);
	types_fini(&corpus.types);
	caps_fini(&corpus.caps);
	object_fini(&corpus.obj);
}

START_TEST(newest_compiler_was_there)
{
	if (corpus_builds() == 3)
		skip("objects of the newest clang, v1 to v4: make setup installs it");
}
END_TEST

Suite *corpus_suite(void)
{
	Suite *s = suite_create("corpus");
	TCase *c = live_case(s, "corpus");

	tcase_add_checked_fixture(c, begin, end);
	tcase_add_test(c, newest_compiler_was_there);
	add_trace_trials(c);
	add_net_trials(c);
	return s;
}
