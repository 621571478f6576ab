// SPDX-License-Identifier: GPL-2.0
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btf/core.h"
#include "btf/format.h"
#include "loader/object.h"

Suite *format_suite(void);

static struct btf btf;
static struct object obj;
static struct error err;

static void setup(void)
{
	memset(&btf, 0, sizeof(btf));
	memset(&obj, 0, sizeof(obj));
	error_clear(&err);
}

static void teardown(void)
{
	btf_fini(&btf);
	object_fini(&obj);
}

/* ---- texts of real kernels ---- */

#define COMMON                                                                               \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"                \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"                \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"        \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
#define HEAD(name) "name: " name "\nID: 261\nformat:\n" COMMON
#define FIELD(declaration, offset, size, sign)                                               \
	"\tfield:" declaration ";\toffset:" #offset ";\tsize:" #size ";\tsigned:" #sign ";\n"

/* Linux 6.18; before 5.5, and so on 4.4, the same but for the sign of comm. */
static const char generate[] = HEAD("signal_generate")
	FIELD("int sig", 8, 4, 1)
	FIELD("int errno", 12, 4, 1)
	FIELD("int code", 16, 4, 1)
	FIELD("char comm[16]", 20, 16, 0)
	FIELD("pid_t pid", 36, 4, 1)
	FIELD("int group", 40, 4, 1)
	FIELD("int result", 44, 4, 1)
	"\nprint fmt: \"sig=%d errno=%d code=%d comm=%s pid=%d grp=%d res=%d\", REC->sig, REC->errno";

static const char deliver[] = HEAD("signal_deliver")
	FIELD("int sig", 8, 4, 1)
	FIELD("int errno", 12, 4, 1)
	FIELD("int code", 16, 4, 1)
	FIELD("unsigned long sa_handler", 24, 8, 0)
	FIELD("unsigned long sa_flags", 32, 8, 0)
	"\nprint fmt: \"sig=%d\", REC->sig\n";

static const char process_exit[] = HEAD("sched_process_exit")
	FIELD("char comm[16]", 8, 16, 0)
	FIELD("pid_t pid", 24, 4, 1)
	FIELD("int prio", 28, 4, 1)
	FIELD("bool group_dead", 32, 1, 0)
	"\nprint fmt: \"comm=%s\", REC->comm\n";

static const char exec[] = HEAD("sched_process_exec")
	FIELD("__data_loc char[] filename", 8, 4, 0)
	FIELD("pid_t pid", 12, 4, 1)
	FIELD("pid_t old_pid", 16, 4, 1)
	"\nprint fmt: \"filename=%s\", __get_str(filename)\n";

/* Linux 4.19: with success, and chars that are signed. */
static const char wakeup[] = HEAD("sched_wakeup")
	FIELD("char comm[16]", 8, 16, 1)
	FIELD("pid_t pid", 24, 4, 1)
	FIELD("int prio", 28, 4, 1)
	FIELD("int success", 32, 4, 1)
	FIELD("int target_cpu", 36, 4, 1)
	"\nprint fmt: \"comm=%s\", REC->comm\n";

static const char enter_kill[] = HEAD("sys_enter_kill")
	FIELD("int __syscall_nr", 8, 4, 1)
	FIELD("pid_t pid", 16, 8, 0)
	FIELD("int sig", 24, 8, 0)
	"\nprint fmt: \"pid: 0x%08lx\", ((unsigned long)(REC->pid))\n";

static const char exit_kill[] = HEAD("sys_exit_kill")
	FIELD("int __syscall_nr", 8, 4, 1)
	FIELD("long ret", 16, 8, 1)
	"\nprint fmt: \"0x%lx\", REC->ret\n";

/* ---- what is made of them ---- */

static void make(const struct event_format *formats, size_t count)
{
	ck_assert_msg(!btf_from_formats(&btf, formats, count, &err), "%s", err.message);
	ck_assert_msg(!btf_check(&btf, &err), "%s", err.message);
}

static void make_one(const char *category, const char *event, const char *text)
{
	make(&(struct event_format){ category, event, text, strlen(text), NULL }, 1);
}

static const struct btf_type *structure(const char *name)
{
	const struct btf_type *t = btf_type(&btf, btf_find(&btf, name, BTF_KIND_STRUCT));

	ck_assert_msg(t != NULL, "no struct %s", name);
	return t;
}

static const struct btf_member *member(const char *type, const char *name)
{
	const struct btf_type *t = structure(type);
	const struct btf_member *m = btf_extra(t);

	for (uint32_t i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf_string(&btf, m[i].name_off), name))
			return &m[i];
	return NULL;
}

static void expect_member(const char *type, const char *name, uint32_t offset, int64_t size,
			  uint32_t kind)
{
	const struct btf_member *m = member(type, name);

	ck_assert_msg(m != NULL, "no %s.%s", type, name);
	ck_assert_msg(m->offset == offset * 8 && btf_size(&btf, m->type) == size &&
		      btf_kind(btf_type(&btf, m->type)) == kind,
		      "%s.%s: offset %u size %lld kind %u", type, name, m->offset / 8,
		      (long long)btf_size(&btf, m->type), btf_kind(btf_type(&btf, m->type)));
}

static bool member_is_signed(const char *type, const char *name)
{
	const uint32_t *info = btf_extra(btf_type(&btf, member(type, name)->type));

	return BTF_INT_ENCODING(*info) & BTF_INT_SIGNED;
}

START_TEST(a_record_becomes_the_struct_that_a_kernel_calls_it)
{
	const char *s = "trace_event_raw_signal_generate";

	make_one("signal", "signal_generate", generate);
	ck_assert_uint_eq(structure(s)->size, 48);
	ck_assert_uint_eq(btf_vlen(structure(s)), 8);
	expect_member(s, "ent", 0, 8, BTF_KIND_STRUCT);
	expect_member(s, "sig", 8, 4, BTF_KIND_INT);
	expect_member(s, "comm", 20, 16, BTF_KIND_ARRAY);
	expect_member(s, "pid", 36, 4, BTF_KIND_INT);
	expect_member(s, "result", 44, 4, BTF_KIND_INT);
	ck_assert(member_is_signed(s, "sig"));
}
END_TEST

START_TEST(gaps_stay_and_the_size_is_as_the_compiler_rounds_it)
{
	make_one("signal", "signal_deliver", deliver);
	expect_member("trace_event_raw_signal_deliver", "sa_handler", 24, 8, BTF_KIND_INT);
	ck_assert(!member_is_signed("trace_event_raw_signal_deliver", "sa_handler"));
	ck_assert_uint_eq(structure("trace_event_raw_signal_deliver")->size, 40);
	btf_fini(&btf);
	make_one("sched", "sched_process_exit", process_exit);
	expect_member("trace_event_raw_sched_process_exit", "group_dead", 32, 1, BTF_KIND_INT);
	ck_assert_uint_eq(structure("trace_event_raw_sched_process_exit")->size, 36);
}
END_TEST

START_TEST(what_all_events_have_is_struct_trace_entry)
{
	make_one("signal", "signal_deliver", deliver);
	ck_assert_uint_eq(structure("trace_entry")->size, 8);
	ck_assert_uint_eq(btf_vlen(structure("trace_entry")), 4);
	expect_member("trace_entry", "type", 0, 2, BTF_KIND_INT);
	expect_member("trace_entry", "flags", 2, 1, BTF_KIND_INT);
	expect_member("trace_entry", "pid", 4, 4, BTF_KIND_INT);
}
END_TEST

/* As kernels with PREEMPT_RT have it: 9 bytes, rounded up to 12. */
START_TEST(more_common_fields_make_a_longer_trace_entry)
{
	make_one("sched", "x", HEAD("x") FIELD("unsigned char common_preempt_lazy_count", 8, 1, 0)
			       FIELD("int a", 12, 4, 1));
	ck_assert_uint_eq(structure("trace_entry")->size, 12);
	expect_member("trace_entry", "preempt_lazy_count", 8, 1, BTF_KIND_INT);
	expect_member("trace_event_raw_x", "a", 12, 4, BTF_KIND_INT);
}
END_TEST

START_TEST(dynamic_fields_are_named_as_in_a_kernels_btf)
{
	make_one("sched", "sched_process_exec", exec);
	expect_member("trace_event_raw_sched_process_exec", "__data_loc_filename", 8, 4,
		      BTF_KIND_INT);
	ck_assert_ptr_null(member("trace_event_raw_sched_process_exec", "filename"));
	btf_fini(&btf);
	make_one("sched", "x", HEAD("x") FIELD("__rel_loc char[] path", 8, 4, 1)
			       FIELD("__data_loc cpumask_t *[] cpus", 12, 4, 0)
			       FIELD("__rel_loc char name[]", 16, 4, 1));
	expect_member("trace_event_raw_x", "__rel_loc_path", 8, 4, BTF_KIND_INT);
	ck_assert(!member_is_signed("trace_event_raw_x", "__rel_loc_path"));
	expect_member("trace_event_raw_x", "__data_loc_cpus", 12, 4, BTF_KIND_INT);
	expect_member("trace_event_raw_x", "__rel_loc_name", 16, 4, BTF_KIND_INT);
}
END_TEST

static const struct btf_array *array_of(const char *type, const char *name)
{
	return btf_extra(btf_type(&btf, member(type, name)->type));
}

START_TEST(the_words_before_a_name_tell_pointers_arrays_enums_and_structs)
{
	const char *s = "trace_event_raw_x";

	make_one("a", "x", HEAD("x") FIELD("const char * path", 8, 8, 0)
			   FIELD("struct mm_struct *mm", 16, 8, 0)
			   FIELD("unsigned long args[6]", 24, 48, 0)
			   FIELD("enum zone_type zone", 72, 4, 0)
			   FIELD("struct in6_addr to", 76, 16, 0)
			   FIELD("u8 odd[3]", 92, 3, 0)
			   FIELD("guid_t * ids[2]", 96, 16, 0)
			   FIELD("kuid_t three", 112, 3, 0));
	expect_member(s, "path", 8, 8, BTF_KIND_PTR);
	expect_member(s, "mm", 16, 8, BTF_KIND_PTR);
	expect_member(s, "args", 24, 48, BTF_KIND_ARRAY);
	ck_assert_uint_eq(array_of(s, "args")->nelems, 6);
	expect_member(s, "zone", 72, 4, BTF_KIND_ENUM);
	expect_member(s, "to", 76, 16, BTF_KIND_STRUCT);
	ck_assert_uint_eq(array_of(s, "odd")->nelems, 3);
	ck_assert_uint_eq(btf_kind(btf_type(&btf, array_of(s, "ids")->type)), BTF_KIND_PTR);
	expect_member(s, "three", 112, 3, BTF_KIND_STRUCT);
}
END_TEST

/* Kernels before 5.5 print the length as it stands in the source. Its bytes are there, but
 * whoever wants an element cannot be told where it is. */
START_TEST(an_array_whose_length_is_no_number_is_bytes_only)
{
	const char *s = "trace_event_raw_x";

	make_one("tcp", "x", HEAD("x")
		 FIELD("__u8 saddr[sizeof(struct sockaddr_in6)]", 8, 28, 0)
		 FIELD("int grid[2][3]", 36, 24, 1)
		 FIELD("int seven[2]", 60, 7, 1)
		 FIELD("u32 rest[]", 68, 0, 0));
	expect_member(s, "saddr", 8, 28, BTF_KIND_STRUCT);
	expect_member(s, "grid", 36, 24, BTF_KIND_STRUCT);
	expect_member(s, "seven", 60, 7, BTF_KIND_STRUCT);
	expect_member(s, "rest", 68, 0, BTF_KIND_STRUCT);
}
END_TEST

START_TEST(what_newer_kernels_add_to_a_line_or_a_text_is_passed_over)
{
	make_one("a", "x", "name: x\nID: 1\nflavour: new\nformat:\n"
			   "\tfield:int a;\toffset:8;\tsize:4;\tsigned:1;\tcolour:red;\tlonely;\n"
			   "\tsomething:else;\n");
	expect_member("trace_event_raw_x", "a", 8, 4, BTF_KIND_INT);
	ck_assert_uint_eq(btf_vlen(structure("trace_event_raw_x")), 1);
	ck_assert_uint_eq(btf_find(&btf, "trace_entry", BTF_KIND_STRUCT), 0);
}
END_TEST

START_TEST(several_events_share_one_btf)
{
	const struct event_format formats[] = {
		{ "signal", "signal_generate", generate, sizeof(generate) - 1, NULL },
		{ "sched", "sched_wakeup", wakeup, sizeof(wakeup) - 1,
		  "trace_event_raw_sched_wakeup_template" },
		{ "sched", "sched_wakeup", wakeup, sizeof(wakeup) - 1, NULL },
	};

	make(formats, 3);
	expect_member("trace_event_raw_signal_generate", "result", 44, 4, BTF_KIND_INT);
	expect_member("trace_event_raw_sched_wakeup", "target_cpu", 36, 4, BTF_KIND_INT);
	expect_member("trace_event_raw_sched_wakeup_template", "target_cpu", 36, 4, BTF_KIND_INT);
}
END_TEST

START_TEST(programs_on_syscalls_get_what_the_kernel_hands_them_not_the_record)
{
	make_one("syscalls", "sys_enter_kill", enter_kill);
	expect_member("trace_event_raw_sys_enter", "args", 16, 16, BTF_KIND_ARRAY);
	expect_member("syscall_trace_enter", "args", 16, 16, BTF_KIND_ARRAY);
	expect_member("trace_event_raw_sys_enter_kill", "args", 16, 16, BTF_KIND_ARRAY);
	ck_assert_ptr_null(member("trace_event_raw_sys_enter_kill", "sig"));
	btf_fini(&btf);
	make_one("syscalls", "sys_exit_kill", exit_kill);
	expect_member("trace_event_raw_sys_exit", "ret", 16, 8, BTF_KIND_INT);
	expect_member("syscall_trace_exit", "ret", 16, 8, BTF_KIND_INT);
	ck_assert(member_is_signed("syscall_trace_exit", "ret"));
}
END_TEST

/* The copies of strings that newer kernels append to the record are no arguments. */
START_TEST(only_the_arguments_that_a_system_call_has_are_there)
{
	make_one("syscalls", "sys_enter_open", HEAD("sys_enter_open")
		 FIELD("int __syscall_nr", 8, 4, 1) FIELD("const char * filename", 16, 8, 0)
		 FIELD("int flags", 24, 8, 0) FIELD("__data_loc char[] __filename_val", 32, 4, 0));
	ck_assert_uint_eq(array_of("trace_event_raw_sys_enter", "args")->nelems, 2);
	btf_fini(&btf);
	make_one("syscalls", "sys_enter_getpid", HEAD("sys_enter_getpid") FIELD("int __syscall_nr", 8, 4, 1));
	ck_assert_ptr_null(member("trace_event_raw_sys_enter", "args"));
}
END_TEST

/* ---- CO-RE against them ---- */

static void open_object(void)
{
	static char file[65536];
	FILE *f = fopen(FIXTURES "/format.bpf.o", "rb");
	size_t size;

	ck_assert_ptr_nonnull(f);
	size = fread(file, 1, sizeof(file), f);
	fclose(f);
	ck_assert_msg(!object_init(&obj, "formats", file, size, &err), "%s", err.message);
	for (size_t i = 0; i < obj.programs.len; i++)
		obj.programs.at[i].autoload = false;
}

static int relocate(const char *program, const char *category, const char *event, const char *text,
		    const char *type)
{
	struct event_format format = { category, event, text, strlen(text), type };

	open_object();
	object_program(&obj, program)->autoload = true;
	make(&format, 1);
	return core_relocate(obj.programs.at, obj.programs.len, &obj.btf, &btf, &err);
}

/* The n-th load from the context, r1 or where it was copied to. */
static const struct bpf_insn *load(const char *program, int n)
{
	const struct program *prog = object_program(&obj, program);

	for (size_t i = 0; i < prog->insns.len; i++)
		if (BPF_CLASS(prog->insns.at[i].code) == BPF_LDX && !n--)
			return &prog->insns.at[i];
	ck_abort_msg("no such load in %s", program);
}

START_TEST(context_reads_are_relocated)
{
	ck_assert_msg(!relocate("exec", "sched", "sched_process_exec", exec, NULL), "%s", err.message);
	ck_assert_int_eq(load("exec", 0)->off + load("exec", 1)->off + load("exec", 2)->off, 8 + 12 + 16);
	ck_assert_uint_eq(object_program(&obj, "exec")->relos.len, 0);
}
END_TEST

START_TEST(a_struct_called_after_the_class_has_the_attached_events_layout)
{
	ck_assert_msg(!relocate("wakeup", "sched", "sched_wakeup", wakeup,
				"trace_event_raw_sched_wakeup_template"), "%s", err.message);
	ck_assert_int_eq(load("wakeup", 0)->off + load("wakeup", 1)->off, 8 + 4 + 36);
	ck_assert_uint_eq(object_program(&obj, "wakeup")->relos.len, 0);
}
END_TEST

START_TEST(arguments_of_system_calls_are_relocated)
{
	ck_assert_msg(!relocate("enter_kill", "syscalls", "sys_enter_kill", enter_kill, NULL), "%s",
		      err.message);
	ck_assert_int_eq(load("enter_kill", 0)->off, 24);
	btf_fini(&btf);
	object_fini(&obj);
	ck_assert_msg(!relocate("exit_kill", "syscalls", "sys_exit_kill", exit_kill, NULL), "%s",
		      err.message);
	ck_assert_int_eq(load("exit_kill", 0)->off, 16);
}
END_TEST

/* Where the fixture's source first has that after the start of that function; 0: nowhere. */
static unsigned int line_of(const char *function, const char *text)
{
	FILE *file = fopen(SOURCE "/tests/fixtures/format.bpf.c", "r");
	unsigned int number = 0;
	bool inside = false, found = false;
	char line[256];

	ck_assert_ptr_nonnull(file);
	while (!found && fgets(line, sizeof(line), file)) {
		number++;
		inside |= !strncmp(line, "int ", 4) && !strncmp(line + 4, function, strlen(function));
		found = inside && strstr(line, text);
	}
	fclose(file);
	return found ? number : 0;
}

/* The read that cannot be is an error before the load, which says where in the source. */
static void expect_unresolved(const char *program, const char *text, const char *words)
{
	struct core_targets targets = { .kernel = &btf };
	unsigned int line = line_of(program, text);
	char place[512], quoted[128];
	const char *at;

	ck_assert_uint_eq(object_program(&obj, program)->relos.len, 1);
	ck_assert_int_eq(core_check(obj.programs.at, obj.programs.len, &obj.btf, &targets, &err), -1);
	ck_assert_int_eq(err.code, ERROR_UNSUPPORTED);
	snprintf(place, sizeof(place), "/format.bpf.c:%u: %s", line, words);
	at = strstr(err.message, "/format.bpf.c:");
	ck_assert_str_eq(at ? at : err.message, place);
	snprintf(quoted, sizeof(quoted), "%u: %s", line, text);
	ck_assert_str_eq(err.detail, quoted);
}

START_TEST(a_field_that_the_format_lacks_is_not_read)
{
	ck_assert_msg(!relocate("lacking", "signal", "signal_generate", generate, NULL), "%s", err.message);
	expect_unresolved("lacking", "return ctx->sig + ctx->nonesuch;",
			  "struct trace_event_raw_signal_generate *p: p->nonesuch: the kernel's struct "
			  "trace_event_raw_signal_generate has no member 'nonesuch', expected one");
}
END_TEST

START_TEST(an_argument_that_the_system_call_lacks_is_not_read)
{
	ck_assert_msg(!relocate("beyond", "syscalls", "sys_enter_kill", enter_kill, NULL), "%s", err.message);
	expect_unresolved("beyond", "return ctx->args[2];",
			  "struct trace_event_raw_sys_enter *p: p->args[2]: the kernel's unsigned long "
			  "long[2] has no element 2, expected one");
}
END_TEST

START_TEST(questions_whether_something_is_there_have_answers)
{
	const struct program *prog;
	unsigned int ones = 0, zeros = 0;

	ck_assert_msg(!relocate("guarded", "signal", "signal_generate", generate, NULL), "%s", err.message);
	prog = object_program(&obj, "guarded");
	ck_assert_uint_eq(prog->relos.len, 0);
	for (size_t i = 0; i < prog->insns.len; i++)
		if (prog->insns.at[i].code == (BPF_ALU64 | BPF_MOV | BPF_K)) {
			zeros += prog->insns.at[i].imm == 0;
			ones += prog->insns.at[i].imm == 1;
		}
	ck_assert_uint_ge(zeros, 2); /* task_struct, nonesuch */
	ck_assert_uint_ge(ones, 1);  /* sig; also what the program returns */
}
END_TEST

/* ---- texts that lie ---- */

static void expect_refused(const char *text, size_t len, const char *message)
{
	struct event_format format = { "a", "x", text, len, NULL };

	error_clear(&err);
	ck_assert_int_eq(btf_from_formats(&btf, &format, 1, &err), -1);
	ck_assert_msg(err.code == ERROR_FORMAT && strstr(err.message, message),
		      "got %d '%s', expected '%s'", err.code, err.message, message);
}

#define refused(text, message) expect_refused((text), sizeof(text) - 1, (message))

START_TEST(a_text_without_fields_is_refused)
{
	refused("", "tracepoint a:x: format: got no field in 0 bytes, expected at least one");
	refused("name: x\nID: 1\nformat:\n\nprint fmt: \"\"\n", "got no field in");
	/* Cut in the middle of its only field. */
	refused("\tfield:int a;\toffset:8;\tsize:4", "got no field in");
}
END_TEST

START_TEST(a_field_without_a_sound_place_is_refused)
{
	refused("\tfield:int a;\toffset:8;\tsize:4;\n",
		"format: line 1: got 'field:int a;\toffset:8;\tsize:4;', expected field:TYPE NAME; "
		"offset:NUMBER; size:NUMBER; signed:0 or 1;");
	refused("\nfield:int a;offset:-8;size:4;signed:1;\n", "line 2: got 'field:int a;offset:-8;");
	refused("field:int a;offset:8;size:0x4;signed:1;\n", "size:0x4");
	refused("field:int a;offset:8;size:;signed:1;\n", "size:;");
	refused("field:int a;offset:8;size:4;signed:2;\n", "signed:2");
	refused("field:int a;offset:65536;size:1;signed:1;\n", "offset:65536");
	refused("field:int a;offset:18446744073709551624;size:4;signed:1;\n", "offset:18446744073709551624");
	refused("field:int a;offset:4294967304;size:4;signed:1;\n", "offset:4294967304");
}
END_TEST

START_TEST(a_field_without_a_name_is_refused)
{
	refused("field:;offset:8;size:4;signed:1;\n", "got 'field:;");
	refused("field:int *;offset:8;size:4;signed:1;\n", "got 'field:int *;");
	refused("field:[4];offset:8;size:4;signed:1;\n", "got 'field:[4];");
	refused("field:int common_;offset:8;size:4;signed:1;\n", "got 'field:int common_;");
	refused("field:int ]\n", "got 'field:int ]'");
	refused("field:]]]];offset:8;size:4;signed:1;\n", "got 'field:]]]]");
}
END_TEST

START_TEST(a_name_too_long_is_refused)
{
	char text[400], name[200];

	memset(name, 'n', sizeof(name));
	snprintf(text, sizeof(text), "field:int %.*s;offset:8;size:4;signed:1;\n", (int)sizeof(name), name);
	expect_refused(text, strlen(text), "line 1: got 'field:int nnn");
}
END_TEST

START_TEST(two_fields_of_one_name_or_place_are_refused)
{
	refused("field:int a;offset:8;size:4;signed:1;\nfield:int a;offset:12;size:4;signed:1;\n",
		"line 2: got 'field:int a;offset:12;size:4;signed:1;', expected no second field of that name");
	refused("field:int a;offset:8;size:4;signed:1;\nfield:int b;offset:11;size:4;signed:1;\n",
		"line 2: got 'field:int b;offset:11;size:4;signed:1;', expected bytes that no other field has");
	refused("field:int b;offset:11;size:4;signed:1;\nfield:int a;offset:8;size:4;signed:1;\n",
		"expected bytes that no other field has");
}
END_TEST

START_TEST(more_fields_than_any_event_has_are_refused)
{
	static char text[64 * 600];
	size_t len = 0;

	for (int i = 0; i < 513; i++)
		len += snprintf(text + len, sizeof(text) - len, "field:char f%d;offset:%d;size:1;signed:0;\n",
				i, i);
	expect_refused(text, len, "line 513: got 'field:char f512;");
	ck_assert_ptr_nonnull(strstr(err.message, "expected no more than 512 fields"));
}
END_TEST

START_TEST(bytes_that_are_no_text_do_no_harm)
{
	char text[sizeof(generate)];

	for (size_t at = 0; at < sizeof(generate) - 1; at++)
		for (int byte = 0; byte < 256; byte += 51) {
			struct event_format format = { "a", "x", text, sizeof(generate) - 1, NULL };

			memcpy(text, generate, sizeof(text));
			text[at] = byte;
			if (!btf_from_formats(&btf, &format, 1, &err)) {
				ck_assert_msg(!btf_check(&btf, &err), "%s", err.message);
				btf_fini(&btf);
			}
		}
}
END_TEST

Suite *format_suite(void)
{
	Suite *s = suite_create("format");
	TCase *tc = tcase_create("types");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_record_becomes_the_struct_that_a_kernel_calls_it);
	tcase_add_test(tc, gaps_stay_and_the_size_is_as_the_compiler_rounds_it);
	tcase_add_test(tc, what_all_events_have_is_struct_trace_entry);
	tcase_add_test(tc, more_common_fields_make_a_longer_trace_entry);
	tcase_add_test(tc, dynamic_fields_are_named_as_in_a_kernels_btf);
	tcase_add_test(tc, the_words_before_a_name_tell_pointers_arrays_enums_and_structs);
	tcase_add_test(tc, an_array_whose_length_is_no_number_is_bytes_only);
	tcase_add_test(tc, what_newer_kernels_add_to_a_line_or_a_text_is_passed_over);
	tcase_add_test(tc, several_events_share_one_btf);
	tcase_add_test(tc, programs_on_syscalls_get_what_the_kernel_hands_them_not_the_record);
	tcase_add_test(tc, only_the_arguments_that_a_system_call_has_are_there);
	suite_add_tcase(s, tc);

	tc = tcase_create("relocation");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, context_reads_are_relocated);
	tcase_add_test(tc, a_struct_called_after_the_class_has_the_attached_events_layout);
	tcase_add_test(tc, arguments_of_system_calls_are_relocated);
	tcase_add_test(tc, a_field_that_the_format_lacks_is_not_read);
	tcase_add_test(tc, an_argument_that_the_system_call_lacks_is_not_read);
	tcase_add_test(tc, questions_whether_something_is_there_have_answers);
	suite_add_tcase(s, tc);

	tc = tcase_create("refusals");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_text_without_fields_is_refused);
	tcase_add_test(tc, a_field_without_a_sound_place_is_refused);
	tcase_add_test(tc, a_field_without_a_name_is_refused);
	tcase_add_test(tc, a_name_too_long_is_refused);
	tcase_add_test(tc, two_fields_of_one_name_or_place_are_refused);
	tcase_add_test(tc, more_fields_than_any_event_has_are_refused);
	tcase_add_test(tc, bytes_that_are_no_text_do_no_harm);
	suite_add_tcase(s, tc);
	return s;
}
