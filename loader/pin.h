/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_PIN_H
#define LOADER_PIN_H

#include "loader/attach.h"
#include "loader/load.h"

/*
 * Pins what is loaded in a directory of bpffs, which is made, so that it stays when this process
 * ends:
 *
 *	DIR/maps/counts         but for maps that are pinned by their names already
 *	DIR/maps/_rodata        bpffs has no '.' in names
 *	DIR/programs/on_exec
 *	DIR/links/on_exec       with it the program stays attached
 *
 * links: one for each of the object's programs, in their order, or NULL; those that are not links
 * to the kernel (tracefs, ioctl, netlink) cannot be pinned, which is an error. When it fails,
 * nothing of it is left.
 */
int loaded_pin(const struct loaded *loaded, const struct link *const *links, const char *dir,
	       struct error *err);

#endif
