// SPDX-License-Identifier: GPL-2.0-only
/*
 * Spin locks in map values.
 *
 * The lock is the struct bpf_spin_lock that the map's BTF describes, the same
 * word that eBPF programs and BPF_F_LOCK of user space take. A program never
 * sees the locked memory: rex_map_lock() gives it a copy of the value, and
 * rex_map_unlock() takes the changed copy back before it lets go. A program
 * that ends inside the region leaves the value as it was.
 *
 * Why nobody waits for ever
 * -------------------------
 *  - Interrupts and preemption are off in the region, so nothing but an NMI
 *    runs on the holder's CPU until it unlocks; and programs in an NMI are
 *    refused, for the holder may be below them.
 *  - A program holds one lock at a time. A second one is -EDEADLK, whichever it
 *    is, so there is no order of locks to get wrong; and changes of a map whose
 *    values have locks are -EDEADLK too: updates take them, and a deletion waits
 *    for a bucket of the map, whose holder may wait for a lock of a value in it.
 *  - A program that hits another one's hook inside the region does not run that
 *    one: the frame of its level is taken.
 *  - A holder that does not come to its end is ended by the watchdog, and what
 *    it holds is released.
 *
 * A waiter has its interrupts on between two attempts, so that its CPU's timer
 * goes on: to end the holder, which can only be reached from another CPU, and
 * to end the waiter, which then gives up. User space that waits (BPF_F_LOCK)
 * has them off: if it does so on all other CPUs, nobody ends a holder.
 */
#include <linux/bpf.h>
#include <linux/hardirq.h>
#include <linux/irqflags.h>
#include <linux/kprobes.h>
#include <linux/processor.h>
#include <linux/spinlock.h>

#include "exports.h"
#include "helper.h"

static bool try_lock(struct bpf_spin_lock *lock)
{
	BUILD_BUG_ON(sizeof(arch_spinlock_t) != sizeof(*lock));
	return arch_spin_trylock((arch_spinlock_t *)lock);
}

static void unlock(struct bpf_spin_lock *lock)
{
	arch_spin_unlock((arch_spinlock_t *)lock);
}

static bool has_lock(const struct bpf_map *map)
{
	return btf_record_has_field(map->record, BPF_SPIN_LOCK);
}

/**
 * rex_holds_lock() - does a program hold a spin lock?
 * @frame: of the program
 *
 * One that is waited for is not held yet.
 *
 * Context: any, on the CPU of the frame.
 */
bool rex_holds_lock(const struct rex_frame *frame)
{
	unsigned int i;

	for (i = 0; i < frame->nr_resources; i++) {
		const struct rex_resource *res = &frame->resources[i];

		if (res->kind == REX_RESOURCE_SPIN_LOCK && res->ptr)
			return true;
	}
	return false;
}

NOKPROBE_SYMBOL(rex_holds_lock);

/* 0 if the program may take a lock now. */
static long may_lock(const struct rex_frame *frame)
{
	if (in_nmi())
		return -EOPNOTSUPP;
	return rex_holds_lock(frame) ? -EDEADLK : 0;
}

/**
 * rex_lock_of_change() - may this map be changed now?
 * @map: to be changed by the program of this CPU and level
 *
 * Context: inside a helper.
 * Return: 0; for a map whose values have locks -EDEADLK if the program holds
 * one, -EOPNOTSUPP in an NMI.
 */
long rex_lock_of_change(const struct bpf_map *map)
{
	return has_lock(map) ? may_lock(rex_current_frame()) : 0;
}

/**
 * rex_lock_of_update() - may this update be made, and with what flags?
 * @map: to be updated by the program of this CPU and level
 * @flags: of the program; BPF_F_LOCK is added for values with a lock
 *
 * Context: inside a helper.
 * Return: that of rex_lock_of_change().
 */
long rex_lock_of_update(const struct bpf_map *map, u64 *flags)
{
	if (has_lock(map))
		*flags |= BPF_F_LOCK;
	return rex_lock_of_change(map);
}

static long map_lock(struct bpf_map *map, void *key, void *copy, void **value)
{
	struct rex_frame *frame = rex_current_frame();
	struct bpf_spin_lock *lock;
	struct rex_resource *res;
	unsigned long irqs;
	void *found;
	long err;

	if (!has_lock(map) || map->map_flags & (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG))
		return -EINVAL;
	err = may_lock(frame);
	if (err)
		return err;
	found = map->ops->map_lookup_elem(map, key);
	if (!found)
		return -ENOENT;
	res = rex_resource_claim(frame, REX_RESOURCE_SPIN_LOCK);
	lock = found + map->record->spin_lock_off;
	for (;;) {
		local_irq_save(irqs);
		if (try_lock(lock))
			break;
		local_irq_restore(irqs);
		/* Over its time: rex_helper_end() ends it. */
		if (READ_ONCE(frame->expired)) {
			rex_resource_unclaim(frame);
			return -ETIMEDOUT;
		}
		cpu_relax();
	}
	res->irqs = irqs;
	res->ptr = lock;
	copy_map_value(map, copy, found);
	check_and_init_map_value(map, copy);
	*value = found;
	return 0;
}

/*
 * Locks a value of a map whose values have a lock, and copies it. 0, -ENOENT,
 * -EDEADLK while the program holds a lock, -EOPNOTSUPP in an NMI.
 */
long rex_map_lock(struct bpf_map *map, void *key, void *copy, void **value)
{
	return IN_HELPER(map_lock(map, key, copy, value));
}

/**
 * rex_lock_drop() - let go of a lock
 * @res: of a program, off the record
 *
 * Context: that of the program that took it.
 */
void rex_lock_drop(const struct rex_resource *res)
{
	unlock(res->ptr);
	local_irq_restore(res->irqs);
}

static void map_unlock(struct bpf_map *map, void *value, const void *copy)
{
	struct rex_resource taken;

	if (!rex_resource_take(rex_current_frame(), REX_RESOURCE_SPIN_LOCK,
			       value + map->record->spin_lock_off, &taken))
		return;
	if (copy)
		copy_map_value(map, value, (void *)copy);
	rex_lock_drop(&taken);
}

/* Writes a changed copy back, unless it is NULL, and unlocks. */
void rex_map_unlock(struct bpf_map *map, void *value, const void *copy)
{
	IN_HELPER_VOID(map_unlock(map, value, copy));
}
