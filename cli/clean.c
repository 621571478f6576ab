// SPDX-License-Identifier: GPL-2.0
#include "cli/command.h"
#include "loader/ledger.h"

static void removed(void *ctx, const char *what)
{
	printf("removed: %s\n", what);
}

static void failed(void *ctx, const struct error *err)
{
	struct error *first = ctx;

	report_error(err);
	if (!first->code)
		*first = *err;
}

static enum exit_status run(int argc, char *const argv[])
{
	struct error first;
	struct ledger_watch watch = { removed, failed, &first };
	enum exit_status status = STATUS_DONE;

	error_clear(&first);
	if (!command_read(&command_clean, argc, argv, NULL, &status))
		return status;
	ledger_sweep(&watch);
	if (fflush(stdout) || ferror(stdout))
		return STATUS_FAILED;
	return command_status(first.code);
}

const struct command command_clean = {
	.name = "clean",
	.about = "remove what portraces that were killed left attached",
	.usage = "clean [options]",
	.text = "A portrace that is killed cannot take back what the kernel does not tie to its\n"
		"descriptors: filters of tc and their qdisc, routes, XDP programs, flow dissectors\n"
		"and cgroup programs on kernels without links, events in tracefs. Each next run\n"
		"removes them, and this does, too, and says what it removed. What belongs to\n"
		"processes that live is not touched, nor what is not portrace's.\n",
	.args = { "portrace clean", NULL, 0, NULL },
	.notes = "What there is to remove stands in " LEDGER ", and filters, routes and events\n"
		 "in tracefs have names that begin with portrace_: those of the network namespace\n"
		 "that this is run in are found without the other, too.\n"
		 "\n"
		 "Exit status 3: this user may not look or remove; 1: something could not be removed.\n",
	.run = run,
};
