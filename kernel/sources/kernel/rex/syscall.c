// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Rex commands of bpf(2).
 *
 * An object is native code that nothing in the kernel verifies, so loading one
 * takes what loading a module takes (CAP_SYS_MODULE, no lockdown) besides what
 * eBPF tracing takes (CAP_BPF, CAP_PERFMON).
 */
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/security.h>
#include <linux/uaccess.h>

#include "rex.h"

static int rex_may_load(void)
{
	if (!bpf_capable() || !perfmon_capable() || !capable(CAP_SYS_MODULE))
		return -EPERM;
	return security_locked_down(LOCKDOWN_MODULE_SIGNATURE);
}

static int rex_cmd_load(const union rex_attr *attr)
{
	const struct rex_load_attr *load = &attr->load;
	struct rex_log log;
	int ret;

	if (load->flags || strnlen(load->name, sizeof(load->name)) == sizeof(load->name))
		return -EINVAL;
	ret = rex_log_init(&log, u64_to_user_ptr(load->log_buf), load->log_size);
	if (ret)
		return ret;

	ret = rex_may_load();
	if (ret)
		rex_refuse(&log, ret,
			   "object: loading needs CAP_BPF, CAP_PERFMON and CAP_SYS_MODULE, and no lockdown");
	else
		ret = rex_object_load(load, &log);
	/* Whatever had nothing more exact to say. */
	if (ret < 0 && !log.len)
		rex_refuse(&log, ret, ret == -ENOMEM ? "object: out of memory" :
						       "object: error %d of the kernel", ret);
	atomic64_inc(ret < 0 ? &rex_stats.refusals : &rex_stats.loads);
	return rex_log_finish(&log, ret);
}

static int rex_cmd_get_prog(const union rex_attr *attr)
{
	const struct rex_get_prog_attr *get = &attr->get_prog;
	struct rex_object *obj;
	struct rex_func *func;
	int ret = -ENOENT;

	if (get->flags || strnlen(get->name, sizeof(get->name)) == sizeof(get->name))
		return -EINVAL;
	obj = rex_object_from_fd(get->obj_fd);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	func = rex_object_find(obj, get->name);
	if (func)
		ret = rex_prog_create(obj, func);
	rex_object_put(obj);
	return ret;
}

int rex_bpf(unsigned int cmd, bpfptr_t uattr, unsigned int size)
{
	static const struct {
		int (*run)(const union rex_attr *attr);
		size_t size;
	} cmds[] = {
		[REX_OBJ_LOAD - REX_OBJ_LOAD] = {
			rex_cmd_load, sizeof(struct rex_load_attr)
		},
		[REX_OBJ_GET_PROG - REX_OBJ_LOAD] = {
			rex_cmd_get_prog, sizeof(struct rex_get_prog_attr)
		},
	};
	unsigned int i = cmd - REX_OBJ_LOAD;
	union rex_attr attr = {};
	int err;

	if (i >= ARRAY_SIZE(cmds) || uattr.is_kernel)
		return -EINVAL;
	/* A newer user space may pass more, as long as what we don't know is 0. */
	err = copy_struct_from_user(&attr, cmds[i].size, uattr.user, size);
	if (err)
		return err;
	return cmds[i].run(&attr);
}
