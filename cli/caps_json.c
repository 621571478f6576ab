// SPDX-License-Identifier: GPL-2.0
/* The keys are described in docs/json.md. */
#include "cli/caps.h"

#include "cli/json.h"
#include "compat/since.h"
#include "util/errno_name.h"
#include "util/release.h"

static const char *const words[] = { [CAP_NO] = "no", [CAP_YES] = "yes", [CAP_UNKNOWN] = "unknown" };

static void put_one(struct json *j, const char *name, struct cap_answer at, uint16_t since,
		    const char *about)
{
	char release[16];

	if (at.answer == CAP_NOT_ASKED)
		return;
	snprintf(release, sizeof(release), "%u.%u", LINUX_MAJOR(since), LINUX_MINOR(since));
	json_open(j, NULL, '{');
	json_string(j, "name", name);
	json_string(j, "answer", words[at.answer]);
	json_string(j, "errno", at.sys ? errno_name(at.sys) : NULL);
	json_string(j, "since", since ? release : NULL);
	if (about)
		json_string(j, "about", about);
	json_close(j, '}');
}

static void put_numbered(struct json *j, const char *key, const struct cap_answer *at, uint32_t max,
			 struct since (*since)(uint32_t number))
{
	json_open(j, key, '[');
	for (uint32_t i = 0; i < max; i++) {
		struct since one = since(i);

		put_one(j, one.name, at[i], one.release, NULL);
	}
	json_close(j, ']');
}

void caps_json(struct caps *caps, FILE *to)
{
	struct json j = { to, true };

	json_open(&j, NULL, '{');
	json_number(&j, "v", 1);
	json_string(&j, "release", *caps->release ? caps->release : NULL);
	json_string(&j, "machine", *caps->machine ? caps->machine : NULL);
	json_bool(&j, "stored", caps->stored);
	json_open(&j, "capabilities", '[');
	for (int cap = 0; cap < CAP_COUNT; cap++)
		put_one(&j, caps_name(cap), caps->at[cap], caps_since(cap), caps_about(cap));
	json_close(&j, ']');
	put_numbered(&j, "map_types", caps->maps, CAPS_TYPES, since_map_type);
	put_numbered(&j, "program_types", caps->programs, CAPS_TYPES, since_program_type);
	json_open(&j, "helpers", '{');
	for (uint32_t type = 0; type < CAPS_TYPES; type++) {
		struct since program = since_program_type(type);

		if (caps->helpers[type])
			put_numbered(&j, program.name, caps->helpers[type], CAPS_HELPERS,
				     since_helper);
	}
	json_close(&j, '}');
	json_close(&j, '}');
	fputc('\n', to);
}
