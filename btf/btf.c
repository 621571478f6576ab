// SPDX-License-Identifier: GPL-2.0
/*
 *   blob:  +--------------------------------------+
 *          | magic 0xeb9f, version 1, flags       |
 *          | hdr_len            24, or more later |
 *          | type_off, type_len   \ counted from  |
 *          | str_off,  str_len    / hdr_len       |
 *          +--------------------------------------+
 *   types: | name_off, info, size or type | extra |  id 1
 *          | name_off, info, size or type |       |  id 2
 *          | ...                                  |
 *          +--------------------------------------+
 *   str:   | \0 i n t \0 t a s k _ s t r u c t \0 |
 *          +--------------------------------------+
 *
 * info is kind_flag << 31 | kind << 24 | vlen. How long `extra` is follows from kind and vlen,
 * so the types can only be found by walking over all before them.
 */
#include "btf/btf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "util/cursor.h"
#include "util/sys.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"
#define MAX_CHAIN 64 /* of typedefs, qualifiers and arrays; the kernel's own limit is 32 */

/*
 * What a walk has to know of a kind, in one word, so that it is one load: bytes behind the 12
 * of struct btf_type, which are `fixed` and `each` times vlen; can it be found through
 * btf.named; does note_type() want to see it. Unknown kinds are 0.
 */
#define LAYOUT(fixed, each, named, noted) \
	((fixed) | (each) << 8 | (named) << 16 | (noted) << 17 | 1u << 31)
#define LAYOUT_FIXED(l) ((l) & 0xff)
#define LAYOUT_EACH(l) ((l) >> 8 & 0xff)
#define LAYOUT_NAMED(l) ((l) >> 16 & 1)
#define LAYOUT_NOTED(l) ((l) >> 17 & 1)

static const uint32_t layout[32] = {
	[BTF_KIND_INT] = LAYOUT(sizeof(uint32_t), 0, 0, 1),
	[BTF_KIND_PTR] = LAYOUT(0, 0, 0, 0),
	[BTF_KIND_ARRAY] = LAYOUT(sizeof(struct btf_array), 0, 0, 0),
	[BTF_KIND_STRUCT] = LAYOUT(0, sizeof(struct btf_member), 1, 1),
	[BTF_KIND_UNION] = LAYOUT(0, sizeof(struct btf_member), 1, 1),
	[BTF_KIND_ENUM] = LAYOUT(0, sizeof(struct btf_enum), 1, 1),
	[BTF_KIND_FWD] = LAYOUT(0, 0, 0, 0),
	[BTF_KIND_TYPEDEF] = LAYOUT(0, 0, 0, 0),
	[BTF_KIND_VOLATILE] = LAYOUT(0, 0, 0, 0),
	[BTF_KIND_CONST] = LAYOUT(0, 0, 0, 0),
	[BTF_KIND_RESTRICT] = LAYOUT(0, 0, 0, 0),
	[BTF_KIND_FUNC] = LAYOUT(0, 0, 0, 0),
	[BTF_KIND_FUNC_PROTO] = LAYOUT(0, sizeof(struct btf_param), 0, 0),
	[BTF_KIND_VAR] = LAYOUT(sizeof(struct btf_var), 0, 0, 0),
	[BTF_KIND_DATASEC] = LAYOUT(0, sizeof(struct btf_var_secinfo), 0, 0),
	[BTF_KIND_FLOAT] = LAYOUT(0, 0, 0, 0),
	[BTF_KIND_DECL_TAG] = LAYOUT(sizeof(struct btf_decl_tag), 0, 0, 0),
	[BTF_KIND_TYPE_TAG] = LAYOUT(0, 0, 0, 0),
	[BTF_KIND_ENUM64] = LAYOUT(0, sizeof(struct btf_enum64), 1, 1),
};

static const struct btf_type *type_at(const struct btf *btf, uint32_t off)
{
	return (const struct btf_type *)(btf->types + off);
}

static uint32_t type_len(const struct btf_type *t)
{
	uint32_t l = layout[btf_kind(t)];

	return sizeof(*t) + LAYOUT_FIXED(l) + LAYOUT_EACH(l) * btf_vlen(t);
}

static int check_header(struct btf *btf, struct btf_header *h, struct error *err)
{
	struct cursor c = { btf->data, btf->size }, body;

	if ((uintptr_t)btf->data & 3)
		return error_set(err, ERROR_USAGE, "BTF: got data at an odd address, "
				 "expected alignment to 4 bytes");
	if (!cursor_at(&c, 0, sizeof(*h)))
		return error_set(err, ERROR_FORMAT, "BTF: header: got %zu bytes, expected at "
				 "least %zu", btf->size, sizeof(*h));
	memcpy(h, btf->data, sizeof(*h));
	if (h->magic == (uint16_t)(BTF_MAGIC << 8 | BTF_MAGIC >> 8)) {
		error_set(err, ERROR_UNSUPPORTED,
			  "BTF: byte order: got the other one, expected this machine's");
		return error_hint(err, "use the BTF of a kernel of this machine's byte order");
	}
	if (h->magic != BTF_MAGIC)
		return error_set(err, ERROR_FORMAT, "BTF: magic: got 0x%04x, expected 0x%04x",
				 h->magic, BTF_MAGIC);
	if (h->version != BTF_VERSION)
		return error_set(err, ERROR_UNSUPPORTED, "BTF: version: got %u, expected %u",
				 h->version, BTF_VERSION);
	if (h->hdr_len < sizeof(*h) || h->hdr_len > btf->size || h->hdr_len & 3)
		return error_set(err, ERROR_FORMAT, "BTF: header length: got %u, expected a "
				 "multiple of 4 from %zu to %zu", h->hdr_len, sizeof(*h),
				 btf->size);
	body = (struct cursor){ btf->data + h->hdr_len, btf->size - h->hdr_len };
	if (h->type_off & 3 || !cursor_at(&body, h->type_off, h->type_len))
		return error_set(err, ERROR_FORMAT, "BTF: types: got %u bytes at %u, expected them "
				 "aligned within %zu", h->type_len, h->type_off, body.size);
	if (!cursor_at(&body, h->str_off, h->str_len))
		return error_set(err, ERROR_FORMAT, "BTF: strings: got %u bytes at %u, expected "
				 "them within %zu", h->str_len, h->str_off, body.size);
	btf->types = body.data + h->type_off;
	btf->types_len = h->type_len;
	btf->strings = (const char *)body.data + h->str_off;
	btf->strings_len = h->str_len;
	if (!h->str_len || btf->strings[0] || btf->strings[h->str_len - 1])
		return error_set(err, ERROR_FORMAT, "BTF: strings: got a section of %u bytes that "
				 "does not begin and end with NUL", h->str_len);
	return 0;
}

/* A pointer is as wide as a long on every machine that Linux runs on. */
static bool is_long(const char *name)
{
	return !strcmp(name, "long unsigned int") || !strcmp(name, "unsigned long") ||
	       !strcmp(name, "long int") || !strcmp(name, "long");
}

/* Eight characters of a name, those behind its end zero; the same on every machine. */
static uint64_t name_word(const char *name, size_t left, bool *last)
{
	uint64_t word = 0, zeros;

	if (left >= sizeof(word))
		memcpy(&word, name, sizeof(word));
	else
		memcpy(&word, name, left);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	/* The lowest bit that is set is the top bit of the first byte that is zero. */
	zeros = (word - 0x0101010101010101) & ~word & 0x8080808080808080;
	*last = zeros;
	return zeros ? word & (zeros ^ (zeros - 1)) >> 8 : word;
}

/*
 * One byte that sorts out 255 of 256 names, so that a search by name reads 12,000 bytes in a
 * row instead of 12,000 strings all over the place. `left` bytes may be read, with the NUL.
 */
static uint8_t name_tag(const char *name, size_t left)
{
	uint64_t hash = 0;
	bool last;

	do {
		hash = (hash ^ name_word(name, left, &last)) * 0x9e3779b97f4a7c15;
		hash ^= hash >> 32;
		name += sizeof(hash);
		left -= sizeof(hash);
	} while (!last);
	return hash >> 24;
}

static int note_named(struct btf *btf, uint32_t off, uint32_t name_off)
{
	uint32_t *at;
	uint8_t *tag;

	if (name_off >= btf->strings_len)
		return 0;
	/* Both grow in step; calls for each of 12,000 would show in the time of a start. */
	if (btf->named.len == btf->named.cap || btf->tags.len == btf->tags.cap) {
		at = vec_push(&btf->named);
		tag = vec_push(&btf->tags);
		if (!at || !tag)
			return -1;
	} else {
		at = &btf->named.at[btf->named.len++];
		tag = &btf->tags.at[btf->tags.len++];
	}
	*at = off;
	*tag = name_tag(btf->strings + name_off, btf->strings_len - name_off);
	return 0;
}

static int note_mark(struct btf *btf, uint32_t off)
{
	uint32_t *at = vec_push(&btf->marks);

	if (!at)
		return -1;
	*at = off;
	return 0;
}

static int bad_type(const struct btf *btf, uint32_t id, uint32_t off, struct error *err)
{
	uint32_t left = btf->types_len - off;

	if (left >= sizeof(struct btf_type) && !layout[btf_kind(type_at(btf, off))]) {
		error_set(err, ERROR_UNSUPPORTED, "BTF: type %u: kind: got %u, expected 1 to %u",
			  id, btf_kind(type_at(btf, off)), BTF_KIND_ENUM64);
		return error_hint(err, "either the file is damaged, or it is for a newer kernel "
				  "than this program knows of");
	}
	return error_set(err, ERROR_FORMAT, "BTF: type %u: got only %u bytes to the end of the "
			 "section, expected all of it", id, left);
}

/* What the indexes keep of a type. */
static int note_type(struct btf *btf, uint32_t off)
{
	const struct btf_type *t = type_at(btf, off);
	uint32_t kind = btf_kind(t);

	if (LAYOUT_NAMED(layout[kind]) && t->name_off && note_named(btf, off, t->name_off))
		return -1;
	if (kind == BTF_KIND_INT && is_long(btf_string(btf, t->name_off)))
		btf->pointer_size = t->size == 4 ? 4 : 8;
	return 0;
}

/*
 * One stretch of BTF_STRIDE types from off on: where it ends, or 0 and err. This is most of
 * what opening a kernel's BTF takes, so nothing in it depends on what is hard to foresee: where
 * the next type begins is worked out from a table, and each offset is put down, but kept only
 * for types that are noted. Their names, all over the place, are looked at in a loop of their
 * own, where the processor can fetch several at once.
 */
static uint32_t walk_stretch(struct btf *btf, uint32_t off, uint32_t id, uint32_t *count,
			     struct error *err)
{
	uint32_t len = btf->types_len, noted[BTF_STRIDE], n = 0, i;

	for (i = 0; i < BTF_STRIDE && len - off >= sizeof(struct btf_type); i++) {
		const struct btf_type *t = type_at(btf, off);
		uint32_t l = layout[btf_kind(t)], size = type_len(t);

		__builtin_prefetch(btf->types + off + 2048);
		if (!l || size > len - off)
			break;
		noted[n] = off;
		n += LAYOUT_NOTED(l);
		off += size;
	}
	if (i < BTF_STRIDE && off < len) {
		bad_type(btf, id + i, off, err);
		return 0;
	}
	*count = i;
	for (i = 0; i < n; i++)
		if (note_type(btf, noted[i])) {
			error_memory(err);
			return 0;
		}
	return off;
}

/* The one walk over all types: checks that each lies inside, and builds the indexes. */
static int walk(struct btf *btf, struct error *err)
{
	uint32_t off = 0, id = 1, count;

	while (off < btf->types_len) {
		if (note_mark(btf, off))
			return error_memory(err);
		off = walk_stretch(btf, off, id, &count, err);
		if (!off)
			return -1;
		id += count;
	}
	btf->count = id;
	return 0;
}

int btf_init(struct btf *btf, const void *data, size_t size, struct error *err)
{
	struct btf_header h;

	memset(btf, 0, sizeof(*btf));
	btf->data = data;
	btf->size = size;
	btf->pointer_size = 8;
	if (check_header(btf, &h, err) || walk(btf, err)) {
		btf_fini(btf);
		return -1;
	}
	return 0;
}

/* len bytes of fd in memory of their own. Returns -errno. */
static int read_mapping(int fd, void *mapping, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = sys_read(fd, (char *)mapping + done, len - done);
		if (n < 0)
			return n;
		if (n == 0)
			return -EIO;
		done += n;
	}
	return 0;
}

/*
 * The kernel lets its BTF be mapped since Linux 6.16 ("btf: allow mmap of vmlinux btf"), as
 * private memory only. That costs no memory of ours; before, it has to be copied.
 */
static int map_fd(int fd, size_t len, void **mapping)
{
	int ret;

	*mapping = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (*mapping != MAP_FAILED)
		return 0;
	*mapping = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (*mapping == MAP_FAILED)
		return -errno;
	ret = read_mapping(fd, *mapping, len);
	if (ret < 0)
		munmap(*mapping, len);
	return ret;
}

static int open_failed(const char *path, int sys, struct error *err)
{
	error_system(err, sys, "%s", path);
	if (sys == ENOENT)
		err->code = ERROR_NOT_FOUND;
	else if (sys == EACCES || sys == EPERM)
		err->code = ERROR_PERMISSION;
	return -1;
}

int btf_open(struct btf *btf, const char *path, struct error *err)
{
	int fd = sys_open(path, O_RDONLY), ret;
	void *mapping = NULL;
	struct stat st;
	size_t len;

	memset(btf, 0, sizeof(*btf));
	if (fd < 0)
		return open_failed(path, -fd, err);
	ret = fstat(fd, &st) ? -errno : 0;
	if (!ret && (st.st_size <= 0 || (uint64_t)st.st_size > SIZE_MAX)) {
		sys_close(fd);
		return error_set(err, ERROR_FORMAT, "%s: size: got %lld, expected BTF", path,
				 (long long)st.st_size);
	}
	len = ret ? 0 : st.st_size;
	if (!ret)
		ret = map_fd(fd, len, &mapping);
	sys_close(fd);
	if (ret < 0)
		return open_failed(path, -ret, err);
	if (btf_init(btf, mapping, len, err)) {
		munmap(mapping, len);
		return error_wrap(err, "%s", path);
	}
	btf->mapping = mapping;
	btf->mapping_len = len;
	return 0;
}

int btf_open_kernel(struct btf *btf, struct error *err)
{
	if (!btf_open(btf, KERNEL_BTF, err))
		return 0;
	if (err->code == ERROR_NOT_FOUND)
		error_hint(err, "the kernel describes its types there since Linux 5.4, where it "
			   "was built with CONFIG_DEBUG_INFO_BTF=y and sysfs is mounted on /sys");
	return -1;
}

void btf_fini(struct btf *btf)
{
	vec_fini(&btf->marks);
	vec_fini(&btf->named);
	vec_fini(&btf->tags);
	if (btf->mapping)
		munmap(btf->mapping, btf->mapping_len);
	memset(btf, 0, sizeof(*btf));
}

uint32_t btf_count(const struct btf *btf)
{
	return btf->count;
}

/*
 * Offset of a type that is known to be there, e.g. id 130: the mark (130 - 1) / 64 = 2 is
 * that of id 129; one step from there.
 */
static uint32_t type_offset(const struct btf *btf, uint32_t id)
{
	uint32_t off = btf->marks.at[(id - 1) / BTF_STRIDE];
	uint32_t steps = (id - 1) % BTF_STRIDE;

	while (steps--)
		off += type_len(type_at(btf, off));
	return off;
}

/* The other way round: from the last mark at or before the offset. */
static uint32_t type_id(const struct btf *btf, uint32_t off)
{
	size_t low = 0, high = btf->marks.len;
	uint32_t at, id;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (btf->marks.at[mid] <= off)
			low = mid;
		else
			high = mid;
	}
	id = 1 + low * BTF_STRIDE;
	for (at = btf->marks.at[low]; at < off; id++)
		at += type_len(type_at(btf, at));
	return id;
}

const struct btf_type *btf_type(const struct btf *btf, uint32_t id)
{
	if (!id || id >= btf->count)
		return NULL;
	return type_at(btf, type_offset(btf, id));
}

const char *btf_string(const struct btf *btf, uint32_t off)
{
	return off < btf->strings_len ? btf->strings + off : "";
}

uint32_t btf_resolve(const struct btf *btf, uint32_t id)
{
	int steps;

	for (steps = 0; steps < MAX_CHAIN; steps++) {
		const struct btf_type *t = btf_type(btf, id);

		switch (t ? btf_kind(t) : BTF_KIND_UNKN) {
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_CONST:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
			id = t->type;
			break;
		default:
			return id;
		}
	}
	return 0;
}

/* Arrays of arrays multiply: int a[2][3] is 2 * 3 * 4. */
int64_t btf_size(const struct btf *btf, uint32_t id)
{
	uint64_t factor = 1, size;
	int steps;

	for (steps = 0; steps < MAX_CHAIN; steps++) {
		const struct btf_type *t = btf_type(btf, btf_resolve(btf, id));
		const struct btf_array *array;

		switch (t ? btf_kind(t) : BTF_KIND_UNKN) {
		case BTF_KIND_INT:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
		case BTF_KIND_FLOAT:
		case BTF_KIND_DATASEC:
			size = factor * t->size;
			return size > UINT32_MAX ? -1 : (int64_t)size;
		case BTF_KIND_PTR:
			size = factor * btf->pointer_size;
			return size > UINT32_MAX ? -1 : (int64_t)size;
		case BTF_KIND_VAR:
			id = t->type;
			break;
		case BTF_KIND_ARRAY:
			array = btf_extra(t);
			factor *= array->nelems;
			if (factor > UINT32_MAX)
				return -1;
			id = array->type;
			break;
		default:
			return -1;
		}
	}
	return -1;
}

static bool is_named(const struct btf *btf, const struct btf_type *t, const char *name,
		     uint32_t kind)
{
	return btf_kind(t) == kind && !strcmp(btf_string(btf, t->name_off), name);
}

static uint32_t find_listed(const struct btf *btf, const char *name, uint32_t kind, uint32_t after)
{
	const uint8_t *tag = btf->tags.at, *end = tag + btf->tags.len;
	uint32_t start = after ? type_offset(btf, after) : 0;
	uint8_t wanted = name_tag(name, strlen(name) + 1);

	for (; tag < end && (tag = memchr(tag, wanted, end - tag)); tag++) {
		uint32_t off = btf->named.at[tag - btf->tags.at];

		if ((off > start || !after) && is_named(btf, type_at(btf, off), name, kind))
			return type_id(btf, off);
	}
	return 0;
}

uint32_t btf_find_next(const struct btf *btf, const char *name, uint32_t kind, uint32_t after)
{
	uint32_t id = after + 1, off;

	if (!id || id >= btf->count || kind >= sizeof(layout) / sizeof(layout[0]))
		return 0;
	if (LAYOUT_NAMED(layout[kind]) && name[0])
		return btf->tags.len ? find_listed(btf, name, kind, after) : 0;
	for (off = type_offset(btf, id); id < btf->count; id++) {
		const struct btf_type *t = type_at(btf, off);

		if (is_named(btf, t, name, kind))
			return id;
		off += type_len(t);
	}
	return 0;
}

uint32_t btf_find(const struct btf *btf, const char *name, uint32_t kind)
{
	return btf_find_next(btf, name, kind, 0);
}
