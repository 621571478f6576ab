/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_ROUTE_H
#define LOADER_ROUTE_H

#include "loader/attach_net.h"

/* Bytes of an address: AF_INET or AF_INET6. */
size_t route_width(uint8_t family);
/* What is to be undone of a route of this namespace; the program's name goes into undo->path. */
void route_about(struct undo *undo, uint8_t family, uint8_t bits, const uint8_t to[16]);

#endif
