// SPDX-License-Identifier: Apache-2.0
// Pieces of one datagram on their way to being whole: net/ipv4/inet_fragment.c inet_frag_queue_insert, which
// forgets the datagram when pieces overlap (RFC 5722) and ignores a piece it already has.

export interface Piece {
  /** Bytes into the payload of the datagram. */
  readonly start: number;
  readonly end: number;
  readonly bytes: Uint8Array;
}

interface Run {
  readonly start: number;
  end: number;
}

/** `contradiction`: empty, or at odds with where the datagram ends. */
export type InsertResult = 'kept' | 'duplicate' | 'overlap' | 'contradiction';

export class FragmentQueue {
  private readonly pieces: Piece[] = [];
  /** Neighbouring pieces that came in order, sorted. */
  private readonly runs: Run[] = [];
  private length = 0;
  private lastSeen = false;
  private held = 0;
  /** Bits by the ECN field of the pieces' headers: 1 << (tos & 3). */
  ecn = 0;
  /** Header and link-layer bytes of the piece at offset 0, and where its IP header begins. */
  first: { readonly header: Uint8Array; readonly l3Offset: number } | undefined;
  /** Largest piece with its IP header; the same among pieces with Don't Fragment. */
  largest = 0;
  largestUnfragmentable = 0;

  /** `expires`: the tick at which the pieces are given up. */
  constructor(readonly expires: number) {}

  get bytesHeld(): number {
    return this.held;
  }

  /** Whether every byte from 0 to the end of the last piece is there. */
  get isComplete(): boolean {
    return this.first !== undefined && this.lastSeen && this.held === this.length;
  }

  /** `more`: the piece isn't the last. */
  insert(piece: Piece, more: boolean): InsertResult {
    const { start, end } = piece;
    if (more) {
      if (end > this.length) {
        if (this.lastSeen) return 'contradiction';
        this.length = end;
      }
    } else {
      if (end < this.length || (this.lastSeen && end !== this.length)) return 'contradiction';
      this.lastSeen = true;
      this.length = end;
    }
    if (end === start) return 'contradiction';
    const result = this.place(start, end);
    if (result !== 'kept') return result;
    this.pieces.push(piece);
    this.held += end - start;
    return 'kept';
  }

  private place(start: number, end: number): InsertResult {
    const last = this.runs.at(-1);
    if (last === undefined || end > last.end) {
      if (last !== undefined && start < last.end) return 'overlap';
      if (last !== undefined && start === last.end) last.end = end;
      else this.runs.push({ start, end });
      return 'kept';
    }
    for (const [i, run] of this.runs.entries()) {
      if (start >= run.end) continue;
      if (end <= run.start) {
        this.runs.splice(i, 0, { start, end });
        return 'kept';
      }
      return start >= run.start && end <= run.end ? 'duplicate' : 'overlap';
    }
    return 'overlap';
  }

  /** The payload in order. */
  join(): Uint8Array {
    const whole = new Uint8Array(this.length);
    for (const piece of this.pieces) whole.set(piece.bytes, piece.start);
    return whole;
  }
}

const NOT_ECT = 1;
const ECT_1 = 2;
const ECT_0 = 4;
const CE = 8;

/**
 * The ECN bits a whole datagram gets from its pieces (RFC 3168 section 5.3); undefined when some pieces said
 * ECN and others not, which drops it.
 */
export function combinedEcn(seen: number): number | undefined {
  if ((seen & NOT_ECT) !== 0 && (seen & ~NOT_ECT) !== 0) return undefined;
  return (seen & CE) !== 0 && (seen & (ECT_0 | ECT_1)) !== 0 ? 3 : 0;
}
