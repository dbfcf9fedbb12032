// SPDX-License-Identifier: Apache-2.0
// What the rest of ipt2ebpf uses of the ipset grammar.
export { looksLikeIpsetSave, readIpsetSave, type IpsetReadOptions, type IpsetSink } from './save-file.js';
