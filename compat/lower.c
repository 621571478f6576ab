// SPDX-License-Identifier: GPL-2.0
#include "compat/lower.h"

#include "compat/missing.h"

/* What comes before the ring buffer's, in this order, */
static lowering *const before[] = {
	lower_calls,
	lower_loops,
	lower_tracing,
	lower_multi,
};

/* and after it: each may write what a later one lowers. */
static lowering *const behind[] = {
	lower_helpers,
	lower_data,
	lower_memory,
	lower_isa,
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int run(lowering *const *lowerings, size_t len, struct object *obj, struct caps *caps,
	       struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < len; i++)
		if (lowerings[i](obj, caps, plan, err))
			return -1;
	return 0;
}

static int choose_transport(const struct object *obj, struct caps *caps,
			    const struct lower_options *options, enum transport *transport)
{
	*transport = options->transport;
	for (size_t i = 0; *transport == TRANSPORT_AUTO && i < obj->maps.len; i++)
		if (obj->maps.at[i].type == BPF_MAP_TYPE_RINGBUF &&
		    caps_map(caps, BPF_MAP_TYPE_RINGBUF) == CAP_NO)
			*transport = TRANSPORT_PERF;
	return 0;
}

int lower(struct object *obj, struct caps *caps, const struct lower_options *options,
	  struct plan *plan, struct error *err)
{
	enum transport transport;

	choose_transport(obj, caps, options, &transport);
	if (run(before, COUNT(before), obj, caps, plan, err))
		return -1;
	if (transport == TRANSPORT_PERF && lower_ringbuf(obj, caps, plan, err))
		return -1;
	if (run(behind, COUNT(behind), obj, caps, plan, err))
		return -1;
	/* Of a kernel that is not at hand no load() will tell. */
	return caps->stored ? missing_kinds(obj, caps, err) : 0;
}
