// SPDX-License-Identifier: Apache-2.0
export type Family = 'ipv4' | 'ipv6';
