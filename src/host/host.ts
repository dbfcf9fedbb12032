// SPDX-License-Identifier: Apache-2.0
// The host: interfaces, addresses, routes, sysctls: `host.json` of a snapshot (shape: ARCHITECTURE.md).

export interface HostInterface {
  readonly name: string;
  readonly mac?: string;
  readonly mtu?: number;
  /** With prefix length: `203.0.113.2/24`. */
  readonly addresses?: readonly string[];
  readonly type?: string;
  readonly master?: string;
  readonly link?: string;
  readonly vlan?: number;
  readonly up?: boolean;
}

export interface HostRoute {
  readonly destination: string;
  readonly via?: string;
  readonly device?: string;
  readonly table?: string;
  readonly type?: string;
}

export interface Host {
  readonly interfaces: readonly HostInterface[];
  readonly routes: readonly HostRoute[];
  readonly rules?: readonly Readonly<Record<string, unknown>>[];
  readonly sysctls: Readonly<Record<string, number | string>>;
  /** Jiffies a second; 250 when not given. */
  readonly hz?: number;
}
