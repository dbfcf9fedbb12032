// SPDX-License-Identifier: Apache-2.0
// Capture time as the kernel's tick count. Timeouts and token buckets count in jiffies, HZ a second, so a
// boundary between two ticks falls where floor(nanoseconds * HZ / 10^9) of the epoch time changes.

export class Clock {
  /** Ticks since the epoch. Never falls, even where the capture's timestamps do. */
  jiffies = 0;
  /** The same moment in nanoseconds since the first packet. */
  nanoseconds = 0;
  /** The tick of the first packet: when the ruleset counts as loaded. */
  startJiffies = 0;
  private readonly tickNs: number;
  private baseNs: bigint | undefined;
  private baseJiffies = 0;
  private baseRemainderNs = 0;

  constructor(readonly hz: number) {
    this.tickNs = 1e9 / hz;
  }

  /** Moves to a packet's time: nanoseconds since the epoch. */
  advance(timestampNs: bigint): void {
    if (this.baseNs === undefined) {
      this.baseNs = timestampNs;
      this.baseJiffies = Number((timestampNs * BigInt(this.hz)) / 1_000_000_000n);
      this.baseRemainderNs = Number((timestampNs * BigInt(this.hz)) % 1_000_000_000n) / this.hz;
    }
    const isFirst = this.startJiffies === 0;
    const elapsed = Number(timestampNs - this.baseNs);
    if (elapsed > this.nanoseconds) this.nanoseconds = elapsed;
    this.jiffies = this.baseJiffies + Math.floor((this.nanoseconds + this.baseRemainderNs) / this.tickNs);
    if (isFirst) this.startJiffies = this.jiffies;
  }
}
