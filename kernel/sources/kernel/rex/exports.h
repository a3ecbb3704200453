/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Everything that a program may import; exports.c has them in the table that
 * the loader resolves imports from.
 *
 * A program calls these on its Rex stack, in the context of its hook: none may
 * sleep, fault or assume a task. Pointers come from safe Rust wrappers of the
 * rex crate, which take sizes from types.
 *
 * Arguments are in registers, six at most, and so is the result: in a measured
 * object rex_measure() comes between.
 */
#ifndef _KERNEL_REX_EXPORTS_H
#define _KERNEL_REX_EXPORTS_H

#include <linux/compiler_types.h>
#include <linux/types.h>

struct bpf_fib_lookup;
struct bpf_map;
struct bpf_perf_event_data_kern;
struct bpf_perf_event_value;
struct bpf_redir_neigh;
struct bpf_sock_tuple;
struct pt_regs;
struct rex_perf_event_view;
struct rex_skb_view;
struct rex_sock_info;
struct rex_task_info;
struct rex_xdp_view;
struct sk_buff;
struct sock;
struct task_struct;
struct xdp_buff;

/* cookie.c */
u64 rex_get_attach_cookie(void);

/* csum.c */
long rex_csum_diff(const void *ctx, const void *from, u32 from_len, const void *to, u32 to_len,
		   u32 seed);
long rex_skb_csum_level(struct sk_buff *skb, u64 level);
long rex_skb_csum_update(struct sk_buff *skb, u32 csum);
long rex_skb_l3_csum_replace(struct sk_buff *skb, u32 offset, u64 from, u64 to, u64 flags);
long rex_skb_l4_csum_replace(struct sk_buff *skb, u32 offset, u64 from, u64 to, u64 flags);

/* events.c */
long rex_get_stackid(struct bpf_map *map, u64 flags);
long rex_packet_event_output(struct bpf_map *map, u32 cpu, void *data, u64 size, u32 packet_len);
long rex_perf_event_output(struct bpf_map *map, u32 cpu, void *data, u64 size);

/* helpers.c */
u64 rex_get_current_cgroup_id(void);
long rex_get_current_comm(char *buf, size_t len);
u64 rex_get_current_pid_tgid(void);
u64 rex_get_current_uid_gid(void);
u32 rex_get_numa_node_id(void);
u32 rex_get_prandom_u32(void);
u32 rex_get_smp_processor_id(void);
u64 rex_jiffies64(void);
u64 rex_ktime_get_boot_ns(void);
u64 rex_ktime_get_coarse_ns(void);
u64 rex_ktime_get_ns(void);
long rex_snprintf(char *buf, size_t size, const char *fmt, size_t fmt_len, const u64 *args,
		  size_t nr_args);
long rex_trace_print(const char *text, size_t len);
void rex_trace_print_prepare(void);

/* lock.c */
long rex_map_lock(struct bpf_map *map, void *key, void *copy, void **value);
void rex_map_unlock(struct bpf_map *map, void *value, const void *copy);

/* map_helpers.c */
long rex_map_delete_elem(struct bpf_map *map, void *key);
void *rex_map_lookup_elem(struct bpf_map *map, void *key);
void *rex_map_lookup_percpu_elem(struct bpf_map *map, void *key, u32 cpu);
long rex_map_peek_elem(struct bpf_map *map, void *value);
long rex_map_pop_elem(struct bpf_map *map, void *value);
long rex_map_push_elem(struct bpf_map *map, void *value, u64 flags);
long rex_map_update_elem(struct bpf_map *map, void *key, void *value, u64 flags);

/* probe.c */
long rex_override_return(struct pt_regs *regs, unsigned long value);
long rex_probe_read_kernel(void *dst, size_t len, const void *src);
long rex_probe_read_kernel_str(char *dst, size_t size, const void *src);
long rex_probe_read_user(void *dst, size_t len, const void __user *src);
long rex_probe_read_user_str(char *dst, size_t size, const void __user *src);
long rex_probe_write_user(void __user *dst, const void *src, size_t len);
const char *rex_probe_write_user_refused(void);

/* refs.c */
long rex_current_task_read(struct rex_task_info *info);
struct task_struct *rex_task_from_pid(s32 pid);
void rex_task_pt_regs(struct task_struct *task, struct pt_regs *regs);
long rex_task_read(struct task_struct *task, struct rex_task_info *info);
void rex_task_release(struct task_struct *task);

/* ringbuf.c */
void rex_ringbuf_discard(void *sample, u64 flags);
long rex_ringbuf_output(struct bpf_map *map, const void *data, u64 size, u64 flags);
u64 rex_ringbuf_query(struct bpf_map *map, u64 what);
void *rex_ringbuf_reserve(struct bpf_map *map, u64 size);
void rex_ringbuf_submit(void *sample, u64 flags);

/* route.c */
long rex_check_mtu(void *ctx, u32 ifindex, u32 *mtu, s32 len_diff, u64 flags);
long rex_fib_lookup(void *ctx, struct bpf_fib_lookup *params, u32 flags);

/* perf.c */
long rex_perf_event_view(const struct bpf_perf_event_data_kern *ctx,
			 struct rex_perf_event_view *view);
long rex_perf_prog_read_value(struct bpf_perf_event_data_kern *ctx,
			      struct bpf_perf_event_value *value);

/* skb.c */
long rex_skb_adjust_room(struct sk_buff *skb, s32 len_diff, u32 mode, u64 flags);
long rex_skb_change_head(struct sk_buff *skb, u32 len, u64 flags);
long rex_skb_change_proto(struct sk_buff *skb, u16 proto, u64 flags);
long rex_skb_change_tail(struct sk_buff *skb, u32 len, u64 flags);
long rex_skb_clone_redirect(struct sk_buff *skb, u32 ifindex, u64 flags);
long rex_skb_load_bytes(const struct sk_buff *skb, u32 offset, void *to, u32 len);
long rex_skb_load_bytes_relative(const struct sk_buff *skb, u32 offset, void *to, u32 len,
				 u32 start);
long rex_skb_pull_data(struct sk_buff *skb, u32 len);
long rex_skb_redirect(u32 ifindex, u64 flags);
long rex_skb_redirect_neigh(u32 ifindex, const struct bpf_redir_neigh *next_hop, u64 flags);
long rex_skb_redirect_peer(u32 ifindex, u64 flags);
long rex_skb_store_bytes(struct sk_buff *skb, u32 offset, const void *from, u32 len, u64 flags);
long rex_skb_unshare(struct sk_buff *skb);
long rex_skb_view(const struct sk_buff *skb, struct rex_skb_view *view);
long rex_skb_vlan_pop(struct sk_buff *skb);
long rex_skb_vlan_push(struct sk_buff *skb, u16 proto, u16 tci);

/* skb_fields.c */
u64 rex_skb_ancestor_cgroup_id(const struct sk_buff *skb, s32 level);
u64 rex_skb_cgroup_id(const struct sk_buff *skb);
long rex_skb_change_type(struct sk_buff *skb, u32 type);
u32 rex_skb_get_hash(struct sk_buff *skb);
long rex_skb_set(struct sk_buff *skb, u32 field, u32 value);
long rex_skb_set_hash(struct sk_buff *skb, u32 hash);
long rex_skb_set_hash_invalid(struct sk_buff *skb);

/* sock.c */
struct sock *rex_sk_lookup_tcp(void *ctx, const struct bpf_sock_tuple *tuple, u32 tuple_len,
			       u64 netns, u64 flags);
struct sock *rex_sk_lookup_udp(void *ctx, const struct bpf_sock_tuple *tuple, u32 tuple_len,
			       u64 netns, u64 flags);
long rex_sk_read(const struct sock *sk, struct rex_sock_info *info);
void rex_sk_release(struct sock *sk);
struct sock *rex_skc_lookup_tcp(void *ctx, const struct bpf_sock_tuple *tuple, u32 tuple_len,
				u64 netns, u64 flags);

/* xdp.c */
long rex_xdp_adjust_head(struct xdp_buff *xdp, s32 offset);
long rex_xdp_adjust_meta(struct xdp_buff *xdp, s32 offset);
long rex_xdp_adjust_tail(struct xdp_buff *xdp, s32 offset);
long rex_xdp_get_buff_len(struct xdp_buff *xdp);
long rex_xdp_load_bytes(struct xdp_buff *xdp, u32 offset, void *to, u32 len);
long rex_xdp_redirect(u32 ifindex, u64 flags);
long rex_xdp_redirect_map(struct bpf_map *map, u64 key, u64 flags);
long rex_xdp_store_bytes(struct xdp_buff *xdp, u32 offset, const void *from, u32 len);
long rex_xdp_view(const struct xdp_buff *xdp, struct rex_xdp_view *view);

/* exit.c */
void rex_panic_begin(void);
void __noreturn rex_panic_end(const char *msg, size_t msg_len, const char *file, size_t file_len,
			      u32 line, u32 column);

/* stack.c */
void rex_stack_low(void);

#endif /* _KERNEL_REX_EXPORTS_H */
