/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Rex: kernel extensions in safe Rust, loaded through bpf(2).
 *
 * This header is the one definition of everything that user space, a Rex
 * object file and the kernel agree on:
 *
 *  - the two bpf(2) commands and their attr struct,
 *  - the descriptor records that an object carries in .rex.progs and .rex.maps,
 *  - limits of the loader,
 *  - exit reasons, context levels and execution states as they appear in the
 *    exit records of <debugfs>/rex/exits.
 *
 * The Rust side (rex-crate/rex-abi) is generated from it by bindgen; CI checks
 * that the committed result is the generated one.
 *
 * An object is loaded like this::
 *
 *	union rex_attr attr = {
 *		.load = {
 *			.elf      = (__u64)(unsigned long)elf,
 *			.elf_size = elf_size,
 *			.maps     = (__u64)(unsigned long)map_fds,
 *			.map_cnt  = map_cnt,
 *			.log_buf  = (__u64)(unsigned long)log,
 *			.log_size = sizeof(log),
 *		},
 *	};
 *	int obj_fd = syscall(__NR_bpf, REX_OBJ_LOAD, &attr, sizeof(attr.load));
 *
 *	attr = (union rex_attr){ .get_prog = { .obj_fd = obj_fd } };
 *	strcpy(attr.get_prog.name, "hello");
 *	int prog_fd = syscall(__NR_bpf, REX_OBJ_GET_PROG, &attr,
 *			      sizeof(attr.get_prog));
 *
 * prog_fd is an ordinary BPF program: it attaches, pins and is listed as one.
 * It keeps the object's memory and maps alive, so obj_fd may be closed.
 */
#ifndef _UAPI_LINUX_REX_H
#define _UAPI_LINUX_REX_H

#include <linux/types.h>

/*
 * Command numbers of bpf(2). They are far above mainline's (36 on 6.12), fit
 * below the flag bits that newer kernels mask out of cmd (1 << 16), and are
 * the same on every kernel version. They are macros, not an enum, so that
 * user space can test for them.
 */
#define REX_OBJ_LOAD		0x5200	/* returns an object fd */
#define REX_OBJ_GET_PROG	0x5201	/* returns a program fd */

/* Version of the object format: the descriptor records and import names. */
#define REX_ABI_VERSION		1

/* Limits of the loader. A larger object is refused with -E2BIG. */
#define REX_MAX_ELF_SIZE	(4 * 1024 * 1024)	/* bytes */
#define REX_MAX_IMAGE_SIZE	(4 * 1024 * 1024)	/* bytes, all segments */
#define REX_MAX_SEGMENTS	8
#define REX_MAX_SECTIONS	64
#define REX_MAX_RELOCS		65536
#define REX_MAX_SYMBOLS		8192
#define REX_MAX_PROGS		64
#define REX_MAX_MAPS		64
#define REX_MAX_LOG_SIZE	(64 * 1024)		/* bytes */

/* Lengths of names, terminating NUL included. */
#define REX_PROG_NAME_LEN	64
#define REX_MAP_NAME_LEN	64
#define REX_ATTACH_LEN		128
#define REX_SYM_NAME_LEN	256

/* Sections that the loader looks for. */
#define REX_SEC_PROGS		".rex.progs"
#define REX_SEC_MAPS		".rex.maps"

/* Pages of a Rex stack: what a program may use, and the reserve below it. */
#define REX_STACK_PAGES		8
#define REX_STACK_RESERVE_PAGES	4

/* Resources that a program may hold at once; one more ends it. */
#define REX_MAX_RESOURCES	32

/* Length of a panic message in an exit record, NUL included; longer is cut. */
#define REX_MSG_LEN		512
/* Return addresses kept in an exit record. */
#define REX_MAX_FRAMES		32

/*
 * One record of .rex.progs, which is an array of them. The macros of the rex
 * crate emit one for each attributed function.
 */
struct rex_prog_desc {
	__u32 abi_version;		/* REX_ABI_VERSION */
	__u32 prog_type;		/* enum bpf_prog_type */
	__u32 expected_attach_type;	/* enum bpf_attach_type */
	__u32 flags;			/* REX_PROG_F_* */
	__u32 ctx_size;			/* bytes of context that the program reads */
	__u32 stack_bytes;		/* proven bound of its stack, or 0: it looks itself */
	char name[REX_PROG_NAME_LEN];	/* C identifier */
	char attach[REX_ATTACH_LEN];	/* where to attach by default, or "" */
	__u64 entry;			/* address; set by a relocation */
};

/* The program calls bpf_override_return(). Kprobe programs only. */
#define REX_PROG_F_OVERRIDE	(1U << 0)

/*
 * One record of .rex.maps, which is an array of them. User space creates the
 * map, the kernel checks that the fd it gets agrees with the record in every
 * field and stores the address of the map at *handle.
 */
struct rex_map_desc {
	__u32 abi_version;		/* REX_ABI_VERSION */
	__u32 map_type;			/* enum bpf_map_type */
	__u32 key_size;			/* bytes */
	__u32 value_size;		/* bytes */
	__u32 max_entries;
	__u32 map_flags;		/* BPF_F_* of BPF_MAP_CREATE */
	__u32 lock_offset;		/* of the values' struct bpf_spin_lock, or REX_NO_LOCK */
	__u32 reserved;			/* 0 */
	char name[REX_MAP_NAME_LEN];	/* C identifier */
	__u64 handle;			/* address of 8 bytes; set by a relocation */
};

/* rex_map_desc.lock_offset of a map whose values have no lock. */
#define REX_NO_LOCK		0xffffffffU

/* One entry of rex_load_attr.maps: the fd for the map record of that name. */
struct rex_map_fd {
	char name[REX_MAP_NAME_LEN];
	__s32 fd;
	__u32 reserved;			/* 0 */
};

struct rex_load_attr {
	__aligned_u64 elf;		/* user pointer to the object file */
	__aligned_u64 maps;		/* user pointer to struct rex_map_fd[] */
	__aligned_u64 log_buf;		/* user pointer to char[], or 0 */
	__u32 elf_size;			/* bytes */
	__u32 map_cnt;
	__u32 log_size;			/* bytes */
	__u32 flags;			/* 0 */
	char name[REX_PROG_NAME_LEN];	/* of the object, for messages */
};

struct rex_get_prog_attr {
	__s32 obj_fd;
	__u32 flags;			/* 0 */
	char name[REX_PROG_NAME_LEN];
};

/* The attr of the Rex commands; size is that of the member in use. */
union rex_attr {
	struct rex_load_attr load;
	struct rex_get_prog_attr get_prog;
};

/* What rex_task_read() says of a task. */
struct rex_task_info {
	__s32 pid;			/* of the thread */
	__s32 tgid;			/* of the process */
	__u64 utime;			/* nanoseconds in user mode */
	char comm[16];			/* name of the thread, NUL-terminated */
};

/*
 * What rex_xdp_view() tells an XDP program of its packet. The addresses are
 * good until the next helper that may move the packet.
 */
struct rex_xdp_view {
	__u64 data;			/* address of the packet */
	__u32 len;			/* bytes there */
	__u32 meta_len;			/* bytes of metadata in front of it */
	__u32 ingress_ifindex;
	__u32 rx_queue_index;
	__u32 egress_ifindex;		/* 0 but in a program of a devmap */
	__u32 reserved;
};

/* What rex_skb_view() tells a tc program of its packet; likewise. */
struct rex_skb_view {
	__u64 data;			/* address of the linear part */
	__u32 linear_len;		/* bytes there */
	__u32 meta_len;			/* bytes of metadata in front of it */
	__u32 len;			/* bytes of the whole packet */
	__u32 data_len;			/* those that are not linear */
	__u32 pkt_type;
	__u32 mark;
	__u32 queue_mapping;
	__u32 protocol;			/* big-endian, as in the packet */
	__u32 vlan_present;
	__u32 vlan_tci;
	__u32 vlan_proto;		/* big-endian */
	__u32 priority;
	__u32 ingress_ifindex;
	__u32 ifindex;
	__u32 tc_index;
	__u32 tc_classid;
	__u32 hash;
	__u32 napi_id;
	__u32 cb[5];
	__u32 reserved;
};

/* What rex_skb_set() sets. */
enum rex_skb_field {
	REX_SKB_MARK		= 0,
	REX_SKB_PRIORITY	= 1,
	REX_SKB_TC_INDEX	= 2,	/* 16 bits */
	REX_SKB_TC_CLASSID	= 3,	/* 16 bits */
	REX_SKB_QUEUE_MAPPING	= 4,	/* below 65535 */
	REX_SKB_CB		= 16,	/* the first of five words */
};

/* What rex_sk_read() says of a socket; as struct bpf_sock has it. */
struct rex_sock_info {
	__u32 bound_dev_if;
	__u32 family;
	__u32 type;			/* this and what else is said to need a full socket */
	__u32 protocol;			/* full socket */
	__u32 mark;			/* full socket */
	__u32 priority;			/* full socket */
	__u32 src_ip4;			/* big-endian, as all addresses */
	__u32 src_ip6[4];
	__u32 src_port;			/* the machine's byte order */
	__u32 dst_port;			/* big-endian */
	__u32 dst_ip4;
	__u32 dst_ip6[4];
	__u32 state;			/* BPF_TCP_* */
};

/* What rex_perf_event_view() tells a program on a perf event. */
struct rex_perf_event_view {
	__u64 regs;			/* address of the interrupted struct pt_regs */
	__u64 sample_period;
	__u64 addr;			/* 0 if the event has none */
};

/* Why a program ended. Values grouped by origin; 0 is no exit at all. */
enum rex_exit_reason {
	REX_EXIT_NONE		= 0,
	/* the program itself */
	REX_EXIT_PANIC		= 16,	/* a Rust panic */
	REX_EXIT_NESTED_PANIC	= 17,	/* a panic while a panic was handled */
	REX_EXIT_STACK_OVERFLOW	= 18,
	REX_EXIT_RESOURCES	= 19,	/* more acquisitions than can be recorded */
	/* the runtime */
	REX_EXIT_TIMEOUT	= 32,
	/* the hardware */
	REX_EXIT_FAULT		= 48,
};

/* The context that a program ran in. One stack and frame each, per CPU. */
enum rex_level {
	REX_LEVEL_TASK		= 0,
	REX_LEVEL_SOFTIRQ	= 1,
	REX_LEVEL_HARDIRQ	= 2,
	REX_LEVEL_NMI		= 3,
	REX_NR_LEVELS		= 4,
};

/* Execution state of a frame. kernel/rex/state.h has the legal transitions. */
enum rex_state {
	REX_STATE_IDLE		= 0,
	REX_STATE_PROGRAM	= 1,	/* in the program's own code */
	REX_STATE_HELPER	= 2,	/* in a kernel function it called */
	REX_STATE_CLEANING	= 3,	/* releasing what a dead program held */
	REX_STATE_REPORTING	= 4,	/* formatting or recording its panic */
	REX_STATE_TERMINATING	= 5,	/* on the way to the landing pad */
};

#endif /* _UAPI_LINUX_REX_H */
