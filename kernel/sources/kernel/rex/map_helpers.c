// SPDX-License-Identifier: GPL-2.0-only
/*
 * What programs do with their maps.
 *
 * Keys and values have the sizes of the map: the loader compared it with the
 * record that the rex crate made of the types. Which calls a type of map takes
 * is the crate's business too (a queue has no lookup in Rust).
 *
 * Most of the kernel's maps can be used from any context. The lists behind the
 * LRU maps and the LPM trie have locks that are only safe against interrupts:
 * an NMI that came while its CPU holds one would wait for itself. There they
 * can be read, not changed.
 */
#include <linux/bpf.h>
#include <linux/cpumask.h>
#include <linux/hardirq.h>

#include "exports.h"
#include "helper.h"
#include "rex.h"

/* Errno of a change to this map from here, or 0. */
static int check_change(const struct bpf_map *map)
{
	if (map->map_flags & BPF_F_RDONLY_PROG)
		return -EPERM;
	if (!in_nmi())
		return 0;
	switch (map->map_type) {
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_LPM_TRIE:
		return -EBUSY;
	default:
		return 0;
	}
}

static bool can_read(const struct bpf_map *map)
{
	return !(map->map_flags & BPF_F_WRONLY_PROG);
}

static void *lookup(struct bpf_map *map, void *key)
{
	return can_read(map) ? map->ops->map_lookup_elem(map, key) : NULL;
}

void *rex_map_lookup_elem(struct bpf_map *map, void *key)
{
	return IN_HELPER(lookup(map, key));
}

static void *lookup_percpu(struct bpf_map *map, void *key, u32 cpu)
{
	/* The maps themselves only know the number of the last CPU. */
	if (cpu >= nr_cpu_ids || !cpu_possible(cpu) || !can_read(map))
		return NULL;
	return map->ops->map_lookup_percpu_elem(map, key, cpu);
}

void *rex_map_lookup_percpu_elem(struct bpf_map *map, void *key, u32 cpu)
{
	return IN_HELPER(lookup_percpu(map, key, cpu));
}

static long update(struct bpf_map *map, void *key, void *value, u64 flags)
{
	long err = check_change(map);

	if (!err)
		err = rex_lock_of_update(map, &flags);
	return err ?: map->ops->map_update_elem(map, key, value, flags);
}

long rex_map_update_elem(struct bpf_map *map, void *key, void *value, u64 flags)
{
	return IN_HELPER(update(map, key, value, flags));
}

static long delete(struct bpf_map *map, void *key)
{
	long err = check_change(map);

	if (!err)
		err = rex_lock_of_change(map);
	return err ?: map->ops->map_delete_elem(map, key);
}

long rex_map_delete_elem(struct bpf_map *map, void *key)
{
	return IN_HELPER(delete(map, key));
}

static long push(struct bpf_map *map, void *value, u64 flags)
{
	int err = check_change(map);

	return err ?: map->ops->map_push_elem(map, value, flags);
}

long rex_map_push_elem(struct bpf_map *map, void *value, u64 flags)
{
	return IN_HELPER(push(map, value, flags));
}

static long pop(struct bpf_map *map, void *value)
{
	int err = check_change(map);

	if (!err && !can_read(map))
		err = -EPERM;
	return err ?: map->ops->map_pop_elem(map, value);
}

long rex_map_pop_elem(struct bpf_map *map, void *value)
{
	return IN_HELPER(pop(map, value));
}

static long peek(struct bpf_map *map, void *value)
{
	return can_read(map) ? map->ops->map_peek_elem(map, value) : -EPERM;
}

long rex_map_peek_elem(struct bpf_map *map, void *value)
{
	return IN_HELPER(peek(map, value));
}
