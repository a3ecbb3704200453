/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers of the stack that C and assembly share. stack.c has the picture.
 */
#ifndef _KERNEL_REX_LAYOUT_H
#define _KERNEL_REX_LAYOUT_H

#include <linux/const.h>

#include <asm/page_types.h>

/* A stack is aligned to its size, so its ends follow from any pointer into it. */
#define REX_STACK_SHIFT		(PAGE_SHIFT + 3)
#define REX_STACK_SIZE		(_AC(1, UL) << REX_STACK_SHIFT)

/*
 * The two words above the program, as bytes from the end of the stack: where
 * the stack pointer of rex_enter() is, and where rex_redirect() leaves the
 * address that the program was interrupted at.
 */
#define REX_STACK_OLD_SP	16
#define REX_STACK_IP		8

/* No program needs less than these and the return address of its entry. */
#define REX_STACK_MIN_BOUND	(REX_STACK_OLD_SP + 8)

/* From rex_enter()'s stack pointer up to its frame: rbx, r12 to r15. */
#define REX_ENTER_SAVED		(5 * 8)

/* With less room than this below it, an exit starts in the middle of the stack. */
#define REX_EXIT_ROOM		(PAGE_SIZE + PAGE_SIZE / 2)

#endif /* _KERNEL_REX_LAYOUT_H */
