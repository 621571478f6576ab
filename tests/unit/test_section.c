// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <string.h>

#include "loader/section.h"
#include "util/release.h"

Suite *section_suite(void);

#define SLEEPABLE (1u << 4)
#define FRAGS (1u << 5)

static const struct {
	const char *section;
	enum bpf_prog_type type;
	const char *attach, *target;
	uint32_t attach_number, flags, since;
} kinds[] = {
	{ "tracepoint/a/b", BPF_PROG_TYPE_TRACEPOINT, NULL, "a/b", 0, 0, LINUX(4, 7) },
	{ "tp/a/b", BPF_PROG_TYPE_TRACEPOINT, NULL, "a/b", 0, 0, LINUX(4, 7) },
	{ "?tp/a/b", BPF_PROG_TYPE_TRACEPOINT, NULL, "a/b", 0, 0, LINUX(4, 7) },
	{ "kprobe", BPF_PROG_TYPE_KPROBE, NULL, "", 0, 0, LINUX(4, 1) },
	{ "kprobe/do_exit", BPF_PROG_TYPE_KPROBE, NULL, "do_exit", 0, 0, LINUX(4, 1) },
	{ "kprobe.multi/sys_*", BPF_PROG_TYPE_KPROBE, "trace_kprobe_multi", "sys_*", 42, 0,
	  LINUX(5, 18) },
	{ "fentry.s/f", BPF_PROG_TYPE_TRACING, "trace_fentry", "f", 24, SLEEPABLE, LINUX(5, 10) },
	{ "xdp", BPF_PROG_TYPE_XDP, "xdp", "", 37, 0, LINUX(4, 8) },
	{ "xdp/cpumap", BPF_PROG_TYPE_XDP, "xdp_cpumap", "", 35, 0, LINUX(5, 9) },
	{ "xdp.frags", BPF_PROG_TYPE_XDP, "xdp", "", 37, FRAGS, LINUX(5, 18) },
	{ "cgroup_skb/ingress", BPF_PROG_TYPE_CGROUP_SKB, "cgroup_inet_ingress", "", 0, 0,
	  LINUX(4, 10) },
	{ "struct_ops/init", BPF_PROG_TYPE_STRUCT_OPS, "struct_ops", "init", 44, 0, LINUX(5, 6) },
};

START_TEST(name_says_type_place_and_target)
{
	const struct section_kind *kind = section_kind(kinds[_i].section);

	ck_assert_ptr_nonnull(kind);
	ck_assert_int_eq(kind->type, kinds[_i].type);
	ck_assert_uint_eq(kind->attach, kinds[_i].attach_number);
	ck_assert_pstr_eq(kind->attach_name, kinds[_i].attach);
	ck_assert_uint_eq(kind->flags, kinds[_i].flags);
	ck_assert_uint_eq(kind->since, kinds[_i].since);
	ck_assert_str_eq(section_target(kinds[_i].section), kinds[_i].target);
}
END_TEST

static const char *const unknown[] = {
	"", "?", "kprobes/x", "kprob", "xdp/", "xdp/other", "tracepointx", "sec", ".text",
};

START_TEST(other_names_are_of_no_kind)
{
	ck_assert_ptr_null(section_kind(unknown[_i]));
	ck_assert_str_eq(section_target(unknown[_i]), "");
}
END_TEST

static const struct {
	const char *section, *message;
} unloadable[] = {
	{ "xdp/other", "section 'xdp/other': got a kind of program that is not known, expected one "
		       "like tracepoint/CATEGORY/EVENT" },
};

START_TEST(what_nothing_can_load_is_told)
{
	const char *section = unloadable[_i].section;
	struct error err;

	error_clear(&err);
	ck_assert_int_eq(section_loadable(section_kind(section), section, &err), -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	ck_assert_str_eq(err.message, unloadable[_i].message);
	ck_assert_str_ne(err.hint, "");
}
END_TEST

START_TEST(every_other_kind_can_be_loaded)
{
	static const char *const sections[] = { "tp/a/b", "xdp", "fentry/f", "kprobe/f", "syscall" };
	struct error err;

	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++)
		ck_assert_int_eq(section_loadable(section_kind(sections[i]), sections[i], &err), 0);
}
END_TEST

START_TEST(list_of_names_is_taken_apart)
{
	const char *rest = "do_unlinkat|filename_unlinkat|x";
	struct section_name name;
	char longest[800] = "";

	rest = section_next(rest, &name);
	ck_assert_str_eq(name.text, "do_unlinkat");
	rest = section_next(rest, &name);
	ck_assert_str_eq(name.text, "filename_unlinkat");
	rest = section_next(rest, &name);
	ck_assert_str_eq(name.text, "x");
	ck_assert_ptr_null(section_next(rest, &name));
	ck_assert_ptr_null(section_next("", &name));
	memset(longest, 'a', sizeof(longest) - 1);
	ck_assert_str_eq(section_next(longest, &name), "");
	ck_assert_uint_eq(strlen(name.text), sizeof(name.text) - 1);
}
END_TEST

Suite *section_suite(void)
{
	Suite *s = suite_create("section");
	TCase *tc = tcase_create("section");

	tcase_add_loop_test(tc, name_says_type_place_and_target, 0,
			    sizeof(kinds) / sizeof(kinds[0]));
	tcase_add_loop_test(tc, other_names_are_of_no_kind, 0,
			    sizeof(unknown) / sizeof(unknown[0]));
	tcase_add_loop_test(tc, what_nothing_can_load_is_told, 0,
			    sizeof(unloadable) / sizeof(unloadable[0]));
	tcase_add_test(tc, every_other_kind_can_be_loaded);
	tcase_add_test(tc, list_of_names_is_taken_apart);
	suite_add_tcase(s, tc);
	return s;
}
