// SPDX-License-Identifier: GPL-2.0-only
/*
 * Few instructions that load a register and go elsewhere::
 *
 *	endbr64
 *	movabs $value, %reg
 *	jmp target
 *
 * They are behind the image of an object, where a rel32 reaches all of the
 * kernel's text.
 */
#include <linux/build_bug.h>
#include <linux/string.h>

#include "rex.h"

/**
 * rex_thunk_write() - write a thunk
 * @thunk: REX_THUNK_SIZE bytes of an image that is still writable
 * @reg: the register to load
 * @value: what to load
 * @target: where to go, in the kernel's text
 */
void rex_thunk_write(void *thunk, enum rex_thunk_reg reg, u64 value, const void *target)
{
	static const u8 movabs[][2] = {
		[REX_THUNK_RDX] = { 0x48, 0xba },
		[REX_THUNK_R11] = { 0x49, 0xbb },
	};
	struct {
		u8 endbr64[4];
		u8 movabs[2];
		u64 value;
		u8 jmp;
		s32 rel;
	} __packed code = {
		.endbr64 = { 0xf3, 0x0f, 0x1e, 0xfa },
		.movabs = { movabs[reg][0], movabs[reg][1] },
		.value = value,
		.jmp = 0xe9,
		.rel = (u64)target - ((u64)thunk + sizeof(code)),
	};

	BUILD_BUG_ON(sizeof(code) > REX_THUNK_SIZE);
	memcpy(thunk, &code, sizeof(code));
}
