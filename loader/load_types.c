// SPDX-License-Identifier: GPL-2.0
#include "loader/load_types.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/sys.h"

/* The kernel's own, for "this map type has no types"; not in the system's headers. */
#define ENOTSUPP 524
#define LOG_SIZE (1u << 20)

/* A line is in memory what the kernel wants to be told. */
static_assert(sizeof(struct line) == sizeof(struct bpf_line_info), "layout of struct line");
static_assert(offsetof(struct line, insn) == offsetof(struct bpf_line_info, insn_off) &&
	      offsetof(struct line, file_off) == offsetof(struct bpf_line_info, file_name_off) &&
	      offsetof(struct line, line_off) == offsetof(struct bpf_line_info, line_off) &&
	      offsetof(struct line, line_col) == offsetof(struct bpf_line_info, line_col),
	      "layout of struct line");

void load_types_fini(struct load_types *types)
{
	free(types->btf);
	free(types->maps);
	free(types->programs);
	memset(types, 0, sizeof(*types));
}

/* The first refusal is kept, the others mostly follow from it. */
static void note_refusal(struct loaded *loaded, const struct error *refusal)
{
	if (!loaded->types_refused.code)
		loaded->types_refused = *refusal;
}

/* The last line of the log is about the type that the kernel would not take. */
static const char *last_line(char *log)
{
	size_t len = strlen(log);
	char *start;

	while (len && (log[len - 1] == '\n' || log[len - 1] == ' '))
		log[--len] = 0;
	start = strrchr(log, '\n');
	return start ? start + 1 : log;
}

/* Asks again, with a log. */
static void explain_btf(struct loaded *loaded, union bpf_attr *attr, int refused)
{
	struct error why;
	char *log = calloc(1, LOG_SIZE);
	const char *line = "";

	if (log) {
		attr->btf_log_level = 1;
		attr->btf_log_buf = (uintptr_t)log;
		attr->btf_log_size = LOG_SIZE;
		sys_close(sys_bpf(BPF_BTF_LOAD, attr, sizeof(*attr)));
		line = last_line(log);
	}
	error_system(&why, -refused, "%s: BTF: the kernel refuses it%s%.300s",
		     loaded->object->name, *line ? ": " : "", line);
	error_hint(&why, "loaded without: maps and programs run as well, but tools cannot show "
		   "their types and source lines");
	note_refusal(loaded, &why);
	free(log);
}

void load_btf(struct loaded *loaded, const struct load_types *types)
{
	union bpf_attr attr;

	if (!types || !types->btf)
		return;
	memset(&attr, 0, sizeof(attr));
	attr.btf = (uintptr_t)types->btf;
	attr.btf_size = types->btf_len;
	loaded->btf_fd = sys_bpf(BPF_BTF_LOAD, &attr, sizeof(attr));
	if (loaded->btf_fd < 0)
		explain_btf(loaded, &attr, loaded->btf_fd);
}

int load_map_typed(struct loaded *loaded, const struct load_types *types, size_t map,
		   union bpf_attr *attr)
{
	union bpf_attr typed = *attr;
	struct error why;
	int fd, plain;

	if (loaded->btf_fd < 0 || !types->maps[map].value)
		return sys_bpf(BPF_MAP_CREATE, attr, sizeof(*attr));
	typed.btf_fd = loaded->btf_fd;
	typed.btf_key_type_id = types->maps[map].key;
	typed.btf_value_type_id = types->maps[map].value;
	fd = sys_bpf(BPF_MAP_CREATE, &typed, sizeof(typed));
	if (fd != -EINVAL && fd != -ENOTSUPP)
		return fd;
	plain = sys_bpf(BPF_MAP_CREATE, attr, sizeof(*attr));
	if (plain < 0)
		return fd == -ENOTSUPP ? plain : fd;
	error_system(&why, -fd, "%s: map '%s': the kernel refuses the types of its key and value",
		     loaded->object->name, loaded->object->maps.at[map].name);
	note_refusal(loaded, &why);
	return plain;
}

int load_prog_types(const struct loaded *loaded, const struct load_types *types, size_t prog,
		    union bpf_attr *attr, struct bpf_func_info **funcs, struct error *err)
{
	const struct program *p = &loaded->object->programs.at[prog];
	const struct load_prog_types *told;

	*funcs = NULL;
	if (loaded->btf_fd < 0)
		return 0;
	told = &types->programs[prog];
	/* Before Linux 5.0 the kernel takes BTF, but refuses attributes with a prog_btf_fd. */
	if (told->no_funcs && told->no_lines)
		return 0;
	attr->prog_btf_fd = loaded->btf_fd;
	if (!told->no_lines) {
		attr->line_info = (uintptr_t)p->lines.at;
		attr->line_info_cnt = p->lines.len;
		attr->line_info_rec_size = sizeof(struct bpf_line_info);
	}
	if (told->no_funcs)
		return 0;
	*funcs = calloc(p->funcs.len, sizeof(**funcs));
	if (!*funcs)
		return error_memory(err);
	for (size_t i = 0; i < p->funcs.len; i++)
		(*funcs)[i] = (struct bpf_func_info){ p->funcs.at[i].insn, p->funcs.at[i].type_id };
	attr->func_info = (uintptr_t)*funcs;
	attr->func_info_cnt = p->funcs.len;
	attr->func_info_rec_size = sizeof(**funcs);
	return 0;
}

/*
 * What is called where the program throws (Linux 6.7) the kernel knows by its types alone: without
 * them it would load, and do something else.
 */
static bool has_callback(const struct program *prog)
{
	for (size_t i = 0; i < prog->funcs.len; i++)
		if (prog->funcs.at[i].is_callback)
			return true;
	return false;
}

int load_prog_typed(struct loaded *loaded, size_t prog, union bpf_attr *attr,
		    int (*prog_load)(union bpf_attr *attr))
{
	const struct program *p = &loaded->object->programs.at[prog];
	union bpf_attr plain = *attr;
	int fd = prog_load(attr), untyped;
	struct error why;

	if (fd != -EINVAL || !(attr->func_info_cnt || attr->line_info_cnt) ||
	    has_callback(p))
		return fd;
	plain.prog_btf_fd = 0;
	plain.func_info_cnt = plain.line_info_cnt = 0;
	plain.func_info_rec_size = plain.line_info_rec_size = 0;
	plain.func_info = plain.line_info = 0;
	untyped = prog_load(&plain);
	if (untyped == -EINVAL)
		return fd;
	*attr = plain;
	if (untyped < 0)
		return untyped;
	error_system(&why, -fd, "%s: program '%s': the kernel refuses its functions' types or its "
		     "lines", loaded->object->name, p->name);
	note_refusal(loaded, &why);
	return untyped;
}
