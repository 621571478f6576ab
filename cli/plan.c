// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cli/caps.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/memlock.h"
#include "cli/object_file.h"
#include "cli/tracer.h"
#include "compat/prepare.h"

struct plan_options {
	const char *path, *caps_path, *btf_path;
	enum transport transport;
	bool json;
};

static int take_caps(void *into, const char *arg, struct error *err)
{
	((struct plan_options *)into)->caps_path = arg;
	return 0;
}

static int take_btf(void *into, const char *arg, struct error *err)
{
	((struct plan_options *)into)->btf_path = arg;
	return 0;
}

static int take_perf(void *into, const char *arg, struct error *err)
{
	((struct plan_options *)into)->transport = TRANSPORT_PERF;
	return 0;
}

static int take_json(void *into, const char *arg, struct error *err)
{
	((struct plan_options *)into)->json = true;
	return 0;
}

static int take_path(void *into, const char *word, struct error *err)
{
	struct plan_options *o = into;

	if (o->path)
		return error_set(err, ERROR_USAGE, "unexpected word '%s', expected one object", word);
	o->path = word;
	return 0;
}

static const struct option_fact facts[] = {
	{ 0, "caps", "FILE", take_caps,
	  "plan for the kernel whose answers are in FILE, as\n"
	  "`portrace caps --store` writes them" },
	{ 0, "btf", "FILE", take_btf,
	  "that kernel's types: BTF, or an ELF file or kernel\n"
	  "image that has some; default: the running kernel's" },
	{ 0, "perf", NULL, take_perf, "as with --transport perf" },
	{ 0, "json", NULL, take_json, "one JSON object (docs/json.md)" },
};

static const struct option_group groups[] = { OPTION_GROUP("Options", facts) };

struct planning {
	const struct plan_options *options;
	struct options tracing;  /* of the signal tracer, where that is what is planned, */
	struct tracer_left left; /* and what it then does otherwise */
	struct object obj;
	struct caps caps;
	struct plan plan;
	struct types_account types;
	VEC(size_t) before; /* instructions of each program as compiled */
};

static int count_before(struct planning *p, struct error *err)
{
	for (size_t i = 0; i < p->obj.programs.len; i++) {
		size_t *count = vec_push(&p->before);

		if (!count)
			return error_memory(err);
		*count = p->obj.programs.at[i].insns.len;
	}
	return 0;
}

static int relocate_and_lower(struct planning *p, struct error *err)
{
	struct types_request request = { .btf_file = p->options->btf_path, .obj = &p->obj };
	struct lower_options options = { .transport = p->options->transport };
	struct types types;
	int ret;

	if (types_open(&types, &request, err))
		return -1;
	if (!p->options->caps_path)
		memlock_raise(&p->caps);
	p->types = types.account;
	ret = p->options->path ? 0 : tracer_suit(&p->obj, &p->tracing, &types.btf, &p->caps,
						 options.transport, &p->left, err);
	if (!ret)
		ret = prepare(&p->obj, &types, &p->caps, &options, &p->plan, err);
	types_fini(&types);
	return ret;
}

/* ---- output ---- */

static bool is_planned(const struct program *prog)
{
	return prog->autoload;
}

static void print_text(const struct planning *p)
{
	printf("%s, for %s, with types from %s\n\n", p->obj.name,
	       p->options->caps_path ? p->options->caps_path : "this kernel", p->types.source);
	for (size_t i = 0; i < p->plan.steps.len; i++) {
		const struct plan_step *step = &p->plan.steps.at[i];

		printf("%zu. %s%s%s: %s\n", i + 1, step->lowering, step->program[0] ? ", program " : "",
		       step->program, step->what);
		printf("   because %s\n", step->why);
	}
	if (!p->plan.steps.len)
		printf("Nothing to change%s.\n", caps_unknown(&p->caps) ?
			       ", as far as is known" : ": that kernel takes it as it is");
	printf("\n%-20s %12s %12s\n", "PROGRAM", "AS COMPILED", "FOR IT");
	for (size_t i = 0; i < p->obj.programs.len; i++) {
		const struct program *prog = &p->obj.programs.at[i];

		if (is_planned(prog))
			printf("%-20s %12zu %12zu\n", prog->name,
			       i < p->before.len ? p->before.at[i] : 0, prog->insns.len);
	}
}

static void print_json(const struct planning *p)
{
	struct json j = { stdout, true };

	json_open(&j, NULL, '{');
	json_number(&j, "v", 1);
	json_string(&j, "object", p->obj.name);
	json_string(&j, "caps", p->options->caps_path);
	json_string(&j, "types", p->types.source);
	json_number(&j, "unknown", caps_unknown(&p->caps));
	json_open(&j, "steps", '[');
	for (size_t i = 0; i < p->plan.steps.len; i++) {
		const struct plan_step *step = &p->plan.steps.at[i];

		json_open(&j, NULL, '{');
		json_string(&j, "lowering", step->lowering);
		json_string(&j, "program", step->program[0] ? step->program : NULL);
		json_string(&j, "what", step->what);
		json_string(&j, "why", step->why);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_open(&j, "programs", '[');
	for (size_t i = 0; i < p->obj.programs.len; i++) {
		const struct program *prog = &p->obj.programs.at[i];

		if (!is_planned(prog))
			continue;
		json_open(&j, NULL, '{');
		json_string(&j, "name", prog->name);
		json_string(&j, "section", prog->section);
		json_number(&j, "before", i < p->before.len ? p->before.at[i] : 0);
		json_number(&j, "after", prog->insns.len);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	putchar('\n');
}

/* ---- the command ---- */

static int open_object(struct planning *p, struct error *err)
{
	return p->options->path ? object_file_open(&p->obj, p->options->path, err) :
				  tracer_object(&p->obj, &p->tracing, err);
}

static int make_plan(const struct plan_options *options, enum exit_status *status,
		     struct error *err)
{
	struct planning p = { .options = options, .tracing.signals = ALL_SIGNALS };
	int ret = -1;

	if (open_object(&p, err))
		return -1;
	if ((options->caps_path && caps_open(&p.caps, options->caps_path, err)) ||
	    count_before(&p, err) || relocate_and_lower(&p, err))
		goto out;
	if (options->json)
		print_json(&p);
	else
		print_text(&p);
	ret = fflush(stdout) || ferror(stdout) ? error_set(err, ERROR_SYSTEM, "standard output") : 0;
	*status = caps_warn("plan", &p.caps);
out:
	vec_fini(&p.before);
	plan_fini(&p.plan);
	caps_fini(&p.caps);
	object_fini(&p.obj);
	return ret;
}

static enum exit_status run(int argc, char *const argv[])
{
	struct plan_options options = { .transport = TRANSPORT_AUTO };
	enum exit_status status = STATUS_DONE;
	struct error err;

	error_clear(&err);
	if (!command_read(&command_plan, argc, argv, &options, &status))
		return status;
	if (!make_plan(&options, &status, &err))
		return status;
	report_error(&err);
	return command_status(err.code);
}

const struct command command_plan = {
	.name = "plan",
	.about = "how an object is changed for a kernel, and why",
	.usage = "plan [options] [OBJECT]",
	.text = "Does everything but loading: relocates the object to the kernel's types, asks\n"
		"the kernel what it can do, and prints each change that the programs take, with\n"
		"its reason. Without an OBJECT that of the signal tracer. What cannot be made to\n"
		"fit is an error that says where and why.\n",
	.args = { "portrace plan", groups, 1, take_path },
	.notes = "Examples:\n"
		 "  portrace plan prog.bpf.o                   what it takes on this machine\n"
		 "  portrace caps --store box.caps             on another machine, and then here:\n"
		 "  portrace plan --caps box.caps prog.bpf.o   what it takes there\n"
		 "\n"
		 "Exit status 3: this user may not ask everything, so some answers are unknown,\n"
		 "and what depends on them is left as it is; 4: it cannot be made to fit.\n",
	.run = run,
};
