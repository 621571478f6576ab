/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_ROUTE_H
#define LOADER_ROUTE_H

#include "loader/attach_net.h"

/*
 * Who says that he made a route: a number that nobody else uses, so that of very many ours are found
 * soon; `ip route show proto 112` lists them.
 */
#define ROUTE_PROTOCOL 112

/* Bytes of an address: AF_INET or AF_INET6. */
size_t route_width(uint8_t family);
/* What is to be undone of a route of this namespace; the program's name goes into undo->path. */
void route_about(struct undo *undo, uint8_t family, uint8_t bits, const uint8_t to[16]);

#endif
