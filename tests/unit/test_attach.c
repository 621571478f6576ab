// SPDX-License-Identifier: GPL-2.0
/* What is found out of a target before the kernel is asked; tests/live attaches. */
#include <check.h>
#include <string.h>

#include "loader/attach.h"

static void expect_refused(const char *section, const char *message)
{
	struct object obj = { .name = "o" };
	int no_fd = -1;
	struct loaded loaded = { .object = &obj, .prog_fds = &no_fd };
	const struct attach_options options = { 0 };
	struct program *prog = vec_push(&obj.programs);
	struct error err;
	struct link link;

	prog->name = "p";
	prog->section = section;
	prog->kind = section_kind(section);
	prog->target = section_target(section);
	error_clear(&err);
	ck_assert_int_eq(link_attach(&link, &loaded, 0, &options, &err), -1);
	ck_assert_int_eq(err.code, ERROR_FORMAT);
	ck_assert_str_eq(err.message, message);
	ck_assert_int_eq(link.fd, -1);
	object_fini(&obj);
}

START_TEST(a_tracepoint_is_a_category_and_an_event)
{
	expect_refused("tracepoint/signal", "o: program 'p': section 'tracepoint/signal': got no "
		       "tracepoint, expected tracepoint/CATEGORY/EVENT");
}
END_TEST

START_TEST(what_a_kprobe_adds_to_a_function_is_a_number)
{
	expect_refused("kprobe/do_exit+", "o: program 'p': section 'kprobe/do_exit+': got 'do_exit+', "
		       "expected FUNCTION or FUNCTION+OFFSET");
	expect_refused("kprobe/do_exit+0x10y", "o: program 'p': section 'kprobe/do_exit+0x10y': got "
		       "'do_exit+0x10y', expected FUNCTION or FUNCTION+OFFSET");
	expect_refused("kprobe/+4", "o: program 'p': section 'kprobe/+4': got '+4', expected FUNCTION "
		       "or FUNCTION+OFFSET");
}
END_TEST

START_TEST(what_a_uprobe_adds_to_a_function_is_a_number)
{
	expect_refused("uprobe//bin/a:f+", "o: program 'p': section 'uprobe//bin/a:f+': got 'f+', "
		       "expected FUNCTION or FUNCTION+OFFSET");
	expect_refused("uprobe//bin/a:f+4y", "o: program 'p': section 'uprobe//bin/a:f+4y': got "
		       "'f+4y', expected FUNCTION or FUNCTION+OFFSET");
}
END_TEST

START_TEST(a_uprobe_is_of_a_file_and_a_place_in_it)
{
	expect_refused("uprobe//bin/a", "o: program 'p': section 'uprobe//bin/a': got '/bin/a', "
		       "expected PATH:FUNCTION, PATH:FUNCTION+OFFSET or PATH:OFFSET");
}
END_TEST

START_TEST(interface_is_of_use_also_where_none_is_needed)
{
	static const struct {
		const char *section, *target;
		uint32_t takes;
	} sections[] = {
		{ "socket", "", NEED_IFACE }, { "socket", "lo", 0 }, { "xdp", "", NEED_IFACE },
		{ "xdp", "lo", 0 }, { "cgroup/dev", "", NEED_CGROUP }, { "perf_event", "", 0 },
		{ "lsm_cgroup/socket_bind", "socket_bind", NEED_CGROUP },
	};

	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		const struct program prog = {
			.kind = section_kind(sections[i].section),
			.target = sections[i].target,
		};

		ck_assert_msg(attach_takes(&prog) == sections[i].takes, "%s", sections[i].section);
	}
}
END_TEST

/* Loop index: 1 where a cgroup is said. */
START_TEST(what_is_missing_is_what_nothing_says)
{
	static const struct {
		const char *section;
		uint32_t needs;
	} sections[] = {
		{ "cgroup/connect4", NEED_CGROUP }, { "cgroup/skb", NEED_CGROUP },
		{ "sockops", NEED_CGROUP }, { "lsm_cgroup/socket_bind", NEED_CGROUP },
		{ "lsm_cgroup", NEED_CGROUP | NEED_TARGET }, { "lsm/socket_bind", 0 },
		{ "lsm", NEED_TARGET }, { "fentry/do_exit", 0 }, { "fentry", NEED_TARGET },
		{ "sk_reuseport", NEED_TARGET }, { "lirc_mode2", NEED_TARGET }, { "sk_msg", 0 },
		{ "socket", 0 }, { "perf_event", 0 }, { "syscall", 0 }, { "struct_ops/init", 0 },
	};
	const struct attach_place place = { .cgroup = _i ? "/c" : NULL };

	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		const struct program prog = {
			.section = sections[i].section,
			.kind = section_kind(sections[i].section),
			.target = section_target(sections[i].section),
		};

		ck_assert_msg(attach_knows(prog.kind), "%s", prog.section);
		ck_assert_msg(attach_lacks(&prog, &place) ==
			      (sections[i].needs & ~(_i ? (uint32_t)NEED_CGROUP : 0)), "%s: 0x%x",
			      prog.section, attach_lacks(&prog, &place));
	}
}
END_TEST

Suite *attach_suite(void);
START_TEST(every_kind_is_attached_by_somebody)
{
	for (size_t i = 0; section_kind_at(i); i++)
		ck_assert_msg(attach_knows(section_kind_at(i)), "%s", section_kind_at(i)->name);
	ck_assert(!attach_knows(NULL));
}
END_TEST

Suite *attach_suite(void)
{
	Suite *suite = suite_create("attach");
	TCase *tc = tcase_create("attach");

	tcase_add_test(tc, every_kind_is_attached_by_somebody);
	tcase_add_test(tc, a_tracepoint_is_a_category_and_an_event);
	tcase_add_test(tc, what_a_kprobe_adds_to_a_function_is_a_number);
	tcase_add_test(tc, what_a_uprobe_adds_to_a_function_is_a_number);
	tcase_add_test(tc, a_uprobe_is_of_a_file_and_a_place_in_it);
	tcase_add_test(tc, interface_is_of_use_also_where_none_is_needed);
	tcase_add_loop_test(tc, what_is_missing_is_what_nothing_says, 0, 2);
	suite_add_tcase(suite, tc);
	return suite;
}
