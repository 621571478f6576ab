// SPDX-License-Identifier: GPL-2.0
/* What `portrace inspect` prints, line by line, and what it says of files that are none. */
#include <check.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/inspect.h"
#include "cli/object_file.h"

Suite *inspect_suite(void);

static struct object obj;
static struct needs needs;
static struct error err;
static char *shown;
static struct json_object *json;

static void setup(void)
{
	memset(&obj, 0, sizeof(obj));
	memset(&needs, 0, sizeof(needs));
	error_clear(&err);
	shown = NULL;
	json = NULL;
}

static void teardown(void)
{
	json_object_put(json);
	needs_fini(&needs);
	object_fini(&obj);
	free(shown);
}

static void show(const char *fixture, bool verbose, void (*how)(const struct inspection *, FILE *))
{
	struct inspection in = { &obj, &needs, verbose };
	size_t size;
	static char path[512];
	FILE *to;

	snprintf(path, sizeof(path), "%s/%s.bpf.o", FIXTURES, fixture);
	ck_assert_msg(!object_file_open(&obj, path, &err), "%s", err.message);
	ck_assert_msg(!needs_init(&needs, &obj, &err), "%s", err.message);
	to = open_memstream(&shown, &size);
	how(&in, to);
	fclose(to);
}

static bool has_line(const char *line)
{
	const char *at = shown;
	size_t len = strlen(line);

	while ((at = strstr(at, line))) {
		if ((at == shown || at[-1] == '\n') && at[len] == '\n')
			return true;
		at++;
	}
	return false;
}

static void expect_line(const char *line)
{
	ck_assert_msg(has_line(line), "no line '%s' in:\n%s", line, shown);
}

/* The instructions of a program, and so that column, are up to the compiler. */
static void expect_program(const char *name, const char *type, const char *target)
{
	struct program *prog = object_program(&obj, name);
	char line[200];

	snprintf(line, sizeof(line), "%-16s %-18s %6zu  %s", name, type, prog->insns.len, target);
	expect_line(line);
}

/* ---- text ---- */

START_TEST(head_says_what_it_is_and_needs)
{
	show("records", false, inspect_text);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	expect_line(FIXTURES "/records.bpf.o: little endian, instruction set v1, license GPL");
#else
	expect_line(FIXTURES "/records.bpf.o: big endian, instruction set v1, license GPL");
#endif
	expect_line("Needs Linux 5.8, or 4.7 with what portrace does instead");
	ck_assert_ptr_null(strstr(shown, "cannot load"));
}
END_TEST

START_TEST(programs_are_listed_with_their_subprograms)
{
	show("object", false, inspect_text);
	expect_line("PROGRAM          TYPE                INSNS  ATTACHES TO");
	expect_program("first", "tracepoint", "one/first");
	expect_line("  + branch, unused_by_second, leaf");
	expect_program("third", "tracepoint", "two/both");
	expect_line("  + beside");
}
END_TEST

START_TEST(maps_are_listed_with_types_and_flags)
{
	show("inspect", false, inspect_text);
	expect_line("MAP              TYPE                ENTRIES  KEY -> VALUE, IN BYTES");
	expect_line("seen             lru_hash                 10  struct key (12) -> u64 (8) "
		    "[no_common_lru]");
	expect_line("shared           array                     1  4 bytes -> 8 bytes "
		    "[pinned by name]");
}
END_TEST

START_TEST(globals_are_listed_with_their_values)
{
	show("inspect", false, inspect_text);
	expect_line(".rodata      const volatile enum mode mode = ON");
	expect_line(".rodata      const volatile char greeting[12] = \"hi \\\"you\\\"\\n\"");
	expect_line(".rodata      const volatile struct key first = "
		    "{ .id = 7, .name = \"seven\" }");
	expect_line(".data        _Bool on = true");
	expect_line(".bss         u64 counts[3] = {}");
}
END_TEST

START_TEST(addresses_are_not_shown_as_numbers)
{
	show("pointer", false, inspect_text);
	expect_line(".data        int *volatile pointer = NULL (with addresses that no kernel fills in)");
	expect_line(".data        int target = 3");
}
END_TEST

START_TEST(externs_are_listed_by_section)
{
	show("inspect", false, inspect_text);
	expect_line("SECTION      EXTERN");
	expect_line(".ksyms       u64 bpf_jiffies64_of(u32)");
	expect_line(".kconfig     const int CONFIG_HZ");
}
END_TEST

START_TEST(relocations_are_counted)
{
	show("kernel", false, inspect_text);
	expect_line("7 CO-RE RELOCATIONS: 7 field_byte_offset");
	ck_assert_ptr_null(strstr(shown, "struct task_struct.pid"));
}
END_TEST

START_TEST(relocations_are_listed_with_their_source_when_asked)
{
	show("inspect", true, inspect_text);
	expect_line("1 CO-RE RELOCATION: 1 field_byte_offset");
	expect_line("  on_switch          inspect.bpf.c:1000   "
		    "byte offset of struct task_struct.pid");
}
END_TEST

START_TEST(needs_are_listed_with_evidence)
{
	show("inspect", false, inspect_text);
	expect_line("SINCE  NEEDS OF THE KERNEL");
	expect_line("5.18   program type xdp: 1 program (on_packet)");
	expect_line("5.2    global variables: 3 sections, else lookups in a map");
	expect_line("       (.rodata, .data, .bss)");
	expect_line("5.13   calls of kernel functions: 1 call");
	expect_line("4.10   map type lru_hash: 1 map (seen)");
	expect_line("4.10   map flag no_common_lru: 1 map (seen)");
	expect_line("4.1    program type kprobe: 1 program (on_exit)");
	expect_line("3.19   helper bpf_map_lookup_elem: 2 calls");
	expect_line("-      values of the kernel's configuration: 1 extern (CONFIG_HZ)");
	expect_line("5.13   functions of the kernel (kfuncs): 1 extern (bpf_jiffies64_of)");
}
END_TEST

START_TEST(what_stands_in_the_way_of_loading_is_listed)
{
	show("undefined", false, inspect_text);
	expect_line("portrace cannot load it:");
	expect_line("  section 'socket': function 'probe': instruction 0: symbol 'elsewhere': got an "
		    "extern one, expected it to be defined in the object");
	free(shown);
	shown = NULL;
	needs_fini(&needs);
	object_fini(&obj);
	show("inspect", false, inspect_text);
	ck_assert_ptr_null(strstr(shown, "cannot load"));
}
END_TEST

START_TEST(what_maps_hold_from_the_start_is_told)
{
	show("holders", false, inspect_text);
	expect_line("calls            prog_array                8  4 bytes -> 4 bytes [2 from the start]");
	expect_line("outer.inner      hash                      5  __u32 (4) -> __u64 (8)");
	expect_line("bloom            bloom_filter            100  - -> __u32 (4) [extra 0x3]");
}
END_TEST

START_TEST(program_that_is_not_loaded_by_itself_says_so)
{
	show("inspect", false, inspect_text);
	ck_assert(!object_program(&obj, "on_packet")->autoload);
	expect_program("on_packet", "xdp", "?xdp.frags (not loaded by itself)");
	expect_program("on_exit", "kprobe", "do_exit");
}
END_TEST

START_TEST(names_cannot_act_on_the_terminal)
{
	struct inspection in = { &obj, &needs, false };
	size_t size;
	FILE *to;

	show("plain", false, inspect_text);
	free(shown);
	obj.programs.at[0].name = "\033[31mred\n";
	to = open_memstream(&shown, &size);
	inspect_text(&in, to);
	fclose(to);
	ck_assert_ptr_null(strchr(shown, '\033'));
	ck_assert_ptr_nonnull(strstr(shown, "\\x1b[31mred\\x0a"));
}
END_TEST

START_TEST(object_with_little_in_it_shows_little)
{
	show("plain", false, inspect_text);
	ck_assert_ptr_nonnull(strstr(shown, "no license\nNeeds Linux 4.7\n"));
	ck_assert_ptr_null(strstr(shown, "MAP "));
	ck_assert_ptr_null(strstr(shown, "GLOBAL"));
	ck_assert_ptr_null(strstr(shown, "RELOCATION"));
}
END_TEST

/* ---- JSON ---- */

static struct json_object *get(struct json_object *from, const char *key)
{
	struct json_object *value = NULL;

	ck_assert_msg(json_object_object_get_ex(from, key, &value), "no key %s in %s", key,
		      json_object_to_json_string(from));
	return value;
}

/* The element of an array whose key says so. */
static struct json_object *pick(const char *array, const char *key, const char *word)
{
	struct json_object *list = get(json, array);

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *at = json_object_array_get_idx(list, i);

		if (!strcmp(json_object_get_string(get(at, key)), word))
			return at;
	}
	ck_abort_msg("no %s with %s %s", array, key, word);
	return NULL;
}

static void expect_string(struct json_object *from, const char *key, const char *expected)
{
	struct json_object *value = get(from, key);

	if (!expected)
		ck_assert_msg(!value, "%s is not null", key);
	else
		ck_assert_str_eq(json_object_get_string(value), expected);
}

static void show_json(const char *fixture)
{
	show(fixture, false, inspect_json);
	json = json_tokener_parse(shown);
	ck_assert_msg(json != NULL, "%s", shown);
	ck_assert_int_eq(shown[strlen(shown) - 1], '\n');
}

START_TEST(json_has_the_same_facts)
{
	struct json_object *at;

	show_json("inspect");
	ck_assert_int_eq(json_object_get_int(get(json, "v")), 1);
	expect_string(json, "license", "GPL");
	expect_string(json, "since", "5.18");
	at = pick("programs", "name", "on_packet");
	expect_string(at, "type", "xdp");
	expect_string(at, "attach_type", "xdp");
	expect_string(at, "target", NULL);
	expect_string(at, "since", "5.18");
	ck_assert(!json_object_get_boolean(get(at, "autoload")));
	at = pick("programs", "name", "on_exit");
	expect_string(at, "attach_type", NULL);
	expect_string(at, "target", "do_exit");
	at = pick("maps", "name", "seen");
	expect_string(at, "type", "lru_hash");
	expect_string(at, "key", "struct key");
	expect_string(at, "flags", "[ \"no_common_lru\" ]");
	ck_assert_int_eq(json_object_get_int(get(at, "value_size")), 8);
	expect_string(pick("maps", "name", "shared"), "value", NULL);
	at = pick("globals", "name", "first");
	expect_string(at, "section", ".rodata");
	expect_string(at, "type", "const volatile struct key");
	expect_string(at, "value", "{ .id = 7, .name = \"seven\" }");
	at = pick("externs", "name", "bpf_jiffies64_of");
	expect_string(at, "kind", "function");
	expect_string(at, "section", ".ksyms");
	at = pick("needs", "what", "map type lru_hash");
	expect_string(at, "since", "4.10");
	expect_string(at, "where", "seen");
	expect_string(at, "instead", NULL);
	ck_assert(!json_object_get_boolean(get(at = pick("externs", "name", "CONFIG_HZ"), "weak")));
	ck_assert_uint_eq(json_object_array_length(get(json, "obstacles")), 0);
}
END_TEST

START_TEST(json_has_every_relocation)
{
	struct json_object *at;
	size_t all = 0, i;

	show_json("core");
	for (i = 0; i < obj.programs.len; i++)
		all += obj.programs.at[i].relos.len;
	ck_assert_uint_eq(json_object_array_length(get(json, "relocations")), all);
	at = pick("relocations", "program", "missing");
	expect_string(at, "kind", "field_byte_offset");
	expect_string(at, "asks", "byte offset of struct absent.x");
	expect_string(at, "file", "core.bpf.c");
	ck_assert_int_gt(json_object_get_int(get(at, "line")), 1);
	at = pick("relocations", "program", "missing_value");
	expect_string(at, "kind", "enumval_value");
}
END_TEST

/* ---- files that are no objects ---- */

static char temporary[64];

static void write_temporary(const void *data, size_t size)
{
	int fd;

	strcpy(temporary, "/tmp/portrace-test-XXXXXX");
	fd = mkstemp(temporary);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, size), size);
	close(fd);
}

static void expect_no_object(const void *data, size_t size, enum error_code code, const char *text)
{
	write_temporary(data, size);
	ck_assert_int_eq(object_file_open(&obj, temporary, &err), -1);
	unlink(temporary);
	ck_assert_int_eq(err.code, code);
	ck_assert_msg(!strncmp(err.message, temporary, strlen(temporary)) &&
		      strstr(err.message, text), "got '%s', expected '%s'", err.message, text);
}

START_TEST(what_is_no_object_gets_one_clear_error)
{
	expect_no_object("", 0, ERROR_FORMAT, "not an ELF file: got 0 bytes");
	expect_no_object("#!/bin/sh\necho hello\n", 21, ERROR_FORMAT, "not an ELF file");
	expect_no_object("\177ELF", 4, ERROR_FORMAT, "not an ELF file: got 4 bytes");
}
END_TEST

START_TEST(cut_object_gets_one_clear_error)
{
	static char file[1 << 16];
	size_t size;
	FILE *f = fopen(FIXTURES "/inspect.bpf.o", "rb");

	ck_assert_ptr_nonnull(f);
	size = fread(file, 1, sizeof(file), f);
	fclose(f);
	expect_no_object(file, size - 1, ERROR_FORMAT, "the file is cut off or damaged");
	expect_no_object(file, size / 2, ERROR_FORMAT, "the file is cut off or damaged");
	expect_no_object(file, 60, ERROR_FORMAT, "the file is cut off");
}
END_TEST

START_TEST(file_that_is_not_there_is_named)
{
	ck_assert_int_eq(object_file_open(&obj, "/no/such/file.o", &err), -1);
	ck_assert_int_eq(err.code, ERROR_NOT_FOUND);
	ck_assert_str_eq(err.message, "/no/such/file.o: No such file or directory");
}
END_TEST

/* Whatever object_init() takes must be shown without harm, in both forms. */
START_TEST(damaged_objects_are_shown_without_harm)
{
	struct inspection in = { &obj, &needs, true };
	static uint8_t file[1 << 16];
	FILE *f = fopen(FIXTURES "/inspect.bpf.o", "rb"), *to = fopen("/dev/null", "w");
	size_t size, at, taken = 0;

	ck_assert(f && to);
	size = fread(file, 1, sizeof(file), f);
	fclose(f);
	for (at = 64; at < size; at++) {
		file[at] ^= 0x41;
		if (!object_init(&obj, "obj", file, size, &err)) {
			if (!needs_init(&needs, &obj, &err)) {
				inspect_text(&in, to);
				inspect_json(&in, to);
			}
			needs_fini(&needs);
			object_fini(&obj);
			taken++;
		}
		file[at] ^= 0x41;
	}
	fclose(to);
	ck_assert_uint_gt(taken, size / 10);
}
END_TEST

Suite *inspect_suite(void)
{
	Suite *s = suite_create("inspect");
	TCase *tc = tcase_create("inspect");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, head_says_what_it_is_and_needs);
	tcase_add_test(tc, programs_are_listed_with_their_subprograms);
	tcase_add_test(tc, maps_are_listed_with_types_and_flags);
	tcase_add_test(tc, globals_are_listed_with_their_values);
	tcase_add_test(tc, addresses_are_not_shown_as_numbers);
	tcase_add_test(tc, externs_are_listed_by_section);
	tcase_add_test(tc, relocations_are_counted);
	tcase_add_test(tc, relocations_are_listed_with_their_source_when_asked);
	tcase_add_test(tc, needs_are_listed_with_evidence);
	tcase_add_test(tc, what_stands_in_the_way_of_loading_is_listed);
	tcase_add_test(tc, what_maps_hold_from_the_start_is_told);
	tcase_add_test(tc, program_that_is_not_loaded_by_itself_says_so);
	tcase_add_test(tc, names_cannot_act_on_the_terminal);
	tcase_add_test(tc, object_with_little_in_it_shows_little);
	tcase_add_test(tc, json_has_the_same_facts);
	tcase_add_test(tc, json_has_every_relocation);
	tcase_add_test(tc, what_is_no_object_gets_one_clear_error);
	tcase_add_test(tc, cut_object_gets_one_clear_error);
	tcase_add_test(tc, file_that_is_not_there_is_named);
	tcase_add_test(tc, damaged_objects_are_shown_without_harm);
	suite_add_tcase(s, tc);
	return s;
}
