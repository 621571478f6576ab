// SPDX-License-Identifier: GPL-2.0
#include "cli/pids.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/memlock.h"
#include "cli/proc.h"
#include "compat/prepare.h"
#include "loader/attach.h"
#include "util/privilege.h"
#include "util/sys.h"

/* bpf/pids.bpf.c, compiled (bpf/embed.S). */
extern const char pids_object_start[], pids_object_end[];

struct pids {
	struct object object;
	struct plan plan;
	struct loaded loaded;
	struct link link;
};

static int make_fit(struct pids *pids, struct caps *caps, const struct types_request *request,
		    struct error *err)
{
	struct lower_options options = { .transport = TRANSPORT_AUTO };
	struct types types;
	int ret;

	if (types_open(&types, request, err))
		return -1;
	ret = prepare(&pids->object, &types, caps, &options, &pids->plan, err);
	types_fini(&types);
	return ret;
}

static int load_it(struct pids *pids, struct caps *caps, struct error *err)
{
	struct load_options options = { 0 };
	int ret;

	prepare_load(&pids->object, caps, &options);
	ret = load(&pids->loaded, &pids->object, &options, err);
	if (ret && err->code == ERROR_PERMISSION && memlock_raise(caps))
		ret = load(&pids->loaded, &pids->object, &options, err);
	return ret;
}

/* Whatever fails of what the kernel is given: it has no such iterators, or not for us. */
static void explain(struct error *err)
{
	if (err->code == ERROR_MEMORY)
		return;
	if (err->sys == EPERM || err->sys == EACCES)
		err->code = ERROR_PERMISSION;
	if (err->code == ERROR_PERMISSION)
		privilege_explain(err);
	else
		err->code = ERROR_UNSUPPORTED;
}

struct pids *pids_new(const struct types_request *request, struct error *err)
{
	struct pids *pids = calloc(1, sizeof(*pids));
	struct attach_options options = { 0 };
	struct caps caps = { 0 };
	int ret;

	if (!pids) {
		error_memory(err);
		return NULL;
	}
	pids->link.fd = -1;
	ret = object_init(&pids->object, "process ids", pids_object_start,
			  pids_object_end - pids_object_start, err);
	if (!ret)
		ret = make_fit(pids, &caps, request, err);
	if (!ret)
		ret = load_it(pids, &caps, err);
	if (!ret)
		ret = link_attach(&pids->link, &pids->loaded, 0, &options, err);
	caps_fini(&caps);
	if (!ret)
		return pids;
	explain(err);
	pids_free(pids);
	return NULL;
}

void pids_free(struct pids *pids)
{
	if (!pids)
		return;
	link_detach(&pids->link);
	if (pids->loaded.object)
		loaded_fini(&pids->loaded);
	plan_fini(&pids->plan);
	object_fini(&pids->object);
	free(pids);
}

int pids_each(struct pids *pids, void (*fn)(void *ctx, const struct pids_record *thread), void *ctx,
	      struct error *err)
{
	int fd = link_run_iter(&pids->link, err);
	struct pids_record threads[256];
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -1;
	/* A read ends where the kernel's buffer does, which may be amid a record of ours. */
	while ((n = sys_read(fd, (char *)threads + len, sizeof(threads) - len)) > 0) {
		size_t count = (len + n) / sizeof(*threads);

		for (size_t i = 0; i < count; i++)
			fn(ctx, &threads[i]);
		len = (len + n) % sizeof(*threads);
		memmove(threads, &threads[count], len);
	}
	sys_close(fd);
	return n < 0 ? error_system(err, -n, "%s: read", pids->object.name) : 0;
}

/* ---- what the options name ---- */

struct translation {
	struct options *options; /* in the machine's ids, as far as they are found */
	uint32_t here[OPTION_PIDS];
	bool found[OPTION_PIDS];
	bool initial; /* ours is the initial namespace: /proc is not ours */
};

static void translate(void *ctx, const struct pids_record *thread)
{
	struct translation *t = ctx;

	t->initial = !thread->level;
	for (size_t i = 0; i < t->options->watch_len; i++)
		if (t->here[i] == thread->here) {
			t->options->watch[i].pid = thread->tid;
			t->found[i] = true;
		}
}

static int translate_all(struct pids *pids, struct options *options, struct error *err)
{
	struct translation t = { .options = options };

	for (size_t i = 0; i < options->watch_len; i++)
		t.here[i] = options->watch[i].pid;
	if (pids_each(pids, translate, &t, err))
		return -1;
	for (size_t i = 0; !t.initial && i < options->watch_len; i++)
		if (!t.found[i]) {
			error_set(err, ERROR_NOT_FOUND, "process %u: got none of that id in this pid "
				  "namespace, expected one that there is", t.here[i]);
			return error_hint(err, "in a container ids are the container's; one that is there only "
					  "later has none of the machine's yet: run portrace outside of "
					  "the container, or the container with --pid=host");
		}
	return 0;
}

int pids_translate(struct options *options, struct pids **pids, struct error *err)
{
	struct types_request request = { .btf_file = options->btf_file, .from = options->types };

	*pids = NULL;
	if (!options->watch_len || proc_machine())
		return 0;
	*pids = pids_new(&request, err);
	if (!*pids && proc_initial()) {
		error_clear(err);
		return 0;
	}
	if (!*pids) {
		error_wrap(err, "process %u of this pid namespace: its id on the machine",
			   options->watch[0].pid);
		if (err->code != ERROR_UNSUPPORTED)
			return -1;
		return error_hint(err, "it takes BPF iterators (Linux 5.8) and the kernel's types "
				  "(CONFIG_DEBUG_INFO_BTF); else name processes by the machine's ids, and run "
				  "portrace outside of the container, or the container with --pid=host (where "
				  "it is none, mount /proc)");
	}
	if (!translate_all(*pids, options, err))
		return 0;
	pids_free(*pids);
	*pids = NULL;
	return -1;
}
