// SPDX-License-Identifier: Apache-2.0
// The table of confirmed connections, found by either tuple: a chained hash table that grows, forgets dead
// entries as it is used, and never holds more than the kernel would (nf_conntrack_max, early_drop).
import type { Connection } from './connection.js';
import { hashTuple, type Tuple, tuplesEqual } from './tuple.js';

/** One direction of a connection as it hangs in its bucket. */
export interface TupleNode {
  readonly tuple: Tuple;
  readonly connection: Connection;
  readonly isReply: boolean;
  readonly hash: number;
  next: TupleNode | undefined;
}

const SMALLEST = 1024;
/** Buckets looked through for dead entries at each insertion: the whole table once per as many insertions. */
const SWEEP_PER_INSERTION = 2;

export class ConnectionTable {
  private buckets: (TupleNode | undefined)[] = new Array<TupleNode | undefined>(SMALLEST).fill(undefined);
  private connections = 0;
  private cursor = 0;

  constructor(private readonly maximum: number) {}

  get size(): number {
    return this.connections;
  }

  /** The live entry of a tuple at tick `now`; a dead one met on the way is removed. */
  find(tuple: Tuple, now: number): TupleNode | undefined {
    const hash = hashTuple(tuple);
    let node = this.buckets[hash & (this.buckets.length - 1)];
    while (node !== undefined) {
      const next: TupleNode | undefined = node.next;
      if (node.hash === hash && tuplesEqual(node.tuple, tuple)) {
        if (node.connection.timeout > now) return node;
        this.remove(node.connection);
      }
      node = next;
    }
    return undefined;
  }

  /** False when the table is full of live entries that may not be evicted: the kernel then drops the packet. */
  hasRoom(now: number): boolean {
    if (this.connections < this.maximum) return true;
    this.sweep(now, this.buckets.length);
    return this.connections < this.maximum || this.evictUnassured();
  }

  insert(connection: Connection, now: number): void {
    this.sweep(now, SWEEP_PER_INSERTION);
    if (this.connections * 2 >= this.buckets.length) this.grow();
    this.link({
      tuple: connection.original,
      connection,
      isReply: false,
      hash: hashTuple(connection.original),
      next: undefined,
    });
    this.link({
      tuple: connection.reply,
      connection,
      isReply: true,
      hash: hashTuple(connection.reply),
      next: undefined,
    });
    this.connections++;
  }

  remove(connection: Connection): void {
    const removed = this.unlink(connection.original, connection);
    this.unlink(connection.reply, connection);
    if (removed) this.connections--;
  }

  private link(node: TupleNode): void {
    const index = node.hash & (this.buckets.length - 1);
    node.next = this.buckets[index];
    this.buckets[index] = node;
  }

  private unlink(tuple: Tuple, connection: Connection): boolean {
    const index = hashTuple(tuple) & (this.buckets.length - 1);
    let previous: TupleNode | undefined;
    for (let node = this.buckets[index]; node !== undefined; previous = node, node = node.next) {
      if (node.connection !== connection || node.tuple !== tuple) continue;
      if (previous === undefined) this.buckets[index] = node.next;
      else previous.next = node.next;
      return true;
    }
    return false;
  }

  private sweep(now: number, count: number): void {
    for (let i = 0; i < count; i++) {
      this.cursor = (this.cursor + 1) & (this.buckets.length - 1);
      let node = this.buckets[this.cursor];
      while (node !== undefined) {
        const next: TupleNode | undefined = node.next;
        if (node.connection.timeout <= now) this.remove(node.connection);
        node = next;
      }
    }
  }

  /** Makes room at the cost of a connection that never was answered for good, as early_drop does. */
  private evictUnassured(): boolean {
    for (let i = 0; i < this.buckets.length; i++) {
      this.cursor = (this.cursor + 1) & (this.buckets.length - 1);
      for (let node = this.buckets[this.cursor]; node !== undefined; node = node.next) {
        if (node.connection.assured) continue;
        this.remove(node.connection);
        return true;
      }
    }
    return false;
  }

  private grow(): void {
    const old = this.buckets;
    this.buckets = new Array<TupleNode | undefined>(old.length * 2).fill(undefined);
    for (let node of old) {
      while (node !== undefined) {
        const next: TupleNode | undefined = node.next;
        this.link(node);
        node = next;
      }
    }
  }
}
