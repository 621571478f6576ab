// SPDX-License-Identifier: GPL-2.0
#include "tests/live/acts.h"

#include <linux/bpf.h>
#include <sys/utsname.h>

#include "loader/section.h"
#include "tests/live/harness.h"
#include "util/release.h"
#include "util/sys.h"

#define KINDS_MAX 256
#define BPF_ENABLE_STATS_ 32 /* BPF_ENABLE_STATS, Linux 5.8 */

static bool *acted; /* by number of the kind, shared with the forked tests */

void acts_begin(void)
{
	union bpf_attr attr;

	acted = mmap(NULL, KINDS_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memset(&attr, 0, sizeof(attr));
	/* Held until the end; without it nothing is seen to act. */
	if (getenv("PORTRACE_KINDS"))
		sys_bpf(BPF_ENABLE_STATS_, &attr, sizeof(attr));
}

static bool has_run(int fd)
{
	struct bpf_prog_info info = { 0 };

	return !sys_bpf_info(fd, &info, sizeof(info)) && info.run_cnt;
}

void acts_note(const struct loaded *loaded)
{
	const struct object *obj = loaded->object;

	for (size_t i = 0; obj && i < obj->programs.len; i++)
		for (size_t k = 0; section_kind_at(k) && k < KINDS_MAX; k++)
			if (loaded->prog_fds[i] >= 0 && obj->programs.at[i].kind == section_kind_at(k) &&
			    has_run(loaded->prog_fds[i]))
				acted[k] = true;
}

void acts_print(void)
{
	unsigned int major = 0, minor = 0;
	const struct section_kind *kind;
	struct utsname uts;

	uname(&uts);
	sscanf(uts.release, "%u.%u", &major, &minor);
	for (size_t k = 0; getenv("PORTRACE_KINDS") && (kind = section_kind_at(k)); k++)
		if (acted[k])
			printf("kind: %s: acts\n", kind->name);
		else if (kind->since > LINUX(major, minor))
			printf("kind: %s: lacks, since Linux %u.%u\n", kind->name, LINUX_MAJOR(kind->since),
			       LINUX_MINOR(kind->since));
		else
			printf("kind: %s: unseen\n", kind->name);
}
