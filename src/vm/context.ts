// SPDX-License-Identifier: Apache-2.0
// The context as programs may access it. The kernel's verifier rewrites each access to `__sk_buff` and
// `xdp_md` into one to the real structure, and refuses the rest; the rules here are those of
// tc_cls_act_is_valid_access, bpf_skb_is_valid_access and xdp_is_valid_access (net/core/filter.c).
// Fields live at their uapi offsets in the VM's memory. The 32-bit `data`, `data_end` and `data_meta`
// load as 64-bit pointers, which lie behind the fields.
import type { ProgramType } from '../object/spec.js';
import { CONTEXT, CONTEXT_POINTERS } from './memory.js';

/** Offsets of `struct __sk_buff` (include/uapi/linux/bpf.h). */
export const SKB = {
  len: 0,
  pkt_type: 4,
  mark: 8,
  queue_mapping: 12,
  protocol: 16,
  vlan_present: 20,
  vlan_tci: 24,
  vlan_proto: 28,
  priority: 32,
  ingress_ifindex: 36,
  ifindex: 40,
  tc_index: 44,
  cb: 48,
  hash: 68,
  tc_classid: 72,
  data: 76,
  data_end: 80,
  napi_id: 84,
  family: 88,
  data_meta: 140,
  flow_keys: 144,
  tstamp: 152,
  wire_len: 160,
  gso_segs: 164,
  sk: 168,
  gso_size: 176,
  tstamp_type: 180,
  hwtstamp: 184,
} as const;

const SKB_SIZE = 192;

/** Offsets of `struct xdp_md`. */
export const XDP = {
  data: 0,
  data_end: 4,
  data_meta: 8,
  ingress_ifindex: 12,
  rx_queue_index: 16,
  egress_ifindex: 20,
} as const;

/** Where the three packet pointers are kept. */
export const POINTER_DATA = CONTEXT_POINTERS;
export const POINTER_DATA_END = CONTEXT_POINTERS + 8;
export const POINTER_DATA_META = CONTEXT_POINTERS + 16;

/** Where an allowed access goes; `size` differs from the program's where the kernel's field has another. */
export interface ContextAccess {
  readonly address: number;
  readonly size: 1 | 2 | 4 | 8;
  /** A write of this value or more is ignored. */
  readonly limit?: number;
}

/** Contexts the VM knows. `memory`: r1 and r2 are a buffer and its length, nothing is rewritten. */
export type ContextKind = 'skb' | 'xdp' | 'memory';

export function contextKind(type: ProgramType): ContextKind | undefined {
  if (type === 'sched_cls') return 'skb';
  return type === 'xdp' ? 'xdp' : undefined;
}

/** Undefined: the verifier refuses the access ("invalid bpf_context access"). */
export function contextAccess(
  kind: ContextKind,
  offset: number,
  size: 1 | 2 | 4 | 8,
  write: boolean,
  signed: boolean,
): ContextAccess | undefined {
  if (offset < 0 || offset % size !== 0) return undefined;
  switch (kind) {
    case 'skb':
      return skbAccess(offset, size, write, signed);
    case 'xdp':
      return xdpAccess(offset, size, write, signed);
    case 'memory':
      return undefined;
  }
}

function skbAccess(
  offset: number,
  size: 1 | 2 | 4 | 8,
  write: boolean,
  signed: boolean,
): ContextAccess | undefined {
  if (offset >= SKB_SIZE) return undefined;
  const plain: ContextAccess = { address: CONTEXT + offset, size };
  const field = (start: number, end = start + 4): boolean => offset >= start && offset < end;
  if (field(SKB.cb, SKB.hash)) return offset + size <= SKB.hash ? plain : undefined;
  const pointer = pointerOf(SKB, offset);
  if (pointer !== undefined) return write || signed || size !== 4 ? undefined : pointer;
  if (field(SKB.family, SKB.data_meta) || field(SKB.flow_keys, SKB.tstamp)) return undefined;
  if (field(SKB.tstamp, SKB.wire_len)) return size === 8 ? plain : undefined;
  if (field(SKB.sk, SKB.gso_size) || field(SKB.hwtstamp, SKB_SIZE))
    return !write && size === 8 ? plain : undefined;
  if (offset === SKB.tstamp_type) return !write && size === 1 ? plain : undefined;
  if (field(SKB.tstamp_type, SKB.hwtstamp)) return undefined;
  if (!write) return size <= 4 ? plain : undefined;
  if (size !== 4) return undefined;
  switch (offset) {
    case SKB.mark:
    case SKB.priority:
      return plain;
    case SKB.tc_index:
    case SKB.tc_classid:
      // 16 bits in the kernel: the upper half is lost.
      return { ...plain, size: 2 };
    case SKB.queue_mapping:
      return { ...plain, size: 2, limit: 0xffff };
    default:
      return undefined;
  }
}

function xdpAccess(
  offset: number,
  size: 1 | 2 | 4 | 8,
  write: boolean,
  signed: boolean,
): ContextAccess | undefined {
  if (write || size !== 4 || offset >= XDP.egress_ifindex) return undefined;
  const pointer = pointerOf(XDP, offset);
  if (pointer !== undefined) return signed ? undefined : pointer;
  return { address: CONTEXT + offset, size };
}

function pointerOf(
  fields: { readonly data: number; readonly data_end: number; readonly data_meta: number },
  offset: number,
): ContextAccess | undefined {
  if (offset === fields.data) return { address: POINTER_DATA, size: 8 };
  if (offset === fields.data_end) return { address: POINTER_DATA_END, size: 8 };
  if (offset === fields.data_meta) return { address: POINTER_DATA_META, size: 8 };
  return undefined;
}
