// SPDX-License-Identifier: GPL-2.0-only
/*
 * An object from load to release.
 *
 * Loading prepares everything that can fail, then publishes the fd; whatever
 * fails on the way, rex_object_release() undoes what was done so far.
 */
#include <crypto/sha2.h>
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "rex.h"

static void rex_object_release(struct kref *ref)
{
	struct rex_object *obj = container_of(ref, struct rex_object, ref);

	rex_stop_untrack(obj);
	rex_ksyms_del(obj->ksyms);
	rex_maps_put(obj);
	rex_image_free(&obj->image);
	kfree(obj->funcs);
	/* An exit may be comparing maps. */
	kfree_rcu(obj, rcu);
	atomic64_dec(&rex_stats.objects);
}

/**
 * rex_object_put() - drop a reference
 * @obj: freed with the last one
 *
 * Context: process, may sleep.
 */
void rex_object_put(struct rex_object *obj)
{
	kref_put(&obj->ref, rex_object_release);
}

static int rex_object_fop_release(struct inode *inode, struct file *file)
{
	rex_object_put(file->private_data);
	return 0;
}

static void rex_object_show_fdinfo(struct seq_file *m, struct file *file)
{
	const struct rex_object *obj = file->private_data;
	unsigned int i;

	seq_printf(m, "rex_object:\t%s\n", obj->name);
	seq_printf(m, "rex_stopped:\t%d\n", READ_ONCE(obj->stopped));
	for (i = 0; i < obj->nr_funcs; i++)
		seq_printf(m, "rex_program:\t%s\n", obj->funcs[i].desc.name);
	for (i = 0; i < obj->nr_maps; i++)
		seq_printf(m, "map_id:\t%u\n", obj->maps[i]->id);
}

static const struct file_operations rex_object_fops = {
	.release = rex_object_fop_release,
	.show_fdinfo = rex_object_show_fdinfo,
};

/**
 * rex_object_from_fd() - the object behind an fd
 * @fd: from REX_OBJ_LOAD
 *
 * Return: the object with a reference taken, or ERR_PTR(-EBADF or -EINVAL).
 */
struct rex_object *rex_object_from_fd(int fd)
{
	struct file *file = fget(fd);
	struct rex_object *obj;

	if (!file)
		return ERR_PTR(-EBADF);
	if (file->f_op == &rex_object_fops)
		obj = rex_object_get(file->private_data);
	else
		obj = ERR_PTR(-EINVAL);
	fput(file);
	return obj;
}

/**
 * rex_object_find() - a function by name
 * @obj: the object
 * @name: NUL-terminated
 *
 * Return: the function, or NULL.
 */
struct rex_func *rex_object_find(struct rex_object *obj, const char *name)
{
	unsigned int i;

	for (i = 0; i < obj->nr_funcs; i++) {
		if (!strcmp(obj->funcs[i].desc.name, name))
			return &obj->funcs[i];
	}
	return NULL;
}

static int rex_object_fill(struct rex_object *obj, const struct rex_elf *elf,
			   const struct rex_load_attr *attr, struct rex_log *log)
{
	int err;

	err = rex_image_alloc(&obj->image, elf, rex_elf_nr_progs(elf), log);
	if (!err)
		err = rex_image_relocate(&obj->image, elf, log);
	if (!err)
		err = rex_funcs_read(obj, elf, log);
	if (!err)
		err = rex_maps_bind(obj, elf, attr->maps, attr->map_cnt, log);
	if (err)
		return err;

	rex_funcs_write_thunks(obj);
	err = rex_image_seal(&obj->image, elf);
	if (err)
		return rex_refuse(log, err, "object: its memory can't be protected");

	obj->ksyms = rex_ksyms_add(elf, &obj->image, log);
	if (IS_ERR(obj->ksyms)) {
		err = PTR_ERR(obj->ksyms);
		obj->ksyms = NULL;
	}
	return err;
}

static struct rex_object *rex_object_create(const struct rex_elf *elf,
					    const struct rex_load_attr *attr, struct rex_log *log)
{
	u8 digest[SHA256_DIGEST_SIZE];
	struct rex_object *obj;
	int err;

	obj = kzalloc(sizeof(*obj), GFP_KERNEL_ACCOUNT);
	if (!obj)
		return ERR_PTR(-ENOMEM);
	kref_init(&obj->ref);
	INIT_LIST_HEAD(&obj->node);
	atomic64_inc(&rex_stats.objects);
	strscpy(obj->name, attr->name, sizeof(obj->name));
	sha256(elf->data, elf->size, digest);
	memcpy(obj->tag, digest, sizeof(obj->tag));

	err = rex_object_fill(obj, elf, attr, log);
	if (err) {
		rex_object_put(obj);
		return ERR_PTR(err);
	}
	rex_stop_track(obj);
	return obj;
}

/**
 * rex_object_load() - load an object file
 * @attr: checked for capabilities and flags
 * @log: says why a file is refused
 *
 * Return: fd of the object, or an errno; then nothing is left behind.
 */
int rex_object_load(const struct rex_load_attr *attr, struct rex_log *log)
{
	struct rex_object *obj;
	struct rex_elf *elf;
	void *data;
	int fd;

	if (!attr->elf_size || attr->elf_size > REX_MAX_ELF_SIZE)
		return rex_refuse(log, -E2BIG, "object: %u bytes, allowed are 1 to %u",
				  attr->elf_size, REX_MAX_ELF_SIZE);
	data = vmemdup_user(u64_to_user_ptr(attr->elf), attr->elf_size);
	if (IS_ERR(data))
		return rex_refuse(log, PTR_ERR(data), "object: can't be read from user memory");

	elf = kzalloc(sizeof(*elf), GFP_KERNEL);
	if (!elf) {
		kvfree(data);
		return -ENOMEM;
	}
	fd = rex_elf_parse(elf, data, attr->elf_size, log);
	if (!fd) {
		obj = rex_object_create(elf, attr, log);
		fd = PTR_ERR_OR_ZERO(obj);
	}
	kfree(elf);
	kvfree(data);
	if (fd)
		return fd;

	fd = anon_inode_getfd("rex-object", &rex_object_fops, obj, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		rex_object_put(obj);
	return fd;
}
