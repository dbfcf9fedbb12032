// SPDX-License-Identifier: Apache-2.0
// Real traffic in the lab, from the test's side: processes in their namespaces that answer questions.
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ChildProcess } from 'node:child_process';
import type { Lab, Node } from './lab.js';

export interface Probe {
  readonly protocol: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
}

/** How a probe ended: `open`, `silence`, or the error; and how many ICMP errors came for it. */
export interface Manner extends Probe {
  readonly outcome: string;
  readonly unreachables: number;
}

export interface HolderReport {
  readonly sent: number;
  readonly echoed: number;
  /** One entry a connection that broke, and one when it closed. */
  readonly broken: readonly string[];
}

export interface StreamReport {
  readonly sent: number;
  readonly returned: number;
}

const SCRIPT = join(import.meta.dirname, 'traffic-process.ts');

function command(role: string, options: unknown): string[] {
  return [process.execPath, '--import', import.meta.resolve('tsx'), SCRIPT, role, JSON.stringify(options)];
}

/** A process of traffic that runs until the lab closes. */
export class Traffic<Report> {
  private constructor(
    private readonly child: ChildProcess,
    private readonly lines: AsyncIterator<string>,
  ) {}

  static async start<Report>(lab: Lab, node: Node, role: string, options: unknown): Promise<Traffic<Report>> {
    const child = lab.start(node, command(role, options));
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    const traffic = new Traffic<Report>(child, lines);
    const first = await traffic.line();
    if (first !== '"ready"') throw new Error(`${role}: ${first}`);
    return traffic;
  }

  async ask(question = 'report'): Promise<Report> {
    this.child.stdin!.write(`${question}\n`);
    return JSON.parse(await this.line()) as Report;
  }

  private async line(): Promise<string> {
    const next = await this.lines.next();
    return next.done === true ? 'ended' : next.value;
  }
}

/** The manner in which each probe ends, asked from a node. */
export function probe(lab: Lab, node: Node, probes: readonly Probe[]): readonly Manner[] {
  return JSON.parse(lab.must(node, command('probe', { probes }))) as Manner[];
}

export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until it holds. Throws when it does not in time. */
export async function until(holds: () => boolean, ms: number): Promise<void> {
  const end = Date.now() + ms;
  while (!holds()) {
    if (Date.now() > end) throw new Error('it did not come to pass in time');
    await pause(200);
  }
}
