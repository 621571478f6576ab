/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_TRACER_H
#define CLI_TRACER_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/signal.h"
#include "cli/options.h"
#include "compat/lower.h"
#include "loader/load.h"
#include "loader/reader.h"
#include "loader/types.h"

/*
 * The signal tracer's kernel side, from the object in this binary to records: settings put
 * in, types relocated, lowered for this kernel, loaded, attached, read.
 *
 * Where there is no BPF, perf takes down the tracepoints' events (cli/tracer_events.c); what is
 * under "With BPF" is then zero.
 */
#define TRACER_LINKS 5

struct pids;
struct tracer_way;
struct tracer_events;

struct tracer {
	const struct tracer_way *way; /* programs, or perf events */
	struct reader *reader;
	enum transport transport; /* the one taken */
	size_t buffer;            /* its size in bytes, a CPU for perf buffers */
	bool bare;                /* the kernel's own types are not known, only its tracepoints */
	bool no_arguments; /* the programs do not tell any: /proc has to be asked in time */
	struct tracer_events *events; /* without BPF */
	char no_bpf[1024];            /* why, unless it was asked for */
	/* With BPF: */
	struct object object;
	struct plan plan;       /* how it was changed for this kernel */
	struct load_types told; /* what the kernel was told, where it took it */
	struct loaded loaded;
	struct types_account types; /* where the kernel's come from */
	int links[TRACER_LINKS];
	const struct losses *losses; /* the programs' own count, in a mapping of their data */
	const void *data;            /* that mapping; NULL where the kernel has none (5.5) */
	size_t data_len;
	struct losses received;   /* records, by kind; for perf buffers' exact account */
	bool memlock_raised;      /* RLIMIT_MEMLOCK had to be */
};

/* The object of the tracer's programs, with the filters' settings in it. */
int tracer_object(struct object *obj, const struct options *options, struct error *err);
/*
 * The rest of its settings, before prepare(): what its programs leave to user space where a kernel
 * has not what it takes. transport: TRANSPORT_AUTO, _RING or _PERF.
 */
struct tracer_left {
	bool bare, no_arguments; /* as below */
};
int tracer_suit(struct object *obj, const struct options *options, const struct btf *types,
		struct caps *caps, enum transport transport, struct tracer_left *left,
		struct error *err);
/*
 * Uses what options say of filters, transport and buffer. Ids in them are the machine's; `pids` is
 * who tells of threads where /proc has others (cli/pids.h), or NULL.
 */
int tracer_init(struct tracer *tracer, const struct options *options, struct pids *pids,
		struct error *err);
void tracer_fini(struct tracer *tracer);
/* What is recorded from now on; programs that run at this moment may still finish. */
void tracer_set_phase(struct tracer *tracer, enum phase phase);
/* The process that -p or the like named has ended; its id may be another's one day. */
void tracer_unwatch(struct tracer *tracer, uint32_t pid);
/* As reader_drain() of its reader: records of bpf/signal.h. */
void tracer_drain(struct tracer *tracer, bool all, reader_fn *fn, void *ctx);
/* To be told of each record, for the account of losses. */
void tracer_count(struct tracer *tracer, const struct record *record);
/*
 * Runs that the kernel skipped because another BPF program ran on the same CPU: of which
 * signals, and whether of any that were asked for, nobody knows. It counts them since Linux
 * 5.12, those on tracepoints since 6.7.
 */
uint64_t tracer_skipped(const struct tracer *tracer);
/*
 * What was lost so far, by kind. Exact after PHASE_OVER and a last drain; while tracing a
 * perf transport knows only the sum, given as `generate`.
 */
int tracer_losses(const struct tracer *tracer, bool final, struct losses *losses,
		  struct error *err);

/* Without BPF: the name of the i-th tracepoint and what the kernel filters it by, or NULL; false:
 * no more. */
bool tracer_event(const struct tracer *tracer, size_t i, const char **name, const char **filter);

#endif
