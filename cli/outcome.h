/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_OUTCOME_H
#define CLI_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/signal.h"

/*
 * What became of one signal: the join's result and the printers' input. Strings are raw
 * bytes from other people's processes; only the printers make them safe to show.
 */
enum fate {
	FATE_DELIVERED,  /* its action was taken; see action, and ending */
	FATE_IGNORED,    /* the target ignores it: dropped when it was sent */
	FATE_COALESCED,  /* one of its number was already pending */
	FATE_OVERFLOW,   /* the real-time queue was full (RLIMIT_SIGPENDING) */
	FATE_ACCEPTED,   /* left the queue without delivery: sigwait, signalfd, or discarded */
	FATE_CANCELLED,  /* a SIGCONT cancelled a pending stop signal, or the other way round */
	FATE_BLOCKED,    /* still pending when tracing ended, and blocked by the target */
	FATE_PENDING,    /* still pending: the target is stopped, has not run, or is not known */
	FATE_GONE,       /* the target ended before it was delivered */
	FATE_FORGOTTEN,  /* pushed out of a full table; not followed any longer */
	FATE_UNCERTAIN,  /* left the queue, or its target ended, while records were lost: its
			  * delivery may be one of them */
};

enum ending { ENDING_NONE, ENDING_TERMINATED, ENDING_CORE, ENDING_UNFINISHED };

#define UID_UNKNOWN UINT32_MAX

struct party {
	uint32_t pid; /* process; 0 = unknown */
	uint32_t tid; /* thread */
	char comm[COMM_LEN + 1];
	const char *cmdline;   /* arguments, each ended by NUL; NULL = could not be had */
	size_t cmdline_len;
	bool cmdline_truncated;
	uint32_t uid; /* or UID_UNKNOWN */
};

struct outcome {
	uint64_t time; /* when it was sent (or, sender unknown, delivered), CLOCK_MONOTONIC ns */
	uint8_t sig;
	uint8_t result; /* enum generate_result */
	enum fate fate;
	uint8_t action; /* enum deliver_action; with FATE_DELIVERED */
	enum ending ending; /* of the process, by this signal */
	bool group;
	bool sender_known;  /* false: sent before tracing began, or its record was lost */
	bool kernel;        /* sent by the kernel; sender then is the task it concerns, or pid 0 */
	bool target_ending; /* dropped because the target was already ending */
	bool has_latency;
	int32_t code;
	uint64_t latency; /* ns; from sending to delivery, or to the end of the process */
	struct party sender, target;
};

#endif
