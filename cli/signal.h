/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CLI_SIGNAL_H
#define CLI_SIGNAL_H

#include "cli/options.h"

/* `portrace signal`: traces until it is told to end. Writes its own messages. */
enum exit_status signal_run(const struct options *options);

#endif
