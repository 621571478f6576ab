// SPDX-License-Identifier: GPL-2.0
#include "compat/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "compat/since.h"
#include "util/errno_name.h"
#include "util/release.h"

void plan_fini(struct plan *plan)
{
	vec_fini(&plan->steps);
}

int plan_add(struct plan *plan, const char *lowering, const struct program *prog, const char *why,
	     struct error *err, const char *fmt, ...)
{
	struct plan_step *step = vec_push(&plan->steps);
	va_list ap;

	if (!step)
		return error_memory(err);
	step->lowering = lowering;
	snprintf(step->program, sizeof(step->program), "%s", prog ? prog->name : "");
	snprintf(step->why, sizeof(step->why), "%s", why);
	va_start(ap, fmt);
	vsnprintf(step->what, sizeof(step->what), fmt, ap);
	va_end(ap);
	return 0;
}

/* "this kernel has no ring buffer map (EINVAL; since Linux 5.8)" */
static struct plan_why why(const char *what, struct cap_answer answer, uint16_t since)
{
	struct plan_why why;
	char evidence[48] = "", release[32] = "";

	if (answer.sys && errno_name(answer.sys))
		snprintf(evidence, sizeof(evidence), "%s", errno_name(answer.sys));
	if (since)
		snprintf(release, sizeof(release), "since Linux %u.%u", LINUX_MAJOR(since),
			 LINUX_MINOR(since));
	snprintf(why.text, sizeof(why.text), "this kernel has no %s%s%s%s%s%s", what,
		 *evidence || *release ? " (" : "", evidence, *evidence && *release ? "; " : "",
		 release, *evidence || *release ? ")" : "");
	return why;
}

struct plan_why plan_why(const struct caps *caps, enum cap cap)
{
	return why(caps_about(cap), caps->at[cap], caps_since(cap));
}

struct plan_why plan_why_map(const struct caps *caps, uint32_t type)
{
	struct since since = since_map_type(type);
	char what[80];

	snprintf(what, sizeof(what), "maps of type %s", since.name);
	return why(what, type < CAPS_TYPES ? caps->maps[type] : (struct cap_answer){ 0 },
		   since.release);
}

struct plan_why plan_why_program(const struct caps *caps, uint32_t type)
{
	struct since since = since_program_type(type);
	char what[80];

	snprintf(what, sizeof(what), "programs of type %s", since.name);
	return why(what, type < CAPS_TYPES ? caps->programs[type] : (struct cap_answer){ 0 },
		   since.release);
}

struct plan_why plan_why_helper(const struct caps *caps, uint32_t program_type, uint32_t helper)
{
	const struct cap_answer *of = program_type < CAPS_TYPES ? caps->helpers[program_type] : NULL;
	struct since since = since_helper(helper);
	char what[80];

	snprintf(what, sizeof(what), "helper bpf_%s", since.name);
	return why(what, of && helper < CAPS_HELPERS ? of[helper] : (struct cap_answer){ 0 },
		   since.release);
}
