// SPDX-License-Identifier: GPL-2.0
#include "cli/options.h"
#include "cli/signal.h"

int main(int argc, char *argv[])
{
	struct options options;
	struct error err;

	error_clear(&err);
	if (options_parse(argc, argv, &options, &err)) {
		report_error(&err);
		return options_exit_status(err.code);
	}
	if (options.help || options.version) {
		(options.help ? options_help : options_version)(stdout);
		return fflush(stdout) || ferror(stdout) ? STATUS_FAILED : STATUS_DONE;
	}
	return signal_run(&options);
}
