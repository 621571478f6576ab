// SPDX-License-Identifier: GPL-2.0
/*
 * What is made of tracefs's format files, beside what the kernel's own BTF says of the same
 * records: the two must not differ.
 */
#include "tests/live/harness.h"

#include <dirent.h>

#include "btf/core.h"
#include "btf/format.h"
#include "loader/attach.h"
#include "loader/types.h"
#include "util/map.h"

Suite *format_suite(void);

static struct tracefs tracefs;
static struct btf kernel;
static struct error err;
static unsigned int events, calls, compared, others, fields;

static void begin(void)
{
	if (geteuid())
		skip("needs root");
	if (btf_open(&kernel, NULL, KERNEL_BTF, &err))
		skip("%s", err.message);
	ck_assert_msg(!tracefs_open(&tracefs, &err), "%s", err.message);
	events = calls = compared = others = fields = 0;
}

static void end(void)
{
	tracefs_close(&tracefs);
	btf_fini(&kernel);
}

static const struct btf_type *find_struct(const struct btf *btf, const char *name)
{
	return btf_type(btf, btf_find(btf, name, BTF_KIND_STRUCT));
}

static const struct btf_member *find_member(const struct btf *btf, const struct btf_type *t,
					    const char *name)
{
	const struct btf_member *m = btf_extra(t);

	for (uint32_t i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf_string(btf, m[i].name_off), name))
			return &m[i];
	return NULL;
}

/* All members but what tracefs does not describe: where dynamic data begins. */
static void compare(const char *name, const struct btf *made)
{
	const struct btf_type *theirs = find_struct(&kernel, name), *ours = find_struct(made, name);
	const struct btf_member *m = btf_extra(theirs);
	unsigned int same = 0;

	for (uint32_t i = 0; i < btf_vlen(theirs); i++) {
		const char *member = btf_string(&kernel, m[i].name_off);
		const struct btf_member *other = find_member(made, ours, member);

		if (!strcmp(member, "__data"))
			continue;
		ck_assert_msg(other != NULL, "struct %s: no %s", name, member);
		ck_assert_msg(other->offset == m[i].offset &&
			      btf_size(made, other->type) == btf_size(&kernel, m[i].type),
			      "struct %s: %s: got %u bytes at bit %u, expected %d at %u", name, member,
			      (int)btf_size(made, other->type), other->offset,
			      (int)btf_size(&kernel, m[i].type), m[i].offset);
		same++;
	}
	ck_assert_msg(same == btf_vlen(ours), "struct %s: got %u members, expected %u", name,
		      btf_vlen(ours), same);
	ck_assert_msg(theirs->size == ours->size, "struct %s: got %u bytes, expected %u", name,
		      ours->size, theirs->size);
	fields += same;
}

static void look_at(const char *category, const char *event)
{
	struct event_format format = { .category = category, .event = event };
	char name[256], *text;
	struct btf made;

	snprintf(name, sizeof(name), "trace_event_raw_%s", event);
	/* Directories that are no event have no format. */
	if (tracefs_format(&tracefs, category, event, &text, &format.len, &err))
		return;
	format.text = text;
	ck_assert_msg(!btf_from_formats(&made, &format, 1, &err), "%s", err.message);
	ck_assert_msg(!btf_check(&made, &err), "%s:%s: %s", category, event, err.message);
	events++;
	if (!strcmp(category, "syscalls")) {
		calls++; /* what programs on these get is no record of tracefs, and has no such struct */
	} else if (!find_struct(&kernel, name)) {
		others++; /* called after its class, which no file names, or in a module */
	} else {
		compare(name, &made);
		compare("trace_entry", &made);
		compared++;
	}
	btf_fini(&made);
	free(text);
}

/* Calls fn for each directory in one of tracefs. */
static void each_in(const char *path, void (*fn)(const char *parent, const char *name))
{
	int fd = openat(tracefs.fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && entry->d_type == DT_DIR)
			fn(path, entry->d_name);
	closedir(dir);
}

static void look_at_event(const char *parent, const char *event)
{
	look_at(parent + strlen("events/"), event);
}

static void look_at_category(const char *parent, const char *category)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", parent, category);
	each_in(path, look_at_event);
}

START_TEST(formats_and_the_kernels_own_types_agree)
{
	each_in("events", look_at_category);
	printf("formats: %u events: %u fields of %u events the same, and all sizes; left out: %u system calls, "
	       "%u called after a class or in modules\n", events, fields, compared, calls, others);
	ck_assert_uint_gt(events, 100);
	ck_assert_uint_gt(compared, (events - calls) / 4);
}
END_TEST

/* The relocations of the program that stay without an answer. */
static size_t unresolved(struct object *obj, const struct types *types, const char *name)
{
	struct program *prog = object_program(obj, name);
	const struct btf *target = types_of(types, prog - obj->programs.at);

	ck_assert_msg(!core_relocate(prog, 1, &obj->btf, target, &err), "%s", err.message);
	return prog->relos.len;
}

/* Both call their record a struct trace_event_raw_sys_enter, of which one has two arguments. */
START_TEST(each_program_is_on_the_record_of_its_own_event)
{
	struct types_request request = { .from = TYPES_TRACEFS };
	struct map_file file;
	struct types types;
	struct object obj;

	if (faccessat(tracefs.fd, "events/syscalls/sys_enter_kill", F_OK, 0))
		skip("no system calls among the tracepoints (CONFIG_FTRACE_SYSCALLS)");
	ck_assert_int_eq(map_file(&file, FIXTURES "/format.bpf.o"), 0);
	ck_assert_msg(!object_init(&obj, "format", file.data, file.size, &err), "%s", err.message);
	request.obj = &obj;
	ck_assert_msg(!types_open(&types, &request, &err), "%s", err.message);
	ck_assert_uint_eq(unresolved(&obj, &types, "third"), 0);
	ck_assert_uint_eq(unresolved(&obj, &types, "enter_kill"), 0);
	ck_assert_uint_eq(unresolved(&obj, &types, "beyond"), 1);
	types_fini(&types);
	object_fini(&obj);
	unmap_file(&file);
}
END_TEST

Suite *format_suite(void)
{
	Suite *s = suite_create("format");
	TCase *tc = live_case(s, "format");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, formats_and_the_kernels_own_types_agree);
	tcase_add_test(tc, each_program_is_on_the_record_of_its_own_event);
	return s;
}
