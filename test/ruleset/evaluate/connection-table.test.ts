// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { Connection, STATUS_ASSURED } from '../../../src/ruleset/evaluate/conntrack/connection.js';
import { ConnectionTable } from '../../../src/ruleset/evaluate/conntrack/table.js';
import { invertTuple, type Tuple } from '../../../src/ruleset/evaluate/conntrack/tuple.js';

function tuple(port: number): Tuple {
  return {
    family: 'ipv4',
    protocol: 17,
    source: [0x0a000005],
    destination: [0xc0000201],
    sourceKey: port & 0xffff,
    destinationKey: port >>> 16,
  };
}

function connection(port: number, timeout: number): Connection {
  const original = tuple(port);
  const made = new Connection(original, invertTuple(original)!);
  made.timeout = timeout;
  return made;
}

describe('table of connections', () => {
  it('finds a connection by both tuples until its time is up', () => {
    const table = new ConnectionTable(10);
    const made = connection(1, 100);
    table.insert(made, 0);
    expect(table.find(tuple(1), 99)).toMatchObject({ connection: made, isReply: false });
    expect(table.find(invertTuple(tuple(1))!, 99)).toMatchObject({ connection: made, isReply: true });
    expect(table.find(tuple(2), 99)).toBeUndefined();
    expect(table.find(tuple(1), 100)).toBeUndefined();
    expect(table.size).toBe(0);
  });

  it('forgets dead connections as new ones come, so that it does not grow', () => {
    const table = new ConnectionTable(1_000_000);
    for (let i = 0; i < 100_000; i++) table.insert(connection(i, i + 50), i);
    expect(table.size).toBeLessThan(2_000);
  });

  it('holds every live connection through growth', () => {
    const table = new ConnectionTable(1_000_000);
    for (let i = 0; i < 20_000; i++) table.insert(connection(i, 1_000_000), i);
    expect(table.size).toBe(20_000);
    for (let i = 0; i < 20_000; i += 97) expect(table.find(tuple(i), 20_000)).toBeDefined();
  });

  it('evicts what was never answered when full, and refuses where all were', () => {
    const table = new ConnectionTable(2);
    for (const port of [1, 2]) table.insert(connection(port, 1_000), 0);
    expect(table.hasRoom(0)).toBe(true);
    expect(table.size).toBe(1);
    const assured = new ConnectionTable(1);
    const kept = connection(1, 1_000);
    kept.status |= STATUS_ASSURED;
    assured.insert(kept, 0);
    expect(assured.hasRoom(0)).toBe(false);
    expect(assured.hasRoom(1_000)).toBe(true);
  });
});
