// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/signal.h"

/* A descriptor that we open must not become standard output where the caller closed that. */
static void open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char *argv[])
{
	struct options options;
	struct error err;

	open_standard();
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
