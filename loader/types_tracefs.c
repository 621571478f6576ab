// SPDX-License-Identifier: GPL-2.0
/*
 * Types of no more than what tracefs describes: the records of the tracepoints that an object's
 * programs are on, each under the name that its program gives it.
 */
#include "loader/types_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btf/format.h"
#include "loader/attach.h"
#include "loader/section.h"

struct event {
	char category[64], name[64];
	const char *type; /* what the program calls its record's struct, or NULL */
	char *text;
	size_t len;
};

struct events {
	VEC(struct event) list;
};

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

static bool same_event(const struct event *a, const struct event *b)
{
	return !strcmp(a->category, b->category) && !strcmp(a->name, b->name) &&
	       !strcmp(a->type ? a->type : "", b->type ? b->type : "");
}

/* The event that a program is on, where it is on one that is not listed yet. */
static bool next_event(const struct events *events, const struct object *obj,
		       const struct program *prog, struct event *event)
{
	const struct section_kind *kind;
	struct error ignored;

	kind = section_kind(prog->section);
	if (!prog->autoload || !kind || kind->type != BPF_PROG_TYPE_TRACEPOINT ||
	    section_tracepoint(prog->section, event->category, event->name, sizeof(event->name),
			       &ignored))
		return false;
	event->type = argument_type(obj, prog);
	for (size_t i = 0; i < events->list.len; i++)
		if (same_event(&events->list.at[i], event))
			return false;
	return true;
}

/* An event that this kernel has not is left out: attaching to it is what fails. */
static int read_events(struct search *s, const struct tracefs *tracefs, struct events *events,
		       struct error *err)
{
	const struct object *obj = s->request->obj;

	for (size_t i = 0; i < obj->programs.len; i++) {
		struct event event = { 0 }, *added;

		if (!next_event(events, obj, &obj->programs.at[i], &event))
			continue;
		if (tracefs_format(tracefs, event.category, event.name, &event.text, &event.len,
				   err)) {
			if (err->code == ERROR_MEMORY)
				return -1;
			types_pass_over(s, err);
			continue;
		}
		added = vec_push(&events->list);
		if (!added) {
			free(event.text);
			return error_memory(err);
		}
		*added = event;
	}
	return 0;
}

static int from_events(struct types *types, const struct events *events, struct error *err)
{
	size_t count = events->list.len;
	struct event_format *formats;
	int ret;

	if (!count)
		return error_set(err, ERROR_NOT_FOUND, "tracefs: got no format of any tracepoint that "
				 "the programs are on");
	formats = calloc(count, sizeof(*formats));
	if (!formats)
		return error_memory(err);
	for (size_t i = 0; i < count; i++) {
		const struct event *e = &events->list.at[i];

		formats[i] = (struct event_format){
			.category = e->category, .event = e->name, .text = e->text, .len = e->len,
			.type = e->type,
		};
	}
	ret = btf_from_formats(&types->btf, formats, count, err);
	free(formats);
	return ret;
}

int types_from_tracefs(struct search *s, struct error *err)
{
	struct events events = { 0 };
	struct tracefs tracefs;
	int ret;

	if (!s->request->obj) {
		error_set(err, ERROR_NOT_FOUND,
			  "tracefs: got no programs, whose tracepoints it describes");
		types_pass_over(s, err);
		return -1;
	}
	ret = tracefs_open(&tracefs, err);
	if (!ret) {
		snprintf(s->types->account.source, sizeof(s->types->account.source),
			 "the events' formats in %s", tracefs.where);
		ret = read_events(s, &tracefs, &events, err);
		tracefs_close(&tracefs);
	}
	if (!ret)
		ret = from_events(s->types, &events, err);
	for (size_t i = 0; i < events.list.len; i++)
		free(events.list.at[i].text);
	vec_fini(&events.list);
	if (ret)
		types_pass_over(s, err);
	return ret;
}
