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
		"descriptors: filters of tc and their qdisc, routes; on kernels without links\n"
		"XDP programs, flow dissectors and programs of cgroups; events in tracefs. The\n"
		"next run removes them, and this does, too, and says what it removed. What\n"
		"belongs to processes that live is not touched, nor what is not portrace's.\n",
	.args = { "portrace clean", NULL, 0, NULL },
	.notes = "What there is to remove is noted down in " LEDGER ". Filters, routes and\n"
		 "events in tracefs have names that begin with portrace_, and those of the network\n"
		 "namespace that this is run in are found without notes, too.\n"
		 "\n"
		 "Exit status 3: this user may not; 1: something could not be removed.\n",
	.run = run,
};
