// SPDX-License-Identifier: GPL-2.0
/*
 * Types of no more than what tracefs describes: for each program the record of the tracepoint
 * that it is on, under the name that it gives it. Each has a BTF of its own, as two programs may
 * call different records by one name: all system calls are a struct trace_event_raw_sys_enter,
 * but some have more arguments than others.
 */
#include "loader/types_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btf/format.h"
#include "loader/attach.h"
#include "loader/section.h"

/* The struct that a program takes a pointer to: struct trace_event_raw_signal_generate *. */
static const char *argument_type(const struct object *obj, const struct program *prog)
{
	const struct btf *btf = &obj->btf;
	const struct btf_type *t = btf_type(btf, prog->funcs.len ? prog->funcs.at[0].type_id : 0);
	const struct btf_param *param;

	t = t && btf_kind(t) == BTF_KIND_FUNC ? btf_type(btf, t->type) : NULL;
	if (!t || btf_kind(t) != BTF_KIND_FUNC_PROTO || !btf_vlen(t))
		return NULL;
	param = btf_extra(t);
	t = btf_type(btf, btf_resolve(btf, param->type));
	if (!t || btf_kind(t) != BTF_KIND_PTR)
		return NULL;
	t = btf_type(btf, btf_resolve(btf, t->type));
	return t && btf_kind(t) == BTF_KIND_STRUCT && t->name_off ? btf_string(btf, t->name_off) : NULL;
}

/* Whether the program is on a tracepoint; which. */
static bool has_event(const struct program *prog, char *category, char *event, size_t size)
{
	const struct section_kind *kind = section_kind(prog->section);
	struct error ignored;

	return prog->autoload && kind && kind->type == BPF_PROG_TYPE_TRACEPOINT &&
	       !section_tracepoint(prog->section, category, event, size, &ignored);
}

/* 1: this kernel has no such event, or its format cannot be read; attaching is what fails then. */
static int read_record(struct search *s, const struct tracefs *tracefs, const struct program *prog,
		       struct btf *record, struct error *err)
{
	char category[64], event[64];
	struct event_format format = { .category = category, .event = event };
	char *text;
	int ret;

	if (!has_event(prog, category, event, sizeof(event)))
		return 1;
	if (tracefs_format(tracefs, category, event, &text, &format.len, err)) {
		types_pass_over(s, err);
		return err->code == ERROR_MEMORY ? -1 : 1;
	}
	format.text = text;
	format.type = argument_type(s->request->obj, prog);
	ret = btf_from_formats(record, &format, 1, err);
	free(text);
	return ret;
}

static int read_records(struct search *s, const struct tracefs *tracefs, struct error *err)
{
	const struct object *obj = s->request->obj;
	struct btf *records = vec_add(&s->types->records, obj->programs.len);
	size_t i, found = 0;
	int ret;

	if (!records)
		return error_memory(err);
	for (i = 0; i < obj->programs.len; i++) {
		ret = read_record(s, tracefs, &obj->programs.at[i], &records[i], err);
		if (ret < 0)
			return -1;
		found += !ret;
	}
	if (!found)
		return error_set(err, ERROR_NOT_FOUND, "tracefs: got no format of any tracepoint that "
				 "the programs are on");
	return btf_from_formats(&s->types->btf, NULL, 0, err);
}

int types_from_tracefs(struct search *s, struct error *err)
{
	struct tracefs tracefs;
	int ret = -1;

	if (!s->request->obj) {
		error_set(err, ERROR_NOT_FOUND,
			  "tracefs: got no programs, whose tracepoints it describes");
	} else if (!tracefs_open(&tracefs, err)) {
		snprintf(s->types->account.source, sizeof(s->types->account.source),
			 "the events' formats in %s", tracefs.where);
		ret = read_records(s, &tracefs, err);
		tracefs_close(&tracefs);
	}
	if (ret)
		types_pass_over(s, err);
	return ret;
}
