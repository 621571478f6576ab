/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include <stdbool.h>

#include "compat/caps.h"
#include "util/error.h"

/*
 * What `portrace doctor` looks at: one function a question, each of which finds out by doing or
 * by asking the kernel, never by the release. They change nothing that outlives them.
 */
enum verdict {
	VERDICT_WORKS,
	VERDICT_LIMITED, /* it works, with what `why` says */
	VERDICT_FAILS,   /* and tracing signals does with it, unless another way is there */
	VERDICT_UNKNOWN, /* could not be found out */
};

struct finding {
	enum verdict verdict;
	char what[256]; /* one line: what is there */
	char why[512];  /* what that means, and why; "" */
	char mend[256]; /* the command or setting that mends it; "" */
};

struct doctor {
	struct caps caps;
	bool bpf;          /* programs can be loaded here, as far as is known */
	bool memlock;      /* RLIMIT_MEMLOCK was raised for the questions */
	enum error_code code; /* of the trial: why tracing fails; ERROR_NONE where it works */
};

struct check {
	const char *name;
	void (*run)(struct doctor *doctor, struct finding *finding);
};

/* In the order in which they are to be run, up to one without a name; the last is the trial. */
extern const struct check doctor_checks[];

#endif
