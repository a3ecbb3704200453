// SPDX-License-Identifier: GPL-2.0-only
/*
 * The maps of an object.
 *
 * A record of .rex.maps says what the program was compiled for. User space
 * creates the map and passes its fd under the record's name; a map that
 * differs from its record in anything is refused, because the program's code
 * has the sizes built in. Each record needs exactly one map, and each handle
 * exactly one record: two records of different types over one handle would
 * make one map look like another.
 */
#include <linux/bpf.h>
#include <linux/ctype.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "rex.h"

static bool type_supported(u32 type)
{
	switch (type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_STACK_TRACE:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_LPM_TRIE:
	case BPF_MAP_TYPE_DEVMAP:
	case BPF_MAP_TYPE_QUEUE:
	case BPF_MAP_TYPE_STACK:
	case BPF_MAP_TYPE_DEVMAP_HASH:
	case BPF_MAP_TYPE_RINGBUF:
		return true;
	default:
		return false;
	}
}

static int check_record(const struct rex_map_desc *desc, unsigned int i,
			const struct rex_elf *elf, struct rex_log *log)
{
	const struct rex_segment *seg;

	if (desc->abi_version != REX_ABI_VERSION)
		return rex_refuse(log, -EPROTO, "map %u: ABI version %u, this kernel has %u", i,
				  desc->abi_version, REX_ABI_VERSION);
	if (strnlen(desc->name, sizeof(desc->name)) == sizeof(desc->name) || !desc->name[0])
		return rex_refuse(log, -ENOEXEC, "map %u: its name is empty or not terminated", i);
	if (!type_supported(desc->map_type))
		return rex_refuse(log, -EOPNOTSUPP, "map %s: type %u is not supported", desc->name,
				  desc->map_type);
	/* The handle holds an address in the image, made by a relocation. */
	seg = rex_elf_segment(elf, desc->handle, sizeof(u64));
	if (!seg || seg->flags & PF_X || desc->handle % sizeof(u64))
		return rex_refuse(log, -EPERM, "map %s: its handle is not aligned in data",
				  desc->name);
	return 0;
}

/* Where the values' spin lock is, according to the map's BTF. */
static u32 lock_offset(const struct bpf_map *map)
{
	if (!btf_record_has_field(map->record, BPF_SPIN_LOCK))
		return REX_NO_LOCK;
	return map->record->spin_lock_off;
}

static int find_fd(const struct rex_map_desc *desc, const struct rex_map_fd *fds, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		if (!strncmp(fds[i].name, desc->name, sizeof(desc->name)))
			return fds[i].fd;
	}
	return -ENOENT;
}

/* The flags that the map was created with. */
static u32 given_flags(const struct bpf_map *map)
{
	switch (map->map_type) {
	case BPF_MAP_TYPE_DEVMAP:
	case BPF_MAP_TYPE_DEVMAP_HASH:
		/* They give themselves this one, and refuse it from others. */
		return map->map_flags & ~BPF_F_RDONLY_PROG;
	default:
		return map->map_flags;
	}
}

static int check_map(const struct rex_map_desc *desc, const struct bpf_map *map,
		     struct rex_log *log)
{
	struct {
		const char *what;
		u32 want, have;
	} fields[] = {
		{ "type", desc->map_type, map->map_type },
		{ "key_size", desc->key_size, map->key_size },
		{ "value_size", desc->value_size, map->value_size },
		{ "max_entries", desc->max_entries, map->max_entries },
		{ "map_flags", desc->map_flags, given_flags(map) },
		{ "lock_offset", desc->lock_offset, lock_offset(map) },
	};
	unsigned int i;

	/* To a program all else is data: it could make a pointer of it. */
	if (!IS_ERR_OR_NULL(map->record) && map->record->field_mask & ~BPF_SPIN_LOCK)
		return rex_refuse(log, -EINVAL, "map %s: its values hold more than data and a lock",
				  desc->name);

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		if (fields[i].want != fields[i].have)
			return rex_refuse(log, -EINVAL, "map %s: %s is %u, the program expects %u",
					  desc->name, fields[i].what, fields[i].have,
					  fields[i].want);
	}
	return 0;
}

static int bind_one(struct rex_object *obj, const struct rex_map_desc *desc,
		    const struct rex_map_fd *fds, u32 count, struct rex_log *log)
{
	struct bpf_map *map;
	int fd, err;

	fd = find_fd(desc, fds, count);
	if (fd < 0)
		return rex_refuse(log, -ENOENT, "map %s: no fd was passed for it", desc->name);
	map = bpf_map_get(fd);
	if (IS_ERR(map))
		return rex_refuse(log, PTR_ERR(map), "map %s: fd %d is not a map", desc->name,
				  fd);
	err = check_map(desc, map, log);
	if (err) {
		bpf_map_put(map);
		return err;
	}
	obj->maps[obj->nr_maps++] = map;
	memcpy(obj->image.base + desc->handle, &map, sizeof(map));
	return 0;
}

static struct rex_map_fd *copy_fds(u64 umaps, u32 count, struct rex_log *log)
{
	struct rex_map_fd *fds;
	u32 i;

	if (count > REX_MAX_MAPS) {
		rex_refuse(log, -E2BIG, "maps: %u fds, at most %u are allowed", count,
			   REX_MAX_MAPS);
		return ERR_PTR(-E2BIG);
	}
	fds = memdup_array_user(u64_to_user_ptr(umaps), count, sizeof(*fds));
	if (IS_ERR(fds))
		return fds;
	for (i = 0; i < count; i++) {
		if (fds[i].reserved || strnlen(fds[i].name, REX_MAP_NAME_LEN) == REX_MAP_NAME_LEN) {
			rex_refuse(log, -EINVAL, "maps: entry %u is malformed", i);
			kfree(fds);
			return ERR_PTR(-EINVAL);
		}
	}
	return fds;
}

static int check_unique(const struct rex_map_desc *descs, unsigned int i, struct rex_log *log)
{
	unsigned int other;

	for (other = 0; other < i; other++) {
		if (descs[other].handle == descs[i].handle ||
		    !strcmp(descs[other].name, descs[i].name))
			return rex_refuse(log, -EEXIST, "map %s: declared twice", descs[i].name);
	}
	return 0;
}

/**
 * rex_maps_bind() - take references on the maps of an object
 * @obj: its image is relocated and still writable
 * @elf: validated view
 * @umaps: user pointer to struct rex_map_fd[]
 * @map_cnt: length of that array
 * @log: says why
 *
 * On failure the references taken so far stay with @obj, for rex_maps_put().
 *
 * Return: 0, or -ENOENT (no fd for a record), -EBADF, -EINVAL (another map than
 * the program expects), -EEXIST, -EOPNOTSUPP, -EPROTO, -ENOEXEC, -EPERM, -E2BIG.
 */
int rex_maps_bind(struct rex_object *obj, const struct rex_elf *elf, u64 umaps, u32 map_cnt,
		  struct rex_log *log)
{
	const struct rex_section *sec = &elf->maps;
	struct rex_map_fd *fds = NULL;
	struct rex_map_desc *descs;
	unsigned int i, count;
	int err = 0;

	count = sec->size / sizeof(*descs);
	if (sec->size % sizeof(*descs))
		return rex_refuse(log, -ENOEXEC, "section %s: size %llu is not a multiple of %zu",
				  REX_SEC_MAPS, sec->size, sizeof(*descs));
	if (count > REX_MAX_MAPS)
		return rex_refuse(log, -E2BIG, "object: %u maps, at most %u are allowed", count,
				  REX_MAX_MAPS);
	if (map_cnt != count)
		return rex_refuse(log, -EINVAL, "maps: %u fds were passed for %u maps", map_cnt,
				  count);
	if (!count)
		return 0;

	fds = copy_fds(umaps, map_cnt, log);
	if (IS_ERR(fds))
		return PTR_ERR(fds);
	/* A copy: writing a handle must not be able to change a record. */
	descs = kmemdup_array(obj->image.base + sec->addr, count, sizeof(*descs), GFP_KERNEL);
	if (!descs) {
		kfree(fds);
		return -ENOMEM;
	}
	for (i = 0; i < count && !err; i++) {
		descs[i].handle -= (u64)obj->image.base;
		err = check_record(&descs[i], i, elf, log);
		if (!err)
			err = check_unique(descs, i, log);
		if (!err)
			err = bind_one(obj, &descs[i], fds, map_cnt, log);
	}
	kfree(descs);
	kfree(fds);
	return err;
}

/**
 * rex_maps_put() - drop an object's references on its maps
 * @obj: nothing runs in it any more
 */
void rex_maps_put(struct rex_object *obj)
{
	while (obj->nr_maps)
		bpf_map_put(obj->maps[--obj->nr_maps]);
}
