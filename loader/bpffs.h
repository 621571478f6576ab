/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LOADER_BPFFS_H
#define LOADER_BPFFS_H

#include "util/error.h"
#include "util/vec.h"

/*
 * The file system in which maps, programs and links can be given a name, so that they stay when
 * nobody has a descriptor of them any more.
 */
#define BPFFS_ROOT "/sys/fs/bpf"

/* What was made on the way to a directory; zeroed: nothing. */
struct bpffs {
	VEC(char *) dirs; /* owned; from the top down */
	char *mounted;    /* owned, or NULL */
};

/*
 * Sees to it that the directory is there and of that file system, which is mounted on it where it is
 * empty and of another one. Under BPFFS_ROOT, that is where it is mounted. After a failure what
 * was made is gone again.
 */
int bpffs_make(struct bpffs *made, const char *dir, struct error *err);
/* Takes away what was made, as far as nobody has put anything there. */
void bpffs_undo(struct bpffs *made);
/* Keeps it. */
void bpffs_fini(struct bpffs *made);

/* DIR/NAME, malloc'ed, as the file system takes it: without a '.' in the name. NULL: no memory. */
char *bpffs_path(const char *dir, const char *name);
/* 0 or -errno; a descriptor or -errno. */
int bpffs_pin(int fd, const char *path);
int bpffs_get(const char *path);

#endif
